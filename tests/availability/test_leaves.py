"""Leaves that are shown: the root follows from them and nothing else passes."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truestep.availability.leaves import ShownLeaves, merged, root_of_shown, show_leaves
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import root_of_bytes

DEPTH = 6
SIZE_BYTES = 32 << DEPTH


@given(st.binary(max_size=SIZE_BYTES), st.integers(0, SIZE_BYTES - 1), st.data())
def test_shown_leaves_lead_to_the_root(content: bytes, start: int, data: st.DataObject) -> None:
    end = data.draw(st.integers(start + 1, SIZE_BYTES))
    shown = show_leaves(content, DEPTH, start, end)
    whole = content.ljust(SIZE_BYTES, b"\0")
    low, high = start // 64 * 64, -(-end // 64) * 64
    assert (shown.first_byte, shown.content) == (low, whole[low:high])
    assert root_of_shown(shown, DEPTH) == root_of_bytes(content, DEPTH)
    assert len(shown.path) <= 2 * DEPTH


@given(st.integers(0, 2**32))
def test_a_path_holds_no_leaf(seed: int) -> None:
    """Every hash of the path stands for two leaves at least: none is raw bytes of the content."""
    rng = random.Random(seed)
    content = rng.randbytes(SIZE_BYTES)
    start = rng.randrange(SIZE_BYTES)
    shown = show_leaves(content, DEPTH, start, start + 1)
    assert not any(node in content for node in shown.path)
    assert len(shown.path) == DEPTH - 1


@given(st.integers(0, 2**32))
def test_no_change_leads_to_the_root(seed: int) -> None:
    rng = random.Random(seed)
    content = rng.randbytes(SIZE_BYTES)  # of zeros, the same may be true elsewhere
    root = root_of_bytes(content, DEPTH)
    start = rng.randrange(SIZE_BYTES)
    shown = show_leaves(content, DEPTH, start, rng.randrange(start, SIZE_BYTES) + 1)
    flipped = bytearray(shown.content)
    flipped[rng.randrange(len(flipped))] ^= 1
    changes = [
        replace(shown, content=bytes(flipped)),
        replace(shown, first_leaf=shown.first_leaf + 2),
        replace(shown, first_leaf=shown.first_leaf - 2),
        replace(shown, first_leaf=shown.first_leaf + 1),
        replace(shown, content=shown.content[:-32]),
        replace(shown, content=shown.content[:-1]),
        replace(shown, content=b""),
        replace(shown, content=shown.content + bytes(64)),
        replace(shown, path=(*shown.path, Bytes32(bytes(32)))),
        *([replace(shown, path=shown.path[:-1])] if shown.path else []),
        *([replace(shown, path=(Bytes32(bytes(32)), *shown.path[1:]))] if shown.path else []),
    ]
    for changed in changes:
        try:
            assert root_of_shown(changed, DEPTH) != root
        except Rejected as error:
            assert error.reason == Reject.DISCLOSURE_MALFORMED


def test_bytes_outside_the_tree_are_not_shown() -> None:
    for start, end in ((-1, 5), (5, 5), (6, 5), (0, SIZE_BYTES + 1)):
        with pytest.raises(ValueError, match="expected bytes in a tree"):
            show_leaves(b"", DEPTH, start, end)
    with pytest.raises(Rejected):
        root_of_shown(ShownLeaves(first_leaf=-2, content=bytes(64), path=()), DEPTH)


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 300)), min_size=1, max_size=6))
def test_ranges_are_widened_and_merged(shapes: list[tuple[int, int]]) -> None:
    ranges = [(start, start + size) for start, size in shapes]
    found = merged(ranges)
    wanted = {pair for start, end in ranges for pair in range(start // 64, -(-end // 64))}
    assert {pair for start, end in found for pair in range(start // 64, end // 64)} == wanted
    assert all(before[1] < after[0] for before, after in pairwise(found))
