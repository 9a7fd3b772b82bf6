"""What a daemon tells whoever runs it: structured, for a person, a log or a demo to put into words."""

from collections.abc import Mapping
from typing import Protocol

Fields = Mapping[str, int | float | str | bool]


class Reporter(Protocol):
    """Receives progress. Must return quickly and never raise."""

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """`kind` is stable and for programs, such as `task_taken`; `message` is one sentence for people."""
        ...
