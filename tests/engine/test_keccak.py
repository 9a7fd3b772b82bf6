"""The vector PairHasher against pycryptodome's Keccak-256."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from truestep.commitments.keccak import hash_pairs
from truestep.engine.runtime.keccak import vector_hash_pairs


def test_no_nodes() -> None:
    assert vector_hash_pairs(b"") == b""


def test_every_count_up_to_some_vectors(rng: random.Random) -> None:
    for count in range(1, 20):
        nodes = rng.randbytes(64 * count)
        assert vector_hash_pairs(nodes) == hash_pairs(nodes)


@given(st.lists(st.binary(min_size=64, max_size=64), min_size=1, max_size=9))
def test_any_nodes(nodes: list[bytes]) -> None:
    assert vector_hash_pairs(b"".join(nodes)) == hash_pairs(b"".join(nodes))


def test_each_bit_counts() -> None:
    nodes = b"".join((1 << bit).to_bytes(64, "little") for bit in range(512))
    digests = vector_hash_pairs(nodes)
    assert digests == hash_pairs(nodes)
    assert len({digests[i : i + 32] for i in range(0, len(digests), 32)}) == 512


def test_from_several_threads(rng: random.Random) -> None:
    batches = [rng.randbytes(64 * 501) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(vector_hash_pairs, batches)) == [hash_pairs(batch) for batch in batches]
