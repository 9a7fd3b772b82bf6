"""The memory of a run: 4 GiB of address space with pages on demand, and the tree over written pages."""

import mmap

import numpy as np

from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import PAGE_LEVEL, levels_above
from truestep.engine.layout import (
    CONTROL,
    CONTROL_OVER_LIMIT,
    CONTROL_PAGES,
    CONTROL_PAGES_LIMIT,
    CONTROL_WORDS,
    COUNTED,
    DIRTY,
    GUEST_START,
    HEADS,
    MAP_NORESERVE,
    MAPPING_SIZE_BYTES,
    OPEN,
    PAGE_COUNT,
    WRITTEN,
)
from truestep.engine.runtime.keccak import Rows, Words, vector_hash_pairs
from truestep.engine.runtime.pages import GROUP_COUNT, Marks, PageSet, group_of, groups_with_any, marked_pages
from truestep.engine.runtime.tree import NodeTree
from truestep.machine.layout import (
    LEAF_SIZE_BYTES,
    MEMORY_SIZE_BYTES,
    PAGE_SHIFT,
    PAGE_SIZE_BYTES,
)

_PUT_AT_ONCE = 64
"""Pages copied at a time, which fit the processor's cache."""
_LEAVES_PER_PAGE = PAGE_SIZE_BYTES // LEAF_SIZE_BYTES
PAGES_LIMIT = PAGE_COUNT
"""The default limit on what a guest may write: everything that the machine allows, 2 GiB."""
_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
_PAGES_PER_TREE_PAGE = 128
"""Pages whose roots share a page of the host's memory."""
_HOST_PAGES_PER_TREE_PAGE = 3
"""At most: the roots, as much for all nodes above, and the heads of the pages."""


class MemoryLimitReached(Unavailable):
    """A run needs more memory than this host allows. This says nothing about the run's result."""


