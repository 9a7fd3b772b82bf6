"""Signatures over BLS12-381: what the chain checks is checked there (`benchmarks/anchors_gas.py`)."""

from __future__ import annotations

import pytest

from truestep.base.errors import Reject, Rejected
from truestep.commitments.bls import (
    POSSESSES,
    PublicKey,
    Signature,
    public_key,
    secret_key,
    sign,
    sum_of,
    verifies,
)

SECRETS = [secret_key(bytes([number]) * 48) for number in range(2)]
KEYS = [public_key(secret) for secret in SECRETS]
MESSAGE = b"m" * 32
SIGNATURES = [sign(secret, MESSAGE) for secret in SECRETS]


def test_signatures_add_up() -> None:
    both = sum_of(SIGNATURES)
    assert verifies(KEYS, MESSAGE, both)
    assert not verifies(KEYS[:1], MESSAGE, both)
    assert not verifies([], MESSAGE, both)


def test_a_proof_of_possession_is_no_signature() -> None:
    possession = sign(SECRETS[0], MESSAGE, POSSESSES)
    assert possession != SIGNATURES[0]
    assert verifies(KEYS[:1], MESSAGE, possession, POSSESSES)
    assert not verifies(KEYS[:1], MESSAGE, possession)


@pytest.mark.parametrize("wrong", [b"", bytes(256), b"\xff" * 256, bytes(255) + b"\1", SIGNATURES[0] + b"\0"])
def test_what_is_no_point_is_refused(wrong: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        verifies(KEYS[:1], MESSAGE, Signature(wrong))
    assert caught.value.reason is Reject.BLS_POINT
    with pytest.raises(Rejected):
        sum_of([Signature(wrong)])


def test_a_key_that_is_no_point_is_refused() -> None:
    for wrong in (bytes(128), bytes(127) + b"\1", KEYS[0][:-1]):
        with pytest.raises(Rejected):
            verifies([PublicKey(wrong)], MESSAGE, SIGNATURES[0])


def test_the_key_of_one_is_the_generator() -> None:
    """The compressed generator of the specification begins with 97f1d3a7; its first byte has three flags."""
    assert public_key(1)[16:20].hex() == "17f1d3a7"
