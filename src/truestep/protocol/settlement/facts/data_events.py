"""How the events of availability and of the policy *kept* change the facts (docs/availability.md)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

from truestep.protocol.availability.contracts import bindings, challenges, items, keepers, kept
from truestep.protocol.availability.facts import Event as DataEvent
from truestep.protocol.availability.kept_state import NOTHING_KEPT, KeptBatch
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.records import Logged
from truestep.protocol.settlement.facts.retention import drop_batch_if_over
from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.records import BatchStage

Handler = Callable[[Draft, Any, Logged], None]
Check = Callable[[Draft, Any], bool]

# --- what they change -----------------------------------------------------------------------------


def _of_data(draft: Draft, event: DataEvent, logged: Logged) -> None:
    draft.data.apply(event, logged.time)


def _supplied(draft: Draft, event: kept.Supplied, logged: Logged) -> None:
    if draft.jobs.get(event.job_id) is not None:
        draft.supplied.put(event.job_id, (event.program_item, event.input_item))
        draft.data.need(event.program_item, 1)
        draft.data.need(event.input_item, 1)


def _delivered(draft: Draft, event: kept.Delivered, logged: Logged) -> None:
    before = draft.kept_batches.get(event.batch_id) or KeptBatch()
    item_id = event.item_id or NOTHING_KEPT
    after = replace(before, item_id=item_id, check_until=event.check_until)
    draft.kept_batches.put(event.batch_id, after)
    draft.data.need(event.item_id, 1)
    draft.data.need(before.item_id, -1)


def _held(draft: Draft, event: kept.Held, logged: Logged) -> None:
    before = draft.kept_batches.get(event.batch_id) or KeptBatch()
    after = replace(before, held_until=event.until, hold_count=event.ordinal)
    draft.kept_batches.put(event.batch_id, after)
    draft.holds.put((event.batch_id, event.ordinal), event.hold)


def _hold_settled(draft: Draft, event: kept.HoldSettled, logged: Logged) -> None:
    draft.holds.drop((event.batch_id, event.ordinal))
    drop_batch_if_over(draft, event.batch_id)


def _doomed(draft: Draft, event: kept.Doomed, logged: Logged) -> None:
    batch_id = batch_of_claim(event.claim_id)
    if draft.batches.get(batch_id) is not None:
        before = draft.kept_batches.get(batch_id) or KeptBatch()
        doomed = before.doomed | 1 << leaf_of_claim(event.claim_id)
        draft.kept_batches.put(batch_id, replace(before, doomed=doomed))


def _nothing(draft: Draft, event: object, logged: Logged) -> None:
    """What a leaf lost, `Struck` has said; what accounts are owed, no event says in full."""


HANDLERS: Mapping[type, Handler] = {
    **{
        kind: _of_data for module in (items, keepers, challenges, bindings) for kind in get_args(module.Event)
    },
    kept.Supplied: _supplied,
    kept.Delivered: _delivered,
    kept.Held: _held,
    kept.HoldSettled: _hold_settled,
    kept.Doomed: _doomed,
    kept.Failed: _nothing,
    kept.Withdrawn: _nothing,
}

# --- what is missing before them (gaps) -----------------------------------------------------------


def _is_registered(draft: Draft, event: Any) -> bool:
    return 0 < event.item_id <= draft.data.item_count


def _is_next_item(draft: Draft, event: items.Registered) -> bool:
    return event.item_id == draft.data.item_count + 1


def _is_new_item(draft: Draft, event: items.Registered) -> bool:
    return event.item_id > draft.data.item_count


def _had_job_and_items(draft: Draft, event: kept.Supplied) -> bool:
    count = draft.data.item_count
    are_known = 0 < event.program_item <= count and 0 < event.input_item <= count
    return 0 < event.job_id <= draft.job_count and are_known


def _is_claimed(draft: Draft, event: kept.Delivered | kept.Held) -> bool:
    known = draft.batches.get(event.batch_id)
    is_of_item = not isinstance(event, kept.Delivered) or event.item_id <= draft.data.item_count
    return known is not None and known.batch.stage is BatchStage.CLAIMED and is_of_item


def _is_next_hold(draft: Draft, event: kept.Held) -> bool:
    return event.ordinal == (draft.kept_batches.get(event.batch_id) or KeptBatch()).hold_count + 1


def _had_batch(draft: Draft, event: kept.HoldSettled | kept.Doomed | kept.Failed) -> bool:
    is_hold = isinstance(event, kept.HoldSettled)
    batch_id = event.batch_id if is_hold else batch_of_claim(event.claim_id)
    return 0 < batch_id <= draft.batch_count


FITS: Mapping[type, Check] = {
    items.Registered: _is_new_item,
    **dict.fromkeys(
        (
            items.Drawn,
            items.Acknowledged,
            items.StateChanged,
            items.Collected,
            items.Vacated,
            items.Struck,
            items.Closed,
            challenges.Challenged,
            challenges.Opened,
            challenges.Published,
            challenges.Settled,
            bindings.Demanded,
            bindings.NodesGiven,
            bindings.Picked,
            bindings.DemandSettled,
        ),
        _is_registered,
    ),
    kept.Supplied: _had_job_and_items,
    kept.Delivered: _is_claimed,
    kept.Held: _is_claimed,
    kept.HoldSettled: _had_batch,
    kept.Doomed: _had_batch,
    kept.Failed: _had_batch,
}
FOLLOWS: Mapping[type, Check] = {items.Registered: _is_next_item, kept.Held: _is_next_hold}
