"""The reference machine, clause by clause of docs/machine.md; expected values are worked out by hand."""

from __future__ import annotations

import pytest

from tests.machine.encode import ACCESS_SIZES_BYTES, LOADS, STORES, encode
from truestep.base.integers import sign_extend
from truestep.machine.interpreter import DEBUG_WRITE_LIMIT_BYTES, ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.state import MachineState, Status, TrapCause, final_state

PC = 0x1000
ONES = 2**64 - 1
LOW, HIGH = 2**63, 2**63 - 1
LOW32, MINUS_LOW32 = 2**31, 2**64 - 2**31
"""-2^63, 2^63 - 1, 2^31, and -2^31 as registers hold them."""


def machine_with(*words: int, registers: dict[int, int] | None = None, pc: int = PC) -> ReferenceMachine:
    memory = Memory()
    memory.write(pc % 2**32, b"".join(word.to_bytes(4, "little") for word in words))
    machine = ReferenceMachine(memory, pc)
    for number, value in (registers or {}).items():
        machine.registers[number] = value
    return machine


def run_one(name: str, *, a: int = 0, b: int = 0, immediate: int = 0) -> ReferenceMachine:
    """x3 = x1 op x2 or immediate, one step."""
    word = encode(name, rd=3, rs1=1, rs2=2, immediate=immediate)
    machine = machine_with(word, registers={1: a, 2: b})
    machine.step()
    return machine


@pytest.mark.parametrize(
    ("name", "a", "b", "result"),
    [
        ("add", ONES, 2, 1),
        ("sub", 1, 2, ONES),
        ("sll", 3, 63, LOW),
        ("sll", 3, 64, 3),
        ("slt", ONES, 0, 1),
        ("slt", 0, ONES, 0),
        ("sltu", ONES, 0, 0),
        ("sltu", 0, ONES, 1),
        ("xor", 0b1100, 0b1010, 0b0110),
        ("or", 0b1100, 0b1010, 0b1110),
        ("and", 0b1100, 0b1010, 0b1000),
        ("srl", LOW, 63, 1),
        ("sra", LOW, 63, ONES),
        ("sra", LOW, 64, LOW),
        ("addw", 2**31 - 1, 1, MINUS_LOW32),
        ("addw", 2**32 + 5, 2**40 + 6, 11),
        ("subw", MINUS_LOW32, 1, 2**31 - 1),
        ("sllw", 1, 31, MINUS_LOW32),
        ("sllw", 1, 32, 1),
        ("srlw", 0xFFFF_FFFF_8000_0000, 31, 1),
        ("srlw", 0x8000_0000, 32, MINUS_LOW32),
        ("sraw", 0x8000_0000, 31, ONES),
        ("mul", 2**32 + 1, 2**32 + 1, 2**33 + 1),
        ("mulh", ONES, ONES, 0),
        ("mulh", LOW, LOW, 2**62),
        ("mulhsu", ONES, ONES, ONES),
        ("mulhsu", LOW, ONES, LOW),
        ("mulhu", ONES, ONES, ONES - 1),
        ("div", 2**64 - 7, 2, 2**64 - 3),
        ("div", LOW, ONES, LOW),
        ("div", 7, 0, ONES),
        ("divu", ONES, 2, HIGH),
        ("divu", 7, 0, ONES),
        ("rem", 2**64 - 7, 2, ONES),
        ("rem", LOW, ONES, 0),
        ("rem", 2**64 - 7, 0, 2**64 - 7),
        ("remu", ONES, 10, 5),
        ("remu", 7, 0, 7),
        ("mulw", 2**31, 1, MINUS_LOW32),
        ("mulw", 2**16, 2**16, 0),
        ("divw", MINUS_LOW32, ONES, MINUS_LOW32),
        ("divw", 2**32 + 9, 2, 4),
        ("divw", 7, 2**32, ONES),
        ("divuw", 0xFFFF_FFFF, 1, ONES),
        ("divuw", 7, 2**32, ONES),
        ("remw", MINUS_LOW32, ONES, 0),
        ("remw", 0x8000_0005, 2**32, 0xFFFF_FFFF_8000_0005),
        ("remuw", 0xFFFF_FFFF, 0x8000_0000, 0x7FFF_FFFF),
        ("remuw", 0xFFFF_FFFF, 0, ONES),
    ],
)
def test_register_operations(name: str, a: int, b: int, result: int) -> None:
    """M4.2"""
    machine = run_one(name, a=a, b=b)
    assert (machine.registers[3], machine.pc, machine.cycle, machine.status) == (
        result,
        PC + 4,
        1,
        Status.RUNNING,
    )


