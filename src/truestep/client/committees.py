"""Jobs whose results a drawn committee finds too: what they cost, and their fees (docs/quorum.md)."""

from collections.abc import Callable
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, JobId
from truestep.base.text import counted
from truestep.base.units import coins, duration
from truestep.client.job_status import known_job
from truestep.client.sending import transact_once
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.quorum.rules import TASKS_LIMIT, least_fee, least_lease, most_fee, most_lease
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.quorum.state import SILENT, Purse
from truestep.protocol.quorum_calls import FundCommittee, RefundCommittee
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import job_of_item

FUND_GAS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a job asks of a committee."""

    shard_count: int
    max_cycles: int
    lease_seconds: int
    window_seconds: int
    """0 means the shortest."""
    fee_wei: int
    """For a member and a shard; 0 means the least."""


def seating_of(chain: ChainReader) -> Seating:
    """The network's quorum. Raises Rejected if it has none."""
    found = chain.facts().seating
    if found is None:
        raise Rejected(
            Reject.POLICY_UNKNOWN,
            "this network draws no committees; submit without --policy quorum, or to another network",
        )
    return found


def check_wanted(chain: ChainReader, wanted: Wanted) -> None:
    """Refuse what Quorums would refuse (Q2.1), before anything is published, registered or paid."""
    seating, parameters = seating_of(chain), chain.facts().parameters[-1]
    rules = seating.rules
    if wanted.shard_count > TASKS_LIMIT:
        raise Rejected(
            Reject.BATCH_LIMIT,
            f"a committee judges a job as one batch of up to {TASKS_LIMIT} shards, got"
            f" {wanted.shard_count}; post it as several jobs",
        )
    lease_seconds = lease_for(chain, wanted)
    if wanted.lease_seconds < lease_seconds:
        raise Rejected(
            Reject.LEASE_SHORT,
            f"members of a committee have half of the lease for {counted(wanted.shard_count, 'shard')} of"
            f" {wanted.max_cycles:,} cycles: expected --lease {lease_seconds} or more, got"
            f" {wanted.lease_seconds}, in seconds",
        )
    window_seconds = wanted.window_seconds or parameters.window_seconds
    most = most_lease(rules, seating.exit_seconds, window_seconds)
    if wanted.lease_seconds > most:
        raise Rejected(
            Reject.WINDOW_LONG,
            f"a member that leaves answers for {duration(seating.exit_seconds)}, and with a window of"
            f" {duration(window_seconds)} there is room for --lease {max(most, 0)} at most, got"
            f" {wanted.lease_seconds}, in seconds",
        )
    least_wei = least_fee(rules, wanted.max_cycles)
    if wanted.fee_wei and wanted.fee_wei < least_wei:
        raise Rejected(
            Reject.FEE_BOUNDS,
            f"expected a fee of at least {coins(least_wei)} for a member and a shard, got"
            f" {coins(wanted.fee_wei)}",
        )
    most_wei = most_fee(rules, wanted.shard_count)
    if max(wanted.fee_wei, least_wei) > most_wei:
        raise Rejected(
            Reject.FEE_BOUNDS,
            "fees of all shards may be worth half of what a lie costs a member: expected at most"
            f" {coins(most_wei)} for a member and a shard of {counted(wanted.shard_count, 'shard')}, got"
            f" {coins(max(wanted.fee_wei, least_wei))}; the least is {coins(least_wei)} for programs of"
            f" {wanted.max_cycles:,} cycles, so post fewer shards in a job, or lower --max-cycles",
        )


def lease_for(chain: ChainReader, wanted: Wanted) -> int:
    """The shortest lease that the network takes for a job, in seconds (Q2.1)."""
    speed = chain.facts().parameters[-1].cycles_per_second
    return least_lease(seating_of(chain).rules, wanted.shard_count, wanted.max_cycles, speed)


def purse_wei(chain: ChainReader, wanted: Wanted) -> int:
    """What a committee is paid in advance."""
    rules = seating_of(chain).rules
    fee_wei = wanted.fee_wei or least_fee(rules, wanted.max_cycles)
    return fee_wei * wanted.shard_count * (rules.seats - 1)


