"""Calls of Verifiers (docs/validity.md)."""

from collections.abc import Callable

from truestep.base.errors import Reject
from truestep.base.ids import Address
from truestep.protocol.settlement.facts.leaves import leaves_in
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready, prepared_proof, scope_of
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.ids import LeafId, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.records import BatchTerms, LeafProof
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.validity.contracts import verifiers
from truestep.protocol.validity.contracts.verifiers import EntryNumber


def prove(facts: Facts, caller: Caller, claim_id: LeafId, number: EntryNumber, seal: bytes) -> Answer:
    """Prove a claim. Whether the proof holds, only the verifier says."""

    def made(terms: BatchTerms, proof: LeafProof) -> object:
        return verifiers.Prove(claim_id=claim_id, terms=terms, proof=proof, number=number, seal=seal)

    return _on_leaf(facts, caller, claim_id, made)


def prove_many(
    facts: Facts, caller: Caller, claim_id: LeafId, count: int, number: EntryNumber, seal: bytes
) -> Answer:
    """Prove the claims of so many shards from this one on."""
    known, first = facts.batches.get(batch_of_claim(claim_id)), leaf_of_claim(claim_id)
    if known is not None and first + count > known.batch.leaf_count:
        return Reject.LEAF_UNKNOWN

    def made(terms: BatchTerms, proof: LeafProof) -> object:
        others = leaves_in(facts.batches[batch_of_claim(claim_id)])[first + 1 : first + count]
        return verifiers.ProveMany(
            claim_id=claim_id, terms=terms, proof=proof, others=tuple(others), number=number, seal=seal
        )

    return _on_leaf(facts, caller, claim_id, made)


def drop(facts: Facts, caller: Caller, claim_id: LeafId) -> Answer:
    """Strike a leaf that nobody has proven in time."""

    def made(terms: BatchTerms, proof: LeafProof) -> object:
        return verifiers.Drop(claim_id=claim_id, terms=terms, proof=proof)

    return _on_leaf(facts, caller, claim_id, made)


def contradict(facts: Facts, claim_id: LeafId) -> Answer:
    """Stop the entry by which a claim was proven that has been struck."""
    found, known = facts.proofs.get(claim_id), facts.batches.get(batch_of_claim(claim_id))
    if found is None:
        return Reject.CLAIM_NOT_PROVEN
    if known is not None and not known.batch.struck >> (claim_id & 0xFF) & 1:
        return Reject.CLAIM_STANDS
    if facts.entries[found.number - 1].stopped_at:
        return Reject.ENTRY_STOPPED
    return Ready(call=verifiers.Contradict(claim_id=claim_id))


def stop(facts: Facts, number: EntryNumber) -> Answer:
    """Stop an entry. Who the guardian is now, facts do not say."""
    if facts.proving is None:
        return Reject.POLICY_UNKNOWN
    if not 0 < number <= len(facts.entries):
        return Reject.ENTRY_UNKNOWN
    if facts.entries[number - 1].stopped_at:
        return Reject.ENTRY_STOPPED
    return Ready(call=verifiers.Stop(number=number))


def withdraw(facts: Facts, receiver: Address) -> Answer:
    """Take what Verifiers owes the caller. How much that is, facts do not say."""
    if facts.proving is None:
        return Reject.POLICY_UNKNOWN
    return Ready(call=verifiers.WithdrawTo(receiver=receiver))


def _on_leaf(
    facts: Facts, caller: Caller, claim_id: LeafId, made: Callable[[BatchTerms, LeafProof], object]
) -> Answer:
    batch_id = batch_of_claim(claim_id)
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.OVER if 0 < batch_id <= facts.batch_count else Reject.BATCH_STAGE
    try:
        proof = leaf_proof(facts, claim_id, Reject.BATCH_STAGE)
    except Refused as refused:
        return refused.reason
    return prepared_proof(facts, caller, scope_of(facts, batch_id), made(known.batch.terms, proof))
