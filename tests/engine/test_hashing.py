"""The hasher for content of any size, on both sides of its threshold."""

from __future__ import annotations

import random

import pytest

from truestep.commitments.keccak import hash_pairs
from truestep.engine.hashing import COMPILED_FROM_BYTES, hash_many_pairs


@pytest.mark.parametrize(
    "size_bytes", [0, 64, COMPILED_FROM_BYTES - 64, COMPILED_FROM_BYTES, COMPILED_FROM_BYTES + 64]
)
def test_it_hashes_like_the_plain_one(size_bytes: int, rng: random.Random) -> None:
    nodes = rng.randbytes(size_bytes)
    assert hash_many_pairs(nodes) == hash_pairs(nodes)
