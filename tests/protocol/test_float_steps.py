from tests.machine.encode import encode, encode_float
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.witness import build_witness, instruction_leaf_index
from truestep.protocol.float_steps import float_step, float_step_of_witness

PC = 0x1000 + 4 * 3


def machine_before(word: int, pc: int = PC) -> ReferenceMachine:
    memory = Memory()
    memory.write(pc % 2**29 & ~3, word.to_bytes(4, "little"))
    return ReferenceMachine(memory, pc)


def named(machine: ReferenceMachine) -> str | None:
    """The name by the witness, which must be that by the state."""
    state = machine.state()
    by_witness = float_step_of_witness(build_witness(state, machine.node))
    assert by_witness == float_step(state, machine.node(0, instruction_leaf_index(state.pc)))
    return by_witness.name if by_witness else None


def test_a_float_instruction_with_a_result_is_one() -> None:
    assert named(machine_before(encode_float("fdiv.d", rd=5, rs1=6, rs2=7))) == "fdiv.d"
    assert named(machine_before(encode_float("fmadd.s", rd=31))) == "fmadd.s"


def test_what_the_chain_executes_itself_is_none() -> None:
    assert named(machine_before(encode_float("fdiv.d", rd=0, rs1=6, rs2=7))) is None
    assert named(machine_before(encode("mul", rd=5, rs1=6, rs2=7))) is None
    unused_rounding = encode_float("fdiv.d", rd=5, rounding=5)
    assert named(machine_before(unused_rounding)) is None


def test_a_fetch_that_traps_and_a_final_state_are_none() -> None:
    word = encode_float("fdiv.d", rd=5, rs1=6, rs2=7)
    assert named(machine_before(word, 2**29)) is None
    assert named(machine_before(word, PC + 2)) is None
    ended = machine_before(encode("ebreak"))
    ended.step()
    assert named(ended) is None


def test_a_cut_witness_is_none() -> None:
    machine = machine_before(encode_float("fdiv.d", rd=5, rs1=6, rs2=7))
    assert float_step_of_witness(build_witness(machine.state(), machine.node)[:315]) is None
