"""`truestep status`: shows the progress of a job."""

from collections.abc import Mapping
from itertools import groupby
from typing import Annotated, Any

import typer

from truestep.base.ids import ClaimId, JobId, shard_of_task
from truestep.base.units import coins
from truestep.cli.connection import connect_reader
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.job import JobStatus, read_status
from truestep.demo.narration import Narrator, count
from truestep.protocol.records import TaskRecord, TaskStage

EXAMPLE = "Example: truestep status 1"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="status", epilog=EXAMPLE)(status)


@guarded
@grouped
def status(
    job: Annotated[int, typer.Argument(metavar="JOB", min=1, help="The job's number.")],
    network: NetworkOptions,
    as_json: JsonFlag = False,
) -> None:
    """Show the progress of a job and of each of its shards."""
    screen = Screen(as_json=as_json)
    chain, _ = connect_reader(network, screen)
    now = read_status(chain, JobId(job))
    claimed = [task.claim_id for task in now.tasks if task.stage is TaskStage.CLAIMED]
    disputes = chain.open_game_counts(claimed) if claimed else {}
    screen.result(_fields(now, disputes), shown=None if as_json else _shown(now, disputes))


def _fields(now: JobStatus, disputes: Mapping[ClaimId, int]) -> dict[str, Any]:
    return {
        "job_id": now.job.job_id,
        "stage": now.stage.value,
        "program_id": now.job.program_id,
        "requester": now.job.requester,
        "shards": now.job.shard_count,
        "final": now.count(TaskStage.FINAL),
        "reward_wei": now.job.reward_wei,
        "deadline": now.job.deadline,
        "chain_time": now.time_seconds,
        "reclaimable": list(now.reclaimable),
        "tasks": [
            {
                "shard_index": shard_of_task(task.task_id),
                "stage": task.stage.name.lower(),
                "attempt": task.attempt,
                "operator": task.operator,
                "until": task.until,
                "open_disputes": disputes.get(task.claim_id, 0),
            }
            for task in now.tasks
        ],
    }


def _shown(now: JobStatus, disputes: Mapping[ClaimId, int]) -> str:
    """A line for the job, and one for each run of shards that are equally far."""
    left = now.job.deadline - now.time_seconds
    deadline = f"deadline in {_duration(left)}" if left > 0 else f"deadline passed {_duration(-left)} ago"
    final = f"{now.count(TaskStage.FINAL)} of {now.job.shard_count} shards final"
    lines = [f"job {now.job.job_id}: {now.stage}, {final}, {coins(now.job.reward_wei)} per shard, {deadline}"]
    narrator = Narrator()
    for words, group in groupby(now.tasks, lambda task: _task_words(task, now, disputes, narrator)):
        shards = [shard_of_task(task.task_id) for task in group]
        numbers = f"shard {shards[0]}" if len(shards) == 1 else f"shards {shards[0]} to {shards[-1]}"
        lines.append(f"  {numbers}: {words}")
    if now.reclaimable:
        lines.append(
            f"{count(len(now.reclaimable), 'shard')} can be reclaimed: truestep reclaim {now.job.job_id}"
        )
    return "\n".join(lines)


def _task_words(task: TaskRecord, now: JobStatus, disputes: Mapping[ClaimId, int], narrator: Narrator) -> str:
    words = task.stage.name.lower()
    left = _duration(task.until - now.time_seconds)
    is_over, is_late = task.until < now.time_seconds, now.time_seconds >= now.job.deadline
    if task.stage in (TaskStage.TAKEN, TaskStage.CLAIMED, TaskStage.FINAL):
        words += f" by {narrator.name(task.operator)}"
    if task.stage is TaskStage.OPEN:
        words += ", too late for a worker" if is_late else ", waiting for a worker"
    if task.stage is TaskStage.TAKEN:
        then = "too late for another worker" if is_late else "any worker can take it"
        words += f", lease is over: {then}" if is_over else f", lease ends in {left}"
    if task.stage is TaskStage.CLAIMED:
        words += ", challenge window is over" if is_over else f", can be challenged for {left}"
        open_disputes = disputes.get(task.claim_id, 0)
        words += f", {count(open_disputes, 'open dispute')}" if open_disputes else ""
    return words


def _duration(seconds: int) -> str:
    """`2 d 3 h`, `5 min 2 s`: the two largest units."""
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        number, seconds = divmod(max(seconds, 0), size)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])
