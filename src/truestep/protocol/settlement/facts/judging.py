"""Policies that judge by facts: what their contracts would answer now (docs/protocol.md S8)."""

from dataclasses import replace

from truestep.base.ids import BatchId
from truestep.protocol.availability.keeping import Keeping
from truestep.protocol.availability.kept_policy import kept_policy
from truestep.protocol.availability.kept_state import Links
from truestep.protocol.settlement.assurances import Policy
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.games import claim_of_game_id
from truestep.protocol.settlement.ids import NOBODY, LeafGameId, LeafId, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.records import Batch
from truestep.protocol.settlement.state import Deployment
from truestep.protocol.validity.policy import validity_policy
from truestep.protocol.validity.proving import Proving
from truestep.protocol.validity.state import Links as ProofLinks
from truestep.protocol.validity.state import Verifiers


def with_policies(deployment: Deployment, keeping: Keeping | None, proving: Proving | None) -> Deployment:
    """A deployment that knows the numbers of the policies *kept* and *validity*, and whose jobs wait."""
    return judging(Facts(deployment=deployment, keeping=keeping, proving=proving))


def judging(facts: Facts) -> Deployment:
    """The deployment with policies that answer by these facts."""
    policies = dict(facts.deployment.policies)
    if facts.keeping is not None:
        policies[facts.keeping.policy] = _kept(facts, facts.keeping)
    if facts.proving is not None:
        policies[facts.proving.policy] = validity_policy(
            lambda: verifiers_of(facts), proof_links(facts, facts.proving)
        )
    return replace(facts.deployment, policies=policies) if policies else facts.deployment


def verifiers_of(facts: Facts) -> Verifiers:
    """What Verifiers keeps, but for what it owes."""
    return Verifiers(
        entries=facts.entries,
        last_stopped_at=facts.entry_stopped_at,
        proofs=facts.proofs,
        proven=facts.proven,
        reopened_until=facts.reopened_until,
    )


def proof_links(facts: Facts, proving: Proving) -> ProofLinks:
    """What Verifiers is told by those that it asks. Whether a proof holds, no event says."""
    kept = {each.entry.verifier: each for each in facts.entries}

    def game_count(claim_id: LeafId) -> int:
        dispute = facts.disputes.get(claim_id)
        return dispute.claim.opened if dispute is not None else 0

    return ProofLinks(
        verifiers=proving.verifiers,
        deployer=NOBODY,
        is_connected=lambda: True,
        selector=lambda address: kept[address].entry.selector if address in kept else None,
        code_hash=lambda address: kept[address].code_hash,
        verify=lambda verifier, key_digest, statement, seal: True,
        game_count=game_count,
    )


def links_of(facts: Facts, keeping: Keeping) -> Links:
    """What Kept is told by the contracts that it asks."""
    return Links(
        kept=keeping.kept,
        answer_seconds=keeping.rules.answer_seconds,
        acknowledge_seconds=keeping.rules.acknowledge_seconds,
        blob_bond_wei=keeping.rules.blob_bond_wei,
        standing=facts.data.standing,
        is_challenged=facts.data.challenges.__contains__,
        is_demanded=facts.data.demands.__contains__,
    )


def open_until(facts: Facts, batch_id: BatchId, until: int) -> int:
    """The last second for a game on a batch whose window ends at `until`, as its policy says."""
    return max(until, facts.kept.batch(batch_id).held_until, facts.reopened_until.get(batch_id, 0))


def ends_game(facts: Facts, game_id: LeafGameId, now: int) -> bool:
    """Whether a proof has ended a game that is in the facts (S8.6)."""
    known = facts.batches.get(batch_of_claim(claim_of_game_id(game_id)))
    if known is None or now <= facts.stopped_until:
        return False
    policy = judging(facts).policies.get(known.batch.policy)
    return policy is not None and policy.ends_game(game_id)


def is_proven(facts: Facts, claim_id: LeafId, now: int) -> bool:
    """Whether a claim that is in the facts and stands is proven (S8.6)."""
    known, found = facts.batches.get(batch_of_claim(claim_id)), facts.proofs.get(claim_id)
    if known is None or found is None or now <= facts.stopped_until:
        return False
    is_struck = known.batch.struck >> leaf_of_claim(claim_id) & 1
    return not is_struck and not facts.entries[found.number - 1].stopped_at


def _kept(facts: Facts, keeping: Keeping) -> Policy:
    def batch_of(batch_id: BatchId) -> Batch | None:
        known = facts.batches.get(batch_id)
        return known.batch if known is not None else None

    return kept_policy(lambda: facts.kept, batch_of, links_of(facts, keeping))
