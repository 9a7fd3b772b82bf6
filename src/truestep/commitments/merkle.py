"""Positional binary Keccak trees over 32-byte leaves (docs/machine.md M3.2)."""

from collections.abc import Iterable, Mapping, Sequence

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import PairHasher, hash_pairs, keccak256

LEAF_SIZE_BYTES = 32
PAGE_LEVEL = 7
"""A page is a subtree of 2^7 leaves: 4 KiB, the page size of common hosts."""
PAGE_SIZE_BYTES = LEAF_SIZE_BYTES << PAGE_LEVEL
MAX_DEPTH = 64
ZERO_PAGE = bytes(PAGE_SIZE_BYTES)


def _zero_nodes() -> tuple[Bytes32, ...]:
    nodes = [Bytes32(bytes(LEAF_SIZE_BYTES))]
    for _ in range(MAX_DEPTH):
        nodes.append(keccak256(nodes[-1] + nodes[-1]))
    return tuple(nodes)


ZERO_NODES = _zero_nodes()
"""ZERO_NODES[level] is the root of an all-zero subtree of 2^level leaves."""


def parent(left: bytes, right: bytes) -> Bytes32:
    """The parent of two siblings."""
    return keccak256(left + right)


def climb(node: bytes, index: int, siblings: Sequence[bytes]) -> Bytes32:
    """The root above `node` at `index` of its level, given the sibling at each level."""
    for sibling in siblings:
        node = parent(sibling, node) if index & 1 else parent(node, sibling)
        index >>= 1
    return Bytes32(node)


def levels_above(leaves: bytes, hasher: PairHasher = hash_pairs) -> list[bytes]:
    """All levels above a power-of-two number of leaves, leaves first; each level's nodes are concatenated."""
    levels = [leaves]
    while len(levels[-1]) > LEAF_SIZE_BYTES:
        levels.append(hasher(levels[-1]))
    return levels


def root_of_bytes(content: bytes, depth: int, hasher: PairHasher = hash_pairs) -> Bytes32:
    """The root of a tree of 2^depth leaves that hold `content`, followed by zeros."""
    level_bytes, level = content + bytes(-len(content) % LEAF_SIZE_BYTES), 0
    if len(level_bytes) > LEAF_SIZE_BYTES << depth:
        raise ValueError(f"expected at most {LEAF_SIZE_BYTES << depth} bytes, got {len(content)}")
    while len(level_bytes) > LEAF_SIZE_BYTES:
        if len(level_bytes) % (2 * LEAF_SIZE_BYTES):
            level_bytes += ZERO_NODES[level]
        level_bytes, level = hasher(level_bytes), level + 1
    node = level_bytes or ZERO_NODES[level]
    return climb(node, 0, ZERO_NODES[level:depth])


class StreamedRoot:
    """`root_of_bytes` of content that comes in pieces, in memory that does not grow with it."""

    BLOCK_LEVEL = 15
    """Blocks of 1 MiB: 512 nodes for the largest range."""

    def __init__(self, depth: int, hasher: PairHasher = hash_pairs) -> None:
        """A tree of 2^depth leaves."""
        self._depth = depth
        self._hasher = hasher
        self._level = min(depth, self.BLOCK_LEVEL)
        self._block_size_bytes = LEAF_SIZE_BYTES << self._level
        self._nodes: dict[int, bytes] = {}
        self._block = 0
        self._rest = bytearray()

    def seek(self, leaf: int) -> None:
        """Go on at this leaf, with zeros before it. Raises ValueError if it is no leaf behind what came."""
        block, leaf_in_block = divmod(leaf, 1 << self._level)
        place, reached = (block, leaf_in_block * LEAF_SIZE_BYTES), (self._block, len(self._rest))
        if leaf >= 1 << self._depth or place < reached:
            raise ValueError(f"expected a leaf below {1 << self._depth} and behind what came, got {leaf}")
        if block > self._block:
            if self._rest:
                self._end_block()
            self._block = block
        self._rest += bytes(leaf_in_block * LEAF_SIZE_BYTES - len(self._rest))

    def update(self, piece: bytes | memoryview) -> None:
        """Go on with `piece`. Raises ValueError if that is more than the tree holds."""
        view = memoryview(piece)
        while view:
            if self._block == 1 << (self._depth - self._level):
                raise ValueError(f"expected at most {LEAF_SIZE_BYTES << self._depth} bytes, got more")
            taken = view[: self._block_size_bytes - len(self._rest)]
            self._rest += taken
            view = view[len(taken) :]
            if len(self._rest) == self._block_size_bytes:
                self._end_block()

    def finish(self) -> Bytes32:
        """The root, with zeros behind what came. Nothing may follow."""
        if self._rest:
            self._end_block()
        nodes = self._nodes
        for level in range(self._level, self._depth):
            zero = ZERO_NODES[level]
            nodes = {
                index: parent(nodes.get(2 * index, zero), nodes.get(2 * index + 1, zero))
                for index in {below >> 1 for below in nodes}
            }
        return Bytes32(nodes.get(0, ZERO_NODES[self._depth]))

    def _end_block(self) -> None:
        self._nodes[self._block] = root_of_bytes(bytes(self._rest), self._level, self._hasher)
        self._rest.clear()
        self._block += 1


