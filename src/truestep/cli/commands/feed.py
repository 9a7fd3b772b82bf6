"""`truestep feed`: gives a reducer its input."""

from typing import TYPE_CHECKING

import typer

from truestep.base.ids import JobId
from truestep.base.text import counted
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import BlobsOption, JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from truestep.ports.chain import ChainReader

EXAMPLE = "Example: truestep feed 2 --keystore requester.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="feed", epilog=EXAMPLE)(feed)


@guarded
@grouped
def feed(
    job: JobArgument,
    network: NetworkOptions,
    blobs: BlobsOption,
    sender: SenderOptions,
    as_json: JsonFlag = False,
) -> None:
    """Give a reducer (`truestep submit --reduce`) the outputs of its job, so that workers can take it.

    Writes the results of that job out first, publishes the input, and has the chain check it. Anybody can.
    If the job asks that its data is kept, its requester supplies it then (`truestep supply`).
    """
    from truestep.client import job_calls
    from truestep.composition.network import open_blobs

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    content = job_calls.feed(chain, open_blobs(blobs), JobId(job))
    words = (
        f"job {job} has its input of {counted(len(content), 'byte')}, {_then(chain, JobId(job))}"
        if content
        else f"an output of the reduced job was not accepted: job {job} is refunded"
    )
    screen.result({"job_id": job, "input_size": len(content), "refunded": not content}, shown=words)


def _then(chain: "ChainReader", job_id: JobId) -> str:
    """What is next for a job that is fed."""
    if chain.job(job_id).is_ready:
        return "and workers can take it"
    return f"and waits until its requester calls truestep supply {job_id}"
