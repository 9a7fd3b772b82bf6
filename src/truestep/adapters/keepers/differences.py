"""The first leaf in which two trees differ, one of which has the root that an item names (A4.5)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from truestep.adapters.keepers.nodes import ROUND_LEVELS
from truestep.availability.parts import Part
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import pair_tree_levels
from truestep.protocol.availability.facts import KnownItem

Nodes = Callable[[int, int], Awaitable[Sequence[Bytes32]]]
"""The nodes six levels below a node, or the leaves if they are nearer: by its level and index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A leaf of the tree with the right root, and its path to that root."""

    leaf_index: int
    leaf: Bytes32
    path: tuple[Bytes32, ...]


async def first_difference(part: Part, known: Nodes, own: Nodes) -> Difference:
    """The first leaf of the known tree that the own one does not have.

    Raises `Rejected` if the known tree has not the part's root, or if there is no such leaf.
    """
    level, index, node = part.depth, 0, part.root
    path: tuple[Bytes32, ...] = ()
    while level:
        levels = min(level, ROUND_LEVELS)
        right, found = await known(level, index), await own(level, index)
        tree = pair_tree_levels(right, levels)
        if tree[-1][0] != node:
            raise Rejected(Reject.PART_OTHER, f"expected a tree with root {part.root.hex()}, got another")
        child = next((number for number in range(1 << levels) if right[number] != found[number]), None)
        if child is None:
            raise Rejected(Reject.LEAF_AGREES, "expected another leaf than the item's, got none")
        siblings = tuple(Bytes32(tree[height][child >> height ^ 1]) for height in range(levels))
        path, node = siblings + path, right[child]
        level, index = level - levels, (index << levels) + child
    return Difference(leaf_index=index, leaf=node, path=path)


def written_ranges(item: KnownItem, part: Part, payload: bytes) -> list[tuple[int, bytes]]:
    """The leaves of a tree in an item of calldata, by their first leaves."""
    if len(payload) != sum(each.size_bytes for each in item.parts):
        raise Rejected(Reject.ITEM_LAYOUT, f"expected the bytes of item {item.item_id}, got {len(payload)}")
    ends = accumulate(each.size_bytes for each in item.parts)
    return [
        (each.first_leaf, payload[end - each.size_bytes : end])
        for each, end in zip(item.parts, ends, strict=True)
        if (each.root, each.depth) == (part.root, part.depth)
    ]
