"""`truestep reclaim`: takes back the rewards that nobody earned."""

from typing import Annotated

import typer

from truestep.base.ids import JobId
from truestep.base.units import coins
from truestep.cli.connection import connect_client
from truestep.cli.fee_options import MaxFeeOption, MaxTipOption, transaction_policy
from truestep.cli.option_groups import grouped
from truestep.cli.options import (
    BlobsOption,
    KeystoreOption,
    NetworkOptions,
    PasswordFileOption,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.job import JobStage, JobStatus

EXAMPLE = "Example: truestep reclaim 1 --keystore requester.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="reclaim", epilog=EXAMPLE)(reclaim)


@guarded
@grouped
def reclaim(
    job: Annotated[int, typer.Argument(metavar="JOB", min=1, help="The job's number.")],
    network: NetworkOptions,
    blobs: BlobsOption,
    keystore: KeystoreOption,
    password_file: PasswordFileOption = None,
    max_fee: MaxFeeOption = None,
    max_tip: MaxTipOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take back the rewards of shards that nobody finished by the job's deadline."""
    screen = Screen(as_json=as_json)
    client = connect_client(
        network,
        blobs,
        keystore,
        password_file,
        screen=screen,
        policy=transaction_policy(max_fee, max_tip),
    )
    handle = client.job(JobId(job))
    amount_wei = handle.reclaim(client.chain)
    shown = f"{coins(amount_wei)} reclaimed" if amount_wei else why_nothing(handle.status())
    screen.result({"job_id": job, "reclaimed_wei": amount_wei}, shown=shown)


def why_nothing(now: JobStatus) -> str:
    """Why nothing of a job can be reclaimed."""
    named, left_seconds = f"job {now.job.job_id}", now.job.deadline - now.time_seconds
    if now.stage is JobStage.COMPLETE:
        return f"nothing to reclaim: every shard of {named} is final"
    if left_seconds > 0:
        return f"nothing to reclaim yet: the deadline of {named} is in {left_seconds:,} s"
    return f"nothing to reclaim: every shard of {named} is final, reclaimed or still being worked on"
