"""Claims that receipts of RISC Zero prove (docs/validity.md V2.5, docs/receipts.md R1.2)."""

from __future__ import annotations

import hashlib

import pytest

from tests.contracts.compiled import message_of
from tests.contracts.evm import rejects
from tests.contracts.foreign import deploy_verifiers, own_risc_zero
from tests.contracts.proving import ProvingArena
from tests.contracts.runs import SUM, run
from tests.contracts.settings import KEEPER
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.proofs import risc_zero
from truestep.protocol.validity.contracts.verifiers import Selector

TRUTH = run(SUM)
IMAGE = Bytes32(b"i" * 32)
GAS_LIMIT = 400_000


@pytest.fixture
def arena() -> ProvingArena:
    return ProvingArena()


def test_a_receipt_whose_journal_is_the_statement_proves_a_claim(arena: ProvingArena) -> None:
    """With a key whose secret is known, so that there is a proof of a claim of this test."""
    contract, prove = own_risc_zero(arena.evm)
    selector = Selector(contract.call("selector"))
    verifier = checksummed(contract.address)
    number = arena.add_entry(
        arena.entry(verifier=verifier, selector=selector, key_digest=IMAGE, gas_limit=GAS_LIMIT)
    )
    batch = arena.claimed(TRUTH, TRUTH)

    def seal_for(journal: bytes, image: bytes = IMAGE) -> bytes:
        return prove(risc_zero.claim_digest(image, hashlib.sha256(journal).digest()))

    right = seal_for(arena.statement(batch))
    wrong = [
        seal_for(arena.statement(batch, 1)),
        seal_for(arena.statement(batch) + b"\0"),
        seal_for(arena.statement(batch), b"j" * 32),
        right[:-1],
        *(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :] for at in (4, 40, 100, 170, 259)),
    ]
    for seal in wrong:
        with rejects(Reject.PROOF_REFUSED):
            arena.prove(batch, number=number, seal=seal)
    receipt = arena.prove(batch, number=number, seal=right)
    assert receipt.gas < 450_000
    assert arena.result_by_proof(batch)[1][0]


def test_too_little_gas_never_refuses_a_good_receipt(arena: ProvingArena) -> None:
    """A starved precompile reverts, and the call with it: the same proof is taken later."""
    contract, prove = own_risc_zero(arena.evm)
    selector = Selector(contract.call("selector"))
    verifier = checksummed(contract.address)
    number = arena.add_entry(
        arena.entry(verifier=verifier, selector=selector, key_digest=IMAGE, gas_limit=GAS_LIMIT)
    )
    batch, chain = arena.claimed(TRUTH), arena.evm.chain
    journal = hashlib.sha256(arena.statement(batch)).digest()
    seal = prove(risc_zero.claim_digest(IMAGE, journal))
    payload = message_of(arena.verifiers, "prove", *arena.call_arguments(batch), number, seal)
    ends = set[str]()
    for gas in (200_000, 400_000, 550_000, 600_000, 640_000, 700_000, 1_000_000):
        snapshot = chain.snapshot()
        try:
            chain.message_call(KEEPER, arena.verifiers.address, payload, gas=gas)
        except RuntimeError as error:
            ends.add("refused" if Reject.PROOF_REFUSED.encode().hex() in str(error) else "failed")
        else:
            ends.add("proven")
        chain.revert(snapshot)
    assert ends == {"failed", "proven"}


def test_live_versions_can_be_entries(arena: ProvingArena) -> None:
    """Each answers with its own selector; a proof of nothing is refused by each."""
    for contract in deploy_verifiers(arena.evm).values():
        selector = Selector(contract.call("selector"))
        verifier = checksummed(contract.address)
        number = arena.add_entry(
            arena.entry(verifier=verifier, selector=selector, key_digest=IMAGE, gas_limit=GAS_LIMIT)
        )
        batch = arena.claimed(TRUTH)
        for seal in (selector, selector + bytes(256), selector + bytes(352)):
            with rejects(Reject.PROOF_REFUSED):
                arena.prove(batch, number=number, seal=seal)
