"""What each read answers, as documents. Pure: the history in, documents out."""

from collections.abc import Iterator, Mapping
from itertools import islice

from truestep.base.ids import (
    Address,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    job_of_task,
    shard_of_task,
    task_of,
    task_of_claim,
)
from truestep.dashboard.history import DisputeHistory, History, JobHistory, OperatorHistory, ShardStage
from truestep.dashboard.views import POLICIES
from truestep.gateway.documents import (
    Claim,
    ClaimList,
    DisputeDetail,
    DisputeList,
    DisputeSummary,
    Executed,
    Interval,
    JobDetail,
    JobList,
    JobSummary,
    OperatorDetail,
    OperatorList,
    OperatorSummary,
    Program,
    Settled,
    Shard,
    ShardList,
    ShardPlace,
    StageCounts,
)
from truestep.protocol import events
from truestep.protocol.records import GameStage
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import Stake
from truestep.protocol.settlement.tasks.records import program_record

SEARCHED_LIMIT = 10_000
"""Jobs that are looked at for one page of a requester's; the next page goes on from there."""
DISPUTES_SHOWN = 50
"""Of a job; the list of disputes has all."""
_NO_STAKE = Stake()
Stakes = Mapping[Address, Stake]


def jobs(history: History, before: int | None, limit: int, requester: str | None) -> JobList:
    """A page of the list of jobs."""
    newest = next(reversed(history.jobs), JobId(0))
    first = newest if before is None else min(before - 1, newest)
    found: list[JobSummary] = []
    number = first
    while number > 0 and len(found) < limit and first - number < SEARCHED_LIMIT:
        job = history.jobs.get(JobId(number))
        if job and (requester is None or job.posted.requester.lower() == requester.lower()):
            found.append(_summary(job))
        number -= 1
    return JobList(jobs=found, next=number + 1 if number > 0 else None)


def job(history: History, job_id: JobId, relied: frozenset[TaskId]) -> JobDetail | None:
    """A job; None if there is none. Consumers can rely on the claims of `relied` already."""
    found = history.jobs.get(job_id)
    if found is None:
        return None
    posted = found.posted
    return JobDetail(
        **dict(_summary(found)),
        program_id=posted.program_id,
        max_cycles=posted.max_cycles,
        input_root=posted.input_root.hex(),
        input_size=posted.input_size,
        input_uri=posted.input_uri,
        seed=posted.seed.hex(),
        lease_seconds=posted.lease_seconds,
        window_seconds=posted.parameters.window_seconds,
        operator_bond_wei=str(posted.parameters.operator_bond_wei),
        reducer_of=posted.reducer_of,
        final_for_consumers=len(relied),
        dispute_count=len(found.disputes),
        disputes=[str(game) for game in reversed(found.disputes[-DISPUTES_SHOWN:])],
    )


def shards(found: JobHistory, start: int, limit: int, relied: frozenset[TaskId]) -> ShardList:
    """A page of a job's shards."""
    end = min(start + limit, found.posted.shard_count)
    shown = [shard(found, index, relied) for index in range(start, end)]
    return ShardList(shards=shown, next=end if end < found.posted.shard_count else None)


def shard(found: JobHistory, index: int, relied: frozenset[TaskId]) -> Shard:
    """One shard of a job."""
    known = found.shard(index)
    return Shard(
        shard_index=index,
        stage=known.stage.value,
        operator=known.operator,
        until=known.until or None,
        is_accepted=known.is_accepted,
        is_final_for_consumers=task_of(found.job_id, index) in relied,
    )


def claims(found: JobHistory, skip: int, limit: int) -> ClaimList:
    """A page of the claims on a job that its timeline still has."""
    outcomes = {
        event.claim_id: "struck" if isinstance(event, events.ClaimStruck) else "final"
        for event in found.timeline
        if isinstance(event, events.ClaimStruck | events.TaskFinalized)
    }
    made = [event for event in reversed(found.timeline) if isinstance(event, events.TaskClaimed)]
    shown = [
        Claim.model_validate(
            {
                "claim_id": str(event.claim_id),
                "shard_index": shard_of_task(event.task_id),
                "operator": event.operator,
                "outcome": outcomes.get(event.claim_id, "standing"),
                "until": event.until,
                "is_malformed": event.is_malformed,
                "status": event.claimed.status,
                "code": str(event.claimed.code),
                "cycles": str(event.claimed.cycle),
                "output_size": str(event.claimed.output_size),
                "output_root": event.claimed.output_root.hex(),
                "block_number": event.at.block_number,
                "transaction_hash": event.at.transaction_hash.hex(),
            }
        )
        for event in made[skip : skip + limit]
    ]
    return ClaimList(claims=shown, next=skip + limit if skip + limit < len(made) else None)


