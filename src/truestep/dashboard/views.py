"""What each page shows, as values for its template. Pure: the history in, words out."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from rich.text import Text

from truestep.base.ids import (
    Address,
    GameId,
    JobId,
    TaskId,
    game_in_words,
    job_of_task,
    shard_of_task,
    task_of_claim,
    task_of_game,
)
from truestep.base.text import counted, visible
from truestep.base.units import coins, duration
from truestep.client.executed import Executed
from truestep.client.tokens import amount_in_words
from truestep.dashboard.history import DisputeHistory, History, JobHistory, OperatorHistory, Shard, ShardStage
from truestep.demo.narration import Narrator
from truestep.protocol import events
from truestep.protocol.deployment.audits import POLICY as AUDITED
from truestep.protocol.deployment.availability import POLICY as KEPT
from truestep.protocol.deployment.lots import POLICY as DRAWN
from truestep.protocol.deployment.quorum import POLICY as QUORUM
from truestep.protocol.deployment.validity import POLICY as VALIDITY
from truestep.protocol.events import ChainEvent
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.records import Stake
from truestep.protocol.state_numbers import is_micro

Row = TypeVar("Row")
Context = dict[str, Any]
Stakes = Mapping[Address, Stake]

ROWS = 50
"""Of a page of a list."""
FEED_ROWS = 50
SHARD_ROWS = 200
"""Rows of shards that stand together where they are equally far; a hostile job has none that do."""
_NARRATOR = Narrator()
POLICIES = {
    OPTIMISTIC: "optimistic",
    KEPT: "kept",
    VALIDITY: "validity",
    QUORUM: "quorum",
    DRAWN: "drawn",
    AUDITED: "audited",
}


def overview(history: History, now: int) -> Context:
    """The first page."""
    running = sum(not job.is_over for job in history.jobs.values())
    disputes = history.open_disputes()
    newest = [job for job, _ in zip(reversed(history.jobs.values()), range(10), strict=False)]
    return {
        "figures": [
            ("Jobs", f"{len(history.jobs):,}, {running:,} running"),
            ("Results that are final", f"{history.final_count:,}"),
            ("Claims that were struck", f"{history.struck_count:,}"),
            ("Open disputes", f"{len(disputes):,}"),
            ("Operators", f"{len(history.operators):,}"),
        ],
        "jobs": [_job_row(job, now) for job in newest],
        "disputes": [_dispute_row(dispute) for dispute in disputes[:10]],
        "feed": feed(history.feed, with_job=True),
    }


def jobs(history: History, number: int, now: int) -> Context:
    """A page of the list of jobs, the newest first."""
    rows, count = _page(list(reversed(history.jobs.values())), number)
    nothing = "Nobody has posted a job yet."
    return {
        "title": "Jobs",
        "rows": [_job_row(job, now) for job in rows],
        "count": count,
        "number": number,
        "nothing": nothing,
    }


def operators(history: History, stakes: Stakes, number: int) -> Context:
    """A page of the list of operators, those with the most final results first."""
    known = {address: history.operators.get(address) or OperatorHistory() for address in stakes}
    known |= history.operators
    ordered = sorted(known.items(), key=lambda entry: (-entry[1].final, entry[0]))
    rows, count = _page(ordered, number)
    shown = [
        {
            "address": address,
            "final": f"{each.final:,}",
            "struck": f"{each.struck:,}",
            "late": f"{each.late:,}",
            **_stake_words(stakes.get(address)),
        }
        for address, each in rows
    ]
    nothing = "Nobody has staked yet."
    return {"title": "Operators", "rows": shown, "count": count, "number": number, "nothing": nothing}


def disputes(history: History, number: int) -> Context:
    """A page of the list of disputes, the newest first."""
    rows, count = _page(list(reversed(history.disputes.values())), number)
    return {
        "title": "Disputes",
        "rows": [_dispute_row(dispute) for dispute in rows],
        "count": count,
        "number": number,
        "nothing": "Nobody has disputed a claim.",
    }


def job(history: History, job_id: JobId, now: int, relied: frozenset[TaskId]) -> Context | None:
    """A job's page. None if there is no such job. Consumers can rely on the claims of `relied` already."""
    found = history.jobs.get(job_id)
    if found is None:
        return None
    posted = found.posted
    rows = list(_shard_rows(found, now))
    left = found.deadline - now
    return {
        "job": posted,
        "progress": _progress(found, now),
        "bar": list(_bar(found)),
        "figures": [
            ("Requester", posted.requester),
            ("Reward per shard", amount_in_words(found.reward, posted.asset)),
            ("Policy", POLICIES.get(posted.policy, f"number {posted.policy}")),
            ("Deadline for workers", f"in {duration(left)}" if left > 0 else "over"),
            ("Challenge window", duration(posted.parameters.window_seconds)),
            *([("Final for consumers", counted(len(relied), "claim"))] if relied else []),
            ("Bond per shard", coins(posted.parameters.operator_bond_wei)),
            ("Program", f"number {posted.program_id}, at most {posted.max_cycles:,} instructions"),
            ("Input", counted(posted.input_size, "byte")),
        ],
        "disputes": [_dispute_row(history.disputes[game]) for game in reversed(found.disputes[-ROWS:])],
        "shards": rows[:SHARD_ROWS],
        "shards_left": max(len(rows) - SHARD_ROWS, 0),
        "feed": feed(found.timeline),
    }


