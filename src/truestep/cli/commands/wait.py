"""`truestep wait`: shows the progress of a job until it is final."""

import typer

from truestep.base.ids import JobId
from truestep.cli.connection import connect_reader
from truestep.cli.following import ReceiptOption, follow
from truestep.cli.option_groups import grouped
from truestep.cli.options import BeaconOption, JobArgument, NetworkOptions, ReadBlobsOption
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep wait 1 --receipt receipt.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="wait", epilog=EXAMPLE)(wait)


@guarded
@grouped
def wait(
    job: JobArgument,
    network: NetworkOptions,
    blobs: ReadBlobsOption = None,
    beacon: BeaconOption = None,
    receipt: ReceiptOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show progress until every shard of a job is final; the job may be anybody's.

    It is what `truestep submit --wait` does after it has posted the job: use it after Ctrl-C, or for a job
    that another program has posted. Exits with 1 if a shard failed, or can never become final.
    """
    from truestep.client.job import Job
    from truestep.client.job_status import known_job
    from truestep.composition.network import open_kept_blobs

    screen = Screen(as_json=as_json)
    chain, deployment = connect_reader(network, screen)
    known_job(chain, JobId(job))
    sources = open_kept_blobs(blobs or [], chain, deployment, network.rpc, beacon or [])
    follow(screen, Job(chain, sources, deployment, JobId(job), deployment.block_number), receipt)
