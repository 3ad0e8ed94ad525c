"""Starts MiniStack, the local AWS, with what it does otherwise than AWS put right from outside.

- IAM condition keys ``iam:PermissionsBoundary`` and ``iam:PolicyARN`` are filled in.
- A Node.js function's error is reported under its own name, a dead worker as ``Runtime.ExitError``.
- Port 443 is left alone, so that several copies run side by side.
- When the process that started it ends, the emulator and its function workers end too.

Each change names the text it replaces and fails loudly where another version no longer has it.
"""

import importlib.metadata
import importlib.util
import os
import signal
import sys
import threading

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


def report_error_names() -> None:
    """Lambda reports ``error.name`` as ``errorType``; Step Functions matches Retry and Catch on it."""
    load_changed(
        "ministack.core.lambda_runtime",
        [
            (
                'status: "error", error: String(err.message || err), trace: err.stack || ""',
                'status: "error", error: String(err.message || err), errorType: err.name || "Error", '
                'trace: err.stack || ""',
            ),
            (
                'status: "error", error: e.message, trace: e.stack',
                'status: "error", error: e.message, errorType: e.name || "Error", trace: e.stack',
            ),
            (
                '{"status": "error", "error": "Worker process died"}',
                '{"status": "error", "error": "Worker process died", "errorType": "Runtime.ExitError"}',
            ),
        ],
    )
    load_changed(
        "ministack.services.lambda_svc",
        [
            (
                'error_msg = result.get("error", "Unknown error")\n'
                '            error_type = "Runtime.HandlerError"\n',
                'error_msg = result.get("error", "Unknown error")\n'
                '            error_type = result.get("errorType", "Runtime.HandlerError")\n',
            ),
        ],
    )


def fill_in_iam_condition_keys() -> None:
    from ministack.core import iam_actions
    from ministack.services import iam

    def first(params: dict, name: str) -> str:
        value = params.get(name, "")
        return value[0] if isinstance(value, list) and value else value if isinstance(value, str) else ""

    original = iam_actions.request_tag_context

    def with_iam_keys(service: str, iam_action: str, body: bytes, params: dict) -> dict:
        context = original(service, iam_action, body, params)
        if service != "iam":
            return context
        boundary = first(params, "PermissionsBoundary")
        if not boundary and (name := first(params, "RoleName")):
            # On an existing role the key holds the boundary that the role has.
            role = iam._roles.get(name) or {}
            own = role.get("PermissionsBoundary") or ""
            boundary = own.get("PermissionsBoundaryArn", "") if isinstance(own, dict) else own
        if boundary:
            context["iam:PermissionsBoundary"] = boundary
        if policy := first(params, "PolicyArn"):
            context["iam:PolicyARN"] = policy
        return context

    iam_actions.request_tag_context = with_iam_keys


def end_with_parent() -> None:
    """Standard input is a pipe from the parent: its end means that the parent is gone."""

    def wait() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    if os.getpid() == os.getpgrp():
        threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    found = importlib.metadata.version("ministack")
    if found != EXPECTED_VERSION:
        raise SystemExit(f"This launcher is written for MiniStack {EXPECTED_VERSION}, not {found}.")
    end_with_parent()
    import ministack.core  # noqa: F401
    import ministack.services  # noqa: F401

    report_error_names()
    fill_in_iam_condition_keys()
    from ministack import app

    app._port_is_bindable = lambda host, port: False
    app.main()


if __name__ == "__main__":
    main()