@pytest.mark.parametrize(
    ("name", "a", "immediate", "result"),
    [
        ("addi", 1, -2, ONES),
        ("slti", ONES, 0, 1),
        ("sltiu", 5, -1, 1),
        ("xori", 0, -1, ONES),
        ("ori", 1, -2048, 2**64 - 2047),
        ("andi", ONES, 2047, 2047),
        ("slli", 1, 63, LOW),
        ("srli", LOW, 63, 1),
        ("srai", LOW, 63, ONES),
        ("addiw", 0x7FFF_FFFF, 1, MINUS_LOW32),
        ("slliw", 1, 31, MINUS_LOW32),
        ("srliw", 0x8000_0000, 31, 1),
        ("sraiw", 0x8000_0000, 31, ONES),
        ("lui", 0, 0x8000_0000, MINUS_LOW32),
        ("lui", 0, 0x7FFF_F000, 0x7FFF_F000),
        ("auipc", 0, 0xFFFF_F000, 0),
        ("auipc", 0, 0x8000_0000, MINUS_LOW32 + PC),
    ],
)
def test_immediate_operations(name: str, a: int, immediate: int, result: int) -> None:
    assert run_one(name, a=a, immediate=immediate).registers[3] == result


@pytest.mark.parametrize(
    ("name", "a", "b", "is_taken"),
    [
        ("beq", 5, 5, True),
        ("beq", 5, 6, False),
        ("bne", 5, 6, True),
        ("bne", 5, 5, False),
        ("blt", ONES, 0, True),
        ("blt", 0, 0, False),
        ("bge", 0, ONES, True),
        ("bge", ONES, 0, False),
        ("bltu", 0, ONES, True),
        ("bltu", ONES, 0, False),
        ("bgeu", ONES, 0, True),
        ("bgeu", 0, ONES, False),
    ],
)
def test_branches(name: str, a: int, b: int, is_taken: bool) -> None:
    machine = machine_with(encode(name, rs1=1, rs2=2, immediate=-64), registers={1: a, 2: b})
    machine.step()
    assert machine.pc == (PC - 64 if is_taken else PC + 4)


def test_jumps_link_and_wrap() -> None:
    """M3.1, M4.3"""
    machine = machine_with(encode("jal", rd=1, immediate=-8), pc=0)
    machine.step()
    assert (machine.pc, machine.registers[1]) == (2**32 - 8, 4)
    machine = machine_with(encode("jalr", rd=5, rs1=5, immediate=1), registers={5: 0xFFFF_FFFF_0000_2000})
    machine.step()
    assert (machine.pc, machine.registers[5]) == (0x2000, PC + 4)


def test_x0_reads_zero_and_drops_writes() -> None:
    machine = machine_with(encode("addi", rd=0, rs1=0, immediate=7), encode("jal", rd=0, immediate=8))
    machine.advance(2)
    assert machine.registers == [0] * 32


