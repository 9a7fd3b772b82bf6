"""The calls of Audits of what nodes and clients want (docs/audits.md)."""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.base.errors import Reject
from truestep.protocol import audit_calls as wanted
from truestep.protocol.audits.contracts import audits
from truestep.protocol.settlement.facts import audit_calls
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.ids import NOBODY

Said = (
    wanted.PublishStatement
    | wanted.CommitAudit
    | wanted.StateCheckpoints
    | wanted.RevealAudit
    | wanted.DismissAuditor
)


def _fund(facts: Facts, caller: Caller, call: wanted.FundAudits) -> Answer:
    return audit_calls.fund(facts, caller, call.job_id)


def _refund(facts: Facts, caller: Caller, call: wanted.RefundAudits) -> Answer:
    return audit_calls.refund(facts, caller, call.job_id)


def _prepare(facts: Facts, caller: Caller, call: wanted.PrepareBatch) -> Answer:
    return audit_calls.prepare(facts, caller, call.batch_id, call.traps)


def _draw(facts: Facts, caller: Caller, call: wanted.DrawAudits) -> Answer:
    return audit_calls.draw(facts, call.batch_id)


def _appoint(facts: Facts, caller: Caller, call: wanted.AppointAuditor) -> Answer:
    return audit_calls.appoint(facts, call.claim_id)


def _judge(facts: Facts, caller: Caller, call: wanted.JudgeAudit) -> Answer:
    return audit_calls.judge(facts, call.claim_id)


def _drop(facts: Facts, caller: Caller, call: wanted.DropUnaudited) -> Answer:
    return audit_calls.drop(facts, call.claim_id)


def _certify(facts: Facts, caller: Caller, call: wanted.CertifyClaim) -> Answer:
    if facts.auditing is None:
        return Reject.POLICY_UNKNOWN
    return Ready(call=audits.Certify(claim_id=call.claim_id, terms=call.terms, proof=call.proof))


def _say(facts: Facts, caller: Caller, call: Said) -> Answer:
    match call:
        case wanted.PublishStatement(claim_id=claim_id):
            said: audits.Call = audits.Publish(claim_id=claim_id, seed=call.seed, statement=call.statement)
        case wanted.CommitAudit(claim_id=claim_id, seed=seed, seat=seat):
            said = audits.Commit(claim_id=claim_id, seed=seed, seat=seat, commitment=call.commitment)
        case wanted.StateCheckpoints(claim_id=claim_id):
            said = audits.State(
                claim_id=claim_id,
                seed=call.seed,
                digest=call.digest,
                salt=call.salt,
                salt_path=call.salt_path,
            )
        case wanted.RevealAudit(claim_id=claim_id, seat=seat):
            said = audits.Reveal(claim_id=claim_id, seat=seat, digest=call.digest, salt=call.salt)
        case wanted.DismissAuditor(claim_id=claim_id):
            said = audits.Dismiss(claim_id=claim_id)
    return audit_calls.said(facts, caller, said, call.claim_id)


def _close(facts: Facts, caller: Caller, call: wanted.CloseAudit) -> Answer:
    return audit_calls.close(facts, caller, call.claim_id)


def _withdraw(facts: Facts, caller: Caller, call: wanted.WithdrawAudits) -> Answer:
    return audit_calls.withdraw(facts, caller.account if call.receiver == NOBODY else call.receiver)


BUILDERS: Mapping[type, Callable[[Facts, Caller, Any], Answer]] = {
    wanted.FundAudits: _fund,
    wanted.RefundAudits: _refund,
    wanted.PrepareBatch: _prepare,
    wanted.DrawAudits: _draw,
    wanted.AppointAuditor: _appoint,
    wanted.PublishStatement: _say,
    wanted.CommitAudit: _say,
    wanted.StateCheckpoints: _say,
    wanted.RevealAudit: _say,
    wanted.DismissAuditor: _say,
    wanted.JudgeAudit: _judge,
    wanted.DropUnaudited: _drop,
    wanted.CloseAudit: _close,
    wanted.CertifyClaim: _certify,
    wanted.WithdrawAudits: _withdraw,
}