def operator(history: History, address: Address, stakes: Stakes) -> Context | None:
    """An operator's page. None if nobody of this address was heard of."""
    named = {each.lower(): each for each in (*stakes, *history.operators)}.get(address.lower())
    if named is None:
        return None
    done = history.operators.get(named) or OperatorHistory()
    words = _stake_words(stakes.get(named))
    return {
        "address": named,
        "figures": [
            ("Stake", words["stake"]),
            ("Locked in bonds", words["locked"]),
            ("Tasks taken", f"{done.taken:,}"),
            ("Claims", f"{done.claimed:,}"),
            ("Final", f"{done.final:,}"),
            ("Late or given back", f"{done.late:,}"),
            ("Struck", f"{done.struck:,}"),
        ],
        "tasks": [
            {"job_id": job_of_task(task), "shard": shard_of_task(task)} for task in reversed(done.tasks)
        ],
    }


def dispute(history: History, game_id: GameId, step: Executed | None) -> Context | None:
    """A dispute's page. None if there is no such dispute."""
    found = history.disputes.get(game_id)
    if found is None:
        return None
    opened = found.opened
    task_id = task_of_claim(opened.claim_id)
    stepped = found.stepped
    verdict = ""
    if stepped:
        is_true = stepped.after == stepped.expected
        verdict = "the result is as claimed." if is_true else "the result is not as claimed."
    return {
        "name": game_in_words(game_id),
        "outcome": f"{found.outcome[:1].upper()}{found.outcome[1:]}.",
        "operator": opened.operator,
        "challenger": opened.challenger,
        "job_id": job_of_task(task_id),
        "shard": shard_of_task(task_id),
        "figures": _dispute_figures(found),
        "rows": list(_narrowing(found)),
        "step": step,
        "verdict": verdict,
        "feed": feed(found.moves),
    }


def feed(found: Iterable[ChainEvent], *, with_job: bool = False) -> list[Context]:
    """The newest events in words, the newest first."""
    lines: list[Context] = []
    for event in reversed(list(found)):
        words = _NARRATOR.tell(event)
        if words is None:
            continue
        job_id = _job_of(event) if with_job else None
        lines.append({"block": event.at.block_number, "job": job_id, "words": _plain(words)})
        if len(lines) == FEED_ROWS:
            break
    return lines


def _plain(markup: str) -> str:
    """Without what is only for terminals. Texts of strangers lose their control characters."""
    return visible(Text.from_markup(markup).plain)


def _job_of(event: ChainEvent) -> JobId | None:
    match event:
        case events.JobPosted():
            return None  # its words begin with the job
        case events.ProgramRegistered():
            return None
        case events.JobChanged():
            return event.job_id
        case events.ClaimRefuted():
            return job_of_task(task_of_claim(event.claim_id))
        case (
            events.GameOpened()
            | events.GameSplit()
            | events.GamePicked()
            | events.GameStepped()
            | events.GameDescended()
            | events.GameRevealed()
            | events.GameAdopted()
            | events.GameSettled()
            | events.GameRewarded()
        ):
            return job_of_task(task_of_game(event.game_id))
        case _:
            return job_of_task(event.task_id)