@pytest.mark.parametrize("name", ["fence", "fence.i"])
def test_fences_do_nothing(name: str) -> None:
    """M1.3"""
    machine = run_one(name, a=1, b=2, immediate=0x0FF)
    assert (machine.pc, machine.registers[:4]) == (PC + 4, [0, 1, 2, 0])


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("lb", 0xFFFF_FFFF_FFFF_FF88),
        ("lbu", 0x88),
        ("lh", 0xFFFF_FFFF_FFFF_8788),
        ("lhu", 0x8788),
        ("lw", 0xFFFF_FFFF_8586_8788),
        ("lwu", 0x8586_8788),
        ("ld", 0x8182_8384_8586_8788),
    ],
)
@pytest.mark.parametrize("start", [0x2000_0000, 0x2000_001D, 0x2000_0FFF, 0x3FFF_FFFE, 0x8000_0001])
def test_loads_at_any_alignment(name: str, result: int, start: int) -> None:
    """M1.1, M3.4; bits 63..32 of the address do not count (M3.1)."""
    word = encode(name, rd=3, rs1=1, immediate=-16)
    machine = machine_with(word, registers={1: 0xABCD_0000_0000_0000 + start + 16})
    machine.memory.write(start, bytes.fromhex("8887868584838281"))
    machine.step()
    assert machine.registers[3] == result


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("start", [0x2000_0000, 0x2000_001D, 0x2000_0FFF, 0x3FFF_FFFE, 0xE000_0001])
def test_stores_at_any_alignment(name: str, start: int) -> None:
    size_bytes = ACCESS_SIZES_BYTES[name]
    machine = machine_with(encode(name, rs1=1, rs2=2), registers={1: start, 2: 0x8182_8384_8586_8788})
    machine.step()
    expected = bytes.fromhex("8887868584838281")[:size_bytes].rjust(size_bytes + 8, b"\0").ljust(24, b"\0")
    assert machine.read_memory(start - 8, 24) == expected


WRITABLE = (0x2000_0000, 0x7FFF_FFFF, 0xC000_0000, 0xC000_0007, 0xE000_0000, 0xFFFF_FFFF)
READ_ONLY = (0, 0x1FFF_FFFF, 0x8000_0000, 0x9FFF_FFFF, 0xA000_0000, 0xBFFF_FFFF, 0xC000_0008, 0xDFFF_FFFF)


@pytest.mark.parametrize("start", [*WRITABLE, *READ_ONLY])
def test_rights_of_single_bytes(start: int) -> None:
    """M3.3"""
    load = machine_with(encode("lb", rd=3, rs1=1), registers={1: start})
    load.step()
    assert load.status is Status.RUNNING
    store = machine_with(encode("sb", rs1=1, rs2=2), registers={1: start, 2: 0xFF})
    store.step()
    if start in WRITABLE:
        assert (store.status, store.read_memory(start, 1)) == (Status.RUNNING, b"\xff")
    else:
        assert (store.status, store.code) == (Status.TRAPPED, TrapCause.STORE_ACCESS)


@pytest.mark.parametrize("name", STORES[1:])
@pytest.mark.parametrize("end", [0x8000_0000, 0xC000_0008, 0x1_0000_0000])
def test_stores_that_run_out_of_a_writable_range(name: str, end: int) -> None:
    """M3.4: both ends count, and nothing changes."""
    start = end - ACCESS_SIZES_BYTES[name] + 1
    assert trapped_by(machine_with(encode(name, rs1=1, rs2=2), registers={1: start, 2: ONES})) == 7
    start = end - ACCESS_SIZES_BYTES[name]
    machine = machine_with(encode(name, rs1=1, rs2=2), registers={1: start, 2: ONES})
    machine.step()
    assert machine.status is Status.RUNNING


@pytest.mark.parametrize("start", [0x1FFF_FFFF, 0xBFFF_FFFF, 0xDFFF_FFFF])
def test_stores_that_begin_before_a_writable_range(start: int) -> None:
    assert trapped_by(machine_with(encode("sh", rs1=1, rs2=2), registers={1: start, 2: ONES})) == 7


@pytest.mark.parametrize("name", LOADS)
def test_loads_that_run_past_the_end_of_memory(name: str) -> None:
    size_bytes = ACCESS_SIZES_BYTES[name]
    machine = machine_with(encode(name, rd=3, rs1=1), registers={1: 2**32 - size_bytes})
    machine.step()
    assert machine.status is Status.RUNNING
    beyond = machine_with(encode(name, rd=3, rs1=1), registers={1: 2**32 - 1})
    beyond.memory.write(2**32 - 1, b"\xa5")
    beyond.step()
    assert beyond.registers[3] == (sign_extend(0xA5, 8) if name == "lb" else 0xA5)


def trapped_by(machine: ReferenceMachine) -> int:
    """The cause, after checking that the trap is as M5.1 and M2.3 say."""
    root, cycle = machine.memory.root(), machine.cycle
    machine.step()
    expected = final_state(memory_root=root, cycle=cycle + 1, status=Status.TRAPPED, code=machine.code)
    assert machine.state() == expected
    return machine.code


