"""ELF files as linkers, versions and options make them: the same test in every shape."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conformance.conftest import Judge
from tests.conformance.emulator import run_emulated
from tests.conformance.environment import LINKER_SCRIPT, OLD_ENDING, PRELUDE, Source, build
from tests.conformance.instructions import SELF_POINTER, data
from truestep.base.errors import Reject
from truestep.machine.bare_metal import load_bare_metal
from truestep.machine.layout import DATA_START

TEST = Source(code=SELF_POINTER, data=data())
NEWER_SCRIPT = LINKER_SCRIPT.replace("= ALIGN(0x1000);\n    .tohost", "= 0x80002000;\n    .tohost")
GNU_SCRIPT = (
    NEWER_SCRIPT.replace("SECTIONS", "PHDRS { code PT_LOAD FLAGS(5); rest PT_LOAD FLAGS(7); }\nSECTIONS")
    .replace("*(.text.init) }", "*(.text.init) } :code")
    .replace("*(.tohost) }", "*(.tohost) } :rest")
)
"""Once GNU ld has made a segment writable, it goes on in it."""
STANDARD_SCRIPT = LINKER_SCRIPT.replace("0x80000000", "0x10000").replace(
    ". = ALIGN(0x1000);\n    .tohost", ". = 0x20000000;\n    .tohost"
)
NO_RIGHTS_SCRIPT = LINKER_SCRIPT.replace("SECTIONS", "PHDRS { all PT_LOAD FLAGS(0); }\nSECTIONS").replace(
    "*(.text.init) }", "*(.text.init) } :all"
)
"""What today's riscv-test-env comes to with GNU ld."""
NOTE = """
    .section .note.made, "a", @note
    .balign 4
    .long 4, 4, 1
    .asciz "own"
    .long 7
"""

PASSING = {
    "as it is": TEST,
    "test in .text": replace(TEST, section=".section .text", linker_script=NEWER_SCRIPT),
    "test in .text, by GNU ld": replace(TEST, section=".section .text", linker_script=GNU_SCRIPT),
    "gp alone": replace(TEST, ending=OLD_ENDING),
    "no rights": replace(TEST, linker_script=NO_RIGHTS_SCRIPT),
    "everything writable": replace(TEST, link_flags=("--omagic",)),
    "linked at zero": replace(TEST, linker_script=LINKER_SCRIPT.replace("0x80000000", "0")),
    "linked for this machine": replace(TEST, linker_script=STANDARD_SCRIPT),
    "linked lower": replace(TEST, linker_script=LINKER_SCRIPT.replace("0x80000000", "0x40000000")),
    "unaligned data": replace(TEST, linker_script=LINKER_SCRIPT.replace("ALIGN(0x1000)", "ALIGN(4)")),
    "note": replace(TEST, data=data() + NOTE),
    "zeros after the data": replace(
        TEST,
        data=f"{data()}\n    .bss\nroom: .zero 9000\n",
        code=f"{SELF_POINTER}\n     la a0, room + 8000\n    sd a0, 0(a0)",
    ),
    "no data": Source(code="    li gp, 2"),
    "not relaxed": replace(TEST, link_flags=("--no-relax",)),
}


@pytest.mark.parametrize("name", PASSING)
def test_shapes_that_pass(judge: Judge, name: str) -> None:
    assert judge(PASSING[name]).reason is None


def headers(file: bytes) -> list[tuple[int, int, int]]:
    """(kind, permissions, address) of each row of the program header table."""
    (table,), (count,) = struct.unpack_from("<Q", file, 32), struct.unpack_from("<H", file, 56)
    rows = (struct.unpack_from("<IIQQ", file, table + 56 * index) for index in range(count))
    return [(kind, permissions, address) for kind, permissions, _, address in rows]


def test_the_shapes_are_what_they_say(tmp_path: Path) -> None:
    """Else the tests above would prove less than it seems."""
    chosen = (
        "as it is",
        "test in .text",
        "test in .text, by GNU ld",
        "everything writable",
        "note",
        "no rights",
    )
    build({str(index): PASSING[name] for index, name in enumerate(chosen)}, tmp_path / "built")
    plain, newer, gnu, writable, noted, rightless = (
        headers((tmp_path / "built" / str(index)).read_bytes()) for index in range(len(chosen))
    )
    read_execute, read_write, everything = 5, 6, 7
    assert next((row[1], row[2]) for row in plain if row[0] == 1) == (read_execute, 0x8000_0000)
    assert [row[1] for row in newer if row[0] == 1] == [read_execute, read_write, read_execute, read_write]
    assert [row[1] for row in gnu if row[0] == 1] == [read_execute, everything]
    assert [row[1] for row in writable if row[0] == 1] == [everything]
    assert [row[1] for row in rightless if row[0] == 1] == [0]
    assert {row[0] for row in plain} >= {1, 0x6474_E551, 0x7000_0003}
    assert 4 in {row[0] for row in noted}


