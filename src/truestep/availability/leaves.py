"""Some leaves of a tree, shown without the rest (docs/privacy.md).

Leaves are raw words, and the first sibling on a path is the neighbouring leaf itself: whoever shows one leaf
shows its neighbour. So leaves are shown in pairs, and every hash in a proof stands for at least two leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import PairHasher, hash_pairs
from truestep.commitments.merkle import LEAF_SIZE_BYTES, ZERO_NODES

PAIR_SIZE_BYTES = 2 * LEAF_SIZE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLeaves:
    """Whole pairs of neighbouring leaves from `first_leaf` on, and the hashes from them to the root."""

    first_leaf: int
    content: bytes
    path: tuple[Bytes32, ...]
    """At each level what is left of the nodes so far, then what is right of them, if they lack it."""

    @property
    def first_byte(self) -> int:
        """Where the content begins."""
        return self.first_leaf * LEAF_SIZE_BYTES


def show_leaves(
    content: bytes, depth: int, start: int, end: int, hasher: PairHasher = hash_pairs
) -> ShownLeaves:
    """The pairs of leaves that hold bytes `start` to `end` - 1 of a tree of `content` and zeros behind it."""
    if not 0 <= start < end <= LEAF_SIZE_BYTES << depth:
        raise ValueError(f"expected bytes in a tree of depth {depth}, got {start} to {end}")
    low, high = start // PAIR_SIZE_BYTES * 2, -(-end // PAIR_SIZE_BYTES) * 2 - 1
    shown = content[low * LEAF_SIZE_BYTES : (high + 1) * LEAF_SIZE_BYTES]
    path: list[Bytes32] = []
    nodes, first = content + bytes(-len(content) % LEAF_SIZE_BYTES), low
    for level in range(depth):
        if low & 1:
            path.append(_node(nodes, low - 1, level))
        if not high & 1:
            path.append(_node(nodes, high + 1, level))
        nodes = hasher(nodes if len(nodes) % PAIR_SIZE_BYTES == 0 else nodes + ZERO_NODES[level])
        low, high = low >> 1, high >> 1
    size_bytes = (-(-end // PAIR_SIZE_BYTES) - start // PAIR_SIZE_BYTES) * PAIR_SIZE_BYTES
    return ShownLeaves(first_leaf=first, content=shown.ljust(size_bytes, b"\0"), path=tuple(path))


def root_of_shown(shown: ShownLeaves, depth: int, hasher: PairHasher = hash_pairs) -> Bytes32:
    """The root of the tree, of depth 1 or more, that these leaves are of. Rejected if no tree has them."""
    leaf_count, part = divmod(len(shown.content), LEAF_SIZE_BYTES)
    low, high = shown.first_leaf, shown.first_leaf + leaf_count - 1
    if part or not leaf_count or low % 2 or leaf_count % 2 or low < 0 or high >= 1 << depth:
        raise _refused(f"expected whole pairs of leaves below {1 << depth}, got {leaf_count} from leaf {low}")
    nodes, path = shown.content, list(shown.path)
    for _ in range(depth):
        before, after = low & 1, 1 - (high & 1)
        if len(path) < before + after:
            raise _refused("its path ends below the root")
        left = path.pop(0) if before else b""
        right = path.pop(0) if after else b""
        nodes = hasher(left + nodes + right)
        low, high = low >> 1, high >> 1
    if path:
        raise _refused(f"its path goes on above the root by {len(path)} hashes")
    return Bytes32(nodes)


def merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of bytes widened to pairs of leaves, in order, with those that meet made one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        wide = start // PAIR_SIZE_BYTES * PAIR_SIZE_BYTES, -(-end // PAIR_SIZE_BYTES) * PAIR_SIZE_BYTES
        if found and wide[0] <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], wide[1])
        else:
            found.append(wide)
    return found


def _node(nodes: bytes, index: int, level: int) -> Bytes32:
    node = nodes[index * LEAF_SIZE_BYTES : (index + 1) * LEAF_SIZE_BYTES]
    return Bytes32(node or ZERO_NODES[level])


def _refused(message: str) -> Rejected:
    return Rejected(Reject.DISCLOSURE_MALFORMED, f"{message}; it was changed, or cut")
