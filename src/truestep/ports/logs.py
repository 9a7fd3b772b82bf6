"""A log that only grows, as nodes use it (docs/logs.md)."""

from collections.abc import Iterator, Sequence
from typing import Protocol


class AppendOnlyLog(Protocol):
    """The log of one account. For one thread."""

    @property
    def size(self) -> int:
        """How many entries it has."""
        ...

    def append(self, entries: Sequence[bytes]) -> None:
        """Add entries; when this returns, they are on the medium and below a signed checkpoint.

        Raises `Unavailable` if the disk fails; then none of them is.
        """
        ...

    def entry(self, index: int) -> bytes:
        """An entry that it has. Raises `Unavailable`."""
        ...

    def newest(self, count: int) -> Iterator[bytes]:
        """The last entries, at most `count`, the oldest first. Raises `Unavailable`."""
        ...
