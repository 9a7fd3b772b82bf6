"""The Merkle tree of a log and its proofs (docs/logs.md L1): RFC 6962, with the algorithms of RFC 9162."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32

LEAF_PREFIX, NODE_PREFIX = b"\x00", b"\x01"
"""What is hashed before an entry and before two nodes: so no entry passes for a node."""
EMPTY_ROOT = Bytes32(sha256(b"").digest())
SIZE_LIMIT = 2**63
"""Entries of a log: sizes fit a signed word of 64 bits everywhere."""

ReadNode = Callable[[int, int], bytes]
"""The root of a whole subtree by its level and its index in that level: of entries index * 2^level on."""


def leaf_hash(entry: bytes) -> Bytes32:
    """The leaf of an entry."""
    return Bytes32(sha256(LEAF_PREFIX + entry).digest())


def node_hash(left: bytes, right: bytes) -> Bytes32:
    """The parent of two nodes."""
    return Bytes32(sha256(NODE_PREFIX + left + right).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """A tree that only grows: its size, and the roots of its whole subtrees, the largest first."""

    size: int = 0
    nodes: tuple[Bytes32, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size < SIZE_LIMIT or len(self.nodes) != self.size.bit_count():
            raise Rejected(Reject.LOG_STATE, f"{len(self.nodes)} subtrees do not make a tree of {self.size}")

    def grown(self, leaf: bytes) -> "Peaks":
        """The tree with one more leaf."""
        nodes, node = list(self.nodes), Bytes32(leaf)
        for _ in range((self.size ^ (self.size + 1)).bit_count() - 1):
            node = node_hash(nodes.pop(), node)
        return Peaks(size=self.size + 1, nodes=(*nodes, node))

    @property
    def root(self) -> Bytes32:
        """The tree's root, the Merkle Tree Hash of RFC 6962."""
        return _root_of_peaks(self.nodes)


def peaks_of(leaves: Iterable[bytes]) -> Peaks:
    """The tree of these leaves."""
    peaks = Peaks()
    for leaf in leaves:
        peaks = peaks.grown(leaf)
    return peaks


def peaks_at(read: ReadNode, size: int) -> Peaks:
    """The tree that a log was when it had this size."""
    return Peaks(size=size, nodes=tuple(Bytes32(read(*place)) for place in _subtrees(0, size)))


def inclusion_proof(read: ReadNode, index: int, size: int) -> list[Bytes32]:
    """The path from a leaf to the root of the tree of this size, from below (RFC 9162 2.1.3)."""
    if not 0 <= index < size:
        raise ValueError(f"expected an index below {size}, got {index}")
    path: list[Bytes32] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        inside_left = index < middle
        path.append(_range_root(read, *((middle, end) if inside_left else (start, middle))))
        start, end = (start, middle) if inside_left else (middle, end)
    return path[::-1]


def inclusion_root(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> Bytes32:
    """The root that a path from a leaf leads to. Raises `Rejected` if the path has another length."""
    if not 0 <= index < size <= SIZE_LIMIT:
        raise Rejected(Reject.LOG_PROOF, f"entry {index} is not in a log of {size}")
    place, last, node = index, size - 1, Bytes32(leaf)
    for sibling in path:
        if last == 0:
            raise Rejected(Reject.LOG_PROOF, f"{len(path)} nodes are more than there are above an entry")
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise Rejected(Reject.LOG_PROOF, f"{len(path)} nodes are fewer than there are above an entry")
    return node


def consistency_proof(read: ReadNode, old_size: int, new_size: int) -> list[Bytes32]:
    """What shows that a log of `old_size` grew into one of `new_size` (RFC 9162 2.1.4).

    Its first node always stands there, also where the RFC leaves it out since the old root is the same: so
    the proof of an honest log says of another old root that it is false (L5.3).
    """
    if not 0 < old_size < new_size:
        raise ValueError(f"expected sizes that grow, got {old_size} and {new_size}")
    path: list[Bytes32] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_range_root(read, middle, end))
            end = middle
        else:
            path.append(_range_root(read, start, middle))
            start = middle
    return [_range_root(read, start, end), *path[::-1]]


def consistency_roots(old_size: int, new_size: int, path: Sequence[bytes]) -> tuple[Bytes32, Bytes32]:
    """The old and the new root that a proof leads to. Raises `Rejected` if it has another length."""
    if not 0 < old_size < new_size <= SIZE_LIMIT or not path:
        raise Rejected(Reject.LOG_PROOF, f"nothing leads from a log of {old_size} to one of {new_size}")
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old, new = Bytes32(path[0]), Bytes32(path[0])
    for node in path[1:]:
        if last == 0:
            raise Rejected(Reject.LOG_PROOF, f"{len(path)} nodes are more than a proof has")
        if place & 1 or place == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, node)
        place, last = place >> 1, last >> 1
    if last:
        raise Rejected(Reject.LOG_PROOF, f"{len(path)} nodes are fewer than a proof has")
    return old, new


def _root_of_peaks(nodes: Sequence[bytes]) -> Bytes32:
    if not nodes:
        return EMPTY_ROOT
    root = Bytes32(nodes[-1])
    for node in reversed(nodes[:-1]):
        root = node_hash(node, root)
    return root


def _range_root(read: ReadNode, start: int, end: int) -> Bytes32:
    return _root_of_peaks([read(*place) for place in _subtrees(start, end)])


def _subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The whole subtrees of a range that begins where a larger one could: level and index of each."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _split(count: int) -> int:
    """The largest power of two below a number above one."""
    return 1 << (count - 1).bit_length() - 1
