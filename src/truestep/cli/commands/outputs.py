"""`truestep outputs`: what the shards of a finished job have put out, checked against the chain."""

from pathlib import Path
from typing import Annotated

import typer

from truestep.base.ids import JobId
from truestep.cli.connection import connect_reader
from truestep.cli.failure import Failure
from truestep.cli.options import BlobsOption, DeploymentOption, RpcOption
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep outputs 1 --output records.bin"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="outputs", epilog=EXAMPLE)(outputs)


@guarded
def outputs(
    job: Annotated[int, typer.Argument(metavar="JOB", min=1, help="The job's number.")],
    rpc: RpcOption,
    deployment: DeploymentOption,
    blobs: BlobsOption,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Write them there.")],
    shard: Annotated[
        int | None,
        typer.Option(metavar="I", min=0, help="Only this shard's. Default: all, one after another."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Fetch the outputs of a job that is complete, check each against the chain, write them to a file.

    All shards' outputs, one after the other, are what the input of a job that sums them up is made of.
    """
    from truestep.client.job import Job
    from truestep.composition.network import open_blobs

    chain, network = connect_reader(rpc, deployment)
    shards = Job(chain, open_blobs(blobs), network, JobId(job), network.block_number).outputs()
    if shard is not None and shard >= len(shards):
        raise Failure("no such shard", f"expected a shard from 0 to {len(shards) - 1}, got {shard}")
    wanted = shards if shard is None else shards[shard : shard + 1]
    failed = [str(each.shard_index) for each in wanted if not each.is_accepted]
    if failed:
        raise Failure(
            "failed shards",
            f"shards that failed have no output: {', '.join(failed)}; `truestep run --shard` shows why,"
            " --shard fetches another one's",
        )
    content = b"".join(each.output for each in wanted)
    output.write_bytes(content)
    sizes = [len(each.output) for each in wanted]
    Screen(as_json=as_json).result(
        {
            "job_id": job,
            "shards": len(wanted),
            "output_size": len(content),
            "output_sizes": sizes,
            "output_file": str(output),
        },
        shown=None if as_json else f"{len(content):,} bytes of {len(wanted)} shards are in {output}",
    )
