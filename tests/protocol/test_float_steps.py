from tests.machine.encode import encode, encode_float
from truestep.machine.decode import decode
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.micro import micro_start
from truestep.machine.witness import build_witness
from truestep.protocol.float_steps import float_step, micro_start_of

PC = 0x1000 + 4 * 3
DIVISION = encode_float("fdiv.d", rd=5, rs1=6, rs2=31)


def machine_before(word: int, pc: int = PC) -> ReferenceMachine:
    memory = Memory()
    memory.write(pc % 2**29 & ~3, word.to_bytes(4, "little"))
    machine = ReferenceMachine(memory, pc)
    machine.registers = [0, *range(101, 132)]
    return machine


def witness_before(word: int, pc: int = PC) -> bytes:
    machine = machine_before(word, pc)
    return build_witness(machine.state(), machine.node)


def name(witness: bytes) -> str | None:
    instruction = float_step(witness)
    return instruction.name if instruction else None


def test_a_float_instruction_with_a_result_is_one() -> None:
    assert name(witness_before(DIVISION)) == "fdiv.d"
    assert name(witness_before(encode_float("fmadd.s", rd=31))) == "fmadd.s"


def test_what_the_chain_executes_itself_is_none() -> None:
    no_result = encode_float("fdiv.d", rd=0, rs1=6, rs2=7)
    unused_rounding = encode_float("fdiv.d", rd=5, rounding=5)
    for word in (no_result, unused_rounding, encode("mul", rd=5, rs1=6, rs2=7)):
        assert name(witness_before(word)) is None
        assert micro_start_of(witness_before(word)) is None


def test_a_fetch_that_traps_and_a_final_state_are_none() -> None:
    assert name(witness_before(DIVISION, 2**29)) is None
    assert name(witness_before(DIVISION, PC + 2)) is None
    ended = machine_before(encode("ebreak"))
    ended.step()
    ended.memory.write(0, DIVISION.to_bytes(4, "little"))
    assert name(build_witness(ended.state(), ended.node)) is None


def test_a_cut_witness_is_none() -> None:
    assert name(witness_before(DIVISION)[:315]) is None


def test_the_micro_run_begins_with_the_operands_that_the_witness_shows() -> None:
    instruction = decode(DIVISION)
    assert instruction is not None
    expected = micro_start(machine_before(DIVISION).state(), instruction)
    assert (expected.registers[10], expected.registers[11]) == (106, 131)
    assert micro_start_of(witness_before(DIVISION)) == expected
