"""Events become facts: `fold(facts, logs) -> facts`. Missing events are found, and do no harm."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from truestep.base.errors import Bug
from truestep.base.ids import Address
from truestep.protocol.availability.facts import TIMED as DATA_TIMED
from truestep.protocol.settlement.contracts import (
    assurances,
    disputes,
    jobs,
    operators,
    parameters,
    programs,
    results,
)
from truestep.protocol.settlement.facts import (
    audit_events,
    data_events,
    dispute_events,
    gaps,
    job_events,
    lot_events,
    proof_events,
    quorum_events,
)
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.operators import PLEDGE
from truestep.protocol.settlement.records import Program, Stake

# --- parameters, programs, stops ------------------------------------------------------------------


def _added(draft: Draft, event: parameters.Added, logged: Logged) -> None:
    draft.change(parameters=(*draft.facts.parameters, event.parameters))


def _registered(draft: Draft, event: programs.Registered, logged: Logged) -> None:
    program = Program(
        image_root=event.image_root,
        entry=event.entry,
        max_cycles=event.max_cycles,
        workload=event.workload,
        digest=event.digest,
        owner=event.owner,
    )
    facts = draft.facts
    draft.change(programs=(*facts.programs, program), program_uris=(*facts.program_uris, event.uri))


def _stopped(draft: Draft, event: assurances.Stopped, logged: Logged) -> None:
    draft.change(stopped_at=logged.time, stopped_until=event.until)


# --- stakes ---------------------------------------------------------------------------------------


def _deposited(draft: Draft, event: operators.Deposited, logged: Logged) -> None:
    _change_stake(draft, event.operator, event.amount_wei, 0)


def _withdrawn(draft: Draft, event: operators.Withdrawn, logged: Logged) -> None:
    _change_stake(draft, event.operator, -event.amount_wei, 0)


def _delegated(draft: Draft, event: operators.Delegated, logged: Logged) -> None:
    key = (event.operator, event.delegate)
    if event.roles:
        draft.roles.put(key, event.roles)
    else:
        draft.roles.drop(key)


def _locked(draft: Draft, event: operators.Locked, logged: Logged) -> None:
    pledged_wei = event.amount_wei if event.batch_id == PLEDGE else 0
    _change_stake(draft, event.operator, 0, event.amount_wei, pledged_wei)


def _unlocked(draft: Draft, event: operators.Unlocked, logged: Logged) -> None:
    pledged_wei = -event.amount_wei if event.batch_id == PLEDGE else 0
    _change_stake(draft, event.operator, 0, -event.amount_wei, pledged_wei)


def _forfeited(draft: Draft, event: operators.Burned | operators.Seized, logged: Logged) -> None:
    pledged_wei = -event.amount_wei if event.batch_id == PLEDGE else 0
    _change_stake(draft, event.operator, -event.amount_wei, -event.amount_wei, pledged_wei)


def _change_stake(
    draft: Draft, operator: Address, stake_wei: int, locked_wei: int, pledged_wei: int = 0
) -> None:
    old = draft.stakes.get(operator) or Stake()
    stake = replace(
        old,
        stake_wei=old.stake_wei + stake_wei,
        locked_wei=old.locked_wei + locked_wei,
        pledged_wei=old.pledged_wei + pledged_wei,
    )
    if stake.stake_wei:
        draft.stakes.put(operator, stake)
    else:
        draft.stakes.drop(operator)


# --- all contracts --------------------------------------------------------------------------------

HANDLERS: Mapping[type, Callable[[Draft, Any, Logged], None]] = {
    parameters.Added: _added,
    programs.Registered: _registered,
    assurances.Stopped: _stopped,
    assurances.Supplied: job_events.supplied,
    assurances.StruckByPolicy: job_events.struck_by_policy,
    operators.Deposited: _deposited,
    operators.Withdrawn: _withdrawn,
    operators.Delegated: _delegated,
    operators.Locked: _locked,
    operators.Unlocked: _unlocked,
    operators.Burned: _forfeited,
    operators.Seized: _forfeited,
    jobs.Posted: job_events.posted,
    jobs.ToppedUp: job_events.topped_up,
    jobs.Closed: job_events.closed,
    jobs.Cancelled: job_events.cancelled,
    jobs.Taken: job_events.taken,
    jobs.Claimed: job_events.claimed,
    jobs.Finalized: job_events.finalized,
    jobs.LeafFinalized: job_events.leaf_finalized,
    jobs.Expired: job_events.given_up,
    jobs.Released: job_events.given_up,
    jobs.Struck: job_events.struck,
    jobs.Resolved: job_events.resolved,
    jobs.Withdrawn: job_events.withdrawn,
    results.WrittenOut: job_events.written_out,
    results.CalledBack: job_events.called_back,
    results.Fed: job_events.fed,
    disputes.Opened: dispute_events.opened,
    disputes.SplitMade: dispute_events.split_made,
    disputes.Moved: dispute_events.changed,
    disputes.Stepped: dispute_events.stepped,
    disputes.Adopted: dispute_events.changed,
    disputes.EndedByProof: dispute_events.ended_by_proof,
    disputes.Settled: dispute_events.settled,
    disputes.Refuted: dispute_events.refuted,
    disputes.Shown: dispute_events.shown,
    disputes.Rewarded: dispute_events.rewarded,
    disputes.Withdrawn: dispute_events.withdrawn,
    **data_events.HANDLERS,
    **proof_events.HANDLERS,
    **audit_events.HANDLERS,
    **quorum_events.HANDLERS,
    **lot_events.HANDLERS,
}


TIMED = (
    DATA_TIMED
    | proof_events.TIMED
    | quorum_events.TIMED
    | lot_events.TIMED
    | {assurances.Stopped, jobs.Closed, jobs.Struck, disputes.Opened, disputes.SplitMade}
)
"""Events whose meaning depends on the time of their block. No clock begins with any other."""


def fold(facts: Facts, logs: Iterable[Logged]) -> Facts:
    """The facts after these events, which follow those that made `facts`, in the order of the chain.

    However the events are divided among calls, the same facts come of them. A call costs a copy of each
    mapping that it changes: fold a span of blocks at once. Raises `Bug` if an event is out of order.
    """
    return fold_with_gaps(facts, logs)[0]


def fold_with_gaps(facts: Facts, logs: Iterable[Logged]) -> tuple[Facts, tuple[Logged, ...]]:
    """The facts after these events, and those events that show that others are missing before them.

    Of these, what does not fit the facts is left out; nothing is taken in by half.
    """
    draft = Draft(facts)
    missed = tuple(logged for logged in logs if not take_in(draft, logged))
    return draft.finish(), missed


def take_in(draft: Draft, logged: Logged) -> bool:
    """Change a draft by the next event, if it fits. Whether no event seems to be missing before it."""
    at = draft.facts.at
    if at is not None and logged.at <= at:
        raise Bug(f"expected an event after {at}, got one at {logged.at}")
    draft.change(at=logged.at)
    if not gaps.fits(draft, logged.event):
        return False
    is_next = gaps.follows(draft, logged.event)
    HANDLERS[type(logged.event)](draft, logged.event, logged)
    return is_next
