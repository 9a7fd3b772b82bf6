"""The engine's tree over pages against the plain one."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from truestep.commitments.keccak import hash_pairs
from truestep.commitments.merkle import PAGE_LEVEL, PAGE_SIZE_BYTES, PageTree
from truestep.engine.layout import PAGE_COUNT
from truestep.engine.runtime.climb import BATCH_NODES
from truestep.engine.runtime.keccak import PAGES_AT_ONCE, hash_pages
from truestep.engine.runtime.tree import NodeTree
from truestep.machine.layout import TREE_DEPTH

PLACES = st.one_of(
    st.integers(0, 5), st.integers(PAGE_COUNT - 3, PAGE_COUNT - 1), st.integers(0, PAGE_COUNT - 1)
)
FILLS = st.sampled_from((0, 0, 1, 255))


@given(
    st.lists(st.dictionaries(PLACES, FILLS, max_size=6), max_size=4),
    PLACES,
    st.integers(PAGE_LEVEL, TREE_DEPTH),
)
def test_the_same_nodes_as_the_plain_tree(updates: list[dict[int, int]], place: int, level: int) -> None:
    tree, plain = NodeTree(), PageTree(TREE_DEPTH)
    contents = np.arange(256, dtype=np.uint8).repeat(PAGE_SIZE_BYTES).view(np.uint64).reshape(256, -1)
    for update in updates:
        pages = np.array(sorted(update), np.int64)
        tree.update(pages, contents, np.array([update[int(page)] for page in pages], np.int64))
        plain.update({page: bytes([fill]) * PAGE_SIZE_BYTES for page, fill in update.items()})
        index = place >> level - PAGE_LEVEL
        assert tree.node(level, index) == plain.node(level, index)
        assert tree.root == plain.root
        other = NodeTree()
        other.set_page_roots(pages, tree.page_roots(pages))
        assert (other.page_roots(pages) == tree.page_roots(pages)).all()


def test_pages_of_every_count_around_a_batch() -> None:
    rng = np.random.default_rng(7)
    memory = rng.integers(0, 2**64, (PAGES_AT_ONCE + 9, PAGE_SIZE_BYTES // 8), np.uint64)
    for count in (0, 1, 3, 4, 5, PAGES_AT_ONCE - 1, PAGES_AT_ONCE, PAGES_AT_ONCE + 2):
        for rows in (np.sort(rng.choice(len(memory), count, replace=False)), np.arange(3, 3 + count)):
            nodes = memory[rows].tobytes()
            for _ in range(PAGE_LEVEL):
                nodes = hash_pairs(nodes)
            assert hash_pages(memory, rows).tobytes() == nodes


def test_pages_of_every_count_around_a_batch_of_nodes(rng: random.Random) -> None:
    content = np.arange(PAGE_SIZE_BYTES // 8, dtype=np.uint64).reshape(1, -1)
    for count in (1, 2, 5, BATCH_NODES - 1, BATCH_NODES, BATCH_NODES + 1, 3 * BATCH_NODES + 2):
        for pages in (sorted(rng.sample(range(PAGE_COUNT), count)), range(7, 7 + 2 * count, 2)):
            tree, plain = NodeTree(), PageTree(TREE_DEPTH)
            tree.update(np.array(pages, np.int64), content, np.zeros(count, np.int64))
            plain.update({page: content.tobytes() for page in pages})
            assert tree.root == plain.root
            assert tree.node(PAGE_LEVEL + 1, pages[-1] >> 1) == plain.node(PAGE_LEVEL + 1, pages[-1] >> 1)
