"""What Quorums, Audits and Lots should say of a job, by the facts: other words show that an event is missing.

Only what facts keep until the job or the batch is over is compared, so a word that differs is no leftover.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from truestep.base.ids import Address, BatchId, Bytes32, JobId, TaskId, job_of_task, shard_of_task
from truestep.protocol.audits.state import Audit, AuditedBatch, JobFund
from truestep.protocol.audits.statements import NO_HASH
from truestep.protocol.deployment.audits import CONTRACT as AUDITS
from truestep.protocol.deployment.lots import CONTRACT as LOTS
from truestep.protocol.deployment.quorum import CONTRACT as QUORUMS
from truestep.protocol.lots.policy import UNDRAWN
from truestep.protocol.quorum.state import SILENT
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import NOBODY, claim_of, unpack_item

PAGE_SHARDS = 64
"""A job may have 65,536 lots, so that they are not asked for all at once."""
NO_FUND = JobFund(fee_wei=0, left_wei=0)

Word = int | bool | Address | Bytes32


class JobPage(NamedTuple):
    """Some shards of a job: those from `number` * PAGE_SHARDS on."""

    job_id: JobId
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWord:
    """What a contract's reading function should return."""

    contract: str
    function: str
    arguments: tuple[int, ...]
    values: tuple[Word | None, ...]
    """The first ones; None is not compared."""


def page_of(task_id: TaskId) -> JobPage:
    """The page of a task."""
    return JobPage(job_of_task(task_id), shard_of_task(task_id) // PAGE_SHARDS)


def pages_of(job_id: JobId, shard_count: int) -> list[JobPage]:
    """All pages of a job."""
    return [JobPage(job_id, number) for number in range((shard_count - 1) // PAGE_SHARDS + 1)]


def words_of(facts: Facts, page: JobPage) -> list[PolicyWord]:
    """What the contract of a job's policy should say; nothing of a job that is over, or of another policy."""
    known = facts.jobs.get(page.job_id)
    if known is None:
        return []
    policy = known.job.terms.policy
    if facts.seating is not None and policy == facts.seating.policy:
        return list(_of_quorum(facts, page))
    if facts.auditing is not None and policy == facts.auditing.policy:
        return list(_of_audits(facts, page))
    if facts.dealing is not None and policy == facts.dealing.policy:
        return list(_of_lots(facts, page, known.job.work.shard_count))
    return []


def _batches_of(facts: Facts, page: JobPage) -> Iterator[tuple[BatchId, int]]:
    """The batches with shards of a page, and how many leaves each has."""
    first = page.number * PAGE_SHARDS
    for batch_id, known in facts.batches.items():
        for item in map(unpack_item, known.batch.items):
            shards = item.shards
            if item.job_id == page.job_id and shards.start < first + PAGE_SHARDS and first < shards.stop:
                yield batch_id, known.batch.leaf_count
                break


def _of_quorum(facts: Facts, page: JobPage) -> Iterator[PolicyWord]:
    def word(function: str, arguments: tuple[int, ...], *values: Word) -> PolicyWord:
        return PolicyWord(contract=QUORUMS, function=function, arguments=arguments, values=values)

    job_id = page.job_id
    purse, seated = facts.purses.get(job_id), facts.committees.get(job_id)
    of_purse = (purse.left_wei, purse.fee_wei, purse.funded_at, purse.turn_at) if purse else (0, 0, 0, 0)
    yield word("get_purse", (job_id,), *of_purse)
    yield word("leader", (job_id,), seated.taker if seated else NOBODY)
    for batch_id, _ in _batches_of(facts, page):
        said = facts.sittings.get(batch_id, SILENT)
        yield word("get_batch", (batch_id,), said.confirmed, said.dissented, said.is_proven)
        for seat in range(len(seated.members) if seated else 0):
            yield word("commitment_at", (batch_id, seat), facts.commitments.get((batch_id, seat), 0))


def _of_audits(facts: Facts, page: JobPage) -> Iterator[PolicyWord]:
    def word(function: str, number: int, *values: Word | None) -> PolicyWord:
        return PolicyWord(contract=AUDITS, function=function, arguments=(number,), values=values)

    fund = facts.funds.get(page.job_id, NO_FUND)
    yield word("fund_of", page.job_id, fund.fee_wei, fund.left_wei)
    for batch_id, leaf_count in _batches_of(facts, page):
        known = facts.audited.get(batch_id, AuditedBatch(traps=NO_HASH))
        yield word("traps", batch_id, known.traps)
        yield word("seeds", batch_id, known.seed or NO_HASH)
        yield word("pending", batch_id, known.pending)
        yield word("confirmed", batch_id, known.confirmed)
        for leaf_index in range(leaf_count):
            if known.pending >> leaf_index & 1:
                claim_id = claim_of(batch_id, leaf_index)
                audit = facts.audits.get(claim_id, Audit())
                where = (int(audit.stage), audit.seats, None, audit.time)
                yield word("audit_of", claim_id, *where, None, audit.auditor, audit.second)


def _of_lots(facts: Facts, page: JobPage, shard_count: int) -> Iterator[PolicyWord]:
    def word(function: str, arguments: tuple[int, ...], *values: Word) -> PolicyWord:
        return PolicyWord(contract=LOTS, function=function, arguments=arguments, values=values)

    job_id, offered = page.job_id, facts.offers.get(page.job_id)
    yield word("get_offer", (job_id,), *((offered.lot_tasks, offered.at) if offered else (0, 0)))
    first, last = page.number * PAGE_SHARDS, min((page.number + 1) * PAGE_SHARDS, shard_count) - 1
    for number in range(offered.lot_of(first), offered.lot_of(last) + 1) if offered else ():
        lot = facts.lots.get((job_id, number), UNDRAWN)
        turn = (lot.holder, lot.since, lot.due, lot.is_open, lot.declines)
        yield word("get_lot", (job_id, number), *turn)
