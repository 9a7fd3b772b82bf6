"""`truestep status`: shows the progress of a job."""

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer

from truestep.base.ids import PART_MASK, ClaimId, JobId, game_in_words, game_of, shard_of_task
from truestep.base.text import counted
from truestep.cli.connection import connect_reader
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.job_status import JobStatus, read_status
from truestep.client.tokens import amount_in_words
from truestep.demo.narration import Narrator
from truestep.ports.chain import Inquiry
from truestep.protocol.records import GameRecord, GameStage, TaskRecord, TaskStage
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.ids import NOBODY

if TYPE_CHECKING:
    from truestep.ports.chain import ChainReader

EXAMPLE = "Example: truestep status 1"
ORDINALS_AT_ONCE, ORDINALS_LIMIT = 64, 1_024
"""Games on one claim that are looked for; each of so many costs its challenger ten bonds."""

Games = Mapping[ClaimId, tuple[GameRecord, ...]]
"""Open games by claim."""

_STAGE_WORDS = {
    GameStage.OPERATOR_TURN: "the defender has to split within {left}",
    GameStage.CHALLENGER_TURN: "the challenger has to pick within {left}",
    GameStage.STEP_DUE: "the challenger has to prove the step within {left}",
    GameStage.REVEAL_DUE: "the defender has to reveal within {left}",
    GameStage.OPERATOR_WON: "the challenger is out of time, to be settled",
    GameStage.CHALLENGER_WON: "the defender is out of time, to be settled",
    GameStage.CLAIM_FELL: "the claim has fallen, to be settled",
    GameStage.CLOSED: "closed",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="status", epilog=EXAMPLE)(status)


@guarded
@grouped
def status(
    job: JobArgument,
    network: NetworkOptions,
    as_json: JsonFlag = False,
) -> None:
    """Show the progress of a job and of each of its shards."""
    screen = Screen(as_json=as_json)
    chain, _ = connect_reader(network, screen)
    now = read_status(chain, JobId(job))
    games = open_games(chain, now)
    screen.result(_fields(now, games), shown=None if as_json else _shown(now, games))


def open_games(chain: "ChainReader", now: JobStatus) -> Games:
    """The games that go on, by claim."""
    claimed = [task.claim_id for task in now.tasks if task.stage is TaskStage.CLAIMED]
    if not claimed:
        return {}
    head = chain.head()
    counts = chain.records(Inquiry(claims=claimed), head.number).open_game_counts
    return {
        claim_id: _games_on(chain, claim_id, open_count, head.time_seconds)
        for claim_id, open_count in counts.items()
        if open_count
    }


def _games_on(chain: "ChainReader", claim_id: ClaimId, open_count: int, now: int) -> tuple[GameRecord, ...]:
    """The open games on a claim, by their ordinals, which have gaps where games have ended."""
    found: list[GameRecord] = []
    for start in range(1, ORDINALS_LIMIT, ORDINALS_AT_ONCE):
        ordinals = range(start, start + ORDINALS_AT_ONCE)
        games = chain.games([game_of(claim_id, ordinal) for ordinal in ordinals], now)
        found += [game for game in games.values() if game.stage is not GameStage.CLOSED]
        if len(found) >= open_count:
            break
    return tuple(sorted(found, key=lambda game: game.game_id))


def _fields(now: JobStatus, games: Games) -> dict[str, Any]:
    return {
        "job_id": now.job.job_id,
        "stage": now.stage.value,
        "program_id": now.job.program_id,
        "requester": now.job.requester,
        "shards": now.job.shard_count,
        "final": now.count(TaskStage.FINAL),
        "reward_wei": now.job.reward,
        "asset": now.job.asset,
        "deadline": now.job.deadline,
        "window_seconds": now.job.parameters.window_seconds,
        "operator_bond_wei": now.job.parameters.operator_bond_wei,
        "reducer_of": now.job.reducer_of,
        "has_input": now.job.is_ready,
        "chain_time": now.time_seconds,
        "reclaimable": list(now.reclaimable),
        "tasks": [
            {
                "shard_index": shard_of_task(task.task_id),
                "stage": task.stage.name.lower(),
                "batch_id": task.batch_id,
                "operator": task.operator,
                "until": task.until,
                "proven_by": now.proven.get(task.task_id),
                "confirmed": task.task_id in now.confirmed,
                "open_disputes": len(games.get(task.claim_id, ())),
                "games": [_game_fields(game) for game in games.get(task.claim_id, ())],
            }
            for task in now.tasks
        ],
    }


