"""The reference machine's sparse memory: pages on demand, and the tree over them (docs/machine.md M3)."""

from typing import Protocol

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import PairHasher, hash_pairs
from truestep.commitments.merkle import (
    PAGE_LEVEL,
    ZERO_NODES,
    ZERO_PAGE,
    PageTree,
    levels_above,
)
from truestep.machine.layout import (
    LEAF_SIZE_BYTES,
    PAGE_SHIFT,
    PAGE_SIZE_BYTES,
    TREE_DEPTH,
)

_LEAVES_PER_PAGE = PAGE_SIZE_BYTES // LEAF_SIZE_BYTES


class AddressSpace(Protocol):
    """The memory that the interpreter needs; an engine brings its own."""

    def read(self, address: int, size_bytes: int) -> bytes:
        """The bytes at `address`; may not cross the end of memory."""
        ...

    def write(self, address: int, content: bytes) -> None:
        """Put `content` at `address`; may not cross the end of memory."""
        ...

    def read_leaf(self, index: int) -> bytes:
        """The 32-byte leaf number `index`."""
        ...

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the memory tree, at any level (M3.2)."""
        ...

    def root(self) -> Bytes32:
        """The root of the memory tree."""
        ...


class Memory:
    """2^32 bytes, initially zero. It does not check access rights; callers do."""

    def __init__(self, hasher: PairHasher = hash_pairs) -> None:
        self._pages: dict[int, bytearray] = {}
        self._dirty: set[int] = set()
        self._hasher = hasher
        self._tree = PageTree(TREE_DEPTH, hasher)

    def copy(self) -> "Memory":
        """An independent memory with the same content; its hashes are not computed again."""
        twin = Memory(self._hasher)
        twin._pages = {page: bytearray(content) for page, content in self._pages.items()}
        twin._tree = self._fresh_tree().copy()
        return twin

    def read(self, address: int, size_bytes: int) -> bytes:
        """The bytes at `address`; may cross pages but not the end of memory."""
        page, offset = address >> PAGE_SHIFT, address % PAGE_SIZE_BYTES
        head = self._pages.get(page, ZERO_PAGE)[offset : offset + size_bytes]
        missing = size_bytes - len(head)
        return bytes(head) if not missing else bytes(head) + self.read((page + 1) << PAGE_SHIFT, missing)

    def write(self, address: int, content: bytes) -> None:
        """Put `content` at `address`; may cross pages but not the end of memory."""
        rest = memoryview(content)
        while rest:
            page, offset = address >> PAGE_SHIFT, address % PAGE_SIZE_BYTES
            fitting = rest[: PAGE_SIZE_BYTES - offset]
            self._writable_page(page)[offset : offset + len(fitting)] = fitting
            address, rest = address + len(fitting), rest[len(fitting) :]

    def _writable_page(self, page: int) -> bytearray:
        self._dirty.add(page)
        return self._pages.setdefault(page, bytearray(PAGE_SIZE_BYTES))

    def read_leaf(self, index: int) -> bytes:
        """The 32-byte leaf number `index`."""
        return self.read(index * LEAF_SIZE_BYTES, LEAF_SIZE_BYTES)

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the memory tree, at any level (M3.2)."""
        if level >= PAGE_LEVEL:
            return self._fresh_tree().node(level, index)
        page, within = divmod(index << level, _LEAVES_PER_PAGE)
        content = self._pages.get(page)
        if content is None:
            return ZERO_NODES[level]
        start = within * LEAF_SIZE_BYTES
        return Bytes32(levels_above(bytes(content[start : start + (LEAF_SIZE_BYTES << level)]))[level])

    def root(self) -> Bytes32:
        """The root of the memory tree."""
        return self._fresh_tree().root

    def _fresh_tree(self) -> PageTree:
        if self._dirty:
            self._tree.update({page: bytes(self._pages[page]) for page in self._dirty})
            self._dirty.clear()
        return self._tree
