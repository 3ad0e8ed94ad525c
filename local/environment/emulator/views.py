"""Roles and policies that IAM does not show yet: AWS authorises a call on them without their path, tags and boundary.

Which they are, a test says by a file in the folder ``LATE_VIEWS``: its name is a part of theirs, and its content says how
many calls are authorised so, as in ``{"role": 2, "policy": 1}``. Without a file, all is seen at once. A number and no time:
no machine is too slow for it. What is deleted is seen no longer in any case.
"""

import json
import os
from collections import Counter
from pathlib import Path

from access import replace_function

_authorised: Counter[tuple[str, str]] = Counter()


def _unseen_calls(kind: str, name: str) -> int:
    folder = Path(os.environ.get("LATE_VIEWS", "/nowhere"))
    if not folder.is_dir():
        return 0
    said = [json.loads(file.read_text()) for file in folder.iterdir() if file.name in name]
    return max((each.get(kind, 0) for each in said), default=0)


def is_unseen(kind: str, name: str) -> bool:
    """Whether the call that is being authorised does not see the role or policy of this name."""
    return 0 < _authorised[kind, name] <= _unseen_calls(kind, name)


def count_call(action: str, kind: str, name: str) -> None:
    """What reads or makes it needs neither its tags nor its boundary."""
    if not action.startswith(("Get", "Create")) and _unseen_calls(kind, name):
        _authorised[kind, name] += 1


def hide_tags_of_unseen() -> None:
    from ministack.services import tagging

    original = tagging.resource_tags

    def tags_of(arn: str):
        kind, _, name = arn.rpartition(":")[2].partition("/")
        hidden = arn.startswith("arn:aws:iam:") and is_unseen(kind, name.rpartition("/")[2])
        return None if hidden else original(arn)

    replace_function(tagging, "resource_tags", tags_of)
