"""Memory against a dictionary of bytes, and its tree against the tree of those bytes' leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.trees import LeafTree, write_bytes
from truestep.commitments.merkle import ZERO_NODES
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.layout import MEMORY_SIZE_BYTES, PAGE_SIZE_BYTES, TREE_DEPTH
from truestep.machine.memory import Memory
from truestep.machine.overlay import Overlay

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


class Sliced(bytes):
    """Content that counts how many of its bytes are copied by slicing it."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, bytes):
            Sliced.copied += len(found)
            return Sliced(found)
        return found


@pytest.mark.parametrize(
    "make", [Memory, lambda: Overlay(ReferenceMachine(Memory(), 0))], ids=["memory", "overlay"]
)
def test_a_long_write_copies_each_byte_at_most_once(make: Callable[[], Memory | Overlay]) -> None:
    """Copying the rest for each page made a program of 40 MiB, a stranger's, cost a minute."""
    Sliced.copied = 0
    content, memory = Sliced(range(256)) * 256, make()
    memory.write(3, Sliced(content))
    assert memory.read(3, len(content)) == content
    assert Sliced.copied <= len(content)
