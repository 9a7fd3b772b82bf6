"""Doing parts of a run again on the reference machine before it is claimed (docs/self-check.md).

A fault of the translator, or of this computer, must cost time and never stake: where the machines differ,
nothing is claimed, and what differs is kept.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import LEAF_SIZE_BYTES
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.layout import TREE_DEPTH
from truestep.machine.overlay import FrozenMemory, Overlay
from truestep.machine.state import MachineState
from truestep.node.tasks.items import Checked, FailedCheck, RunSpec
from truestep.ports.engine import Drive, Engine, Machine
from truestep.ports.evidence import Evidence
from truestep.protocol.records import ProgramRecord
from truestep.roles.self_check import Segment, SelfCheckPolicy

EVIDENCE_VERSION = 1
LEAVES_LIMIT = 64
"""Differing words of memory that are shown; a wrong address may change all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheck:
    """What a worker checks, and what it needs for that."""

    policy: SelfCheckPolicy
    evidence: Evidence
    draw_seed: Callable[[], int]
    """64 bits from the system's randomness."""
    engine_build: Callable[[], str]
    """The translator's version and the processor, for the person who looks for the fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTask:
    """A task that was run, and the seed that decides which parts are done again."""

    program: ProgramRecord
    spec: RunSpec
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two states at one cycle where there must be one. `before` is the last state that both went through."""

    segment: Segment
    is_reference: bool
    """Whether the reference machine contradicts the engine; if not, the engine contradicts itself."""
    before: MachineState | None
    expected: MachineState
    got: MachineState
    leaves: tuple[tuple[int, bytes, bytes], ...] = ()
    """Words of memory that differ: address, expected, got."""


def find_difference(
    start: Callable[[], Machine], end: MachineState, segments: list[Segment], drive: Drive
) -> Difference | None:
    """Run again from `start()`, with the reference machine beside it in `segments`, to the known `end`."""
    machine = start()
    for segment in segments:
        drive(machine, segment.first)
        before = machine.state()
        expected = _reference(before, machine, segment.end).state()
        drive(machine, segment.end)
        got = machine.state()
        if got != expected:
            leaves = _leaves(start, before, segment, machine, drive)
            return Difference(
                segment=segment,
                is_reference=True,
                before=before,
                expected=expected,
                got=got,
                leaves=leaves,
            )
    drive(machine, end.cycle)
    got = machine.state()
    if got == end:
        return None
    whole = Segment(first=0, end=end.cycle)
    return Difference(segment=whole, is_reference=False, before=None, expected=end, got=got)


def _reference(before: MachineState, memory: FrozenMemory, until_cycle: int) -> ReferenceMachine:
    """The reference machine, gone from `before` to `until_cycle` on a copy of `memory`."""
    reference = ReferenceMachine(Overlay(memory), before.pc)
    reference.registers, reference.cycle = list(before.registers), before.cycle
    reference.status, reference.code = before.status, before.code
    reference.advance(until_cycle)
    return reference


def _leaves(
    start: Callable[[], Machine], before: MachineState, segment: Segment, machine: Machine, drive: Drive
) -> tuple[tuple[int, bytes, bytes], ...]:
    """The words of memory that differ at the segment's end, if a third run comes by `before` again."""
    again = start()
    drive(again, segment.first)
    if again.state() != before:
        return ()
    reference = _reference(before, again, segment.end)
    found = zip(range(LEAVES_LIMIT), _differing(reference, machine, TREE_DEPTH, 0), strict=False)
    places = [(LEAF_SIZE_BYTES * index, LEAF_SIZE_BYTES) for _, index in found]
    return tuple((place[0], reference.read_memory(*place), machine.read_memory(*place)) for place in places)


def _differing(one: FrozenMemory, other: FrozenMemory, level: int, index: int) -> Iterator[int]:
    """The leaves below a node that two memories hold differently, rising."""
    if one.node(level, index) == other.node(level, index):
        return
    if level == 0:
        yield index
        return
    yield from _differing(one, other, level - 1, 2 * index)
    yield from _differing(one, other, level - 1, 2 * index + 1)


def check_run(
    check: SelfCheck, engine: Engine, task: CheckedTask, end: MachineState, drive: Drive
) -> Checked | FailedCheck:
    """Check a run that came to `end`, by running it again; a difference is kept as evidence."""
    segments = check.policy.segments(task.seed, end.cycle)
    difference = find_difference(lambda: task.spec.start(engine), end, segments, drive)
    if difference is None:
        steps = sum(segment.end - segment.first for segment in segments)
        return Checked(segments=len(segments), steps=steps, seed=task.seed)
    fields = {
        "version": EVIDENCE_VERSION,
        "engine": engine.name,
        "engine_build": check.engine_build(),
        **_task_fields(task),
        "self_check": {
            "seed": task.seed,
            "random_segments": check.policy.random_segments,
            "segment_steps": check.policy.segment_steps,
        },
        **_difference_fields(difference),
    }
    content = json.dumps(fields, indent=2) + "\n"
    return _keep(check.evidence, task.program.image_root, difference, content)


def _keep(evidence: Evidence, image_root: Bytes32, difference: Difference, content: str) -> FailedCheck:
    who = "the reference machine" if difference.is_reference else "an earlier run of itself"
    segment = difference.segment
    message = f"the engine contradicts {who} between cycles {segment.first} and {segment.end}"
    try:
        place = evidence.keep(image_root, content)
    except Unavailable as error:
        return FailedCheck(image_root=image_root, place="", message=f"{message}; {error}")
    return FailedCheck(image_root=image_root, place=place, message=f"{message}; the evidence is in {place}")


def _task_fields(task: CheckedTask) -> dict[str, Any]:
    program, job = task.program, task.spec.job
    return {
        "program": {
            "id": program.program_id,
            "image_root": program.image_root.hex(),
            "entry": f"{program.entry:#x}",
            "uri": program.uri,
        },
        "input": {"root": job.input_root.hex(), "size_bytes": job.input_size, "uri": job.input_uri},
        "job_id": job.job_id,
        "job_seed": job.seed.hex(),
        "shard_index": task.spec.shard_index,
        "shard_count": job.shard_count,
        "initial_state_hash": task.spec.initial_hash.hex(),
    }


def _difference_fields(difference: Difference) -> dict[str, Any]:
    expected, got = difference.expected, difference.got
    pairs = enumerate(zip(expected.registers, got.registers, strict=True))
    return {
        "contradicts": "reference" if difference.is_reference else "itself",
        "first_cycle": difference.segment.first,
        "end_cycle": difference.segment.end,
        "before": _state_fields(difference.before) if difference.before else None,
        "expected": _state_fields(expected),
        "got": _state_fields(got),
        "registers": [
            {"register": f"x{number}", "expected": f"{a:#x}", "got": f"{b:#x}"}
            for number, (a, b) in pairs
            if a != b
        ],
        "memory": [
            {"address": f"{address:#x}", "expected": a.hex(), "got": b.hex()}
            for address, a, b in difference.leaves
        ],
    }


def _state_fields(state: MachineState) -> dict[str, Any]:
    return {
        "hash": state.hash().hex(),
        "pc": f"{state.pc:#x}",
        "cycle": state.cycle,
        "status": state.status.name.lower(),
        "code": state.code,
        "memory_root": state.memory_root.hex(),
        "registers": [f"{register:#x}" for register in state.registers],
    }
