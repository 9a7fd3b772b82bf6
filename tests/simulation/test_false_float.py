from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from tests.e2e.floats import (
    CONVERSION,
    DIVISION,
    FLOAT_CYCLES,
    FLOAT_ELF,
    INPUT,
    MULTIPLICATION,
    T1,
    expected_total,
    state_before,
)
from truestep.engine.jit import JitEngine
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.machine.program import Task
from truestep.machine.state import MachineState, Status
from truestep.ports.engine import Engine, Machine
from truestep.simulation.false_float import FalseFloatEngine, FalseResult
from truestep.simulation.faulty_engine import Fault, FaultyEngine

PROGRAM, TASK = load_elf(FLOAT_ELF), Task(input=INPUT)
MASK = 1 << 45
LIE_STATE = state_before(DIVISION, 60)
ENGINES = pytest.mark.parametrize("engine", [ReferenceEngine(), JitEngine()], ids=["reference", "jit"])


def state_at(engine: Engine, cycle: int, stops: tuple[int, ...] = ()) -> MachineState:
    machine = engine.start(PROGRAM, TASK)
    for stop in (*stops, cycle):
        machine.advance(stop)
    return machine.state()


def output(machine: Machine) -> bytes:
    machine.advance(FLOAT_CYCLES)
    assert (machine.status, machine.code) == (Status.EXITED, 0)
    return machine.read_memory(OUTPUT_START, 8)


@ENGINES
def test_states_are_true_before_the_false_result_and_one_register_is_false_after_it(engine: Engine) -> None:
    liar = FalseFloatEngine(engine, FalseResult(cycle=LIE_STATE, mask=MASK))
    for cycle in (0, LIE_STATE - 1, LIE_STATE):
        assert state_at(liar, cycle) == state_at(engine, cycle)
    honest, false = state_at(engine, LIE_STATE + 1), state_at(liar, LIE_STATE + 1)
    registers = list(honest.registers)
    registers[T1] ^= MASK
    assert false == replace(honest, registers=tuple(registers))


@ENGINES
def test_what_follows_is_computed_truthfully_wherever_the_run_was_stopped(engine: Engine) -> None:
    liar = FalseFloatEngine(engine, FalseResult(cycle=LIE_STATE, mask=MASK))
    machine = ReferenceEngine().start(PROGRAM, TASK)
    machine.advance(LIE_STATE + 1)
    machine.registers[T1] ^= MASK
    expected = output(machine)
    assert output(liar.start(PROGRAM, TASK)) == expected
    stops = (LIE_STATE - 3, LIE_STATE, LIE_STATE + 1, LIE_STATE + 2)
    assert state_at(liar, FLOAT_CYCLES, stops) == machine.state()
    assert output(engine.start(PROGRAM, TASK)) == expected_total()
    assert struct.unpack("<d", expected) != struct.unpack("<d", expected_total())


def test_the_lie_waits_for_a_float_result() -> None:
    liar = FalseFloatEngine(ReferenceEngine(), FalseResult(cycle=state_before(DIVISION, 59) + 1))
    conversion = state_before(CONVERSION, 60)
    assert state_at(liar, conversion) == state_at(ReferenceEngine(), conversion)
    assert state_at(liar, conversion + 1) != state_at(ReferenceEngine(), conversion + 1)
    assert state_before(MULTIPLICATION, 60) == conversion + 1


def test_only_machines_with_registers_can_be_made_to_lie() -> None:
    liar = FalseFloatEngine(FaultyEngine(ReferenceEngine(), Fault(cycle=5)), FalseResult(cycle=5))
    with pytest.raises(TypeError, match="registers can be set"):
        liar.start(PROGRAM, TASK)
