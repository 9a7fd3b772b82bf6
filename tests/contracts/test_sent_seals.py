"""Whoever copies a proof may send it in another encoding: the chain takes it, and receipts find it (V9.1)."""

from random import Random

import pytest

from tests.contracts.compiled import message_of
from tests.contracts.proving import KEEPER, ProvingArena
from tests.contracts.runs import SUM, run
from truestep.adapters.chain.answers import Junk
from truestep.adapters.chain.sent_calls import bytes_in


def seal_in(call: bytes) -> bytes:
    """The seal in a call of Verifiers."""
    return bytes_in(call, "Verifiers", "seal")


def moved(message: bytes, seal: bytes, head_words: int) -> bytes:
    """The same call with its seal behind a gap, no zeros as padding, and something behind it."""
    gap, random = 32, Random(1)
    place = 4 + 32 * (head_words - 1)
    start = 4 + int.from_bytes(message[place : place + 32], "big")
    head = message[:place] + (start - 4 + gap).to_bytes(32, "big") + message[place + 32 : start]
    padding = random.randbytes(-len(seal) % 32) + random.randbytes(7)
    return head + random.randbytes(gap) + len(seal).to_bytes(32, "big") + seal + padding


def test_a_seal_is_found_however_its_call_is_encoded() -> None:
    arena = ProvingArena()
    batch = arena.claimed(*[run(SUM)] * 4, shard_count=4)
    seals = [arena.seal(batch, index) for index in range(4)]
    assert len(seals[0]) % 32
    calls = [
        message_of(arena.verifiers, "prove", *arena.call_arguments(batch, index), 1, seals[index])
        for index in range(4)
    ]
    for index, call in enumerate((calls[0], moved(calls[1], seals[1], 11))):
        assert seal_in(call) == seals[index]
        arena.evm.send(KEEPER, arena.verifiers.address, call)
        assert arena.verifiers.call("is_proven", batch.claim_id(index))
    many = message_of(arena.verifiers, "prove_many", *arena.call_arguments(batch, 2), [], 1, seals[2])
    assert seal_in(many) == seal_in(moved(many, seals[2], 12)) == seals[2]
    for cut in (calls[0][:200], calls[0][:356], calls[0][: calls[0].index(seals[0]) + 3]):
        with pytest.raises(Junk, match="ends before"):
            seal_in(cut)
    assert seal_in(b"") == seal_in(message_of(arena.verifiers, "stop", 1)) == b""