def pair_tree_levels(leaves: Sequence[bytes], depth: int) -> list[list[bytes]]:
    """All levels of a small tree of 2^depth leaves, padded with zero leaves. The leaves come first."""
    levels = [list(leaves) + [ZERO_NODES[0]] * ((1 << depth) - len(leaves))]
    for _ in range(depth):
        below = levels[-1]
        levels.append([parent(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels


class PageTree:
    """The tree of a sparse memory: its nodes at page level and above, updated page by page."""

    def __init__(self, depth: int, hasher: PairHasher = hash_pairs) -> None:
        self._depth = depth
        self._hasher = hasher
        self._levels: list[dict[int, bytes]] = [{} for _ in range(depth - PAGE_LEVEL + 1)]

    def copy(self) -> "PageTree":
        """An independent tree with the same nodes."""
        twin = PageTree(self._depth, self._hasher)
        twin._levels = [dict(level) for level in self._levels]
        return twin

    def node(self, level: int, index: int) -> Bytes32:
        """The node `index` of `level`, at page level or above."""
        return Bytes32(self._levels[level - PAGE_LEVEL].get(index, ZERO_NODES[level]))

    @property
    def root(self) -> Bytes32:
        """The root of the whole tree."""
        return self.node(self._depth, 0)

    def update(self, pages: Mapping[int, bytes]) -> None:
        """Replace whole pages (page index → 4096 bytes) and update every node above them."""
        indices = sorted(pages)
        self._set(PAGE_LEVEL, indices, self._page_roots([pages[index] for index in indices]))
        for level in range(PAGE_LEVEL, self._depth):
            parents = sorted({index >> 1 for index in indices})
            pairs = b"".join(self.node(level, 2 * i) + self.node(level, 2 * i + 1) for i in parents)
            self._set(level + 1, parents, self._hasher(pairs))
            indices = parents

    def _set(self, level: int, indices: Iterable[int], nodes: bytes) -> None:
        known = self._levels[level - PAGE_LEVEL]
        for position, index in enumerate(indices):
            node = nodes[position * LEAF_SIZE_BYTES : (position + 1) * LEAF_SIZE_BYTES]
            if node == ZERO_NODES[level]:
                known.pop(index, None)
            else:
                known[index] = node

    def _page_roots(self, pages: Sequence[bytes]) -> bytes:
        filled = [page for page in pages if page != ZERO_PAGE]
        nodes = b"".join(filled)
        for _ in range(PAGE_LEVEL):
            nodes = self._hasher(nodes)
        roots = iter(nodes[i : i + LEAF_SIZE_BYTES] for i in range(0, len(nodes), LEAF_SIZE_BYTES))
        return b"".join(ZERO_NODES[PAGE_LEVEL] if page == ZERO_PAGE else next(roots) for page in pages)
