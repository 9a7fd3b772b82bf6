"""`truestep jobs`: lists the jobs of a network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.ids import JobId
from truestep.base.text import counted
from truestep.cli.connection import connect_reader
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, parse_address
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.job_status import JobStatus, read_status
from truestep.client.tokens import amount_in_words
from truestep.protocol.records import TaskStage

if TYPE_CHECKING:
    from truestep.base.ids import Address
    from truestep.ports.chain import ChainReader

EXAMPLE = "Example: truestep jobs --keystore requester.json"
DEFAULT_LIMIT = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="jobs", epilog=EXAMPLE)(jobs)


@guarded
@grouped
def jobs(
    network: NetworkOptions,
    keystore: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only jobs that this account has posted.")
    ] = None,
    requester: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Only jobs that this account has posted.")
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=1_000, help="The newest so many.")
    ] = DEFAULT_LIMIT,
    as_json: JsonFlag = False,
) -> None:
    """List jobs, the newest first: how far they are, what they pay, and what is left to do."""
    screen = Screen(as_json=as_json)
    account = _account(keystore, requester)
    chain, _ = connect_reader(network, screen)
    found = _newest(chain, account, limit)
    if as_json:
        screen.result({"jobs": [_fields(status) for status in found]})
        return
    whose = "this account has" if account else "anybody has"
    lines = [_line(status) for status in found] or [f"{whose} posted no job on this network"]
    screen.result({}, shown="\n".join(lines))


def _account(keystore: Path | None, requester: str | None) -> "Address | None":
    from truestep.adapters.keystore import keystore_address

    if keystore and requester:
        raise typer.BadParameter("give an address or a keystore, not both", param_hint="--requester")
    if requester:
        return parse_address(requester, "--requester")
    return keystore_address(keystore) if keystore else None


def _newest(chain: "ChainReader", account: "Address | None", limit: int) -> list[JobStatus]:
    found: list[JobStatus] = []
    for number in range(chain.counters().job_count, 0, -1):
        if account and chain.job(JobId(number)).requester.lower() != account.lower():
            continue
        found.append(read_status(chain, JobId(number)))
        if len(found) == limit:
            break
    return found


def _fields(status: JobStatus) -> dict[str, Any]:
    return {
        "job_id": status.job.job_id,
        "stage": status.stage.value,
        "requester": status.job.requester,
        "shards": len(status.tasks),
        "final": status.count(TaskStage.FINAL),
        "reward_wei": status.job.reward,
        "asset": status.job.asset,
        "reclaimable": list(status.reclaimable),
    }


def _line(status: JobStatus) -> str:
    job = status.job
    final = f"{status.count(TaskStage.FINAL)} of {counted(len(status.tasks), 'shard')} final"
    line = f"job {job.job_id}: {status.stage}, {final}, {amount_in_words(job.reward, job.asset)} per shard"
    return f"{line}; reward to take back: truestep reclaim {job.job_id}" if status.reclaimable else line