def test_older_builds_fail_by_gp(judge: Judge) -> None:
    assert judge(replace(TEST, code="    li gp, 5\n    j fail", ending=OLD_ENDING)).reason == "case 5 failed"


def test_the_environment_is_right_by_itself(tmp_path: Path) -> None:
    """On an emulator with CSRs, the older and the newer shape pass as well."""
    build({"newer": PASSING["test in .text"], "older": PASSING["gp alone"]}, tmp_path / "built")
    assert run_emulated((tmp_path / "built" / "newer").read_bytes()) == (1, 0, 93)
    assert run_emulated((tmp_path / "built" / "older").read_bytes())[0] == 1


def test_everything_moves_together(tmp_path: Path) -> None:
    build({"program": PASSING["test in .text"]}, tmp_path / "built")
    test = load_bare_metal((tmp_path / "built" / "program").read_bytes())
    assert [segment.address + 0x8000_4000 - DATA_START for segment in test.program.segments] == [
        0x8000_0000,
        0x8000_2000,
        0x8000_3000,
        0x8000_4000,
    ]
    assert [segment.is_executable for segment in test.program.segments] == [True, False, True, False]
    assert test.original(test.program.entry) == 0x8000_0000


Change = Callable[[bytearray], None]


def put(offset: int, layout: str, value: int) -> Change:
    return lambda file: struct.pack_into(layout, file, offset, value)


def test_a_flag_for_compressed_instructions_is_no_reason(judge: Judge) -> None:
    """A toolchain may set it for a file that has none."""
    assert judge(TEST, change=put(48, "<I", 1)).reason is None


def test_compressed_instructions_are_named(judge: Judge) -> None:
    compressed = replace(TEST, instruction_set="generic_rv64+m+c+zicsr+zifencei")
    reason = judge(compressed).reason or ""
    assert "a compressed instruction; the machine has none" in reason or "jump misaligned" in reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(put(4, "<B", 1), Reject.ELF_ARCHITECTURE, id="32-bit"),
        pytest.param(put(16, "<H", 3), Reject.ELF_TYPE, id="position-independent"),
        pytest.param(put(24, "<Q", 0x8000_0002), Reject.ELF_ENTRY, id="misaligned entry"),
        pytest.param(put(24, "<Q", 0x8000_2000), Reject.ELF_ENTRY, id="entry in data"),
        pytest.param(put(32, "<Q", 2**40), Reject.ELF_TRUNCATED, id="cut short"),
    ],
)
def test_files_that_are_refused(judge: Judge, change: Change, reason: Reject) -> None:
    """One bad file is a failed test, with its reason, and no end of the whole run."""
    assert (judge(TEST, change=change).reason or "").startswith(reason.value)


def test_code_and_data_that_nothing_tells_apart(judge: Judge) -> None:
    """One segment with every right, stripped of the section table."""
    reason = judge(PASSING["everything writable"], change=put(60, "<H", 0)).reason
    assert reason is not None and "no section says which of it is code" in reason


RETURN = "    csrr a0, mhartid\n    mret"


def returning(between: str) -> Source:
    """TEST with something else between the write to mepc and `mret`."""
    assert PRELUDE.count(RETURN) == 1
    return replace(TEST, prelude=PRELUDE.replace(RETURN, f"    {between}\n    mret"))


@pytest.mark.parametrize("between", ["", "csrwi mie, 0\n    li a1, 5\n    add a2, t0, a1\n    fence"])
def test_returns_that_are_followed(judge: Judge, between: str) -> None:
    assert judge(returning(between)).reason is None


@pytest.mark.parametrize(
    "between",
    [
        pytest.param("addi t0, t0, 4", id="overwritten"),
        pytest.param("csrr t0, mhartid", id="overwritten by a CSR"),
        pytest.param("beqz x0, 9f\n9:", id="a branch"),
        pytest.param("9:  bnez x0, 9b", id="jumped into"),
    ],
)
def test_returns_that_are_not_followed(judge: Judge, between: str) -> None:
    """Where the register is not plainly what mepc is, the test fails with a reason, and goes nowhere."""
    assert (judge(returning(between)).reason or "").endswith("expected a plain csrw to mepc just before it")
