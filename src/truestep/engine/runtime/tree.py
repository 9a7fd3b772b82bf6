"""The nodes of a run's memory tree at and above page level, as numpy rows (docs/machine.md M3.2)."""

import mmap

import numpy as np

from truestep.base.ids import Bytes32
from truestep.commitments.merkle import PAGE_LEVEL, ZERO_NODES
from truestep.engine.layout import MAP_NORESERVE, PAGE_COUNT
from truestep.engine.runtime.keccak import Rows, SingleHasher, Words, hash_nodes, hash_pages
from truestep.machine.layout import TREE_DEPTH

_DIGEST_WORDS, _PAIR_WORDS = 4, 8
_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE


_ZERO_WORDS = [np.frombuffer(ZERO_NODES[level], np.uint64) for level in range(TREE_DEPTH + 1)]
_ZERO_PAIRS = [np.tile(words, 2) for words in _ZERO_WORDS]


class NodeTree:
    """All nodes in heap order: number 1 is the root, and 2 n and 2 n + 1 are the children of n.

    Each is stored xor the zero node of its level, so that untouched memory is an empty tree.
    """

    def __init__(self) -> None:
        self._mapping = mmap.mmap(-1, 2 * PAGE_COUNT * _DIGEST_WORDS * 8, flags=_FLAGS)
        words = np.frombuffer(self._mapping, np.uint64)
        self._nodes: Words = words.reshape(-1, _DIGEST_WORDS)
        self._pairs: Words = words.reshape(-1, _PAIR_WORDS)

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
        for level in range(PAGE_LEVEL, TREE_DEPTH):
            if len(numbers) == 1:
                self._climb(int(numbers[0]), level)
                return
            numbers = _parents(numbers)
            nodes = hash_nodes(self._pairs[numbers] ^ _ZERO_PAIRS[level])
            self._nodes[numbers] = nodes ^ _ZERO_WORDS[level + 1]

    def _climb(self, number: int, level: int) -> None:
        """Update the nodes above a single node of `level`, most of the way up if little was written."""
        hasher = SingleHasher()
        for upper in range(level, TREE_DEPTH):
            number >>= 1
            np.bitwise_xor(self._pairs[number], _ZERO_PAIRS[upper], out=hasher.node)
            hasher.hash()
            np.bitwise_xor(hasher.digest, _ZERO_WORDS[upper + 1], out=self._nodes[number])


def _parents(numbers: Rows) -> Rows:
    """The distinct numbers one level up."""
    halves = numbers >> 1
    is_first = np.empty(len(halves), np.bool_)
    is_first[0] = True
    np.not_equal(halves[1:], halves[:-1], out=is_first[1:])
    return halves[is_first]