def operators(history: History, stakes: Stakes, after: str | None, limit: int) -> OperatorList:
    """A page of the list of operators."""
    known = {each.lower(): each for each in (*stakes, *history.operators)}
    behind = [known[each] for each in sorted(known) if after is None or each > after.lower()]
    found = [_operator(history, stakes, each) for each in behind[:limit]]
    return OperatorList(operators=found, next=found[-1].address if len(behind) > limit else None)


def operator(history: History, stakes: Stakes, address: str) -> OperatorDetail | None:
    """An operator; None if nobody of this address was heard of."""
    for known in (*stakes, *history.operators):
        if known.lower() == address.lower():
            done = history.operators.get(known) or OperatorHistory()
            tasks = [
                ShardPlace(job_id=job_of_task(task), shard_index=shard_of_task(task))
                for task in reversed(done.tasks)
            ]
            return OperatorDetail(**dict(_operator(history, stakes, known)), tasks=tasks)
    return None


def disputes(history: History, before: int | None, limit: int) -> DisputeList:
    """A page of the list of disputes."""
    count = len(history.disputes)
    first = count if before is None else min(before - 1, count)
    page = islice(reversed(history.disputes.values()), count - first, count - first + limit)
    found = [_dispute(each, first - place) for place, each in enumerate(page)]
    return DisputeList(disputes=found, next=found[-1].number if found and found[-1].number > 1 else None)


def dispute(history: History, game_id: GameId) -> DisputeDetail | None:
    """A dispute; None if there is none."""
    found = history.disputes.get(game_id)
    if found is None:
        return None
    number = next(place for place, known in enumerate(history.disputes, 1) if known == game_id)
    step, end = found.stepped, found.settled
    return DisputeDetail(
        **dict(_dispute(found, number)),
        intervals=[Interval(low=str(low), high=str(high)) for low, high in _intervals(found)],
        executed=step
        and Executed(before=step.before.hex(), after=step.after.hex(), expected=step.expected.hex()),
        settled=end
        and Settled(
            operator_wei=str(end.operator_wei),
            challenger_wei=str(end.challenger_wei),
            burned_wei=str(end.burned_wei),
        ),
        rewarded_wei=str(found.rewarded_wei),
    )


def program(facts: Facts | None, program_id: ProgramId) -> Program | None:
    """A program; None if there is none."""
    known = program_record(facts, program_id) if facts is not None else None
    if known is None or facts is None:
        return None
    return Program(
        program_id=program_id,
        program_hash=program_hash(facts.programs[program_id - 1]).hex(),
        image_root=known.image_root.hex(),
        entry=str(known.entry),
        max_cycles=known.max_cycles,
        elf_sha256=known.digest.hex(),
        owner=known.owner,
        uri=known.uri,
    )


def counts(found: JobHistory) -> StageCounts:
    """How many shards of a job are at each stage."""
    return StageCounts(**{stage.value: found.counts[stage] for stage in ShardStage})


def _summary(found: JobHistory) -> JobSummary:
    posted = found.posted
    return JobSummary(
        job_id=found.job_id,
        requester=posted.requester,
        shard_count=posted.shard_count,
        counts=counts(found),
        is_over=found.is_over,
        reward=str(found.reward),
        asset=posted.asset,
        policy=POLICIES.get(posted.policy, f"number {posted.policy}"),
        deadline=found.deadline,
        block_number=posted.at.block_number,
    )


def _operator(history: History, stakes: Stakes, address: Address) -> OperatorSummary:
    stake = stakes.get(address, _NO_STAKE)
    done = history.operators.get(address) or OperatorHistory()
    return OperatorSummary(
        address=address,
        stake_wei=str(stake.stake_wei),
        locked_wei=str(stake.locked_wei),
        taken=done.taken,
        claimed=done.claimed,
        final=done.final,
        late=done.late,
        struck=done.struck,
    )


def _dispute(found: DisputeHistory, number: int) -> DisputeSummary:
    opened, settled = found.opened, found.settled
    task_id = task_of_claim(opened.claim_id)
    low, high = found.intervals[-1] if found.intervals else (0, opened.high)
    outcome = "open" if settled is None else "fell"
    if settled is not None and settled.stage is GameStage.OPERATOR_WON:
        outcome = "defended"
    return DisputeSummary(
        game_id=str(opened.game_id),
        number=number,
        claim_id=str(opened.claim_id),
        job_id=job_of_task(task_id),
        shard_index=shard_of_task(task_id),
        challenger=opened.challenger,
        operator=opened.operator,
        outcome=outcome,
        instructions=str(high - low),
    )


def _intervals(found: DisputeHistory) -> Iterator[tuple[int, int]]:
    yield 0, found.opened.high
    yield from found.intervals
