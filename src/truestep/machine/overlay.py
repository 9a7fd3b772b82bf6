"""A memory on top of another machine's: unwritten pages are read from below, which never changes."""

from typing import Protocol

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import PairHasher, hash_pairs
from truestep.commitments.merkle import LEAF_SIZE_BYTES, PAGE_LEVEL, levels_above
from truestep.machine.layout import PAGE_SHIFT, PAGE_SIZE_BYTES, TREE_DEPTH

_LEAVES_PER_PAGE = PAGE_SIZE_BYTES // LEAF_SIZE_BYTES


class FrozenMemory(Protocol):
    """The memory below: any `ports.engine.Machine` that does not run meanwhile."""

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """`size_bytes` at `address`."""
        ...

    def node(self, level: int, index: int) -> Bytes32:
        """A node of its memory tree."""
        ...


class Overlay:
    """2^32 bytes: those of `below`, except for pages written here. An `interpreter.AddressSpace`.

    The cost of hashing follows from what was written since, with siblings read from below.
    """

    def __init__(self, below: FrozenMemory, hasher: PairHasher = hash_pairs) -> None:
        self._below = below
        self._hasher = hasher
        self._pages: dict[int, bytearray] = {}
        self._nodes: dict[tuple[int, int], Bytes32] = {}

    def read(self, address: int, size_bytes: int) -> bytes:
        """The bytes at `address`; may not cross the end of memory."""
        content = bytearray()
        while len(content) < size_bytes:
            page, offset = divmod(address + len(content), PAGE_SIZE_BYTES)
            fitting = min(size_bytes - len(content), PAGE_SIZE_BYTES - offset)
            own = self._pages.get(page)
            if own is None:
                content += self._below.read_memory((page << PAGE_SHIFT) + offset, fitting)
            else:
                content += own[offset : offset + fitting]
        return bytes(content)

    def write(self, address: int, content: bytes) -> None:
        """Put `content` at `address`; may not cross the end of memory."""
        self._nodes.clear()
        rest = memoryview(content)
        while rest:
            page, offset = divmod(address, PAGE_SIZE_BYTES)
            if page not in self._pages:
                self._pages[page] = bytearray(self._below.read_memory(page << PAGE_SHIFT, PAGE_SIZE_BYTES))
            fitting = rest[: PAGE_SIZE_BYTES - offset]
            self._pages[page][offset : offset + len(fitting)] = fitting
            address, rest = address + len(fitting), rest[len(fitting) :]

    def read_leaf(self, index: int) -> bytes:
        """The 32-byte leaf number `index`."""
        return self.read(index * LEAF_SIZE_BYTES, LEAF_SIZE_BYTES)

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the memory tree, at any level (M3.2)."""
        if level >= PAGE_LEVEL:
            if not self._nodes:
                self._hash_written()
            return self._nodes.get((level, index)) or self._below.node(level, index)
        page, within = divmod(index << level, _LEAVES_PER_PAGE)
        content = self._pages.get(page)
        if content is None:
            return self._below.node(level, index)
        start = within * LEAF_SIZE_BYTES
        size_bytes = LEAF_SIZE_BYTES << level
        return Bytes32(levels_above(bytes(content[start : start + size_bytes]), self._hasher)[level])

    def root(self) -> Bytes32:
        """The root of the memory tree."""
        return self.node(TREE_DEPTH, 0)

    def _hash_written(self) -> None:
        """Compute all nodes at and above page level that have a written page below them."""
        for page, content in self._pages.items():
            root = levels_above(bytes(content), self._hasher)[PAGE_LEVEL]
            self._nodes[PAGE_LEVEL, page] = Bytes32(root)
        indices = set(self._pages)
        for level in range(PAGE_LEVEL, TREE_DEPTH):
            indices = {index >> 1 for index in indices}
            for index in indices:
                pair = self._child(level, 2 * index) + self._child(level, 2 * index + 1)
                self._nodes[level + 1, index] = Bytes32(self._hasher(pair))

    def _child(self, level: int, index: int) -> Bytes32:
        return self._nodes.get((level, index)) or self._below.node(level, index)
