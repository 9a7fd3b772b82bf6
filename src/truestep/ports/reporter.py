"""Reports of a daemon to its operator, structured for people, logs and programs."""

from collections.abc import Mapping
from typing import Protocol

Fields = Mapping[str, int | float | str | bool]


class Reporter(Protocol):
    """Receives reports. It must return quickly and never raise."""

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """`kind` is stable and for programs, such as `task_taken`; `message` is one sentence for people."""
        ...
