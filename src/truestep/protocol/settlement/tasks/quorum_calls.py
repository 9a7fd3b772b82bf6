"""The calls of Quorums of what nodes and clients want (docs/quorum.md)."""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.base.errors import Reject
from truestep.protocol import quorum_calls as wanted
from truestep.protocol.settlement.facts import quorum_calls
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.tasks.ids import leaf_of


def _fund_committee(facts: Facts, caller: Caller, call: wanted.FundCommittee) -> Answer:
    return quorum_calls.fund(facts, caller, call.job_id, call.fee_wei)


def _draw_committee(facts: Facts, caller: Caller, call: wanted.DrawCommittee) -> Answer:
    return quorum_calls.draw(facts, call.job_id)


def _step_in(facts: Facts, caller: Caller, call: wanted.StepIn) -> Answer:
    return quorum_calls.step_in(facts, caller, call.job_id, call.member)


def _fail_taker(facts: Facts, caller: Caller, call: wanted.FailTaker) -> Answer:
    return quorum_calls.fail(facts, caller, call.batch_id)


def _refund_committee(facts: Facts, caller: Caller, call: wanted.RefundCommittee) -> Answer:
    return quorum_calls.refund(facts, caller, call.job_id)


def _commit_result(facts: Facts, caller: Caller, call: wanted.CommitResult) -> Answer:
    return quorum_calls.commit(facts, caller, call.batch_id, call.member, call.root, call.salt)


def _commit_signed(facts: Facts, caller: Caller, call: wanted.CommitSigned) -> Answer:
    return quorum_calls.commit_signed(facts, caller, call.batch_id, call.signed)


def _confirm_for_all(facts: Facts, caller: Caller, call: wanted.ConfirmForAll) -> Answer:
    return quorum_calls.confirm(facts, caller, call.batch_id, call.openings)


def _open_result(facts: Facts, caller: Caller, call: wanted.OpenResult) -> Answer:
    return quorum_calls.open_commitment(facts, caller, call.batch_id, call.member, call.root, call.salt)


def _compensate(facts: Facts, caller: Caller, call: wanted.CompensateMembers) -> Answer:
    return quorum_calls.compensate(facts, caller, call.batch_id, call.seats)


def _charge_late(facts: Facts, caller: Caller, call: wanted.ChargeLate) -> Answer:
    return quorum_calls.charge_late(facts, caller, call.batch_id, call.seat)


def _charge_lie(facts: Facts, caller: Caller, call: wanted.ChargeLie) -> Answer:
    leaf_id = leaf_of(facts, call.claim_id)
    return Reject.OVER if leaf_id is None else quorum_calls.charge_lie(facts, caller, leaf_id, call.seat)


def _withdraw_quorum(facts: Facts, caller: Caller, call: wanted.WithdrawQuorum) -> Answer:
    return quorum_calls.withdraw(facts, caller.account if call.receiver == NOBODY else call.receiver)


BUILDERS: Mapping[type, Callable[[Facts, Caller, Any], Answer]] = {
    wanted.FundCommittee: _fund_committee,
    wanted.DrawCommittee: _draw_committee,
    wanted.StepIn: _step_in,
    wanted.FailTaker: _fail_taker,
    wanted.RefundCommittee: _refund_committee,
    wanted.CommitResult: _commit_result,
    wanted.CommitSigned: _commit_signed,
    wanted.OpenResult: _open_result,
    wanted.ConfirmForAll: _confirm_for_all,
    wanted.CompensateMembers: _compensate,
    wanted.ChargeLate: _charge_late,
    wanted.ChargeLie: _charge_lie,
    wanted.WithdrawQuorum: _withdraw_quorum,
}
