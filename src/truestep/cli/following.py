"""Follows a job until it is final, for `truestep submit --wait` and `truestep wait`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.text import counted
from truestep.base.units import coins, duration
from truestep.cli.failure import ExitCode
from truestep.cli.screen import Screen
from truestep.client.tokens import amount_in_words
from truestep.demo.narration import Narrator
from truestep.protocol.records import TaskStage

if TYPE_CHECKING:
    from truestep.client.job import Job
    from truestep.client.job_status import JobStatus
    from truestep.protocol.events import ChainEvent

ReceiptOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The file to write the receipt to, once the job is final.")
]
IDLE_SECONDS = 60
"""After so long a requester wonders why nobody takes a job."""


def follow(screen: Screen, job: "Job", receipt: Path | None) -> None:
    """Wait for the job and show it. Exits with 1 if a shard failed."""
    screen.leave_behind(f"job {job.job_id} goes on without this command: truestep wait {job.job_id}")
    _wait(screen, job)
    if receipt:
        job.receipt().write(receipt)
    _show(screen, job, receipt)


def progress_in_words(status: "JobStatus") -> str:
    """`0 of 2 shards final, 2 claimed, the last can be disputed for 3 min 20 s`."""
    words = [f"{status.count(TaskStage.FINAL)} of {counted(len(status.tasks), 'shard')} final"]
    for stage, name in ((TaskStage.OPEN, "waiting for a worker"), (TaskStage.TAKEN, "running")):
        count = status.count(stage)
        words += [f"{count} {name}"] if count else []
    claimed = [task for task in status.tasks if task.stage is TaskStage.CLAIMED]
    if claimed:
        left = max(task.until for task in claimed) - status.time_seconds
        then = (
            f"can be disputed for {duration(left)} more"
            if left > 0
            else "nobody has disputed in time: to be finalized"
        )
        relied_count = sum(map(status.is_final_for_consumers, claimed))
        which = f"{relied_count} of them " if relied_count < len(claimed) else ""
        relied = f"{which}final for consumers, " if relied_count else ""
        words.append(f"{len(claimed)} claimed, {relied}{then}")
    return ", ".join(words)


def why_nobody_takes(status: "JobStatus") -> str:
    """What a requester can look at if no worker has taken a shard for a while."""
    job = status.job
    reward = amount_in_words(job.reward, job.asset)
    if not job.is_ready:
        what = (
            f"truestep feed {job.job_id}" if job.reducer_of is not None else f"truestep supply {job.job_id}"
        )
        return f"nobody can take the job yet: it waits for its data ({what})"
    bond = coins(job.parameters.operator_bond_wei)
    return (
        f"no worker has taken a shard so far. A worker takes one if the reward ({reward}) is at least its"
        f" --min-reward, if it has {bond} of free stake for it, if it finds program and input in one of its"
        f" stores, and if it can run {job.max_cycles:,} instructions within the lease; its log says which of"
        f" these it misses. More reward: truestep top-up {job.job_id} AMOUNT; to back out: truestep reclaim"
        f" {job.job_id} --now"
    )


def _wait(screen: Screen, job: "Job") -> None:
    from truestep.protocol.events import TaskFinalized

    narrator = Narrator()
    final_count = 0
    advise = adviser(screen)
    with screen.steps("waiting for workers", job.record().shard_count) as progress:

        def told(event: "ChainEvent") -> None:
            nonlocal final_count
            final_count += isinstance(event, TaskFinalized)
            line = narrator.tell(event)
            if line:
                screen.note(line)

        def seen(status: "JobStatus") -> None:
            advise(status)
            progress(final_count, progress_in_words(status))

        job.wait(on_event=told, on_status=seen)


def adviser(screen: Screen) -> Callable[["JobStatus"], None]:
    """Says once why nobody may take the job, if nobody has for a while."""
    idle_since: int | None = None
    is_said = False

    def advise(status: "JobStatus") -> None:
        nonlocal idle_since, is_said
        if is_said or any(task.batch_id for task in status.tasks):
            return
        idle_since = status.time_seconds if idle_since is None else idle_since
        if status.time_seconds - idle_since >= IDLE_SECONDS:
            is_said = True
            screen.note(why_nobody_takes(status))

    return advise


def _show(screen: Screen, job: "Job", receipt: Path | None) -> None:
    results = job.outputs()
    fields: dict[str, Any] = {
        "job_id": job.job_id,
        "shards": [
            {
                "shard_index": result.shard_index,
                "accepted": result.is_accepted,
                "status": result.status,
                "code": result.code,
                "cycles": result.cycles,
                "output": result.output.hex(),
            }
            for result in results
        ],
        "receipt": str(receipt) if receipt else None,
    }
    failed = sum(not result.is_accepted for result in results)
    shown = {
        "job id": str(job.job_id),
        "shards final": len(results),
        "failed": failed,
        "receipt": fields["receipt"],
    }
    screen.result(fields if screen.as_json else shown)
    if failed:
        screen.note(
            f"[bold red]{failed} of {counted(len(results), 'shard')} failed[/]; their outputs do not count"
        )
        raise typer.Exit(ExitCode.REFUSED)
