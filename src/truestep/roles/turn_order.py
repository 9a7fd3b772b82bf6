"""Whose turn it is to do what several may do: the first pays gas for it, and others would pay for nothing.

Calls of Quorums, Audits and Lots that anybody may make are made by those that they concern, one after the
other, in an order that each of them computes alike. A node that is off delays the others by its turn and no
longer.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from truestep.base.ids import Address, BatchId, batch_of_claim
from truestep.commitments.keccak import keccak256
from truestep.protocol.audit_calls import (
    AppointAuditor,
    CloseAudit,
    DismissAuditor,
    DrawAudits,
    DropUnaudited,
    JudgeAudit,
)
from truestep.protocol.audits.state import Audit
from truestep.protocol.lot_calls import DrawLots, EndTurn
from truestep.protocol.quorum_calls import (
    ChargeLate,
    ChargeLie,
    CompensateMembers,
    DrawCommittee,
    FailTaker,
)
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import NOBODY, LeafId, job_of_item
from truestep.protocol.settlement.ids import batch_of_claim as batch_of_leaf
from truestep.roles.actions import Action, Send

TURNS = 8
"""Of a length each, over which those are spread that nobody knows, such as all members of a pool."""
_ORDER_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a node wants to send that others may send too, and since when, by intent."""

    since: Mapping[str, int]

    def at(self, now: int, actions: Collection[Action]) -> "Wanted":
        """The same after another look; what is not wanted any more is forgotten."""
        names = [each.intent for each in actions if isinstance(each, Send) and is_for_many(each)]
        return Wanted(since={name: self.since.get(name, now) for name in names})


NOTHING_WANTED = Wanted(since={})


def is_for_many(send: Send) -> bool:
    """Whether others may make the call as well, and are likely to."""
    return isinstance(send.call, _OF_AUDITS | _OF_QUORUMS | _OF_LOTS)


def in_turn(
    now: int, facts: Facts, operator: Address, turn_seconds: int, wanted: Wanted, actions: Collection[Action]
) -> list[Action]:
    """The actions without those whose turn has not come."""
    return [
        each
        for each in actions
        if not (isinstance(each, Send) and is_for_many(each))
        or now >= wanted.since[each.intent] + delay_seconds(facts, operator, turn_seconds, each)
    ]


def delay_seconds(facts: Facts, operator: Address, turn_seconds: int, send: Send) -> int:
    """How long a node waits for others: those that it concerns first, then all others, spread by chance."""
    first = concerned(facts, send)
    order = sorted(first, key=lambda each: _order(send.intent, each))
    if operator in first:
        return order.index(operator) * turn_seconds
    return len(first) * turn_seconds + _order(send.intent, operator) % (TURNS * turn_seconds + 1)


def concerned(facts: Facts, send: Send) -> frozenset[Address]:
    """Whom a call concerns: the committee of a batch, or who has a seat in an audit."""
    match send.call:
        case DrawAudits(batch_id=batch_id):
            return _operator_of(facts, batch_id)
        case AppointAuditor() | CloseAudit() | DismissAuditor() | DropUnaudited() | JudgeAudit() as call:
            return _of_audit(facts, call.claim_id)
        case FailTaker() | CompensateMembers() | ChargeLate() as call:
            return _committee_of(facts, call.batch_id)
        case ChargeLie(claim_id=claim_id):
            return _committee_of(facts, batch_of_claim(claim_id))
        case _:
            return frozenset()


def _operator_of(facts: Facts, batch_id: BatchId) -> frozenset[Address]:
    known = facts.batches.get(batch_id)
    return frozenset() if known is None else frozenset({known.batch.operator})


def _of_audit(facts: Facts, claim_id: LeafId) -> frozenset[Address]:
    audit = facts.audits.get(claim_id, Audit())
    return _operator_of(facts, batch_of_leaf(claim_id)) | {audit.auditor, audit.second} - {NOBODY}


def _committee_of(facts: Facts, batch_id: BatchId) -> frozenset[Address]:
    known = facts.batches.get(batch_id)
    seated = facts.committees.get(job_of_item(known.batch.items[0])) if known is not None else None
    return frozenset(seated.members) - _operator_of(facts, batch_id) if seated is not None else frozenset()


def _order(intent: str, operator: Address) -> int:
    """Differs from deed to deed, so that everybody pays its part."""
    return int.from_bytes(keccak256(f"{intent}/{operator.lower()}".encode())[:_ORDER_BYTES], "big")


_OF_AUDITS = AppointAuditor | CloseAudit | DismissAuditor | DrawAudits | DropUnaudited | JudgeAudit
_OF_LOTS = DrawLots | EndTurn
_OF_QUORUMS = ChargeLate | ChargeLie | CompensateMembers | DrawCommittee | FailTaker
