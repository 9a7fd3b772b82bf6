"""`truestep outputs`: fetches the outputs of a finished job and checks them against the chain."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from truestep.adapters.files import write_file
from truestep.base.ids import JobId
from truestep.base.text import counted
from truestep.cli.connection import connect_reader
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions, ReadBlobsOption
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep outputs 1 --output records.bin"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="outputs", epilog=EXAMPLE)(outputs)


@guarded
@grouped
def outputs(
    job: JobArgument,
    network: NetworkOptions,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    shard: Annotated[
        int | None,
        typer.Option(metavar="I", min=0, help="Fetch only this shard. Default: all shards, in order."),
    ] = None,
    blobs: ReadBlobsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Fetch the outputs of a complete job, check each against the chain and write them to one file.

    They come from the blob stores, and from keepers if the job asked that they are kept. The outputs of all
    shards, one after another, make the input of a job that combines them.
    """
    from truestep.client.job import Job
    from truestep.composition.network import open_kept_blobs

    screen = Screen(as_json=as_json)
    chain, deployment = connect_reader(network, screen)
    sources = open_kept_blobs(blobs or [], chain, deployment, network.rpc)
    handle = Job(chain, sources, deployment, JobId(job), deployment.block_number)
    wanted = handle.outputs() if shard is None else handle.outputs([shard])
    failed = [str(each.shard_index) for each in wanted if not each.is_accepted]
    if failed:
        raise Failure(
            "failed shards",
            f"failed shards have no output: {', '.join(failed)}; `truestep run --shard` shows why, and"
            " --shard fetches one of the others",
        )
    content = b"".join(each.output for each in wanted)
    write_file(output, content)
    sizes = [len(each.output) for each in wanted]
    screen.result(
        {
            "job_id": job,
            "shards": len(wanted),
            "output_size": len(content),
            "output_sizes": sizes,
            "output_file": str(output),
        },
        shown=None
        if as_json
        else f"{counted(len(content), 'byte')} of {counted(len(wanted), 'shard')} are in"
        f" {escape(str(output))}",
    )
