"""Items with their cells, and keepers on loopback that hold them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers.service import KeeperServer, ServiceLimits
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.cells import seat_cells
from truestep.availability.encoding import Encoder, range_tree
from truestep.availability.manifest import Manifest
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import Extended
from truestep.engine.hashing import hash_many_pairs
from truestep.ports.cells import RunKey

NO_LIMITS = ServiceLimits(requests=1e9, bytes=1e12)
STORE_LIMIT_BYTES = 1 << 40
KZG = open_kzg()


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item with everything that can be computed from it."""

    payload: bytes
    manifest: Manifest
    extended: tuple[Extended, ...]

    @property
    def name(self) -> Bytes32:
        return self.manifest.name


@functools.cache
def item_of(payload: bytes) -> Item:
    """An item of one part, made once in each process."""
    encoder = Encoder(KZG, hash_many_pairs)
    encoded = list(encoder.blobs([range_tree([payload])]))
    extended = tuple(each.extended or KZG.extend(each.blob) for each in encoded)
    return Item(payload=payload, manifest=encoder.manifest(), extended=extended)


def lay_seat(
    shelf: Shelf, item: Item, seat: int, seat_count: int, blobs: Sequence[int] | None = None
) -> None:
    """Put what a seat keeps on a shelf."""
    numbers = seat_cells(seat, seat_count)
    shelf.lay(item.manifest)
    for blob in range(len(item.extended)) if blobs is None else blobs:
        cells = [
            (item.extended[blob].cells[number], item.extended[blob].proofs[number]) for number in numbers
        ]
        shelf.put(RunKey(item=item.name, blob=blob, first_cell=numbers[0]), cells)


@contextmanager
def keepers(folder: Path, item: Item, seat_count: int) -> Iterator[list[KeeperServer]]:
    """Honest keepers, one in each seat."""
    with ExitStack() as stack:
        servers: list[KeeperServer] = []
        for seat in range(seat_count):
            store = DirectoryCells(folder / str(seat), limit_bytes=STORE_LIMIT_BYTES)
            stack.callback(store.close)
            shelf = Shelf(store)
            lay_seat(shelf, item, seat, seat_count)
            servers.append(KeeperServer(shelf, limits=NO_LIMITS))
            stack.callback(servers[-1].close)
        yield servers
