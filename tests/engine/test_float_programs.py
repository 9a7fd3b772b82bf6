"""Programs of floats and integers are bit-equal in both engines, in whatever mode the host's floats are."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import pytest

from tests.engine import float_fuzz
from tests.engine.compare import DEFAULT, END, MIXED, WALKS, compare_runs
from tests.engine.float_cases import FORMATS, differences, random_triple, variants
from tests.engine.float_programs import float_operands, random_float_program
from tests.engine.programs import CODE_START, load_registers_from_input, program_of
from tests.machine.encode import encode, encode_float
from truestep.engine.analysis.code_map import map_code
from truestep.engine.analysis.float_types import DOUBLE
from truestep.engine.analysis.flow import region_flow
from truestep.engine.compilation.compile import CompiledModule
from truestep.engine.host import FloatUnit, float_unit
from truestep.engine.jit import JitEngine
from truestep.machine.decode import decode
from truestep.machine.floats import operate
from truestep.machine.program import Task
from truestep.machine.state import TrapCause

INFINITY = 0x7FF0_0000_0000_0000
SUBNORMAL, NORMAL = 5, 0x0010_0000_0000_0000
EXIT = [encode("addi", rd=17, immediate=93), encode("ecall")]
HOSTILE_MODES = {"x": 0x1F80 | 0x8040 | 0x4000, "w": 1 << 24 | 1 << 22}
"""By register class: subnormals flushed and rounding up."""


def operands(*values: int) -> bytes:
    """An input that sets x1, x2 and so on."""
    return b"".join((value % 2**64).to_bytes(8, "little") for value in (*values, *[0] * (31 - len(values))))


def assert_equal_runs(words: Sequence[int], *values: int) -> None:
    task, program = Task(input=operands(*values)), program_of([*load_registers_from_input(), *words])
    for stops in ((END, END + 1), (400, 900, END)):
        for engine in (JitEngine(), WALKS, MIXED):
            assert compare_runs(engine, program, task, stops, memory_every=1).difference is None


def test_random_programs(seed: int) -> None:
    assert float_fuzz.fuzz_programs(seed, 40, say=False) is None


def test_floats_are_left_alone_on_an_unknown_processor(
    rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("flow", "code_map"):
        monkeypatch.setattr(f"truestep.engine.analysis.{module}.float_unit", lambda: None)
    program, task = random_float_program(rng), Task(input=float_operands(rng))
    assert compare_runs(JitEngine(), program, task, (100, 1_000)).difference is None


def test_the_fuzz_finds_faults(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert float_fuzz.main(["--pairs", "20", "--programs", "1"]) == 0
    monkeypatch.setattr("tests.engine.float_cases.operate", lambda *_: 1)
    assert float_fuzz.main(["--pairs", "20", "--programs", "0"]) == 1
    assert "expected 0x1, got" in capsys.readouterr().out


@pytest.mark.parametrize("letter", FORMATS)
def test_a_nan_changes_its_sign(letter: str) -> None:
    """Of a NaN that no integer instruction has seen: in one block, and over a loop."""
    infinity = INFINITY if letter == "d" else 0x7F80_0000
    store = "sd" if letter == "d" else "sw"
    body = [
        encode_float(f"fsub.{letter}", rd=5, rs1=1, rs2=1),
        encode_float(f"fsgnjn.{letter}", rd=6, rs1=5, rs2=5),
        encode_float(f"fsgnjx.{letter}", rd=7, rs1=6, rs2=6),
        encode_float(f"fsgnjn.{letter}", rd=8, rs1=6, rs2=6),
        encode_float(f"fsgnjx.{letter}", rd=9, rs1=10, rs2=10),
        encode_float(f"fsgnjn.{letter}", rd=10, rs1=10, rs2=10),
        *(encode(store, rs1=3, rs2=register, immediate=8 * register) for register in range(5, 11)),
        encode_float(f"fadd.{letter}", rd=10, rs1=6, rs2=6),
        encode_float(f"fsgnjn.{letter}", rd=10, rs1=10, rs2=10),
        encode("addi", rd=2, rs1=2, immediate=-1),
    ]
    assert_equal_runs(
        [*body, encode("bne", rs1=2, immediate=-4 * len(body)), *EXIT], infinity, 60, 0x2000_0000
    )


def test_integers_pass_where_floats_are_kept() -> None:
    """A register that comes into a loop of floats with bits that are a NaN as a float keeps them."""
    body = [
        encode("beq", rs1=4, immediate=8),
        encode_float("fadd.d", rd=5, rs1=5, rs2=1),
        encode("addi", rd=4, rs1=4, immediate=1),
        encode("sd", rs1=3, rs2=5, immediate=8),
        encode("sw", rs1=3, rs2=6, immediate=16),
        encode("beq", rs1=4, immediate=8),
        encode_float("fmul.s", rd=6, rs1=6, rs2=7),
        encode("addi", rd=2, rs1=2, immediate=-1),
    ]
    words = [*body, encode("bne", rs1=2, immediate=-4 * len(body)), encode("sd", rs1=3, rs2=6), *EXIT]
    for first_pass in (0, -3):
        assert_equal_runs(words, 0, 60, 0x2000_0000, first_pass, -5, -(1 << 33) | 0xFF80_0005, 0x3F80_0000)


def test_floats_become_bits_where_they_come_from() -> None:
    """Before a function is left, but not in a loop, which would do it in each round."""
    sum_up = encode_float("fadd.d", rd=5, rs1=5, rs2=5)
    branch = encode("beq", rs1=6, immediate=8)
    leave = [encode("addi", rd=7, rs1=7, immediate=1), encode("jalr", rs1=28)]
    code = map_code(program_of([branch, sum_up, *leave]))
    assert 5 not in region_flow(code, 0).forms.entry[CODE_START + 8]
    loop = [encode("addi", rd=7, rs1=7, immediate=1), encode("bne", rs1=7, immediate=-12)]
    code = map_code(program_of([encode("addi", rd=8), branch, sum_up, *loop, *leave]))
    assert region_flow(code, 0).forms.entry[CODE_START + 12][5] is DOUBLE


def test_a_trap_among_stores_of_nans() -> None:
    """The store before the one that is refused has put the canonical NaN there."""
    words = [
        encode_float("fsub.d", rd=5, rs1=1, rs2=1),
        encode("sd", rs1=3, rs2=5),
        encode("sd", rs1=3, rs2=5, immediate=2044),
        *EXIT,
    ]
    program = program_of([*load_registers_from_input(), *words])
    task = Task(input=operands(INFINITY, 0, 0x7FFF_F800))
    assert compare_runs(DEFAULT, program, task, (END, END + 1), memory_every=1).difference is None
    machine = DEFAULT.start(program, task)
    machine.advance(END)
    assert machine.code == TrapCause.STORE_ACCESS
    assert machine.read_memory(0x7FFF_F800, 8) == (0x7FF8 << 48).to_bytes(8, "little")


@pytest.fixture
def float_mode() -> Iterator[tuple[Callable[[], int], int]]:
    """This thread's float mode made hostile: what reads it, and what it is. Afterwards it is as before."""
    unit = float_unit()
    if unit is None:
        pytest.skip("float instructions are left to the reference machine on this processor")
    module = CompiledModule(_mode_functions(unit))
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(module.function("read_mode"))
    write = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(module.function("write_mode"))
    before, hostile = read(), HOSTILE_MODES[unit.register_class]
    write(hostile)
    try:
        yield read, hostile
    finally:
        write(before)