@pytest.mark.parametrize(
    ("word", "cause"),
    [
        (encode("jal", rd=1, immediate=2), TrapCause.JUMP_MISALIGNED),
        (encode("jalr", rd=1, rs1=1, immediate=2), TrapCause.JUMP_MISALIGNED),
        (encode("beq", immediate=-2), TrapCause.JUMP_MISALIGNED),
        (0, TrapCause.ILLEGAL_INSTRUCTION),
        (0xFFFF_FFFF, TrapCause.ILLEGAL_INSTRUCTION),
        (encode("ebreak"), TrapCause.BREAKPOINT),
        (encode("ecall"), TrapCause.UNKNOWN_ECALL),
    ],
)
def test_traps(word: int, cause: TrapCause) -> None:
    """M5.1"""
    assert trapped_by(machine_with(word, registers={1: 0x4000, 9: 5})) == cause


def test_a_branch_not_taken_may_point_anywhere() -> None:
    machine = machine_with(encode("bne", immediate=2))
    machine.step()
    assert machine.pc == PC + 4


@pytest.mark.parametrize("pc", [0x2000_0000, 0x2000_0004, 0x8000_0000, 0xFFFF_FFFC, 1, 2, 0x1FFF_FFFE])
def test_fetches_outside_code_trap(pc: int) -> None:
    memory = Memory()
    memory.write(pc & ~3, encode("fence").to_bytes(4, "little"))
    assert trapped_by(ReferenceMachine(memory, pc)) == TrapCause.FETCH_ACCESS


def test_running_off_the_end_of_code() -> None:
    machine = machine_with(encode("fence"), pc=0x1FFF_FFFC)
    machine.step()
    assert (machine.pc, machine.status) == (0x2000_0000, Status.RUNNING)
    assert trapped_by(machine) == TrapCause.FETCH_ACCESS


def test_exit() -> None:
    """M4.4, M2.3, M2.5: the exiting ecall counts, and everything but the code is cleared."""
    machine = machine_with(encode("ecall"), registers={17: 93, 10: ONES, 5: 5})
    root = machine.memory.root()
    machine.advance(100)
    expected = final_state(memory_root=root, cycle=1, status=Status.EXITED, code=ONES)
    assert machine.state() == expected
    machine.step()
    assert machine.state() == expected


def test_debug_output_changes_only_a0() -> None:
    """M4.4"""
    shown: list[bytes] = []
    registers = {17: 64, 10: 1, 11: 0x2000_0000, 12: 5}
    silent = machine_with(encode("ecall"), registers=registers)
    machine = machine_with(encode("ecall"), registers=registers)
    machine = ReferenceMachine(machine.memory, PC, debug_sink=shown.append)
    machine.registers = list(silent.registers)
    machine.memory.write(0x2000_0000, b"hello")
    silent.memory.write(0x2000_0000, b"hello")
    machine.step()
    silent.step()
    assert shown == [b"hello"]
    assert machine.registers == silent.registers == [0] * 10 + [5, 0x2000_0000, 5] + [0] * 4 + [64] + [0] * 14
    assert machine.state() == silent.state()


@pytest.mark.parametrize(
    ("start", "size", "shown_size"),
    [(0x2000_0000, ONES, DEBUG_WRITE_LIMIT_BYTES), (2**32 - 3, 100, 3), (2**40 + 0x2000_0000, 7, 7)],
)
def test_hostile_debug_output_is_cut(start: int, size: int, shown_size: int) -> None:
    shown: list[bytes] = []
    machine = machine_with(encode("ecall"))
    machine = ReferenceMachine(machine.memory, PC, debug_sink=shown.append)
    machine.registers[17], machine.registers[11], machine.registers[12] = 64, start, size
    machine.step()
    assert (shown, machine.registers[10]) == ([bytes(shown_size)], size)


def test_it_stops_at_exactly_the_asked_cycle() -> None:
    machine = machine_with(encode("addi", rd=1, rs1=1, immediate=1), encode("jal", immediate=-4))
    for cycle in (0, 1, 2, 7, 7, 100):
        machine.advance(cycle)
        assert (machine.cycle, machine.registers[1], machine.pc) == (
            cycle,
            (cycle + 1) // 2,
            PC + cycle % 2 * 4,
        )
    assert isinstance(machine.state(), MachineState)