def fund(chain: Chain, job_id: JobId, fee_wei: int = 0) -> bool:
    """Pay the committee of a job, once, however often this is done. Whether that was left to do."""
    if job_id in chain.facts().purses:
        return False
    if known_job(chain, job_id).policy != seating_of(chain).policy:
        raise Rejected(
            Reject.POLICY_OTHER,
            f"job {job_id} was not submitted with --policy quorum: it has no committee that could be paid",
        )
    call = FundCommittee(job_id=job_id, fee_wei=fee_wei)
    transact_once(chain, call, f"fund:{job_id}", is_done=lambda: job_id in chain.facts().purses)
    return True


def refund(chain: Chain, job_id: JobId) -> int:
    """Take back what nobody can earn any more of a job's fees; how much that is, 0 if nothing yet."""
    purse = chain.facts().purses.get(job_id)
    why = why_no_refund(chain.facts(), chain.account, job_id, chain.head().time_seconds)
    if purse is None or why:
        return 0
    transact_once(chain, RefundCommittee(job_id=job_id), f"refund:{job_id}", is_done=_is_empty(chain, job_id))
    return purse.left_wei


def _is_empty(chain: Chain, job_id: JobId) -> Callable[[], bool]:
    def is_done() -> bool:
        purse = chain.facts().purses.get(job_id)
        return purse is None or not purse.left_wei

    return is_done


def why_no_refund(facts: Facts, account: Address, job_id: JobId, now: int) -> str:
    """Why the fees of a committee cannot go back now; empty if they can."""
    purse, known, seating = facts.purses.get(job_id), facts.jobs.get(job_id), facts.seating
    if purse is None or known is None or seating is None or not purse.left_wei:
        return "no fees of a committee are left"
    if job_id not in facts.committees:
        is_own = known.job.terms.requester == account
        return "" if is_own else "before the committee is drawn, only the requester can take its fees back"
    terms = known.job.terms
    last = known.job.deadline + terms.lease_seconds + terms.window_seconds + seating.rules.stretch_seconds
    if now > last:
        return ""
    return f"{coins(purse.left_wei)} of fees may still be earned for {duration(last - now)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a member has said of the newest batch of a job."""

    member: Address
    seat: int
    word: str


def standing_of(facts: Facts, job_id: JobId) -> tuple[Purse, str, list[Said]]:
    """The purse of a job, how far its committee is, and what members have said of its newest batch."""
    purse, seated = facts.purses.get(job_id), facts.committees.get(job_id)
    if purse is None:
        raise Rejected(
            Reject.JOB_NOT_FUNDED,
            f"no committee is paid for job {job_id}: it is over, unknown or not of `submit --policy quorum`;"
            f" `truestep status {job_id}` says which",
        )
    if seated is None:
        return purse, "not drawn yet", []
    batches = [
        batch_id for batch_id, known in facts.batches.items() if job_of_item(known.batch.items[0]) == job_id
    ]
    batch_id = max(batches, default=None)
    if batch_id is None:
        return (
            purse,
            f"{seated.taker} may take the job",
            [Said(member=member, seat=seat, word="drawn") for seat, member in enumerate(seated.members)],
        )
    sitting, batch = facts.sittings.get(batch_id, SILENT), facts.batches[batch_id].batch
    said: list[Said] = []
    for seat, member in enumerate(seated.members):
        word = "silent"
        if member == batch.operator:
            word = "has taken it"
        elif sitting.confirmed >> seat & 1:
            word = "confirmed"
        elif sitting.dissented >> seat & 1:
            word = "dissented"
        elif (batch_id, seat) in facts.commitments:
            word = "committed"
        said.append(Said(member=member, seat=seat, word=word))
    state = (
        "struck"
        if batch.struck
        else "confirmed by its quorum"
        if sitting.is_proven
        else batch.stage.name.lower()
    )
    return purse, f"batch {batch_id}: {state}", said
