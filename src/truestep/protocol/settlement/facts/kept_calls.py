"""Calls under the policy *kept*, and of the contracts of availability (docs/availability.md A5, A7)."""

from dataclasses import dataclass

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.availability.challenges import bond_factor, challenge_bond_wei
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers, kept
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.contracts.kept import Named
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ChallengeId, DemandId, ItemId, item_of_demand
from truestep.protocol.availability.kept import (
    HOLD_DOUBLINGS_LIMIT,
    PROGRAM_DEPTH,
    RANGE_DEPTH,
    needs_output,
)
from truestep.protocol.availability.kept_state import NO_ITEM
from truestep.protocol.settlement.facts.leaves import leaves_in
from truestep.protocol.settlement.facts.records import Facts, KnownBatch
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready, prepared_kept, scope_of
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.ids import LeafId, batch_of_claim, unpack_item
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.trees import item_leaf, path_in

_ZERO = Bytes32(bytes(32))
_NO_RECORD = Record(
    registrant=Address("0x" + "0" * 40),
    parts_hash=_ZERO,
    hashes_root=_ZERO,
    blob_count=0,
    seat_count=0,
    since=0,
    until=0,
    fee_wei=0,
    bond_wei=0,
)


def supply(facts: Facts, caller: Caller, job_id: JobId, program: ItemId, given: ItemId) -> Answer:
    """Name the items that hold a job's program and its input."""
    known = facts.jobs.get(job_id)
    if known is None:
        return Reject.OVER if 0 < job_id <= facts.job_count else Reject.JOB_UNKNOWN
    items = facts.data.items.get(program), facts.data.items.get(given)
    if items[0] is None or items[1] is None:
        return Reject.RECORD_OTHER
    work = known.job.work
    call = kept.Supply(
        job_id=job_id,
        work=work,
        terms=known.job.terms,
        program=_named(items[0], work.image_root, PROGRAM_DEPTH),
        input=_named(items[1], work.input_root, RANGE_DEPTH),
        program_parts=items[0].parts,
        input_parts=items[1].parts,
    )
    return prepared_kept(facts, caller, scope_of(facts, jobs=[job_id]), call)


def deliver(facts: Facts, caller: Caller, batch_id: BatchId, item_id: ItemId | None) -> Answer:
    """Name the item that holds a batch's outputs; None if no leaf has one."""
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.BATCH_STAGE
    item = facts.data.items.get(item_id) if item_id is not None else None
    if item_id is not None and item is None:
        return Reject.RECORD_OTHER
    parts = item.parts if item is not None else ()
    places = {(part.root, part.depth): place for place, part in reversed([*enumerate(parts)])}
    claimed = tuple(leaves_in(known))
    call = kept.Deliver(
        batch_id=batch_id,
        terms=known.batch.terms,
        claimed=claimed,
        outputs=Named(
            item_id=item.item_id if item is not None else NO_ITEM,
            record=item.record if item is not None else _NO_RECORD,
            part=0,
        ),
        parts=parts,
        places=bytes(places.get((leaf.output_root, RANGE_DEPTH), 0) for leaf in claimed),
    )
    return prepared_kept(facts, caller, scope_of(facts, batch_id), call)


def outputs_of(known: KnownBatch) -> tuple[tuple[Bytes32, int], ...]:
    """The outputs that a claimed batch must deliver, by root and size, in order of the leaves (A5.2).

    Each root once, with the largest of its sizes.
    """
    sizes: dict[Bytes32, int] = {}
    for index, leaf in enumerate(leaves_in(known)):
        if needs_output(leaf) and not known.batch.struck >> index & 1:
            sizes[leaf.output_root] = max(leaf.output_size, sizes.get(leaf.output_root, 0))
    return tuple(sizes.items())


def hold(facts: Facts, caller: Caller, batch_id: BatchId, challenge_id: ChallengeId) -> Answer:
    """Let games be opened on a batch for longer, whose program or input a BLOB challenge asks for.

    Coins for one more doubling of the bond go along: somebody else may hold the batch just before. What is
    too much is credited.
    """
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.BATCH_STAGE
    place = _dependent(facts, known, ItemId(challenge_id >> 128))
    if place is None:
        return Reject.HOLD_OTHER_ITEM
    call = kept.Hold(
        batch_id=batch_id,
        terms=known.batch.terms,
        item=known.batch.items[place.index],
        item_index=place.index,
        item_path=place.path,
        challenge_id=challenge_id,
    )
    value_wei = hold_bond_wei(facts, batch_id, known, doublings=1)
    return prepared_kept(facts, caller, scope_of(facts, batch_id), call, value_wei)