def _game_fields(game: GameRecord) -> dict[str, Any]:
    return {
        "ordinal": game.game_id & PART_MASK,
        "stage": game.stage.name.lower(),
        "challenger": game.challenger,
        "defender": game.operator,
        "last_second": game.last_second,
    }


def _shown(now: JobStatus, games: Games) -> str:
    """A line for the job, one for each run of shards that are equally far, and one for each game."""
    job = now.job
    left = job.deadline - now.time_seconds
    deadline = f"deadline in {_duration(left)}" if left > 0 else f"deadline passed {_duration(-left)} ago"
    final = f"{now.count(TaskStage.FINAL)} of {counted(job.shard_count, 'shard')} final"
    reward = amount_in_words(job.reward, job.asset)
    lines = [f"job {job.job_id}: {now.stage}, {final}, {reward} per shard, {deadline}"]
    if not job.is_ready and job.reducer_of is None:
        lines.append(f"it waits until its requester has its data kept: truestep supply {job.job_id}")
    elif not job.is_ready:
        then = "" if job.policy == OPTIMISTIC else f", then truestep supply {job.job_id}"
        lines.append(
            f"it has no input yet: truestep feed {job.job_id}, once job {job.reducer_of} is complete{then}"
        )
    narrator = Narrator()
    for words, group in groupby(now.tasks, lambda task: _task_words(task, now, games, narrator)):
        tasks = list(group)
        shards = [shard_of_task(task.task_id) for task in tasks]
        numbers = f"shard {shards[0]}" if len(shards) == 1 else f"shards {shards[0]} to {shards[-1]}"
        lines.append(f"  {numbers}: {words}")
        for game in (game for task in tasks for game in games.get(task.claim_id, ())):
            lines.append(f"    {_game_words(game, now, narrator)}")
    if now.reclaimable:
        lines.append(
            f"{counted(len(now.reclaimable), 'shard')} can be reclaimed: truestep reclaim {job.job_id}"
        )
    return "\n".join(lines)


def _task_words(task: TaskRecord, now: JobStatus, games: Games, narrator: Narrator) -> str:
    words = task.stage.name.lower()
    left = _duration(task.until - now.time_seconds)
    is_over = task.until < now.time_seconds
    if task.stage in (TaskStage.TAKEN, TaskStage.CLAIMED, TaskStage.FINAL):
        words += f" by {narrator.name(task.operator)} in batch {task.batch_id}"
    if task.stage is TaskStage.OPEN:
        words += _open_words(task, now, narrator)
    if task.stage is TaskStage.TAKEN:
        then = "too late for another worker" if now.is_late else "any worker can take it"
        words += f", lease is over: {then}" if is_over else f", lease ends in {left}"
    if task.stage is TaskStage.CLAIMED:
        entry = now.proven.get(task.task_id)
        words += f", proven by entry {entry}" if entry else ""
        words += ", confirmed by its quorum" if task.task_id in now.confirmed else ""
        words += ": final for consumers" if now.is_final_for_consumers(task) else ""
        words += ", challenge window is over" if is_over else f", can be challenged for {left}"
        open_disputes = len(games.get(task.claim_id, ()))
        words += f", {counted(open_disputes, 'open dispute')}" if open_disputes else ""
    return words


def _open_words(task: TaskRecord, now: JobStatus, narrator: Narrator) -> str:
    """Who may take an open task."""
    turn = now.turns.get(task.task_id)
    if now.is_late:
        return ", too late for a worker"
    if turn is None:
        return ", waiting for a worker"
    if turn.holder == NOBODY:
        return ", waiting for an operator to be drawn"
    left = _duration(turn.until - now.time_seconds)
    return f", {narrator.name(turn.holder)} was drawn and has {left} to take it"


def _game_words(game: GameRecord, now: JobStatus, narrator: Narrator) -> str:
    named = f"{game_in_words(game.game_id)} by {narrator.name(game.challenger)}"
    left = _duration(game.last_second - now.time_seconds)
    return f"{named}: {_STAGE_WORDS[game.stage].format(left=left)}"


def _duration(seconds: int) -> str:
    """`2 d 3 h`, `5 min 2 s`: the two largest units."""
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        number, seconds = divmod(max(seconds, 0), size)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])
