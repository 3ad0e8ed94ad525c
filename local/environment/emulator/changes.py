"""Modules of MiniStack, loaded with texts replaced: each change fails loudly where another version no longer has the text."""

import importlib.util
import sys

EXPECTED_VERSION = "1.5.33"


def replaced(source: str, old: str, new: str, count: int = 1) -> str:
    if source.count(old) != count:
        raise SystemExit(
            f"MiniStack is not as expected: {old!r} stands {source.count(old)} times, not {count}. "
            f"This launcher is written for version {EXPECTED_VERSION}."
        )
    return source.replace(old, new)


def load_changed(name: str, changes: list[tuple[str, str]]) -> None:
    """Loads a module from its own source with texts replaced."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"MiniStack has no module {name}.")
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    for old, new in changes:
        source = replaced(source, old, new)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(source, spec.origin, "exec"), module.__dict__)
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)
