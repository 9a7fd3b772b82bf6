"""Memory against a dictionary of bytes, and its tree against the tree of those bytes' leaves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.machine.trees import LeafTree, write_bytes
from truestep.commitments.merkle import ZERO_NODES
from truestep.machine.layout import MEMORY_SIZE_BYTES, PAGE_SIZE_BYTES, TREE_DEPTH
from truestep.machine.memory import Memory

STARTS = st.one_of(
    st.sampled_from([0, 31, PAGE_SIZE_BYTES - 3, 0x2000_0000 - 5, 0x8000_0000 - 1, 0xC000_0000]),
    st.integers(0, 3 * PAGE_SIZE_BYTES),
)
WRITES = st.lists(st.tuples(STARTS, st.binary(min_size=1, max_size=70)), max_size=6)


def test_fresh_memory_is_zero() -> None:
    memory = Memory()
    assert memory.read(MEMORY_SIZE_BYTES - 8, 8) == bytes(8)
    assert memory.root() == ZERO_NODES[TREE_DEPTH]
    assert memory.node(3, 5) == ZERO_NODES[3]


@given(WRITES, STARTS, st.integers(0, 80))
def test_what_is_written_is_read(writes: list[tuple[int, bytes]], start: int, size_bytes: int) -> None:
    memory, expected = Memory(), dict[int, int]()
    for address, content in writes:
        memory.write(address, content)
        expected.update(enumerate(content, address))
    wanted = bytes(expected.get(address, 0) for address in range(start, start + size_bytes))
    assert memory.read(start, size_bytes) == wanted


@given(WRITES, st.booleans())
def test_its_nodes_are_those_of_its_leaves(writes: list[tuple[int, bytes]], is_asked_between: bool) -> None:
    memory, leaves = Memory(), dict[int, bytes]()
    for address, content in writes:
        memory.write(address, content)
        write_bytes(leaves, address, content)
        if is_asked_between:
            memory.root()
    tree = LeafTree(leaves)
    assert memory.root() == tree.node(TREE_DEPTH, 0)
    for index in leaves:
        assert memory.read_leaf(index) == leaves[index]
        for level in (0, 1, 6, 7, 8, 23, 26):
            assert memory.node(level, index >> level) == tree.node(level, index >> level)
            assert memory.node(level, index >> level ^ 1) == tree.node(level, index >> level ^ 1)
