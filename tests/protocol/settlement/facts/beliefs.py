"""What players compute: real runs of small programs, true and falsified."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.contracts.runs import (
    ENDLESS,
    ENTRY,
    FLOAT_STEPS,
    FLOATS,
    INPUT,
    MAX_CYCLES,
    SEED,
    SHARD_COUNT,
    SUM,
    TRAP,
    Run,
    falsified_float_run,
    falsified_run,
    program_of,
    run,
)
from truestep.base.ids import Bytes32, TaskId, shard_of_task
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.state import Status
from truestep.protocol.settlement.contracts.programs import Register
from truestep.protocol.settlement.facts.leaves import leaf_of_state
from truestep.protocol.settlement.records import Leaf, Work

WORDS = {program_of(words).root(): words for words in (SUM, FLOATS, TRAP, ENDLESS)}
"""The programs by their image roots."""
INPUT_ROOT = root_of_bytes(INPUT, RANGE_LEVEL)

__all__ = ["INPUT", "INPUT_ROOT", "SEED", "SHARD_COUNT", "WORDS"]


def registration(image_root: Bytes32) -> Register:
    """How a program is registered."""
    digest = Bytes32(bytes(32))
    return Register(
        image_root=image_root, entry=ENTRY, max_cycles=MAX_CYCLES, workload=0, digest=digest, uri="ipfs://p"
    )


def true_run(task_id: TaskId, work: Work) -> Run:
    """What the task computes."""
    return run(WORDS[work.image_root], shard_of_task(task_id))


def false_run(rng: Random, task_id: TaskId, work: Work) -> Run:
    """What a liar says that it computes."""
    shard, words = shard_of_task(task_id), WORDS[work.image_root]
    if words == SUM:
        return falsified_run(words, shard, at_cycle=rng.choice((1, 9, 20)))
    if words == FLOATS:
        return falsified_float_run(rng.choice([*FLOAT_STEPS]), shard)
    return run(SUM if words == ENDLESS else ENDLESS, shard)


def stubborn(rng: Random, believed: Run) -> Run:
    """The same run by somebody that invents the micro-runs of its float instructions."""
    return replace(believed, micro_lie_at=rng.choice((1, 5, 40)))


def absurd_leaf(rng: Random, believed: Run, work: Work) -> tuple[Leaf, bytes]:
    """A leaf that is false by itself, and the packed state that refutes it."""
    leaf = leaf_of_state(believed.claimed)
    if rng.random() < 0.5 or believed.claimed.status is Status.RUNNING:
        return replace(leaf, head=leaf.head | (work.max_cycles + 1) << 64), b""
    final = believed.states[-1].pack()
    head = work.max_cycles << 64
    return Leaf(head=head, output_root=believed.hashes[-1], left_root=Bytes32(bytes(32))), final
