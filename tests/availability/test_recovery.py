"""Cells of sources that lie: every wrong one found, named and blamed, and the blobs had all the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.availability.items import KZG, made
from truestep.availability.cells import Cell, FaultKind, seat_cells, wrong_cells
from truestep.availability.recovery import NotEnoughCells, reconstruct, recover_blob
from truestep.base.errors import Reject, Rejected
from truestep.commitments.kzg import BLS_MODULUS

COMMITMENTS = made().manifest.commitments
LIES: dict[str, Callable[[Cell], Cell]] = {
    "zeros": lambda cell: replace(cell, content=bytes(2048)),
    "one bit": lambda cell: replace(cell, content=cell.content[:-1] + bytes([cell.content[-1] ^ 1])),
    "above the modulus": lambda cell: replace(cell, content=BLS_MODULUS.to_bytes(32, "big") * 64),
    "short": lambda cell: replace(cell, content=cell.content[1:]),
    "no proof": lambda cell: replace(cell, proof=b""),
    "no point": lambda cell: replace(cell, proof=b"\x80" + bytes(46) + b"\1"),
    "another's proof": lambda cell: replace(cell, proof=b"\xc0" + bytes(47)),
}


def blobs_of(cells: list[Cell]) -> list[bytes]:
    return [
        each.blob
        for each in reconstruct(KZG, COMMITMENTS, lambda batch: [c for c in cells if c.blob in batch])
    ]


@given(
    st.integers(0, 2**32),
    st.dictionaries(st.integers(0, 255), st.sampled_from(sorted(LIES)), min_size=0, max_size=8),
)
@settings(max_examples=12)
def test_wrong_cells_are_found_and_blamed(seed: int, lies: dict[int, str]) -> None:
    rng = random.Random(seed)
    cells = [replace(cell, source=rng.choice("abc")) for blob in (0, 1) for cell in made().cells(blob)]
    for place, lie in lies.items():
        cells[place] = LIES[lie](cells[place])
    rng.shuffle(cells)
    faults = wrong_cells(KZG, COMMITMENTS, cells)
    expected = {
        (place // 128, place % 128, FaultKind.SIZE if lie in {"short", "no proof"} else FaultKind.CONTENT)
        for place, lie in lies.items()
    }
    assert {(fault.blob, fault.cell, fault.kind) for fault in faults} == expected
    sources = {(cell.blob, cell.cell): cell.source for cell in cells}
    assert all(fault.source == sources[fault.blob, fault.cell] for fault in faults)
    assert len(faults) == len(lies)


def test_a_fault_is_said_in_words() -> None:
    cell = LIES["zeros"](made().cells(1, [7], "keeper 3")[0])
    [fault] = wrong_cells(KZG, COMMITMENTS, [cell])
    assert fault.in_words() == (
        "cell 7 of blob 1 from keeper 3: content and proof are not of the committed blob"
    )


def test_cells_that_the_item_has_not_are_named() -> None:
    [cell] = made().cells(0, [5])
    places = [(2, 5), (-1, 5), (0, 128), (0, -1)]
    faults = wrong_cells(KZG, COMMITMENTS, [replace(cell, blob=blob, cell=each) for blob, each in places])
    assert [(fault.blob, fault.cell, fault.kind) for fault in faults] == [
        (*place, FaultKind.PLACE) for place in places
    ]


def test_nobody_is_blamed_for_a_commitment_that_is_no_point() -> None:
    commitments = (COMMITMENTS[0], b"\x80" + bytes(46) + b"\1")
    cells = [cell for blob in (0, 1) for cell in made().cells(blob, range(3))]
    with pytest.raises(Rejected, match="got commitment 1 of the item") as caught:
        wrong_cells(KZG, commitments, cells)
    assert caught.value.reason == Reject.KZG_INPUT
    assert wrong_cells(KZG, commitments, cells[:3]) == ()


@given(st.integers(0, 2**32), st.integers(0, 64), st.sampled_from(sorted(LIES)), st.integers(1, 3))
@settings(max_examples=4)
def test_64_right_cells_are_enough_whatever_else_is_given(
    seed: int, wrong_count: int, lie: str, source_count: int
) -> None:
    rng = random.Random(seed)
    cells: list[Cell] = []
    for blob in (0, 1):
        numbers = rng.sample(range(128), 64 + wrong_count)
        given_cells = [
            replace(cell, source=str(rng.randrange(source_count))) for cell in made().cells(blob, numbers)
        ]
        cells += [*map(LIES[lie], given_cells[:wrong_count]), *given_cells[wrong_count:]]
    rng.shuffle(cells)
    found = list(reconstruct(KZG, COMMITMENTS, lambda batch: [c for c in cells if c.blob in batch]))
    assert [each.blob for each in found] == [made().blob(0), made().blob(1)]
    assert all(each.extended in {None, made().blobs[each.index].extended} for each in found)
    by_place = {(cell.blob, cell.cell): cell for cell in cells}
    for each in found:
        for fault in each.faults:
            assert by_place[fault.blob, fault.cell] != made().cells(fault.blob, [fault.cell], fault.source)[0]


def test_63_right_cells_are_not_enough_and_the_wrong_ones_are_told() -> None:
    cells = made().cells(1, range(10, 73), "honest") + [
        LIES["one bit"](cell) for cell in made().cells(1, range(80, 120), "liar")
    ]
    with pytest.raises(
        NotEnoughCells, match="expected 64 right cells of blob 1, got 63; 40 were wrong"
    ) as error:
        recover_blob(KZG, COMMITMENTS, 1, cells)
    assert (error.value.blob, error.value.right_count) == (1, 63)
    assert {fault.cell for fault in error.value.faults} == {*range(80, 120)}
    assert {fault.source for fault in error.value.faults} == {"liar"}


def test_another_source_helps_where_one_lies() -> None:
    right = made().cells(0, range(64), "honest")
    wrong = [LIES["zeros"](replace(cell, source="liar")) for cell in right]
    found = recover_blob(KZG, COMMITMENTS, 0, [*wrong, *right])
    assert found.blob == made().blob(0)
    assert [fault.source for fault in found.faults] == ["liar"], "one wrong cell is enough to leave a source"


def test_a_blob_whose_own_cells_are_there_is_not_recovered_unless_cells_are_needed() -> None:
    own = made().cells(0, range(64))
    assert recover_blob(KZG, COMMITMENTS, 0, own).extended is None
    assert recover_blob(KZG, COMMITMENTS, 0, own, needs_cells=True).extended == made().blobs[0].extended


def test_cells_of_other_blobs_do_not_count() -> None:
    with pytest.raises(NotEnoughCells, match="got 0"):
        blobs_of(made().cells(1))


@pytest.mark.parametrize("seat_count", range(1, 17))
def test_every_seat_holds_half_and_all_seats_hold_all(seat_count: int) -> None:
    seats = [seat_cells(seat, seat_count) for seat in range(seat_count)]
    assert all(len({*cells}) == 64 and {*cells} <= {*range(128)} for cells in seats)
    if seat_count > 1:
        assert {cell for cells in seats for cell in cells} == {*range(128)}
    assert seats[0] == tuple(range(64))
    with pytest.raises(ValueError, match="expected a seat below"):
        seat_cells(seat_count, seat_count)
