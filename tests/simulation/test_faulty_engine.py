from dataclasses import replace

import pytest

from truestep.engine.jit import JitEngine
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import DATA_START, OUTPUT_NODE, OUTPUT_START, TREE_DEPTH
from truestep.machine.program import Program, Segment, Task
from truestep.machine.witness import build_witness, verify_step
from truestep.simulation.faulty_engine import Fault, FaultyEngine

# lui a0, 0xE0000; addi t0, zero, 77; sb t0, 0(a0); addi t0, zero, 5; sb t0, 1(a0); addi a7, zero, 93; ecall
CODE = (0xE0000537, 0x04D00293, 0x00550023, 0x00500293, 0x005500A3, 0x05D00893, 0x00000073)
PROGRAM = Program(
    entry=0x1000,
    segments=(
        Segment(
            address=0x1000,
            content=b"".join(word.to_bytes(4, "little") for word in CODE),
            is_executable=True,
        ),
    ),
)


def test_states_are_true_before_the_fault_and_false_from_it_on() -> None:
    for engine in (ReferenceEngine(), JitEngine()):
        liar = FaultyEngine(engine, Fault(cycle=4))
        for cycle in range(len(CODE) + 2):
            honest, false = engine.start(PROGRAM, Task()), liar.start(PROGRAM, Task())
            honest.advance(cycle)
            false.advance(cycle)
            assert (honest.state() == false.state()) == (cycle < 4)
            assert honest.state() == replace(false.state(), memory_root=honest.state().memory_root)
            assert false.node(TREE_DEPTH, 0) == false.state().memory_root


def test_the_output_is_false_by_one_bit() -> None:
    honest, false = (
        engine.start(PROGRAM, Task())
        for engine in (ReferenceEngine(), FaultyEngine(ReferenceEngine(), Fault(cycle=4)))
    )
    for machine in (honest, false):
        machine.advance(len(CODE))
    assert (honest.read_memory(OUTPUT_START, 2), false.read_memory(OUTPUT_START, 2)) == (b"M\x05", b"L\x05")
    assert honest.node(*OUTPUT_NODE) != false.node(*OUTPUT_NODE)


@pytest.mark.parametrize("address", [OUTPUT_START, OUTPUT_START + 101, DATA_START + 77])
def test_the_tree_is_that_of_a_memory_with_the_wrong_bit(address: int) -> None:
    honest = ReferenceEngine().start(PROGRAM, Task())
    false = FaultyEngine(ReferenceEngine(), Fault(cycle=4, address=address, mask=6)).start(PROGRAM, Task())
    for machine in (honest, false):
        machine.advance(len(CODE))
    honest.memory.write(address, bytes([honest.read_memory(address, 1)[0] ^ 6]))
    for level in range(TREE_DEPTH + 1):
        index = address >> 5 >> level
        assert false.node(level, index) == honest.node(level, index)
        if level < TREE_DEPTH:
            assert false.node(level, index ^ 1) == honest.node(level, index ^ 1)


def test_the_step_into_the_fault_is_refuted_by_its_witness() -> None:
    liar = FaultyEngine(ReferenceEngine(), Fault(cycle=4))
    machine = liar.start(PROGRAM, Task())
    machine.advance(3)
    before, after = verify_step(build_witness(machine.state(), machine.node))
    assert before == machine.state().hash()
    machine.advance(4)
    assert after != machine.state().hash()