class MappedMemory:
    """2^32 bytes at a fixed host address, for translated code and for the reference machine."""

    def __init__(self, pages_limit: int = PAGES_LIMIT) -> None:
        self.tree = NodeTree()
        """The nodes of the pages as they were when they were last hashed."""
        try:
            self._mapping = mmap.mmap(-1, MAPPING_SIZE_BYTES, flags=_FLAGS)
        except OSError as error:
            raise Unavailable(
                f"expected {MAPPING_SIZE_BYTES} bytes of address space for a run, got: {error.strerror};"
                " raise the limit (ulimit -v) or run fewer tasks at a time"
            ) from error
        whole = np.frombuffer(self._mapping, np.uint8)
        self.address = whole.ctypes.data + GUEST_START
        """Where guest memory begins in the host's memory."""
        self.control = self._part(CONTROL, 8 * CONTROL_WORDS).view(np.uint64)
        """The control block (engine.layout)."""
        self.control[CONTROL_PAGES_LIMIT] = pages_limit
        self._counted = self._part(COUNTED, PAGE_COUNT)
        self._open = self._part(OPEN, PAGE_COUNT)
        self._dirty = self._part(DIRTY, PAGE_COUNT)
        self._groups = np.zeros(GROUP_COUNT, np.bool_)
        """Groups of pages of which any may be dirty: those loaded, counted, or after one that is counted."""
        self._grouped_pages = 0
        self._heads = self._part(HEADS, 8 * PAGE_COUNT).view(np.uint64)
        self.touched = PageSet()
        """All pages that have ever changed."""
        self.since_snapshot = PageSet()
        """The pages that changed since a snapshot was taken or restored."""
        self._loaded_bytes = 0
        self.pages: Words = self._part(0, MEMORY_SIZE_BYTES).view(np.uint64).reshape(PAGE_COUNT, -1)
        """Guest memory, a row for each page."""
        self._guest = memoryview(self._mapping)[GUEST_START : GUEST_START + MEMORY_SIZE_BYTES]

    def _part(self, distance: int, size_bytes: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        return np.frombuffer(self._mapping, np.uint8, size_bytes, GUEST_START + distance)

    def read(self, address: int, size_bytes: int) -> bytes:
        """The bytes at `address`; may not cross the end of memory."""
        return bytes(self._guest[address : address + size_bytes])

    def write(self, address: int, content: bytes) -> None:
        """Write for the guest, as `load` does. Raises `MemoryLimitReached`."""
        first, last = address >> PAGE_SHIFT, address + max(len(content), 1) - 1 >> PAGE_SHIFT
        for page in range(first, last + 1):
            if not self._counted[page]:
                self._count(page)
        self._put(address, content)

    def check_limit(self) -> None:
        """Raise `MemoryLimitReached` if translated code was refused a page."""
        if self.control[CONTROL_OVER_LIMIT]:
            limit_bytes = int(self.control[CONTROL_PAGES_LIMIT]) * PAGE_SIZE_BYTES
            raise MemoryLimitReached(
                f"expected a run that writes at most {limit_bytes} bytes of memory, but it needs more;"
                " raise the memory limit of this node, or leave such programs to others"
            )

    def _count(self, page: int) -> None:
        if self.control[CONTROL_PAGES] >= self.control[CONTROL_PAGES_LIMIT]:
            self.control[CONTROL_OVER_LIMIT] = 1
            self.check_limit()
        self.control[CONTROL_PAGES] += np.uint64(1)
        self._counted[page] = 1

    @property
    def size_bytes(self) -> int:
        """The host's memory that it holds: pages loaded or ever written, and what is kept about them.

        A page written and restored to zero is still held.
        """
        counted = self._counted.reshape(-1, _PAGES_PER_TREE_PAGE).any(axis=1)
        about_bytes = int(np.count_nonzero(counted)) * _HOST_PAGES_PER_TREE_PAGE * PAGE_SIZE_BYTES
        return self._loaded_bytes + int(self.control[CONTROL_PAGES]) * PAGE_SIZE_BYTES + about_bytes

    def load(self, address: int, content: bytes) -> None:
        """Put what a run begins with at `address`; may not cross the end of memory."""
        self._loaded_bytes += len(content)
        self._put(address, content)

    def _put(self, address: int, content: bytes) -> None:
        if content:
            self._guest[address : address + len(content)] = content
            first, last = address >> PAGE_SHIFT, address + len(content) - 1 >> PAGE_SHIFT
            self._dirty[first : last + 1] = WRITTEN
            self._groups[group_of(first) : group_of(last) + 1] = True

    def read_leaf(self, index: int) -> bytes:
        """The 32-byte leaf number `index`."""
        return self.read(index * LEAF_SIZE_BYTES, LEAF_SIZE_BYTES)

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the memory tree, at any level (M3.2)."""
        if level >= PAGE_LEVEL:
            return self._fresh_tree().node(level, index)
        page, within = divmod(index << level, _LEAVES_PER_PAGE)
        content = self.read(page << PAGE_SHIFT, PAGE_SIZE_BYTES)
        position = (within >> level) * LEAF_SIZE_BYTES
        return Bytes32(levels_above(content, vector_hash_pairs)[level][position : position + LEAF_SIZE_BYTES])

    def root(self) -> Bytes32:
        """The root of the memory tree."""
        return self._fresh_tree().root

    def take_written(self) -> Rows:
        """The pages that changed since the last call. The caller must update the tree with them."""
        pages = marked_pages(self._dirty.view(np.bool_), self._dirty_groups())
        # A neighbour changed only if its head did: a store across the boundary changes at most 7 bytes.
        changed = pages[(self._dirty[pages] == WRITTEN) | (self.pages[pages, 0] != self._heads[pages])]
        # Open pages are marked as written.
        self._dirty[pages] = self._open[pages] = 0
        self.touched.add(changed)
        self.since_snapshot.add(changed)
        return changed

    def _dirty_groups(self) -> Marks:
        """The groups to search. No page is marked by a store before it, or the one below, is counted."""
        counted_pages = int(self.control[CONTROL_PAGES])
        if counted_pages != self._grouped_pages:
            self._grouped_pages = counted_pages
            counted = groups_with_any(self._counted.view(np.bool_))
            self._groups |= counted
            self._groups[1:] |= counted[:-1]
        return self._groups

    def copy_pages(self, pages: Rows) -> Words:
        """A copy of these pages, in memory that is allocated in one piece because page by page is slower."""
        if not len(pages):
            return np.empty((0, PAGE_SIZE_BYTES // 8), np.uint64)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        fresh = np.frombuffer(mmap.mmap(-1, len(pages) * PAGE_SIZE_BYTES, flags=flags), np.uint64)
        contents: Words = fresh.reshape(len(pages), -1)
        return np.take(self.pages, pages, axis=0, out=contents, mode="clip")

    def put_pages(self, pages: Rows, contents: Words, rows: Rows, roots: Words) -> None:
        """Put those rows of `contents`, pages whose roots are known; they do not count as written."""
        for first in range(0, len(pages), _PUT_AT_ONCE):
            batch = slice(first, first + _PUT_AT_ONCE)
            self.pages[pages[batch]] = contents[rows[batch]]
        self.tree.set_page_roots(pages, roots)

    def _fresh_tree(self) -> NodeTree:
        written = self.take_written()
        self.tree.update(written, self.pages, written)
        return self.tree
