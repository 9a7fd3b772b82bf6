"""Blobs from half of their cells, with wrong ones among them that are found and blamed (A1.1)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from truestep.availability.cells import Cell, Fault, Verdict, judge
from truestep.base.errors import Unavailable
from truestep.commitments.kzg import CELLS_TO_RECOVER, Extended, Kzg

BATCH_BLOBS = 32
"""Blobs whose cells are fetched together: 4 MiB."""
VERIFIED_BLOBS = 8
"""Verified in one call, which copies all their cells: more would hardly take less time each."""
_DATA_CELLS = range(CELLS_TO_RECOVER)
"""These are the blob itself."""


class NotEnoughCells(Unavailable):
    """Too few right cells of a blob for now: fetch others, from others."""

    def __init__(
        self, blob: int, right_count: int, faults: Sequence[Fault], troubles: Sequence[str] = ()
    ) -> None:
        """`troubles`: of those that did not answer, a sentence each."""
        wrong = f"; {len(faults)} were wrong, first {faults[0].in_words()}" if faults else ""
        super().__init__(
            f"expected {CELLS_TO_RECOVER} right cells of blob {blob}, got {right_count}{wrong};"
            f" {''.join(f'{each}; ' for each in troubles)}ask other keepers"
        )
        self.blob = blob
        self.right_count = right_count
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Blob number `index` of an item, proved by its commitment."""

    index: int
    blob: bytes
    extended: Extended | None
    """All its cells and proofs; None if they were not asked for and not needed."""
    faults: tuple[Fault, ...]
    """The wrong cells that were among those given."""


def reconstruct(
    kzg: Kzg,
    commitments: Sequence[bytes],
    cells_of: Callable[[range], Iterable[Cell]],
    *,
    needs_cells: bool = False,
) -> Iterator[Recovered]:
    """The blobs of an item in order, from the cells that `cells_of` finds for some blobs at a time.

    It may give more than 64 of a blob, and several for one number from different sources: that helps if some
    are wrong. Cells of a source that has lied are used only where there are too few others. Raises
    `NotEnoughCells` for the first blob that cannot be had; those before it have been given. All cells and
    proofs are made where cells 0 to 63, which are the blob, are not all there, or if `needs_cells`.
    """
    liars: set[str] = set()
    for start in range(0, len(commitments), BATCH_BLOBS):
        batch = range(start, min(start + BATCH_BLOBS, len(commitments)))
        selections = {blob: _Selection(blob, liars) for blob in batch}
        for cell in cells_of(batch):
            if cell.blob in selections:
                selections[cell.blob].offer(cell)
        for first in range(0, len(batch), VERIFIED_BLOBS):
            group = [selections.pop(blob) for blob in batch[first : first + VERIFIED_BLOBS]]
            _verify(kzg, commitments, group, liars)
            while group:
                yield _recovered(kzg, group.pop(0), needs_cells=needs_cells)


def recover_blob(
    kzg: Kzg, commitments: Sequence[bytes], blob: int, cells: Iterable[Cell], *, needs_cells: bool = False
) -> Recovered:
    """One blob, from cells of it: as `reconstruct` for many."""
    liars: set[str] = set()
    selection = _Selection(blob, liars)
    for cell in cells:
        if cell.blob == blob:
            selection.offer(cell)
    _verify(kzg, commitments, [selection], liars)
    return _recovered(kzg, selection, needs_cells=needs_cells)


class _Selection:
    """The cells of one blob: found right, wrong, or in reserve."""

    def __init__(self, blob: int, liars: set[str]) -> None:
        self.blob = blob
        self.right: dict[int, Cell] = {}
        self.faults: list[Fault] = []
        self._offered: defaultdict[int, list[Cell]] = defaultdict(list)
        self._liars = liars

    def offer(self, cell: Cell) -> None:
        """Have a cell in reserve."""
        self._offered[cell.cell].append(cell)

    def chosen(self) -> list[Cell]:
        """What to verify next: of those who never lied first, and the blob's own before others."""
        candidates = [
            min(cells, key=self._has_lied)
            for number, cells in self._offered.items()
            if number not in self.right and cells
        ]
        candidates.sort(key=lambda cell: (self._has_lied(cell), cell.cell))
        return candidates[: CELLS_TO_RECOVER - len(self.right)]

    def settle(self, verdict: Verdict) -> None:
        """Note what a verification has shown of this blob."""
        for cell in verdict.right:
            if cell.blob == self.blob:
                self.right[cell.cell] = cell
        for fault in verdict.faults:
            if fault.blob == self.blob:
                self.faults.append(fault)
                self._offered[fault.cell] = [
                    cell for cell in self._offered[fault.cell] if cell.source != fault.source
                ]

    def _has_lied(self, cell: Cell) -> bool:
        return cell.source in self._liars


def _verify(
    kzg: Kzg, commitments: Sequence[bytes], selections: Sequence[_Selection], liars: set[str]
) -> None:
    """Verify until each blob has enough right cells, or no others are offered.

    The first round is hasty: of a source that lies, no other cell is looked at as long as there are others.
    """
    is_hasty = True
    while chosen := [cell for selection in selections for cell in selection.chosen()]:
        verdict = judge(kzg, commitments, chosen, is_hasty=is_hasty)
        liars.update(fault.source for fault in verdict.faults)
        for selection in selections:
            selection.settle(verdict)
        is_hasty = False


def _recovered(kzg: Kzg, selection: _Selection, *, needs_cells: bool) -> Recovered:
    right = {number: cell.content for number, cell in selection.right.items()}
    if len(right) < CELLS_TO_RECOVER:
        raise NotEnoughCells(selection.blob, len(right), selection.faults)
    if needs_cells or any(number not in right for number in _DATA_CELLS):
        extended = kzg.recover(right)
        data = extended.cells[:CELLS_TO_RECOVER]
    else:
        extended, data = None, tuple(right[number] for number in _DATA_CELLS)
    return Recovered(
        index=selection.blob, blob=b"".join(data), extended=extended, faults=tuple(selection.faults)
    )
