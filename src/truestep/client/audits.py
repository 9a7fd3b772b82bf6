"""Audits that a requester pays for, and what became of them (docs/audits.md)."""

from truestep.base.errors import Bug, Reject, Rejected
from truestep.base.ids import JobId, TaskId, task_in_words
from truestep.base.units import coins, duration
from truestep.client.costs import Costs
from truestep.client.orders import Order
from truestep.client.sending import transact_once
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.audit_calls import CertifyClaim, FundAudits, RefundAudits
from truestep.protocol.audits.rules import audit_fee_wei
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.parameters import BPS

FUND_GAS = 160_000
"""What `fund` takes, and more (docs/audits.md)."""


def foreseen_audits(chain: ChainReader, order: Order) -> Costs:
    """What the audits of an order cost ahead. Raises `Rejected` for an order that cannot be audited."""
    auditing = chain.facts().auditing
    if auditing is None:
        raise Rejected(Reject.POLICY_UNKNOWN, "this network audits no claims")
    fee_wei, rules = audit_fee_wei(auditing.rules, order.max_cycles), chain.parameters()
    penalty_wei = rules.operator_bond_wei * order.bond_multiple * rules.lease_penalty_bps // BPS
    if penalty_wei < 2 * fee_wei:
        least = -(-2 * fee_wei * BPS // (rules.operator_bond_wei * rules.lease_penalty_bps))
        raise Rejected(
            Reject.AUDIT_BOND,
            f"a claimant that fails in an audit must lose two fees of {coins(fee_wei)}; ask for a higher"
            f" bond: --bond-multiple {least}, or for fewer cycles",
        )
    return Costs(gas=FUND_GAS, sent_wei=(("for audits", fee_wei * order.shard_count),))


def pay_audits(chain: Chain, job_id: JobId) -> None:
    """Pay a job's audits, once, so that it can be taken."""

    def is_paid() -> bool:
        known = chain.facts().jobs.get(job_id)
        return known is None or known.job.is_supplied

    if not is_paid():
        transact_once(chain, FundAudits(job_id=job_id), f"fund-audits:{job_id}", is_done=is_paid)


def refund_audits(chain: Chain, job_id: JobId) -> int:
    """Have what no audit has used credited to the requester; how much that is, in wei."""
    fund = chain.facts().funds.get(job_id)
    if fund is None or not fund.left_wei:
        raise Rejected(
            Reject.NOTHING_TO_WITHDRAW, f"no fees of audits of job {job_id} are left, or it has none"
        )
    left_seconds = _needed_until(chain.facts(), job_id) - chain.head().time_seconds
    if left_seconds >= 0:
        raise Rejected(
            Reject.FEES_NEEDED,
            f"{coins(fund.left_wei)} may still be drawn for an audit of job {job_id} for"
            f" {duration(left_seconds)}; try again then. `truestep close {job_id}` before its deadline"
            " brings that forward",
        )
    transact_once(chain, RefundAudits(job_id=job_id), f"refund-audits:{job_id}")
    return fund.left_wei


def certify(chain: Chain, task_id: TaskId) -> LeafId:
    """Have a final result that an audit has confirmed kept, so that nobody pays for that again; its claim.

    Raises `Rejected` for one that is not final, that no audit has confirmed, or that is kept already.
    """
    if chain.facts().auditing is None:
        raise Rejected(Reject.POLICY_UNKNOWN, "this network audits no claims")
    found = chain.evidence(task_id)
    call = CertifyClaim(claim_id=found.claim_id, terms=found.terms, proof=found.proof)
    try:
        transact_once(chain, call, f"certify:{found.claim_id}")
    except Rejected as error:
        if error.reason is Reject.NOT_CONFIRMED:
            raise Rejected(
                Reject.NOT_CONFIRMED,
                f"no audit has confirmed {task_in_words(task_id)}; `truestep audits list` says which it has",
            ) from error
        raise
    return found.claim_id


def _needed_until(facts: Facts, job_id: JobId) -> int:
    """The last second of a job's fees in which they cannot go back (U2.3)."""
    known, auditing = facts.jobs.get(job_id), facts.auditing
    if known is None or auditing is None:
        raise Bug("expected a job that is known as long as its fees are, in a network that audits")
    terms = known.job.terms
    return known.job.deadline + terms.lease_seconds + terms.window_seconds + auditing.rules.draw_seconds
