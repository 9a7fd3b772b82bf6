"""Policies that judge by facts: what their contracts would answer now (docs/protocol.md S8)."""

from dataclasses import replace

from truestep.base.errors import Bug
from truestep.base.ids import BatchId, Bytes32
from truestep.protocol.audits.auditing import Auditing
from truestep.protocol.audits.policy import audits_policy
from truestep.protocol.audits.state import Audits
from truestep.protocol.audits.state import Links as AuditLinks
from truestep.protocol.availability.keeping import Keeping
from truestep.protocol.availability.kept_policy import kept_policy
from truestep.protocol.availability.kept_state import Links
from truestep.protocol.lots.dealing import Dealing
from truestep.protocol.lots.policy import drawn_policy
from truestep.protocol.lots.state import Links as LotLinks
from truestep.protocol.lots.state import Lots
from truestep.protocol.quorum.policy import quorum_policy, stretch_of
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.quorum.state import Links as QuorumLinks
from truestep.protocol.quorum.state import Quorums
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


def with_policies(
    deployment: Deployment,
    keeping: Keeping | None,
    proving: Proving | None,
    seating: Seating | None = None,
    auditing: Auditing | None = None,
    dealing: Dealing | None = None,
) -> Deployment:
    """A deployment that knows the numbers of its policies, and whose jobs wait."""
    return judging(
        Facts(
            deployment=deployment,
            keeping=keeping,
            proving=proving,
            seating=seating,
            auditing=auditing,
            dealing=dealing,
        )
    )


def judging(facts: Facts) -> Deployment:
    """The deployment with policies that answer by these facts."""
    parts = (facts.keeping, facts.proving, facts.seating, facts.auditing, facts.dealing)
    if all(part is None for part in parts):
        return facts.deployment
    policies = dict(facts.deployment.policies)
    if facts.keeping is not None:
        policies[facts.keeping.policy] = _kept(facts, facts.keeping)
    if facts.proving is not None:
        policies[facts.proving.policy] = validity_policy(
            lambda: verifiers_of(facts), proof_links(facts, facts.proving)
        )
    if facts.seating is not None:
        policies[facts.seating.policy] = quorum_policy(
            lambda: quorums_of(facts),
            quorum_links(facts, facts.seating),
            lambda claim_id: _stands(facts, claim_id),
        )
    if facts.auditing is not None:
        policies[facts.auditing.policy] = audits_policy(
            lambda: audits_of(facts, auditing_of(facts)), audit_links(facts.auditing)
        )
    if facts.dealing is not None:
        links = lot_links(facts.dealing)
        policies[facts.dealing.policy] = drawn_policy(lambda: lots_of(facts), links)
    return replace(facts.deployment, policies=policies)


def auditing_of(facts: Facts) -> Auditing:
    """What never changes of Audits, in a network that has it."""
    if facts.auditing is None:
        raise Bug("expected a network whose claims are audited")
    return facts.auditing


def audits_of(facts: Facts, auditing: Auditing) -> Audits:
    """What Audits keeps, but for what it owes, what is certified, and how busy auditors are."""
    return Audits(rules=auditing.rules, funds=facts.funds, batches=facts.audited, audits=facts.audits)


def audit_links(auditing: Auditing) -> AuditLinks:
    """What Audits is told by those that it asks. Whom a round draws, and what is pledged, no event says."""
    return AuditLinks(
        audits=auditing.audits,
        sortition=auditing.sortition,
        round_seed=lambda since, now: None,
        select=lambda pool, seed, excluded: None,
        pledge_of=lambda pool, operator: 0,
        seizable=lambda operator: 0,
        exit_seconds=auditing.exit_seconds,
    )


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


def quorums_of(facts: Facts) -> Quorums:
    """What Quorums keeps, but for what it owes."""
    return Quorums(
        purses=facts.purses,
        committees=facts.committees,
        failed=frozenset(facts.failed),
        sittings=facts.sittings,
        commitments=facts.commitments,
        dissents=facts.dissents,
        load=facts.quorum_load,
    )


def quorum_links(facts: Facts, seating: Seating) -> QuorumLinks:
    """What Quorums is told. Seeds, draws, pledges and signatures, no event of its own says."""
    return QuorumLinks(
        quorums=seating.quorums,
        sortition=seating.sortition,
        rules=seating.rules,
        exit_seconds=seating.exit_seconds,
        seed=lambda since, now: Bytes32(bytes(32)),
        select=lambda pool, seed, count: (NOBODY,) * count,
        penalise=lambda member, amount_wei: 0,
        signer=lambda batch_id, tasks_root, member, commitment, signature: member,
    )


def lots_of(facts: Facts) -> Lots:
    """What Lots keeps, but for what it owes."""
    return Lots(offers=facts.offers, lots=facts.lots, failed=frozenset(facts.late))


def lot_links(dealing: Dealing) -> LotLinks:
    """What Lots is told. Seeds, draws and pledges, no event of its own says."""
    return LotLinks(
        lots=dealing.lots,
        sortition=dealing.sortition,
        rules=dealing.rules,
        seed=lambda since, now: Bytes32(bytes(32)),
        select=lambda pool, seed, excluded: None,
        pledge_of=lambda member: 0,
        penalise=lambda member, amount_wei: 0,
    )


def _stands(facts: Facts, claim_id: LeafId) -> bool:
    """Whether no leaf of a claim's batch fell, and no game is open on it (docs/quorum.md Q4.5)."""
    known, dispute = facts.batches.get(batch_of_claim(claim_id)), facts.disputes.get(claim_id)
    return known is not None and not known.batch.struck and (dispute is None or not dispute.claim.open_count)


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
    audited = facts.audited.get(batch_id)
    audited_until = audited.open_until if audited is not None and audited.pending else 0
    reopened_until = facts.reopened_until.get(batch_id, 0)
    last = max(until, facts.kept.batch(batch_id).held_until, reopened_until, audited_until)
    known = facts.batches.get(batch_id)
    if facts.seating is None or known is None or known.batch.policy != facts.seating.policy:
        return last
    return max(last, until + stretch_of(quorums_of(facts), facts.seating.rules, batch_id))


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
    if known is None or now <= facts.stopped_until:
        return False
    sitting = facts.sittings.get(batch_of_claim(claim_id))
    if sitting is not None and sitting.is_proven:
        return _stands(facts, claim_id)
    if found is None:
        return False
    is_struck = known.batch.struck >> leaf_of_claim(claim_id) & 1
    return not is_struck and not facts.entries[found.number - 1].stopped_at


def _kept(facts: Facts, keeping: Keeping) -> Policy:
    def batch_of(batch_id: BatchId) -> Batch | None:
        known = facts.batches.get(batch_id)
        return known.batch if known is not None else None

    return kept_policy(lambda: facts.kept, batch_of, links_of(facts, keeping))
