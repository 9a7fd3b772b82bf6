"""Memory over another memory: it reads and hashes like a copy, and what is below never changes."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.layout import MEMORY_SIZE_BYTES, PAGE_SIZE_BYTES
from truestep.machine.memory import Memory
from truestep.machine.overlay import Overlay

PLACES = (0, 0x2000_0000, 0x2000_0000 + 3 * PAGE_SIZE_BYTES, 0xE000_0000, MEMORY_SIZE_BYTES - PAGE_SIZE_BYTES)
Writes = list[tuple[int, bytes]]
WRITES = st.lists(
    st.tuples(
        st.builds(int.__add__, st.sampled_from(PLACES), st.integers(0, PAGE_SIZE_BYTES - 40)),
        st.binary(min_size=1, max_size=40),
    ),
    max_size=6,
)


@given(WRITES, WRITES, st.randoms(use_true_random=False))
def test_it_is_like_a_copy(below: Writes, above: Writes, rng: random.Random) -> None:
    frozen, copy = Memory(), Memory()
    for address, content in below:
        frozen.write(address, content)
        copy.write(address, content)
    root_below = frozen.root()
    overlay = Overlay(ReferenceMachine(frozen, 0))
    for number, (address, content) in enumerate(above):
        overlay.write(address, content)
        copy.write(address, content)
        if number % 2:
            assert overlay.root() == copy.root()
    assert overlay.root() == copy.root()
    assert frozen.root() == root_below
    for address, content in (*below, *above):
        start, size_bytes = max(address - 5, 0), len(content) + 5
        assert overlay.read(start, size_bytes) == copy.read(start, size_bytes)
        level = rng.randrange(28)
        leaf = address // 32
        assert overlay.node(level, leaf >> level) == copy.node(level, leaf >> level)
        assert overlay.read_leaf(leaf) == copy.read_leaf(leaf)


def test_a_write_over_the_end_of_a_page() -> None:
    frozen = Memory()
    frozen.write(PAGE_SIZE_BYTES - 2, b"abcd")
    overlay = Overlay(ReferenceMachine(frozen, 0))
    overlay.write(PAGE_SIZE_BYTES - 1, b"XY")
    assert overlay.read(PAGE_SIZE_BYTES - 3, 6) == b"\0aXYd\0"
    assert frozen.read(PAGE_SIZE_BYTES - 2, 4) == b"abcd"
