"""A challenger's decisions about claims whose data it cannot get (docs/availability.md A5.4, A5.5)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from truestep.base.ids import Address, BatchId, ClaimId, JobId, batch_of_claim, job_of_task
from truestep.base.text import counted
from truestep.base.units import coins
from truestep.protocol.availability.calls import Paid
from truestep.protocol.availability.ids import (
    ChallengeKind,
    ChallengePlace,
    ItemId,
    item_of_demand,
    unpack_challenge,
)
from truestep.protocol.availability.kept import CONTEST_ANSWERS, HOLD_LIMIT_SECONDS
from truestep.protocol.calls import FailClaim, HoldBatch, HoldForDemand
from truestep.protocol.settlement.facts.due import Action as DutyKind
from truestep.protocol.settlement.facts.kept_calls import hold_bond_wei
from truestep.protocol.settlement.facts.records import Facts, KnownBatch
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles.availability.bonds import Wish
from truestep.roles.availability.sights import Need, SendData
from truestep.roles.challenger import can_be_challenged, is_false, is_open
from truestep.roles.views import ClaimView, MaterialStage, TaskView, View

HOLD_SHARE, HOLD_LEAST_SECONDS = 4, 600
"""A batch is held in the last quarter of its window, or in the last ten minutes if these are more: data may
come until then, and a hold of a true claim costs its bond."""
HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchecked:
    """A claim of which this node does not know whether it is true."""

    claim_id: ClaimId
    job_id: JobId
    items: tuple[ItemId, ...]
    """Of its program and its input."""
    until: int
    """The last second in which a game can be opened."""
    is_missing: bool
    """Whether program or input cannot be had."""

    @property
    def batch_id(self) -> BatchId:
        """Its batch."""
        return batch_of_claim(self.claim_id)


def unchecked(view: View, facts: Facts) -> list[Unchecked]:
    """The claims of others under the policy *kept* that can be disputed and are not checked."""
    found: list[Unchecked] = []
    rows = [(task, claim) for task in view.tasks for claim in task.claims]
    for task, claim in rows:
        job_id = job_of_task(task.task.task_id)
        items = facts.kept.supplied.get(job_id)
        is_possible = is_open(view, task, claim) and can_be_challenged(view, task, claim)
        if items is None or not is_possible or is_false(task, claim) is not None:
            continue
        stage = task.material.stage
        found.append(
            Unchecked(
                claim_id=claim.claim_id,
                job_id=job_id,
                items=tuple(dict.fromkeys(items)),
                until=max(task.task.until, view.stopped_until),
                is_missing=stage in (MaterialStage.UNREACHABLE, MaterialStage.WRONG),
            )
        )
    return found


def needs(facts: Facts, claims: Iterable[Unchecked]) -> dict[ItemId, Need]:
    """The items that these claims depend on, and for how long."""
    found: dict[ItemId, Need] = {}
    for claim in claims:
        known = facts.batches.get(claim.batch_id)
        if known is None:
            continue
        limit = known.batch.until + HOLD_LIMIT_SECONDS
        for item_id in claim.items:
            before = found.get(item_id)
            found[item_id] = Need(
                limit=min(limit, before.limit) if before else limit,
                is_missing=claim.is_missing or (before is not None and before.is_missing),
            )
    return found


# --- more time ------------------------------------------------------------------------------------


def holds(view: View, facts: Facts, claims: Iterable[Unchecked]) -> Iterator[Wish]:
    """Hold batches whose windows end before their claims can be checked."""
    batches: defaultdict[BatchId, list[Unchecked]] = defaultdict(list)
    for claim in claims:
        if claim.is_missing:
            batches[claim.batch_id].append(claim)
    for batch_id, group in sorted(batches.items(), key=lambda each: min(claim.until for claim in each[1])):
        wish = _hold(view, facts, batch_id, group)
        if wish is not None:
            yield wish


def _hold(view: View, facts: Facts, batch_id: BatchId, group: list[Unchecked]) -> Wish | None:
    known = facts.batches.get(batch_id)
    if known is None or facts.keeping is None:
        return None
    batch, kept = known.batch, facts.kept.batch(batch_id)
    window, last = batch.terms.window_seconds, max(batch.until, kept.held_until)
    margin = min(max(window // HOLD_SHARE, HOLD_LEAST_SECONDS), window // 2)
    if not last - margin <= view.now <= last:
        return None
    items = dict.fromkeys(item_id for claim in group for item_id in claim.items)
    found = _reason(facts, view.now, known, batch_id, items)
    if found is None or min(found.until, batch.until + HOLD_LIMIT_SECONDS) <= last:
        return None
    bond_wei = hold_bond_wei(facts, batch_id, known, doublings=1)
    send = SendData(
        intent=f"{HOLD}/{batch_id}/{kept.hold_count + 1}",
        call=Paid(call=found.call, value_wei=bond_wei),
        message=f"holds batch {batch_id}, of which it cannot check {counted(len(group), 'claim')} until"
        f" {found.what};"
        f" if they are true, a bond of {coins(bond_wei)} is lost",
    )
    return Wish(send=send, bond_wei=bond_wei)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reason:
    """Why a batch may be held."""

    call: HoldBatch | HoldForDemand
    until: int
    """Until when, if that is not limited."""
    what: str


def _reason(
    facts: Facts, now: int, known: KnownBatch, batch_id: BatchId, items: Iterable[ItemId]
) -> _Reason | None:
    """What is asked of one of these items: a blob, or its tree."""
    if facts.keeping is None:
        return None
    wanted, answer_seconds = set(items), facts.keeping.rules.answer_seconds
    window = known.batch.terms.window_seconds
    for challenge_id in facts.data.challenges:
        place = unpack_challenge(challenge_id)
        if place.item_id in wanted and place.kind == ChallengeKind.BLOB:
            call = HoldBatch(batch_id=batch_id, challenge_id=challenge_id)
            return _Reason(call=call, until=now + answer_seconds + window, what="a blob is published")
    for demand_id in facts.data.demands:
        if item_of_demand(demand_id) in wanted:
            call = HoldForDemand(batch_id=batch_id, demand_id=demand_id)
            until = now + CONTEST_ANSWERS * answer_seconds
            return _Reason(call=call, until=until, what="it is shown what an item holds")
    for item_id in sorted(wanted):
        published_at = facts.data.standing(item_id).published_at
        if published_at and published_at + answer_seconds >= now:
            place = ChallengePlace(
                item_id=item_id, acknowledged_at=0, seat=0, kind=ChallengeKind.BLOB, blob=0, element=0
            )
            call = HoldBatch(batch_id=batch_id, challenge_id=place.pack())
            return _Reason(call=call, until=published_at + window, what="a blob that was published is here")
    return None


def held_wei(facts: Facts, account: Address, in_flight: Iterable[str]) -> int:
    """The bonds of an account's holds, open or on their way."""
    known_wei = sum(hold.bond_wei for hold in facts.kept.holds.values() if hold.holder == account)
    for intent in in_flight:
        kind, _, rest = intent.partition("/")
        batch_id = BatchId(int(rest.partition("/")[0])) if kind == HOLD else None
        known = facts.batches.get(batch_id) if batch_id is not None else None
        if batch_id is not None and known is not None:
            known_wei += hold_bond_wei(facts, batch_id, known, doublings=1)
    return known_wei