def _page(rows: Sequence[Row], number: int) -> tuple[Sequence[Row], int]:
    return rows[(number - 1) * ROWS : number * ROWS], -(-len(rows) // ROWS)


def _job_row(found: JobHistory, now: int) -> Context:
    return {
        "job_id": found.job_id,
        "shards": found.posted.shard_count,
        "progress": _progress(found, now),
        "reward": amount_in_words(found.reward, found.posted.asset),
        "requester": found.posted.requester,
    }


def _progress(found: JobHistory, now: int) -> str:
    counts = found.counts
    words = [f"{counts[stage]:,} {stage.value}" for stage in ShardStage if counts[stage]]
    if now >= found.deadline and counts[ShardStage.OPEN]:
        words.append("deadline over")
    return ", ".join(words)


def _bar(found: JobHistory) -> Iterator[Context]:
    start, total = 0.0, found.posted.shard_count
    for stage in reversed(ShardStage):
        width = 100 * found.counts[stage] / total
        if width:
            yield {"stage": stage.value, "start": f"{start:.3f}", "width": f"{width:.3f}"}
        start += width


def _shard_rows(found: JobHistory, now: int) -> Iterator[Context]:
    """Shards that stand together and are equally far have one row."""
    for first, last, shard in _runs(found):
        left = shard.until - now
        words = shard.stage.value
        if shard.is_accepted is False:
            words += ", not accepted"
        yield {
            "name": f"{first}" if first == last else f"{first} to {last}",
            "stage": shard.stage.value,
            "words": words,
            "operator": shard.operator,
            "until": "" if not shard.until else f"{duration(left)} more" if left > 0 else "time is over",
        }


def _runs(found: JobHistory) -> Iterator[tuple[int, int, Shard]]:
    """The first and the last of shards that stand together and are alike."""
    start, last, alike = 0, -1, found.shard(0)
    for first, end, shard in _pieces(found):
        if shard != alike:
            yield start, last, alike
            start, alike = first, shard
        last = end
    yield start, last, alike


def _pieces(found: JobHistory) -> Iterator[tuple[int, int, Shard]]:
    """Each shard that something has happened to, and what lies between two of them as a whole."""
    end = 0
    for index in sorted(found.touched):
        if index > end:
            yield end, index - 1, found.shard(end)
        yield index, index, found.shard(index)
        end = index + 1
    if end < found.posted.shard_count:
        yield end, found.posted.shard_count - 1, found.shard(end)


def _stake_words(stake: Stake | None) -> dict[str, str]:
    if stake is None:
        return {"stake": "none", "locked": "nothing"}
    return {"stake": coins(stake.stake_wei), "locked": coins(stake.locked_wei)}


def _dispute_row(found: DisputeHistory) -> Context:
    opened = found.opened
    task_id = task_of_claim(opened.claim_id)
    low, high = found.intervals[-1] if found.intervals else (0, opened.high)
    return {
        "game_id": opened.game_id,
        "name": game_in_words(opened.game_id),
        "job_id": job_of_task(task_id),
        "shard": shard_of_task(task_id),
        "challenger": opened.challenger,
        "length": counted(high - low, "instruction"),
        "outcome": found.outcome,
    }


def _dispute_figures(found: DisputeHistory) -> list[tuple[str, str]]:
    figures = [("Instructions of the run", f"{found.opened.high:,}"), ("Moves", f"{len(found.moves):,}")]
    settled = found.settled
    if settled:
        figures += [
            ("To the operator", coins(settled.operator_wei)),
            ("Back to the challenger", coins(settled.challenger_wei)),
            ("Burned", coins(settled.burned_wei)),
        ]
    if found.rewarded_wei:
        figures.append(("Reward of the challenger", coins(found.rewarded_wei)))
    return figures


def _narrowing(found: DisputeHistory) -> Iterator[Context]:
    longest = max(math.log2(found.opened.high + 1), 1.0)
    for low, high in ((0, found.opened.high), *found.intervals):
        length = high - low
        width = max(100 * math.log2(length + 1) / longest, 1.0)
        where = (
            "in the code of one float instruction" if is_micro(low) else f"from instruction {low + 1:,} on"
        )
        yield {"width": f"{min(width, 100.0):.2f}", "words": f"{counted(length, 'instruction')} {where}"}
