"""Where a bare-metal test is moved to, and files that cannot be moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.elves import EXECUTE, READ, WRITE, Elf, Row
from truestep.base.errors import Reject, Rejected
from truestep.machine.bare_metal import load_bare_metal
from truestep.machine.layout import DATA_START
from truestep.machine.program import Segment

NOPS = b"\x13\0\0\0" * 4
START = 0x8000_0000
CODE = Row(address=START, content=NOPS)
DATA = Row(permissions=READ | WRITE, address=START + 0x1000, content=b"data")


def test_the_first_data_begins_the_data_range() -> None:
    test = load_bare_metal(Elf(rows=[CODE, DATA], entry=START + 4).pack())
    assert test.program.segments == (
        Segment(address=DATA_START - 0x1000, content=NOPS, is_executable=True),
        Segment(address=DATA_START, content=b"data", is_executable=False),
    )
    assert test.program.entry == DATA_START - 0x1000 + 4
    assert test.original(test.program.entry) == START + 4


@pytest.mark.parametrize(
    ("rows", "split"),
    [
        pytest.param([CODE], START + 0x1000, id="no data: the next page"),
        pytest.param([CODE, Row(address=START + 0x5000), DATA], START + 0x6000, id="data between code"),
        pytest.param(
            [CODE, Row(permissions=READ, address=START + 0x800, content=b"constants"), DATA],
            START + 0x1000,
            id="constants",
        ),
        pytest.param(
            [CODE, Row(permissions=READ | WRITE, address=START + 0x90)], START + 0x80, id="data behind code"
        ),
        pytest.param(
            [CODE, Row(permissions=READ | WRITE, address=START + 0x13)], START + 0x10, id="no distance at all"
        ),
        pytest.param(
            [CODE, Row(permissions=READ | WRITE, address=START + 0x2010)], START + 0x2000, id="page"
        ),
    ],
)
def test_the_split_is_behind_all_code_and_before_all_data(rows: list[Row], split: int) -> None:
    test = load_bare_metal(Elf(rows=rows, entry=START).pack())
    assert DATA_START - test.distance == split


def test_a_program_that_fits_stays() -> None:
    code = Row(address=0x1_0000, content=NOPS)
    data = Row(permissions=READ | WRITE, address=0x3000_0000, content=b"data")
    assert load_bare_metal(Elf(rows=[code, data], entry=0x1_0000).pack()).distance == 0


def test_zeros_need_no_content() -> None:
    zeros = Row(permissions=READ | WRITE, address=START + 0x1000, content=b"", memory_size_bytes=0x4000)
    test = load_bare_metal(Elf(rows=[CODE, zeros], entry=START).pack())
    assert [segment.address for segment in test.program.segments] == [DATA_START - 0x1000]


def test_the_prelude_is_rewritten_in_code_only() -> None:
    read_csr = 0xF140_2573.to_bytes(4, "little")
    rows = [
        Row(address=START + 2, content=b"\0\0" + read_csr + b"\x73"),
        Row(permissions=READ | WRITE, address=START + 0x1000, content=read_csr),
    ]
    test = load_bare_metal(Elf(rows=rows, entry=START + 4).pack())
    assert [segment.content for segment in test.program.segments] == [b"\0\0\x13\x05\0\0\x73", read_csr]


@pytest.mark.parametrize(
    ("elf", "reason"),
    [
        pytest.param(Elf(rows=[DATA], entry=START + 0x1000), Reject.ELF_ENTRY, id="no code"),
        pytest.param(Elf(rows=[CODE, DATA], entry=START + 2), Reject.ELF_ENTRY, id="misaligned entry"),
        pytest.param(Elf(rows=[CODE, DATA], entry=START + 16), Reject.ELF_ENTRY, id="entry behind code"),
        pytest.param(
            Elf(rows=[Row(permissions=READ | WRITE | EXECUTE, address=START)], entry=START),
            Reject.ELF_SEGMENT,
            id="every right, no sections",
        ),
        pytest.param(
            Elf(rows=[CODE, Row(address=START + 2**29)], entry=START), Reject.ELF_SEGMENT, id="code too long"
        ),
        pytest.param(
            Elf(rows=[CODE, Row(permissions=READ | WRITE, address=START + 2**31)], entry=START),
            Reject.ELF_SEGMENT,
            id="data too far",
        ),
        pytest.param(
            Elf(
                rows=[
                    Row(address=START, content=NOPS + b"\0"),
                    Row(permissions=READ | WRITE, address=START + 17),
                ],
                entry=START,
            ),
            Reject.ELF_SEGMENT,
            id="no word between code and data",
        ),
        pytest.param(Elf(rows=[CODE, DATA], entry=START, kind=1), Reject.ELF_TYPE, id="object file"),
        pytest.param(Elf(rows=[CODE, CODE], entry=START), Reject.ELF_OVERLAP, id="overlap"),
    ],
)
def test_files_that_cannot_be_moved(elf: Elf, reason: Reject) -> None:
    with pytest.raises(Rejected) as rejected:
        load_bare_metal(elf.pack())
    assert rejected.value.reason is reason


EVERYTHING = Row(permissions=READ | WRITE | EXECUTE, address=START + 0x4000)
GOOD = Elf(rows=[CODE, DATA, EVERYTHING], entry=START).pack()


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6), st.integers(0, 40)
)
def test_no_file_breaks_the_loader(changes: list[tuple[int, int]], cut: int) -> None:
    file = bytearray(GOOD[: len(GOOD) - cut])
    for position, value in changes:
        file[position % len(file)] = value
    try:
        test = load_bare_metal(bytes(file))
    except Rejected:
        return
    assert all(0 <= segment.address < 2**31 for segment in test.program.segments)