# --- data that is gone ----------------------------------------------------------------------------


def fails(view: View, facts: Facts) -> Iterator[SendData]:
    """Have claims fail whose data is gone, unless they are true and it is nobody's fault here.

    A false claim that can be disputed is left to its game, which pays; one that is true and whose operator
    is not to blame is left to those whom it concerns.
    """
    rows = {claim.claim_id: (task, claim) for task in view.tasks for claim in task.claims}
    for duty in view.duties:
        if duty.action in (DutyKind.FAIL, DutyKind.DOOM) and isinstance(duty.call, FailClaim):
            claim_id = duty.call.claim_id
            if _is_to_fail(view, facts, duty, rows.get(claim_id)):
                yield SendData(
                    intent=f"{duty.action}/{claim_id}",
                    call=Paid(call=duty.call),
                    message=f"the data of a claim in batch {batch_of_claim(claim_id)} is gone: let it fail",
                )


def _is_to_fail(view: View, facts: Facts, duty: Duty, row: tuple[TaskView, ClaimView] | None) -> bool:
    is_disputable = row is not None and is_false(*row) is True and can_be_challenged(view, *row)
    if is_disputable:
        return False
    known = facts.batches.get(batch_of_claim(duty.claim_id)) if duty.claim_id is not None else None
    is_fall = duty.action is DutyKind.FAIL  # else only program or input can be gone
    is_fault = is_fall and known is not None and duty.beneficiary != known.batch.operator
    return is_fault or duty.claim_id not in view.agreed
