"""The ELF loader: what a good file gives, and every way in which a hostile one is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.elves import EXECUTE, READ, WRITE, Elf, Row
from truestep.base.errors import Reject, Rejected
from truestep.machine.elf import FILE_LIMIT_BYTES, SEGMENT_LIMIT, load_elf, loading_notes
from truestep.machine.program import Program, Segment

CODE = Row()
DATA = Row(permissions=READ | WRITE, address=0x2000_0000, content=b"data", memory_size_bytes=0x1000)


def reason_of(file: bytes) -> Reject:
    with pytest.raises(Rejected) as rejected:
        load_elf(file)
    assert str(rejected.value).startswith(f"{rejected.value.reason.value}: ")
    return rejected.value.reason


def test_a_good_file() -> None:
    constants = Row(permissions=READ, address=0x2_0000, content=b"constants")
    zeros = Row(permissions=READ | WRITE, address=0x3000_0000, content=b"", memory_size_bytes=64)
    note = Row(kind=4, address=2**63, content=b"note")
    program = load_elf(Elf(rows=[DATA, constants, zeros, CODE, note], entry=0x1_0004).pack())
    assert program == Program(
        entry=0x1_0004,
        segments=(
            Segment(address=0x1_0000, content=CODE.content, is_executable=True),
            Segment(address=0x2_0000, content=b"constants", is_executable=False),
            Segment(address=0x2000_0000, content=b"data", is_executable=False),
        ),
    )


def data_at(physical_address: int, address: int = 0x2000_0000, content: bytes = b"data") -> Row:
    return Row(
        permissions=READ | WRITE,
        address=address,
        content=content,
        memory_size_bytes=len(content) + 8,
        physical_address=physical_address,
    )


def copies_of(*rows: Row) -> list[tuple[int, bytes]]:
    segments = load_elf(Elf(rows=[CODE, *rows]).pack()).segments
    return [(s.address, s.content) for s in segments if s.address < 0x2000_0000 and not s.is_executable]


def test_initial_values_are_where_start_up_code_copies_them_from() -> None:
    """The linker scripts of embedded toolchains keep them behind the constants (M7.4)."""
    code_end = 0x1_0000 + len(CODE.content)
    assert copies_of(data_at(code_end), data_at(code_end + 4, 0x2000_1000, b"more")) == [
        (code_end, b"data"),
        (code_end + 4, b"more"),
    ]
    assert copies_of(data_at(0x1FFF_FFFC)) == [(0x1FFF_FFFC, b"data")]


@pytest.mark.parametrize(
    "rows",
    [
        [data_at(0x2000_0000)],
        [data_at(0x1FFF_FFFD)],
        [data_at(0x1_0000)],
        [data_at(0x1_000C)],
        [data_at(0xFFFD)],
        [data_at(2**64 - 2)],
        [data_at(0x8000_0000)],
        [data_at(0x2_0000, content=b"")],
    ],
)
def test_copies_that_would_be_something_else_are_left_out(rows: list[Row]) -> None:
    assert copies_of(*rows) == []


def test_two_copies_do_not_share_bytes() -> None:
    assert copies_of(data_at(0x2_0000), data_at(0x2_0003, 0x2000_1000, b"more")) == [(0x2_0000, b"data")]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        pytest.param(b"", Reject.ELF_NOT_ELF, id="empty"),
        pytest.param(b"MZ" + bytes(100), Reject.ELF_NOT_ELF, id="another format"),
        pytest.param(Elf(magic=b"\x7fELG").pack(), Reject.ELF_NOT_ELF, id="magic"),
        pytest.param(Elf().pack()[:63], Reject.ELF_TRUNCATED, id="cut in the header"),
        pytest.param(Elf().pack()[:100], Reject.ELF_TRUNCATED, id="cut in the table"),
        pytest.param(Elf().pack()[:-1], Reject.ELF_TRUNCATED, id="cut in a segment"),
        pytest.param(Elf(table_offset=2**64 - 1).pack(), Reject.ELF_TRUNCATED, id="table far away"),
        pytest.param(Elf(elf_class=1).pack(), Reject.ELF_ARCHITECTURE, id="32-bit"),
        pytest.param(Elf(byte_order=2).pack(), Reject.ELF_ARCHITECTURE, id="big-endian"),
        pytest.param(Elf(machine=62).pack(), Reject.ELF_ARCHITECTURE, id="x86-64"),
        pytest.param(Elf(flags=1).pack(), Reject.ELF_ARCHITECTURE, id="compressed instructions"),
        pytest.param(Elf(flags=5).pack(), Reject.ELF_ARCHITECTURE, id="compressed, hard floats"),
        pytest.param(Elf(kind=1).pack(), Reject.ELF_TYPE, id="object file"),
        pytest.param(Elf(kind=3).pack(), Reject.ELF_TYPE, id="shared or position-independent"),
        pytest.param(Elf(row_count=0).pack(), Reject.ELF_TYPE, id="no segments"),
        pytest.param(Elf(row_size_bytes=32).pack(), Reject.ELF_TYPE, id="rows of another size"),
        pytest.param(Elf(row_count=SEGMENT_LIMIT + 1).pack(), Reject.ELF_TYPE, id="too many segments"),
        pytest.param(Elf(rows=[CODE, Row(kind=2)]).pack(), Reject.ELF_TYPE, id="dynamic"),
        pytest.param(Elf(rows=[CODE, Row(kind=3)]).pack(), Reject.ELF_TYPE, id="interpreter"),
        pytest.param(Elf(rows=[Row(offset=2**64 - 8)]).pack(), Reject.ELF_TRUNCATED, id="content far away"),
        pytest.param(
            Elf(rows=[Row(file_size_bytes=2**64 - 1, memory_size_bytes=2**64 - 1)]).pack(),
            Reject.ELF_TRUNCATED,
            id="size of everything",
        ),
        pytest.param(
            Elf(rows=[Row(memory_size_bytes=15)]).pack(), Reject.ELF_SEGMENT, id="file size above memory size"
        ),
        pytest.param(
            Elf(rows=[Row(address=0x1FFF_FFF8)]).pack(), Reject.ELF_SEGMENT, id="over the end of code"
        ),
        pytest.param(
            Elf(rows=[Row(address=2**64 - 4)]).pack(), Reject.ELF_SEGMENT, id="over the end of addresses"
        ),
        pytest.param(
            Elf(rows=[CODE, Row(address=0x2000_0000)]).pack(), Reject.ELF_SEGMENT, id="executable data"
        ),
        pytest.param(
            Elf(rows=[CODE, Row(permissions=READ | WRITE, address=0x7FFF_FFF8)]).pack(),
            Reject.ELF_SEGMENT,
            id="over the end of data",
        ),
        pytest.param(
            Elf(rows=[CODE, Row(permissions=READ | WRITE, address=0xA000_0000)]).pack(),
            Reject.ELF_SEGMENT,
            id="in the input",
        ),
        pytest.param(
            Elf(rows=[CODE, Row(permissions=READ, address=0x8000_0000)]).pack(),
            Reject.ELF_SEGMENT,
            id="in the header",
        ),
        pytest.param(
            Elf(
                rows=[CODE, Row(permissions=READ | WRITE, address=0x2000_0000, memory_size_bytes=2**62)]
            ).pack(),
            Reject.ELF_SEGMENT,
            id="zeros without end",
        ),
        pytest.param(
            Elf(rows=[CODE, Row(address=0x1_000F)]).pack(), Reject.ELF_OVERLAP, id="one shared byte"
        ),
        pytest.param(Elf(rows=[CODE, CODE]).pack(), Reject.ELF_OVERLAP, id="the same segment twice"),
        pytest.param(
            Elf(rows=[Row(address=0x1_0008), Row(memory_size_bytes=9)]).pack(),
            Reject.ELF_SEGMENT,
            id="zeros cut content",
        ),
        pytest.param(
            Elf(rows=[Row(memory_size_bytes=0x1000), Row(address=0x1_0800)]).pack(),
            Reject.ELF_OVERLAP,
            id="over zeros",
        ),
        pytest.param(
            Elf(rows=[CODE, Row(memory_size_bytes=0)]).pack(), Reject.ELF_SEGMENT, id="content without memory"
        ),
        pytest.param(
            Elf(rows=[CODE, Row(address=2**64 - 1, content=b"x", memory_size_bytes=0)]).pack(),
            Reject.ELF_SEGMENT,
            id="content without memory at the end of addresses",
        ),
        pytest.param(
            Elf(
                rows=[CODE, Row(content=b"", offset=2**64 - 1, memory_size_bytes=0, file_size_bytes=2)]
            ).pack(),
            Reject.ELF_TRUNCATED,
            id="nothing from far away",
        ),
        pytest.param(
            Elf(
                rows=[
                    Row(address=0x1_0000 * number, offset=0, file_size_bytes=0x200, content=b"")
                    for number in range(1, 9)
                ]
            ).pack(),
            Reject.ELF_OVERLAP,
            id="the same bytes many times",
        ),
        pytest.param(Elf(row_count=0xFFFF).pack(), Reject.ELF_TYPE, id="as many segments as can be written"),
        pytest.param(Elf(rows=[Row(permissions=0)]).pack(), Reject.ELF_ENTRY, id="no rights at all"),
        pytest.param(Elf(rows=[Row(permissions=0xFFFF_FFF8)]).pack(), Reject.ELF_ENTRY, id="unknown rights"),
        pytest.param(Elf(entry=0).pack(), Reject.ELF_ENTRY, id="entry outside"),
        pytest.param(Elf(entry=0x1_0010).pack(), Reject.ELF_ENTRY, id="entry just past"),
        pytest.param(Elf(entry=0x1_0002).pack(), Reject.ELF_ENTRY, id="entry misaligned"),
        pytest.param(Elf(entry=2**32 + 0x1_0000).pack(), Reject.ELF_ENTRY, id="entry above 2^32"),
        pytest.param(Elf(rows=[CODE, DATA], entry=0x2000_0000).pack(), Reject.ELF_ENTRY, id="entry in data"),
        pytest.param(Elf(rows=[Row(permissions=READ)]).pack(), Reject.ELF_ENTRY, id="entry not executable"),
        pytest.param(
            Elf(rows=[Row(content=b"", memory_size_bytes=0)]).pack(), Reject.ELF_ENTRY, id="nothing loaded"
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(file: bytes, reason: Reject) -> None:
    assert reason_of(file) is reason


def test_too_large_a_file_is_refused_unread() -> None:
    assert reason_of(Elf().pack().ljust(FILE_LIMIT_BYTES + 1, b"\0")) is Reject.ELF_TOO_LARGE
    load_elf(Elf().pack().ljust(2**20, b"\0"))


@given(st.binary(max_size=700))
def test_noise_is_refused(noise: bytes) -> None:
    for file in (noise, b"\x7fELF" + noise, Elf().pack()[:64] + noise):
        with pytest.raises(Rejected):
            load_elf(file)


@given(st.integers(0, len(Elf(rows=[CODE, DATA]).pack()) - 1), st.integers(1, 255))
def test_a_damaged_file_gives_a_program_or_a_reason(position: int, change: int) -> None:
    """Nothing else may come out: no other exception, no segment outside the ranges."""
    file = bytearray(Elf(rows=[CODE, DATA]).pack())
    file[position] ^= change
    try:
        program = load_elf(bytes(file))
    except Rejected:
        return
    for segment in program.segments:
        end = segment.address + len(segment.content)
        assert end <= 0x2000_0000 or (segment.address >= 0x2000_0000 and end <= 0x8000_0000)
        assert not segment.is_executable or end <= 0x2000_0000


def test_code_that_nothing_marks_as_such_is_named() -> None:
    with pytest.raises(Rejected, match=r"executable \(p_flags: 0x0\)"):
        load_elf(Elf(rows=[Row(permissions=0)]).pack())


def test_writable_code_is_noted() -> None:
    assert loading_notes(Elf(rows=[CODE, DATA]).pack()) == ()
    (note,) = loading_notes(Elf(rows=[Row(permissions=READ | WRITE | EXECUTE), DATA]).pack())
    assert "0x10000..0x10010 is marked writable" in note


def test_permissions_are_those_of_the_file() -> None:
    program = load_elf(Elf(rows=[Row(permissions=EXECUTE)]).pack())
    assert [segment.is_executable for segment in program.segments] == [True]
