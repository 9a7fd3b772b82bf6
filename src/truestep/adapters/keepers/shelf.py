"""What a keeper holds: cells in a store, and in memory which ones."""

import threading
from collections.abc import Iterable, Sequence
from itertools import groupby

from truestep.adapters.cells.records import entry_of, record_range, stored_run
from truestep.adapters.keepers.wire import CellPlace, Held, held_run
from truestep.availability.cells import Cell
from truestep.availability.manifest import Manifest
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import CELL_SIZE_BYTES, CELLS_PER_BLOB, CELLS_TO_RECOVER
from truestep.ports.cells import CellStore, RunKey


class Shelf:
    """Safe to use from several threads. Its methods raise `Unavailable` if the store fails or is full."""

    def __init__(self, store: CellStore) -> None:
        """List what is stored."""
        self._store = store
        self._lock = threading.Lock()
        self._held: dict[Bytes32, dict[int, set[int]]] = {}
        self._damaged: set[RunKey] = set()
        for item in store.items():
            if store.manifest(item) is None:  # the manifest comes first and goes last
                store.remove(item)
                continue
            self._held[item] = {}
            for run in store.runs(item):
                self._held[item].setdefault(run.first_cell, set()).add(run.blob)

    @property
    def used_bytes(self) -> int:
        """What the store holds."""
        return self._store.used_bytes

    def items(self) -> list[Bytes32]:
        """The items of which there is a manifest."""
        with self._lock:
            return sorted(self._held)

    def has(self, item: Bytes32) -> bool:
        """Whether an item was begun."""
        return item in self._held

    def lay(self, manifest: Manifest) -> Bytes32:
        """Begin an item, if it is not there. Returns its name."""
        item = manifest.name
        if item not in self._held:
            self._store.put_manifest(item, manifest.to_json().encode())
            with self._lock:
                self._held.setdefault(item, {})
        return item

    def put(self, run: RunKey, cells: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep a run of an item that was begun: the content and the proof of each cell, verified before."""
        self._store.put_run(run, stored_run(run, [content + proof for content, proof in cells]))
        with self._lock:
            runs = self._held.get(run.item)
            if runs is not None:
                runs.setdefault(run.first_cell, set()).add(run.blob)
            self._damaged.discard(run)
        if runs is None:  # it was dropped meanwhile
            self._store.remove(run.item)

    def manifest(self, item: Bytes32) -> bytes | None:
        """The JSON of an item's manifest; None if there is none."""
        return self._store.manifest(item) if item in self._held else None

    def held(self, item: Bytes32) -> Held | None:
        """Which runs of an item are there; None if it was not begun."""
        with self._lock:
            runs = self._held.get(item)
            return None if runs is None else Held(runs=[held_run(*each) for each in sorted(runs.items())])

    def runs(self) -> dict[tuple[Bytes32, int], int]:
        """How many blobs of each run are there and not damaged, by the item's name and the first cell."""
        with self._lock:
            sizes = {
                (item, first): len(blobs)
                for item, runs in self._held.items()
                for first, blobs in runs.items()
            }
            for run in self._damaged:
                sizes[run.item, run.first_cell] -= 1
        return sizes

    def missing(self, item: Bytes32, first_cell: int, blobs: Iterable[int]) -> list[int]:
        """Of which of these blobs the run is not there, or is damaged."""
        with self._lock:
            held = self._held.get(item, {}).get(first_cell, set())
            return [
                blob
                for blob in blobs
                if blob not in held or RunKey(item=item, blob=blob, first_cell=first_cell) in self._damaged
            ]

    def cells(self, item: Bytes32, places: Iterable[CellPlace]) -> list[Cell] | None:
        """Those of these cells that are there and sound; None if the item was not begun."""
        if item not in self._held:
            return None
        found: list[Cell] = []
        for blob, group in groupby(sorted(places), key=lambda place: place.blob):
            wanted = {place.cell for place in group}
            for run in self._runs_of(item, blob):
                part = [
                    cell for cell in wanted if (cell - run.first_cell) % CELLS_PER_BLOB < CELLS_TO_RECOVER
                ]
                read = self._read(run, part) if part else []
                wanted -= {cell.cell for cell in read}
                found += read
        return found

    def drop_run(self, item: Bytes32, first_cell: int) -> None:
        """Forget the runs of one seat, and the item with the last. What fails may be tried again."""
        with self._lock:
            runs = self._held.get(item, {})
            blobs = runs.pop(first_cell, set())
            is_last = item in self._held and not runs
            if is_last:
                del self._held[item]
            self._damaged = {run for run in self._damaged if (run.item, run.first_cell) != (item, first_cell)}
        try:
            if is_last:
                self._store.remove(item)
            for blob in blobs if not is_last else ():
                self._store.remove_run(RunKey(item=item, blob=blob, first_cell=first_cell))
        except Unavailable:
            with self._lock:
                self._held.setdefault(item, {}).setdefault(first_cell, set()).update(blobs)
            raise

    def _runs_of(self, item: Bytes32, blob: int) -> list[RunKey]:
        with self._lock:
            runs = self._held.get(item, {})
            return [
                RunKey(item=item, blob=blob, first_cell=first)
                for first, blobs in runs.items()
                if blob in blobs
            ]

    def _read(self, run: RunKey, numbers: Sequence[int]) -> list[Cell]:
        """The sound ones of some cells, in one read: they lie within a hundred kilobytes."""
        places = [record_range(run, number) for number in numbers]
        start, stop = min(place.start for place in places), max(place.stop for place in places)
        read = self._store.read_run(run, range(start, stop)) or b""
        cells: list[Cell] = []
        for number, place in zip(numbers, places, strict=True):
            entry = entry_of(run, number, read[place.start - start : place.stop - start])
            if entry is not None:
                content, proof = entry[:CELL_SIZE_BYTES], entry[CELL_SIZE_BYTES:]
                cells.append(Cell(blob=run.blob, cell=number, content=content, proof=proof))
        if len(cells) < len(numbers):
            with self._lock:
                self._damaged.add(run)
        return cells
