"""Micro-runs inside a run: every state of theirs has a number, a hash and a witness."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.floats import DIVISION, FLOAT_CYCLES, FLOAT_ELF, INPUT, MULTIPLICATION, T1, state_before
from truestep.base.errors import Reject, Rejected
from truestep.engine.jit import JitEngine
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine, ReferenceMachine
from truestep.machine.micro import micro_end, micro_machine, template
from truestep.machine.program import Task
from truestep.machine.state import REGISTER_COUNT, MachineState, Status, final_state
from truestep.machine.witness import open_float, verify_step
from truestep.node.tasks.deep_replay import STARTS_LIMIT, DeepReplay
from truestep.node.tasks.replays import FreshReplay
from truestep.ports.engine import Machine
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.float_steps import micro_start_of
from truestep.protocol.state_numbers import MICRO_INDEX_LIMIT, micro_number

PROGRAM, TASK = load_elf(FLOAT_ELF), Task(input=INPUT)
FLOAT_STATE, OTHER_FLOAT_STATE = state_before(DIVISION, 40), state_before(MULTIPLICATION, 41)
INTEGER_STATE = FLOAT_STATE + 1


def drive(machine: Machine, until_cycle: int) -> None:
    machine.advance(until_cycle)


def reference_at(number: int) -> ReferenceMachine:
    machine = ReferenceEngine().start(PROGRAM, TASK)
    machine.advance(number)
    return machine


def fresh_replay() -> FreshReplay:
    return FreshReplay(reference_at(0).state().hash(), lambda: ReferenceEngine().start(PROGRAM, TASK))


@pytest.fixture(params=["jit", "reference"])
def replay(request: pytest.FixtureRequest) -> Iterator[DeepReplay]:
    yield DeepReplay(JitEngine().replay(PROGRAM, TASK) if request.param == "jit" else fresh_replay())


def start_at(replay: DeepReplay, number: int) -> MachineState:
    start = micro_start_of(replay.witness(number, drive))
    assert start is not None
    return start


def test_numbers_of_both_levels_are_answered_in_one_question(replay: DeepReplay) -> None:
    ends = [micro_end(start_at(replay, number)) for number in (FLOAT_STATE, OTHER_FLOAT_STATE)]
    machine = micro_machine(start_at(replay, FLOAT_STATE))
    machine.advance(17)
    expected = [
        *(reference_at(number).state().hash() for number in (3, FLOAT_STATE)),
        start_at(replay, FLOAT_STATE).hash(),
        machine.state().hash(),
        ends[0].hash(),
        ends[1].hash(),
    ]
    numbers = [
        3,
        FLOAT_STATE,
        *(micro_number(FLOAT_STATE, index) for index in (0, 17, MICRO_INDEX_LIMIT)),
        micro_number(OTHER_FLOAT_STATE, ends[1].cycle),
    ]
    assert replay.hashes(numbers, drive) == expected
    assert [replay.state(number, drive).hash() for number in numbers] == expected


def test_every_step_of_a_micro_run_has_a_witness_that_the_chain_can_check(replay: DeepReplay) -> None:
    cycles = replay.reveal(micro_number(FLOAT_STATE, 0), drive).cycles
    numbers = [micro_number(FLOAT_STATE, index) for index in range(cycles + 2)]
    hashes = replay.hashes(numbers, drive)
    for index in (0, 1, cycles // 2, cycles - 1, cycles):
        pair = verify_step(replay.witness(numbers[index], drive))
        assert pair == (hashes[index], hashes[index + 1])
    assert hashes[cycles] == hashes[cycles + 1] != hashes[cycles - 1]


def test_a_reveal_fits_the_template_and_ends_the_micro_run(replay: DeepReplay) -> None:
    low = micro_number(FLOAT_STATE, 0)
    reveal = replay.reveal(low, drive)
    after = reference_at(FLOAT_STATE + 1).state()
    opened = open_float(replay.witness(FLOAT_STATE, drive))
    assert (reveal.after, opened.rd) == (after.pack(), T1)
    assert opened.template == template(after, T1)
    assert opened.micro_start == replay.hashes([low], drive)[0]
    result = after.registers[T1]
    end = final_state(memory_root=reveal.memory_root, cycle=reveal.cycles, status=Status.EXITED, code=result)
    assert replay.hashes([low + reveal.cycles], drive) == [end.hash()]


def test_where_no_float_is_executed_there_is_no_micro_run(replay: DeepReplay) -> None:
    for number in (INTEGER_STATE, FLOAT_CYCLES, FLOAT_CYCLES + 5):
        low = micro_number(number, 0)
        assert replay.hashes([low, low + 9], drive) == [ZERO_HASH, ZERO_HASH]
        for ask in (replay.witness, replay.reveal, replay.state):
            with pytest.raises(Rejected, match="has no micro-run") as refused:
                ask(low, drive)
            assert refused.value.reason is Reject.STEP_NOT_FLOAT


def test_a_micro_run_costs_one_run_however_often_it_is_asked_for() -> None:
    starts: list[int] = []

    def start() -> Machine:
        starts.append(0)
        return ReferenceEngine().start(PROGRAM, TASK)

    replay = DeepReplay(FreshReplay(fresh_replay().initial_hash, start))
    for index in range(5):
        replay.hashes([micro_number(FLOAT_STATE, index)], drive)
        replay.witness(micro_number(FLOAT_STATE, index), drive)
    assert len(starts) == 1


def test_few_micro_runs_are_kept() -> None:
    replay = DeepReplay(JitEngine().replay(PROGRAM, TASK))
    numbers = [state_before(DIVISION, index) for index in range(STARTS_LIMIT + 5)]
    first = replay.hashes([micro_number(number, 3) for number in numbers], drive)
    assert replay.hashes([micro_number(numbers[0], 3)], drive) == first[:1]
    assert len(set(first)) == len(numbers)
    assert len(start_at(replay, FLOAT_STATE).registers) == REGISTER_COUNT


def test_a_micro_run_whose_witness_is_known_costs_no_run() -> None:
    """After a restart, or when other games drove the replay out: the clock runs on."""

    def start() -> Machine:
        raise AssertionError("the run was begun again")

    witness = fresh_replay().witness(FLOAT_STATE, drive)
    replay = DeepReplay(FreshReplay(fresh_replay().initial_hash, start))
    replay.know({FLOAT_STATE: witness})
    low = micro_number(FLOAT_STATE, 0)
    assert replay.hashes([low, low + 17], drive) == DeepReplay(fresh_replay()).hashes([low, low + 17], drive)
    assert replay.witness(FLOAT_STATE, drive) == witness


def test_a_reveal_costs_one_run() -> None:
    """Of a machine without snapshots too: workers count on it when they judge a clock (roles.estimates)."""
    starts: list[int] = []

    def start() -> Machine:
        starts.append(0)
        return ReferenceEngine().start(PROGRAM, TASK)

    replay = DeepReplay(FreshReplay(fresh_replay().initial_hash, start))
    reveal = replay.reveal(micro_number(FLOAT_STATE, 0), drive)
    assert reveal.after == reference_at(FLOAT_STATE + 1).state().pack()
    assert len(starts) == 1
