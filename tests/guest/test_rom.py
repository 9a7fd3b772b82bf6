"""The ROM: what it is made of, and that it computes what the hardware and the reference machine do."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.rom.exact import exact_results, instruction_of
from tests.rom.hardware import expected
from tests.rom.host import HostRom, U64Array
from tests.rom.machine import CYCLES_LIMIT, RomOnJit, RomOnReference, entry_of
from tests.rom.operands import Operands, class_operands, random_operands
from tests.rom.operations import OPERATIONS, Operation
from tests.rom.paths import CodeGraph, UnboundedCode
from truestep.guest.errors import GuestBuildError
from truestep.guest.rom import CONTRACT_NAME, IMAGE_NAME, PACKAGE, ROM_SOURCES, build_rom, main, rom_contract
from truestep.guest.toolchain import find_toolchain
from truestep.machine.interpreter import A0
from truestep.machine.memory import Memory
from truestep.machine.micro import micro_end, micro_start, operation_number, rom, rom_root
from truestep.machine.state import MachineState, Status

RANDOM_COUNT = 20_000
"""Operands of each operation; `make rom-proof` takes a hundred times as many."""
JIT_COUNT = 5_000
MICRO_RUN_COUNT = 120
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


@pytest.fixture(scope="module")
def image() -> bytes:
    return (PACKAGE / IMAGE_NAME).read_bytes()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> HostRom:
    return HostRom(tmp_path_factory.mktemp("rom"))


@pytest.fixture(scope="module")
def jit(image: bytes, tmp_path_factory: pytest.TempPathFactory) -> RomOnJit:
    return RomOnJit(image, tmp_path_factory.mktemp("rom"))


@pytest.fixture
def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def differences(operation: Operation, operands: Operands, found: U64Array, wanted: U64Array) -> list[str]:
    """The first few results that are not alike, for people."""
    rows = np.nonzero(found != wanted)[0][:5]
    return [
        f"{operation.name}({', '.join(hex(int(column[row])) for column in operands)}):"
        f" {int(found[row]):#x}, wanted {int(wanted[row]):#x}"
        for row in rows
    ]


# --- what it is made of -------------------------------------------------------------------------------------


def test_image_and_root_are_what_the_sources_give(image: bytes) -> None:
    contract = (PACKAGE / CONTRACT_NAME).read_text("utf-8")
    assert (build_rom(find_toolchain()), rom_contract(image, contract)) == (image, contract)


def test_root_is_that_of_the_image_in_an_empty_memory(image: bytes) -> None:
    memory = Memory()
    memory.write(0, image)
    contract = (PACKAGE / CONTRACT_NAME).read_text("utf-8")
    assert (rom(), rom_root()) == (image, memory.root())
    assert f"ROM_ROOT: constant(bytes32) = 0x{rom_root().hex()}\n" in contract


def test_image_is_small(image: bytes) -> None:
    assert len(image) <= 16 << 10


@each_operation
def test_every_path_is_short(image: bytes, operation: Operation) -> None:
    """No loop, no load, no store: the longest path bounds the micro-run for any operands (M9.4)."""
    assert CodeGraph(image).longest_path(entry_of(operation)) <= 256 < CYCLES_LIMIT


def test_every_byte_is_on_a_path(image: bytes) -> None:
    graph = CodeGraph(image)
    for operation in OPERATIONS:
        graph.longest_path(entry_of(operation))
    assert graph.reached == set(range(0, len(image), 4))


def test_a_loop_has_no_longest_path() -> None:
    jump_to_itself = (0x0000_006F).to_bytes(4, "little")
    with pytest.raises(UnboundedCode):
        CodeGraph(jump_to_itself).longest_path(0)


@each_operation
def test_numbers_are_those_of_the_machine(operation: Operation) -> None:
    assert operation_number(instruction_of(operation)) == operation.number


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("unsigned __int128 extra(unsigned __int128 a, unsigned __int128 b) { return a / b; }", "__udivti3"),
        ("int extra = 1;", "constants or variables"),
        ("int extra;", "constants or variables"),
        ('const char *extra(void) { return "constant"; }', "constants or variables"),
        ("int extra(void) { int unused; return 0; }", "Wunused-variable"),
    ],
    ids=["compiler's library", "variable", "zeroed variable", "constant", "warning"],
)
def test_nothing_else_gets_in(tmp_path: Path, source: str, complaint: str) -> None:
    folder = tmp_path / "rom"
    shutil.copytree(ROM_SOURCES, folder)
    (folder / "extra.c").write_text(source)
    with pytest.raises(GuestBuildError, match=complaint):
        build_rom(find_toolchain(), folder)


def test_check_finds_stale_files_and_the_command_mends_them(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], image: bytes
) -> None:
    contract = (PACKAGE / CONTRACT_NAME).read_text("utf-8")
    for name, content in ((IMAGE_NAME, image[:-4]), (CONTRACT_NAME, contract.encode())):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(content)
    assert main(["--check"], tmp_path) == 1
    assert "rom.bin differs from what the sources give; run `make rom`" in capfd.readouterr().err
    assert [main([], tmp_path), main(["--check"], tmp_path)] == [0, 0]
    assert (tmp_path / IMAGE_NAME).read_bytes() == image


# --- what it computes ---------------------------------------------------------------------------------------


@each_operation
def test_c_agrees_with_the_hardware(
    host: HostRom, operation: Operation, generator: np.random.Generator, seed: int
) -> None:
    for operands in (class_operands(operation), random_operands(operation, RANDOM_COUNT, generator)):
        found, wanted = host.apply(operation, *operands), expected(host, operation, *operands)
        assert differences(operation, operands, found, wanted) == []


@each_operation
def test_c_agrees_with_exact_integers(host: HostRom, operation: Operation) -> None:
    operands = class_operands(operation, is_short=True)
    found, wanted = host.apply(operation, *operands), exact_results(operation, *operands)
    assert differences(operation, operands, found, wanted) == []


@each_operation
def test_image_agrees_with_the_c(
    host: HostRom, jit: RomOnJit, operation: Operation, generator: np.random.Generator, seed: int
) -> None:
    for operands in (class_operands(operation), random_operands(operation, JIT_COUNT, generator)):
        found, wanted = jit.apply(operation, *operands), host.apply(operation, *operands)
        assert differences(operation, operands, found, wanted) == []


@each_operation
def test_micro_runs_give_exact_results(
    image: bytes, operation: Operation, generator: np.random.Generator, seed: int
) -> None:
    """The law itself: micro-runs of some of the classes, in the reference machine, against exact integers."""
    reference = RomOnReference(image)
    classes = class_operands(operation, is_short=True)
    chosen = generator.choice(classes[0].size, min(MICRO_RUN_COUNT, classes[0].size), replace=False)
    a, b, c = (np.ascontiguousarray(column[chosen]) for column in classes)
    found, cycles = reference.apply(operation, a, b, c)
    assert differences(operation, (a, b, c), found, exact_results(operation, a, b, c)) == []
    assert int(cycles.max()) <= CodeGraph(image).longest_path(entry_of(operation))


def micro_result(operation: Operation, *operands: int, mode: int = 0) -> int:
    """The exit code of the micro-run of an instruction whose operands are in a0 to a2."""
    registers = [0] * 32
    registers[A0 : A0 + len(operands)] = operands
    state = MachineState(
        pc=0x1000, registers=tuple(registers), cycle=5, status=Status.RUNNING, code=0, memory_root=rom_root()
    )
    return micro_end(micro_start(state, instruction_of(operation, mode))).code


BY_NAME = {operation.name: operation for operation in OPERATIONS}


@pytest.mark.parametrize(
    ("name", "operands", "mode", "result"),
    [
        # Divided wrongly by the compiler's own library: a subnormal dividend.
        ("fdiv.d", (0x8000A6BEFE8B2B79, 0x40833F19883E5E2A), 0, 0x800000454F4A7E79),
        ("fadd.d", (0x3FF0000000000000, 0x3CA0000000000000), 0, 0x3FF0000000000000),
        ("fadd.d", (0x3FF0000000000001, 0x3CA0000000000000), 0, 0x3FF0000000000002),
        ("fsub.s", (0x3F800000, 0x3F800000), 0, 0),
        ("fmul.s", (0xFFFFFFFF_00800000, 0x3F000000), 0, 0x00400000),
        ("fsqrt.d", (0x4000000000000000,), 0, 0x3FF6A09E667F3BCD),
        ("fsqrt.s", (0xBF800000,), 0, 0x7FC00000),
        ("fmadd.d", (0x3FF0000000000001, 0x3FF0000000000001, 0xBFF0000000000002), 0, 0x3970000000000000),
        ("fmax.s", (0x80000000, 0), 0, 0),
        ("fcvt.wu.d", (0x41EFFFFFFFE00000,), 1, 0xFFFFFFFFFFFFFFFF),
        ("fcvt.l.d", (0xBFF8000000000000,), 2, 0xFFFFFFFFFFFFFFFE),
        ("fcvt.w.s", (0x40200000,), 4, 3),
        ("fcvt.s.l", (0x7FFFFFFFFFFFFFFF,), 1, 0x5EFFFFFF),
        ("fclass.d", (0x7FF0000000000001,), 0, 1 << 8),
    ],
)
def test_known_results(name: str, operands: tuple[int, ...], mode: int, result: int) -> None:
    assert micro_result(BY_NAME[name], *operands, mode=mode) == result