def hold_for_demand(facts: Facts, caller: Caller, batch_id: BatchId, demand_id: DemandId) -> Answer:
    """Let a batch wait while a demand for the tree of its program or input is open. Coins as in `hold`."""
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.BATCH_STAGE
    place = _dependent(facts, known, item_of_demand(demand_id))
    if place is None:
        return Reject.HOLD_OTHER_ITEM
    call = kept.HoldForDemand(
        batch_id=batch_id,
        terms=known.batch.terms,
        item=known.batch.items[place.index],
        item_index=place.index,
        item_path=place.path,
        demand_id=demand_id,
    )
    value_wei = hold_bond_wei(facts, batch_id, known, doublings=1)
    return prepared_kept(facts, caller, scope_of(facts, batch_id), call, value_wei)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dependent:
    """An item of a batch, with its path in the tree of all."""

    index: int
    path: tuple[Bytes32, ...]


def _dependent(facts: Facts, known: KnownBatch, asked: ItemId) -> _Dependent | None:
    """The first item of a batch whose job's program or input is in this item of data."""
    items = known.batch.items
    jobs = [unpack_item(packed).job_id for packed in items]
    index = next((at for at, job in enumerate(jobs) if asked in facts.kept.supplied.get(job, ())), None)
    if index is None:
        return None
    nodes = [item_leaf(packed, facts.jobs[job].job.digest) for packed, job in zip(items, jobs, strict=True)]
    return _Dependent(index=index, path=path_in(nodes, index))


def hold_bond_wei(facts: Facts, batch_id: BatchId, known: KnownBatch, doublings: int = 0) -> int:
    """The bond of the next hold of a batch, or of one after some more."""
    count = facts.kept.batch(batch_id).hold_count + doublings
    rules = facts.parameters[known.batch.parameters_id - 1]
    return rules.challenger_bond_wei << min(count, HOLD_DOUBLINGS_LIMIT)


def settle_hold(facts: Facts, caller: Caller, batch_id: BatchId, ordinal: int) -> Answer:
    """End a hold of a batch that is decided."""
    hold = facts.kept.holds.get((batch_id, ordinal))
    if hold is None:
        return Reject.OVER if 0 < batch_id <= facts.batch_count else Reject.HOLD_OTHER
    call = kept.SettleHold(batch_id=batch_id, ordinal=ordinal, hold=hold)
    return prepared_kept(facts, caller, scope_of(facts, batch_id), call)


def fail(facts: Facts, caller: Caller, claim_id: LeafId) -> Answer:
    """Strike a leaf whose data is gone."""
    batch_id = batch_of_claim(claim_id)
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.OVER if 0 < batch_id <= facts.batch_count else Reject.BATCH_STAGE
    try:
        proof = leaf_proof(facts, claim_id, Reject.BATCH_STAGE)
    except Refused as refused:
        return refused.reason
    call = kept.Fail(claim_id=claim_id, terms=known.batch.terms, proof=proof)
    return prepared_kept(facts, caller, scope_of(facts, batch_id), call)


def withdraw(facts: Facts, caller: Caller, receiver: Address) -> Answer:
    """Take what Kept owes the caller. How much that is, facts do not say."""
    if facts.keeping is None:
        return Reject.POLICY_UNKNOWN
    return Ready(call=kept.WithdrawTo(receiver=receiver))


def with_coins(facts: Facts, call: object) -> Answer:
    """A call of Keepers, Items, Challenges or Bindings, with its coins. It is not rehearsed.

    Bonds that grow with what is open go along as large as they may be now; what is too much is credited.
    """
    if facts.keeping is None:
        return Reject.POLICY_UNKNOWN
    rules, contests = facts.keeping.rules, facts.data.contests
    match call:
        case keepers.Enrol():
            value_wei = call.shares * rules.share_wei
        case items.Register():
            value_wei = rules.registrant_bond_wei + call.fee_wei * call.seat_count
        case items.RegisterBlobs():
            value_wei = rules.registrant_bond_wei
        case challenges.OpenChallenge():
            value_wei = challenge_bond_wei(rules, call.kind, contests.get(call.item_id, 0))
        case bindings.OpenDemand():
            value_wei = rules.tree_bond_wei * bond_factor(contests.get(call.item_id, 0))
        case _:
            value_wei = 0
    return Ready(call=call, value_wei=value_wei)


def _named(item: KnownItem, root: Bytes32, depth: int) -> Named:
    """The item and which of its parts has the root; the first one if none has."""
    places = (place for place, part in enumerate(item.parts) if (part.root, part.depth) == (root, depth))
    return Named(item_id=item.item_id, record=item.record, part=next(places, 0))
