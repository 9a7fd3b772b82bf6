"""Cells of an item from sources that may lie: which of them are wrong (A1.1, A3.2)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from truestep.base.errors import Reject, Rejected
from truestep.commitments.kzg import (
    CELL_SIZE_BYTES,
    CELLS_PER_BLOB,
    CELLS_TO_RECOVER,
    PROOF_SIZE_BYTES,
    CellCheck,
    Kzg,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Cell number `cell` of blob number `blob` with its proof, as `source` gave them."""

    blob: int
    cell: int
    content: bytes
    proof: bytes
    source: str = ""


class FaultKind(StrEnum):
    """What is wrong with a cell."""

    PLACE = "the item has no such cell"
    SIZE = "content or proof has another size"
    CONTENT = "content and proof are not of the committed blob"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A wrong cell and who gave it."""

    blob: int
    cell: int
    kind: FaultKind
    source: str

    def in_words(self) -> str:
        """`cell 7 of blob 2 from https://keeper.example: content and proof are not of the committed blob`."""
        giver = f" from {self.source}" if self.source else ""
        return f"cell {self.cell} of blob {self.blob}{giver}: {self.kind.value}"


def seat_cells(seat: int, seat_count: int) -> tuple[int, ...]:
    """The cells of each blob that seat number `seat` keeps: half of them, which recover the rest (A3.2)."""
    if not 0 <= seat < seat_count:
        raise ValueError(f"expected a seat below {seat_count}, got {seat}")
    return run_cells(CELLS_PER_BLOB * seat // seat_count)


def run_cells(first_cell: int) -> tuple[int, ...]:
    """The cells of a run, which begins at this one; after cell 127 comes cell 0."""
    return tuple((first_cell + step) % CELLS_PER_BLOB for step in range(CELLS_TO_RECOVER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verification has shown of some cells. A hasty one says nothing of those in neither list."""

    right: tuple[Cell, ...]
    faults: tuple[Fault, ...]


def wrong_cells(kzg: Kzg, commitments: Sequence[bytes], cells: Iterable[Cell]) -> tuple[Fault, ...]:
    """The cells that are not of the blobs with these commitments."""
    return judge(kzg, commitments, cells).faults


def judge(
    kzg: Kzg, commitments: Sequence[bytes], cells: Iterable[Cell], *, is_hasty: bool = False
) -> Verdict:
    """Which cells are of the blobs with these commitments.

    All are verified in one go. Only if that fails, wrong ones are looked for, by halves, among those of each
    source: all of them, or in haste the first, which is enough to distrust the source. Raises Rejected if a
    commitment is no point of the curve: then no cell can be right, and whoever made the item is to blame.
    """
    faults: list[Fault] = []
    by_source: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        if not (0 <= cell.blob < len(commitments) and 0 <= cell.cell < CELLS_PER_BLOB):
            faults.append(_fault(cell, FaultKind.PLACE))
        elif len(cell.content) != CELL_SIZE_BYTES or len(cell.proof) != PROOF_SIZE_BYTES:
            faults.append(_fault(cell, FaultKind.SIZE))
        else:
            by_source[cell.source].append(cell)
    everything = [cell for group in by_source.values() for cell in group]
    if _are_right(kzg, commitments, everything):
        return Verdict(right=tuple(everything), faults=tuple(faults))
    _check_commitments(kzg, commitments, everything)
    right: list[Cell] = []
    for group in by_source.values():
        wrong = _wrong_among(kzg, commitments, group, is_hasty=is_hasty)
        faults += [_fault(cell, FaultKind.CONTENT) for cell in wrong]
        if not (wrong and is_hasty):
            right += [cell for cell in group if cell not in wrong]
    return Verdict(right=tuple(right), faults=tuple(faults))


def _check_commitments(kzg: Kzg, commitments: Sequence[bytes], cells: Iterable[Cell]) -> None:
    for blob in sorted({cell.blob for cell in cells}):
        if not kzg.is_commitment(commitments[blob]):
            raise Rejected(
                Reject.KZG_INPUT, f"expected a point of the curve, got commitment {blob} of the item"
            )


def _wrong_among(kzg: Kzg, commitments: Sequence[bytes], cells: list[Cell], *, is_hasty: bool) -> list[Cell]:
    """The wrong ones of these cells, or in haste the first."""
    if _are_right(kzg, commitments, cells):
        return []
    if len(cells) == 1:
        return cells
    middle = len(cells) // 2
    wrong = _wrong_among(kzg, commitments, cells[:middle], is_hasty=is_hasty)
    if wrong and is_hasty:
        return wrong
    return wrong + _wrong_among(kzg, commitments, cells[middle:], is_hasty=is_hasty)


def _are_right(kzg: Kzg, commitments: Sequence[bytes], cells: Sequence[Cell]) -> bool:
    checks = [
        CellCheck(commitment=commitments[cell.blob], cell=cell.cell, content=cell.content, proof=cell.proof)
        for cell in cells
    ]
    try:
        return kzg.verify_cells(checks)
    except Rejected:  # a proof that is no point, or an element above the modulus: one of them is wrong
        return False


def _fault(cell: Cell, kind: FaultKind) -> Fault:
    return Fault(blob=cell.blob, cell=cell.cell, kind=kind, source=cell.source)
