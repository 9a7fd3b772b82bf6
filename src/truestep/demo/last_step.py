"""The one instruction that the chain executed: what it is, what it did, and what the liar claimed instead."""

from dataclasses import dataclass
from typing import Any

from truestep.base.ids import shard_of_task, task_of_game
from truestep.client.instruction_words import REGISTER_NAMES, assembly, in_words
from truestep.client.runs import advance_in_slices
from truestep.contracts.artifacts import load_artifact
from truestep.demo.scene import Scene
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState
from truestep.protocol.events import GameStepped

WITNESS_PC = slice(0, 8)
WITNESS_CYCLE = slice(8, 16)
WITNESS_INSTRUCTION_LEAF = slice(284, 316)
"""Offsets in the witness (docs/machine.md M6.2)."""


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
    transaction: Any = scene.web3.eth.get_transaction(scene.web3.to_hex(event.at.transaction_hash))
    disputes = scene.web3.eth.contract(abi=list(load_artifact("Disputes").abi))
    _, arguments = disputes.decode_function_input(transaction["input"])
    witness: bytes = arguments["witness"]
    pc = int.from_bytes(witness[WITNESS_PC], "big")
    cycle = int.from_bytes(witness[WITNESS_CYCLE], "big")
    word = int.from_bytes(witness[WITNESS_INSTRUCTION_LEAF][pc % 32 : pc % 32 + 4], "little")
    shard = shard_of_task(task_of_game(event.game_id))
    machine = scene.engine.start(
        program,
        Task(seed=task.seed, shard_index=shard, shard_count=task.shard_count, input=task.input),
    )
    advance_in_slices(machine, cycle)
    before = machine.state()
    machine.advance(cycle + 1)
    after = machine.state()
    return LastStep(
        number=cycle + 1,
        pc=pc,
        assembly=assembly(word),
        in_words=in_words(word),
        changes=_changes(before, after),
        before=event.before.hex(),
        after=event.after.hex(),
        claimed=event.expected.hex(),
        is_as_run_here=(before.hash(), after.hash()) == (event.before, event.after),
    )


def _changes(before: MachineState, after: MachineState) -> tuple[tuple[str, int, int], ...]:
    registers = zip(REGISTER_NAMES, before.registers, after.registers, strict=True)
    return tuple((name, old, new) for name, old, new in registers if old != new)
