"""Policies that judge by facts: what their contracts would answer now (docs/protocol.md S8)."""

from dataclasses import replace

from truestep.base.ids import BatchId
from truestep.protocol.availability.keeping import Keeping
from truestep.protocol.availability.kept_policy import kept_policy
from truestep.protocol.availability.kept_state import Links
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.records import Batch
from truestep.protocol.settlement.state import Deployment


def with_policy(deployment: Deployment, keeping: Keeping) -> Deployment:
    """A deployment that knows the number of the policy *kept*, and that its jobs wait."""
    return _with_kept(Facts(deployment=deployment, keeping=keeping), keeping)


def judging(facts: Facts) -> Deployment:
    """The deployment with policies that answer by these facts."""
    return _with_kept(facts, facts.keeping) if facts.keeping is not None else facts.deployment


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
    """The last second for a game on a batch whose window ends at `until`, as the policy *kept* says."""
    return max(until, facts.kept.batch(batch_id).held_until)


def _with_kept(facts: Facts, keeping: Keeping) -> Deployment:
    def batch_of(batch_id: BatchId) -> Batch | None:
        known = facts.batches.get(batch_id)
        return known.batch if known is not None else None

    policy = kept_policy(lambda: facts.kept, batch_of, links_of(facts, keeping))
    policies = {**facts.deployment.policies, keeping.policy: policy}
    return replace(facts.deployment, policies=policies)
