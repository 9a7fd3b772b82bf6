"""The tree of a log against the definition of RFC 6962, and its proofs."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truestep.base.errors import Reject, Rejected
from truestep.protocol.logs.tree import (
    EMPTY_ROOT,
    Peaks,
    consistency_proof,
    consistency_roots,
    inclusion_proof,
    inclusion_root,
    leaf_hash,
    node_hash,
    peaks_at,
    peaks_of,
)

VECTOR_ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The entries that implementations of RFC 6962 share; the roots of 1 to 8 of them follow."""
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


def reader(leaves: list[bytes]):
    return lambda level, index: naive_root(leaves[index << level : (index + 1) << level])


def test_the_shared_vectors() -> None:
    peaks = Peaks()
    assert peaks.root == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for entry, root in zip(VECTOR_ENTRIES, VECTOR_ROOTS, strict=True):
        peaks = peaks.grown(leaf_hash(entry))
        assert peaks.root.hex() == root


def test_every_small_tree_and_proof() -> None:
    for size in range(1, 20):
        leaves = leaves_of(size)
        read, root = reader(leaves), naive_root(leaves)
        assert peaks_of(leaves).root == root
        assert peaks_at(read, size) == peaks_of(leaves)
        for index in range(size):
            path = inclusion_proof(read, index, size)
            assert inclusion_root(leaves[index], index, size, path) == root
        for old in range(1, size):
            path = consistency_proof(read, old, size)
            assert consistency_roots(old, size, path) == (naive_root(leaves[:old]), root)


@given(st.integers(1, 400), st.data())
def test_larger_trees(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    read, root = reader(leaves), naive_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(read, index, size)
    assert inclusion_root(leaves[index], index, size, path) == root
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        assert leads_elsewhere(lambda: inclusion_root(leaves[index], other, size, path), root)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        wrong = [*path[:at], bytes(32), *path[at + 1 :]]
        assert inclusion_root(leaves[index], index, size, wrong) != root
        for length in (path[:-1], [*path, bytes(32)]):
            with pytest.raises(Rejected) as caught:
                inclusion_root(leaves[index], index, size, length)
            assert caught.value.reason is Reject.LOG_PROOF


@given(st.integers(2, 300), st.data())
def test_a_proof_of_an_honest_log_denies_another_past(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    leaves = leaves_of(size)
    path = consistency_proof(reader(leaves), old, size)
    found = consistency_roots(old, size, path)
    assert found == (naive_root(leaves[:old]), naive_root(leaves))
    at = data.draw(st.integers(0, len(path) - 1))
    wrong = [*path[:at], sha256(path[at]).digest(), *path[at + 1 :]]
    assert consistency_roots(old, size, wrong)[1] != found[1]
    for length in (path[:-1], [*path, bytes(32)]):
        with pytest.raises(Rejected):
            consistency_roots(old, size, length)


def test_nothing_of_the_wrong_shape() -> None:
    for sizes in ((0, 1), (1, 1), (2, 1), (-1, 5)):
        with pytest.raises(Rejected):
            consistency_roots(*sizes, [bytes(32)])
    for index, size in ((0, 0), (1, 1), (-1, 3)):
        with pytest.raises(Rejected):
            inclusion_root(bytes(32), index, size, [])
    with pytest.raises(Rejected):
        Peaks(size=3, nodes=(node_hash(b"", b""),))


def leads_elsewhere(compute, root: bytes) -> bool:
    try:
        return compute() != root
    except Rejected:
        return True
