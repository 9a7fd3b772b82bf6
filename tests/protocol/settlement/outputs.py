"""Outputs and leaves that random schedules claim."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from truestep.base.ids import Bytes32
from truestep.commitments.merkle import ZERO_NODES, climb
from truestep.machine.layout import OUTPUT_LIMIT_BYTES
from truestep.protocol.settlement.jobs import INPUT_LEVEL
from truestep.protocol.settlement.records import Leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An output that fits a slot of 2^level leaves: its root there, and in the whole range."""

    level: int
    node: Bytes32
    root: Bytes32


def _output(level: int, number: int) -> Output:
    node = Bytes32(number.to_bytes(32, "big"))
    return Output(level=level, node=node, root=climb(node, 0, ZERO_NODES[level:INPUT_LEVEL]))


OUTPUTS = [_output(level, number) for level in (0, 3, 21) for number in (1, 2)]
_NODES = {output.root: output.node for output in OUTPUTS}


def slot_node_of(root: Bytes32) -> Bytes32:
    """The node of the slot that the output fits; anything for an output of another shape."""
    return _NODES.get(root, Bytes32(bytes(32)))


def level_of(root: Bytes32) -> int:
    """The level of the slot that the output fits."""
    return next((output.level for output in OUTPUTS if output.root == root), 0)


def random_leaf(rng: Random, level: int) -> Leaf:
    """A leaf as honest operators claim it most of the time; the contracts look at none of its fields."""
    fitting = [output for output in OUTPUTS if output.level == level]
    status = rng.choices((1, 2, 0, 3), weights=(1_000, 20, 20, 1))[0]
    code = rng.choices((0, 1, 2**64 - 1), weights=(98, 1, 1))[0]
    output_size = rng.choice((0, 32, 64, OUTPUT_LIMIT_BYTES - 1 + rng.randrange(3)))
    head = status << 192 | code << 128 | rng.randrange(1, 10**6) << 64 | output_size
    return Leaf(head=head, output_root=rng.choice(fitting).root, left_root=Bytes32(rng.randbytes(32)))
