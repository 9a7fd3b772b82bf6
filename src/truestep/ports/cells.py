"""Where a keeper stores cells: for each item a manifest, and for each of its blobs a run of cells (A3.2)."""

from dataclasses import dataclass
from typing import Protocol

from truestep.base.ids import Bytes32


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RunKey:
    """Consecutive cells of one blob, from `first_cell` on; after cell 127 comes cell 0."""

    item: Bytes32
    blob: int
    first_cell: int


class CellStore(Protocol):
    """Durable and bounded. What is put is there as a whole or not at all, also after a crash.

    Every method raises `Unavailable` if the medium fails, and every `put` also if there is no room. It gives
    back whatever lies there: callers check it. Safe to use from several threads, for one process.
    """

    @property
    def used_bytes(self) -> int:
        """What is stored, in bytes."""
        ...

    def put_manifest(self, item: Bytes32, manifest: bytes) -> None:
        """Keep the manifest of an item, replacing the one before."""
        ...

    def manifest(self, item: Bytes32) -> bytes | None:
        """The manifest of an item; None if there is none."""
        ...

    def put_run(self, run: RunKey, content: bytes) -> None:
        """Keep the stored form of a run, replacing the one before."""
        ...

    def read_run(self, run: RunKey, wanted: range) -> bytes | None:
        """These bytes of a stored run, which begin within it; None if there is no such run."""
        ...

    def items(self) -> list[Bytes32]:
        """The items of which anything is stored."""
        ...

    def runs(self, item: Bytes32) -> list[RunKey]:
        """The runs of an item that are stored, in order."""
        ...

    def remove_run(self, run: RunKey) -> None:
        """Drop a run, if it is there."""
        ...

    def remove(self, item: Bytes32) -> None:
        """Drop all runs of an item and then its manifest, if there are any."""
        ...