def _mode_functions(unit: FloatUnit) -> str:
    word = unit.mode_type
    to_long = f"zext {word} %mode to i64" if word != "i64" else "add i64 %mode, 0"
    to_word = f"trunc i64 %wanted to {word}" if word != "i64" else "add i64 %wanted, 0"
    return f"""{unit.declarations}
define i64 @read_mode() {{
  %mode.at = alloca {word}
  {unit.read_mode}
  %long = {to_long}
  ret i64 %long
}}
define void @write_mode(i64 %wanted) {{
  %mode.at = alloca {word}
  %word = {to_word}
  {unit.write_mode.format(mode="%word")}
  ret void
}}
"""


def test_the_mode_of_the_host_has_no_effect(
    rng: random.Random, float_mode: tuple[Callable[[], int], int]
) -> None:
    read, hostile = float_mode
    words = variants("d")
    triples = [random_triple(rng, FORMATS["d"]) for _ in range(100)]
    triples += [(SUBNORMAL, NORMAL, SUBNORMAL), (NORMAL, SUBNORMAL, 1), (1, 0x3FE0_0000_0000_0000, 0)]
    assert read() & hostile == hostile
    found = list(islice(differences(words, triples, JitEngine()), 4))
    assert not found, "\n".join(map(str, found))
    assert read() & hostile == hostile


def test_a_root_that_a_compiler_knows(float_mode: tuple[Callable[[], int], int]) -> None:
    """A compiler may take the root of a constant itself, in the host's mode."""
    read, hostile = float_mode
    assert read() & hostile == hostile
    root = encode_float("fsqrt.d", rd=10, rs1=5)
    program = program_of([encode("addi", rd=5, immediate=SUBNORMAL), root, *EXIT])
    machine = JitEngine().start(program, Task())
    machine.advance(END)
    instruction = decode(root)
    assert instruction is not None
    assert machine.code == operate(instruction, SUBNORMAL, 0, 0) != 0
