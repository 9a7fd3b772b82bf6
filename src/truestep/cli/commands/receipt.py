"""`truestep receipt`: writes the receipt of a finished job, whoever posted it."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from truestep.base.ids import JobId
from truestep.base.text import counted
from truestep.cli.connection import connect_reader
from truestep.cli.option_groups import grouped
from truestep.cli.options import BeaconOption, JobArgument, NetworkOptions, ReadBlobsOption
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep receipt 1 --output receipt.json, then: truestep verify receipt.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="receipt", epilog=EXAMPLE)(receipt)


@guarded
@grouped
def receipt(
    job: JobArgument,
    network: NetworkOptions,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    blobs: ReadBlobsOption = None,
    beacon: BeaconOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the receipt of a complete job, for `truestep verify`; the job may be anybody's.

    It is the receipt that `truestep submit --wait --receipt` writes, also if that was interrupted. A small
    program, input or output is in it if a store has it.
    """
    from truestep.client.job import Job
    from truestep.composition.network import open_kept_blobs

    screen = Screen(as_json=as_json)
    chain, deployment = connect_reader(network, screen)
    sources = open_kept_blobs(blobs or [], chain, deployment, network.rpc, beacon or [])
    handle = Job(chain, sources, deployment, JobId(job), deployment.block_number)
    held = handle.receipt()
    held.write(output)
    check = f"truestep verify {shlex.quote(str(output))}"
    shards = counted(held.shard_count, "shard")
    shown = f"receipt of job {job}: {shards}, written to {output}; check it: {check}"
    screen.result(
        {"job_id": job, "shards": held.shard_count, "receipt": str(output)},
        shown=None if as_json else escape(shown),
    )
