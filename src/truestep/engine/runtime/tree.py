"""The nodes of a run's memory tree at and above page level, as numpy rows (docs/machine.md M3.2)."""

import mmap

import numpy as np

from truestep.base.ids import Bytes32
from truestep.commitments.merkle import PAGE_LEVEL, ZERO_NODES
from truestep.engine.layout import MAP_NORESERVE, PAGE_COUNT
from truestep.engine.runtime.keccak import DIGEST_WORDS, Rows, Words, climb, hash_pages
from truestep.machine.layout import TREE_DEPTH

_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE


_ZERO_WORDS = np.frombuffer(b"".join(ZERO_NODES[: TREE_DEPTH + 1]), np.uint64).reshape(-1, DIGEST_WORDS)
_ZEROS_ADDRESS = _ZERO_WORDS[PAGE_LEVEL].ctypes.data
_UPPER_LEVELS = TREE_DEPTH - PAGE_LEVEL


class NodeTree:
    """All nodes in heap order: number 1 is the root, and 2 n and 2 n + 1 are the children of n.

    Each is stored xor the zero node of its level, so that untouched memory is an empty tree.
    """

    def __init__(self) -> None:
        self._mapping = mmap.mmap(-1, 2 * PAGE_COUNT * DIGEST_WORDS * 8, flags=_FLAGS)
        self._nodes: Words = np.frombuffer(self._mapping, np.uint64).reshape(-1, DIGEST_WORDS)
        self._address = self._nodes.ctypes.data

    def node(self, level: int, index: int) -> Bytes32:
        """The node `index` of `level`, at page level or above."""
        number = (1 << TREE_DEPTH - level) + index
        return Bytes32((self._nodes[number] ^ _ZERO_WORDS[level]).tobytes())

    @property
    def root(self) -> Bytes32:
        """The root of the whole tree."""
        return self.node(TREE_DEPTH, 0)

    def page_roots(self, pages: Rows) -> Words:
        """The roots of these pages, shape (count, 4)."""
        return self._nodes[PAGE_COUNT + pages] ^ _ZERO_WORDS[PAGE_LEVEL]

    def update(self, pages: Rows, memory: Words, rows: Rows) -> None:
        """Update the tree: `pages`, in rising order, now hold these rows of `memory` (512 words each)."""
        self.set_page_roots(pages, hash_pages(memory, rows))

    def set_page_roots(self, pages: Rows, roots: Words) -> None:
        """Replace the roots of `pages`, in rising order, and update all nodes above."""
        if not len(pages):
            return
        numbers = pages + PAGE_COUNT
        self._nodes[numbers] = roots ^ _ZERO_WORDS[PAGE_LEVEL]
        climb()(self._address, numbers.ctypes.data, len(numbers), _UPPER_LEVELS, _ZEROS_ADDRESS)
