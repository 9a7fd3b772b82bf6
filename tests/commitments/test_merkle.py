"""Trees against the plainest definition: a list of leaves, halved level by level."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truestep.commitments.keccak import hash_pairs, keccak256
from truestep.commitments.merkle import (
    LEAF_SIZE_BYTES,
    PAGE_LEVEL,
    PAGE_SIZE_BYTES,
    ZERO_NODES,
    PageTree,
    StreamedRoot,
    climb,
    levels_above,
    pair_tree_levels,
    parent,
    root_of_bytes,
)
from truestep.engine.runtime.keccak import vector_hash_pairs

LEAVES = st.binary(min_size=LEAF_SIZE_BYTES, max_size=LEAF_SIZE_BYTES)
PAGES = st.one_of(
    st.just(bytes(PAGE_SIZE_BYTES)),
    st.integers(0, 127).map(
        lambda leaf: bytes(32 * leaf) + b"\x01" * 32 + bytes(PAGE_SIZE_BYTES - 32 * leaf - 32)
    ),
)


def naive_root(leaves: list[bytes]) -> bytes:
    while len(leaves) > 1:
        leaves = [keccak256(leaves[i] + leaves[i + 1]) for i in range(0, len(leaves), 2)]
    return leaves[0]


def leaves_of(content: bytes, count: int) -> list[bytes]:
    padded = content.ljust(count * LEAF_SIZE_BYTES, b"\0")
    return [padded[i : i + LEAF_SIZE_BYTES] for i in range(0, len(padded), LEAF_SIZE_BYTES)]


def test_zero_nodes_are_roots_of_zero_leaves() -> None:
    for level in range(8):
        assert ZERO_NODES[level] == naive_root([bytes(LEAF_SIZE_BYTES)] * (1 << level))


@given(st.binary(max_size=32 * 16))
def test_root_of_bytes(content: bytes) -> None:
    assert root_of_bytes(content, 4) == naive_root(leaves_of(content, 16))
    assert root_of_bytes(content, 9) == naive_root(leaves_of(content, 512))


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(0, 2**21 + 33))
@settings(max_examples=20)
def test_a_root_of_pieces(pieces: list[bytes], zeros: int) -> None:
    content = b"".join(pieces[:2]) + bytes(zeros) + b"".join(pieces[2:])
    root = StreamedRoot(18, vector_hash_pairs)
    for piece in (*pieces[:2], bytes(zeros), *pieces[2:]):
        root.update(piece)
    assert root.finish() == root_of_bytes(content, 18, vector_hash_pairs)


def test_too_many_pieces_are_refused() -> None:
    root = StreamedRoot(15, vector_hash_pairs)
    root.update(bytes(1 << 20))
    with pytest.raises(ValueError, match="at most 1048576 bytes"):
        root.update(bytes(1 << 20))


def test_root_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at most 512 bytes, got 513"):
        root_of_bytes(bytes(513), 4)


@given(st.lists(LEAVES, min_size=8, max_size=8), st.integers(0, 7))
def test_every_leaf_climbs_to_the_root(leaves: list[bytes], index: int) -> None:
    levels = pair_tree_levels(leaves, 3)
    siblings = [levels[level][(index >> level) ^ 1] for level in range(3)]
    assert climb(leaves[index], index, siblings) == levels[3][0] == naive_root(leaves)


@given(st.lists(LEAVES, min_size=8, max_size=8), st.integers(0, 7), st.integers(0, 7))
def test_a_leaf_climbs_to_the_root_only_from_its_own_place(
    leaves: list[bytes], index: int, other: int
) -> None:
    levels = pair_tree_levels(leaves, 3)
    siblings = [levels[level][(index >> level) ^ 1] for level in range(3)]
    is_same = climb(leaves[index], other, siblings) == levels[3][0]
    # Equal siblings make a position that cannot be told from its mirror image, and harmless
    assert is_same == (other == index) or len(set(leaves)) < len(leaves)


@given(st.lists(LEAVES, max_size=8))
def test_short_pair_trees_are_padded_with_zero_leaves(leaves: list[bytes]) -> None:
    assert pair_tree_levels(leaves, 3)[3] == [naive_root(leaves + [bytes(32)] * (8 - len(leaves)))]


@given(st.lists(LEAVES, min_size=4, max_size=4))
def test_levels_above(leaves: list[bytes]) -> None:
    left, right = parent(leaves[0], leaves[1]), parent(leaves[2], leaves[3])
    assert levels_above(b"".join(leaves)) == [b"".join(leaves), left + right, parent(left, right)]


@given(st.lists(st.dictionaries(st.integers(0, 7), PAGES, max_size=4), max_size=4))
def test_page_tree_after_any_updates(updates: list[dict[int, bytes]]) -> None:
    """Its nodes are those of the whole content, whatever was written in whatever order."""
    tree = PageTree(PAGE_LEVEL + 3)
    pages = [bytes(PAGE_SIZE_BYTES)] * 8
    for update in updates:
        tree.update(update)
        for index, page in update.items():
            pages[index] = page
    roots = [naive_root(leaves_of(page, 128)) for page in pages]
    assert [tree.node(PAGE_LEVEL, index) for index in range(8)] == roots
    assert tree.node(PAGE_LEVEL + 2, 1) == naive_root(roots[4:])
    assert tree.root == naive_root(roots)


def test_a_copy_of_a_page_tree_is_independent() -> None:
    tree = PageTree(PAGE_LEVEL + 3)
    tree.update({1: b"\x01" * PAGE_SIZE_BYTES})
    twin, root = tree.copy(), tree.root
    twin.update({2: b"\x02" * PAGE_SIZE_BYTES})
    assert tree.root == root != twin.root


def test_the_hasher_is_asked_for_whole_levels() -> None:
    """A batching hasher gets its batches: one call a level, not one a node."""
    sizes: list[int] = []

    def hasher(nodes: bytes) -> bytes:
        sizes.append(len(nodes))
        return hash_pairs(nodes)

    PageTree(PAGE_LEVEL + 2, hasher).update(
        {index: bytes([index + 1]) * PAGE_SIZE_BYTES for index in range(4)}
    )
    assert sizes == [4 * PAGE_SIZE_BYTES >> level for level in range(PAGE_LEVEL)] + [4 * 32, 2 * 32]


@given(
    st.lists(st.tuples(st.integers(0, 70_000), st.binary(max_size=99)), max_size=4), st.sampled_from([18, 24])
)
@settings(max_examples=20)
def test_a_root_of_stretches_with_zeros_between(stretches: list[tuple[int, bytes]], depth: int) -> None:
    content = bytearray()
    root = StreamedRoot(depth, vector_hash_pairs)
    for gap, stretch in stretches:
        leaf = -(-len(content) // LEAF_SIZE_BYTES) + gap
        content += bytes(leaf * LEAF_SIZE_BYTES - len(content)) + stretch
        root.seek(leaf)
        root.update(stretch)
    assert root.finish() == root_of_bytes(bytes(content), depth, vector_hash_pairs)


@given(st.binary(max_size=128), st.integers(2, 4))
def test_a_root_of_a_tree_below_a_block(content: bytes, depth: int) -> None:
    root = StreamedRoot(depth)
    root.update(content)
    assert root.finish() == root_of_bytes(content, depth)


def test_a_streamed_root_goes_forwards_only_and_not_beyond_the_tree() -> None:
    for leaf in (0, 1, 2**18, -1):
        root = StreamedRoot(18)
        root.update(bytes(33))
        with pytest.raises(ValueError, match="expected a leaf below"):
            root.seek(leaf)
    root = StreamedRoot(3)
    root.seek(7)
    root.update(bytes(32))
    with pytest.raises(ValueError, match="at most 256 bytes"):
        root.update(b"\0")
