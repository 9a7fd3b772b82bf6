"""Keccak-256 against published digests (the EVM's hash, not SHA3-256)."""

from __future__ import annotations

import hashlib

from Crypto.Hash import keccak
from hypothesis import given
from hypothesis import strategies as st

from truestep.commitments.keccak import hash_pairs, keccak256, new_keccak256


def test_published_digests() -> None:
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"").hex() == empty
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


def test_it_is_not_sha3() -> None:
    assert keccak256(b"abc") != hashlib.sha3_256(b"abc").digest()


@given(st.lists(st.binary(min_size=64, max_size=64), max_size=9))
def test_pairs_are_hashed_one_by_one(pairs: list[bytes]) -> None:
    assert hash_pairs(b"".join(pairs)) == b"".join(keccak256(pair) for pair in pairs)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_both_libraries_say_the_same_of_pieces(pieces: list[bytes]) -> None:
    hasher, other = new_keccak256(pieces[0]), keccak.new(digest_bits=256, data=pieces[0])
    for piece in pieces[1:]:
        hasher.update(piece)
        other.update(piece)
    assert hasher.digest() == other.digest()
    assert hasher.hexdigest() == other.hexdigest()
