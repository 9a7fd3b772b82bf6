"""The one instruction that the chain executed: what it is, what it did, and what the liar claimed instead."""

from dataclasses import dataclass

from truestep.base.errors import Bug
from truestep.base.ids import shard_of_task, task_of_game
from truestep.client.executed import executed
from truestep.client.instruction_words import REGISTER_NAMES
from truestep.client.runs import advance_in_slices
from truestep.demo.scene import Scene
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState
from truestep.protocol.events import GameStepped


@dataclass(frozen=True, slots=True, kw_only=True)
class LastStep:
    """One executed instruction. `changes` are the registers it changed: name, value before, value after."""

    number: int
    pc: int
    assembly: str
    in_words: str
    changes: tuple[tuple[str, int, int], ...]
    before: str
    after: str
    claimed: str
    is_as_run_here: bool
    """Whether an honest run on this computer takes the same step."""


def explain(scene: Scene, event: GameStepped, program: Program, task: Task) -> LastStep:
    """Read the step from its transaction, and repeat it with an honest engine."""
    step = executed(scene.client.chain.call_in(event.at.transaction_hash))
    if step is None:
        raise Bug(f"expected a step in transaction {event.at.transaction_hash.hex()}")
    shard = shard_of_task(task_of_game(event.game_id))
    machine = scene.engine.start(
        program,
        Task(seed=task.seed, shard_index=shard, shard_count=task.shard_count, input=task.input),
    )
    advance_in_slices(machine, step.cycle)
    before = machine.state()
    machine.advance(step.number)
    after = machine.state()
    return LastStep(
        number=step.number,
        pc=step.pc,
        assembly=step.assembly,
        in_words=step.in_words,
        changes=_changes(before, after),
        before=event.before.hex(),
        after=event.after.hex(),
        claimed=event.expected.hex(),
        is_as_run_here=(before.hash(), after.hash()) == (event.before, event.after),
    )


def _changes(before: MachineState, after: MachineState) -> tuple[tuple[str, int, int], ...]:
    registers = zip(REGISTER_NAMES, before.registers, after.registers, strict=True)
    return tuple((name, old, new) for name, old, new in registers if old != new)
