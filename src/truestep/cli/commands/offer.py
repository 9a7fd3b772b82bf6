"""`truestep offer`: have operators drawn for a job (docs/drawn.md)."""

from typing import Annotated

import typer

from truestep.base.ids import JobId
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

EXAMPLE = "Example: truestep offer 1 --keystore requester.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="offer", epilog=EXAMPLE)(offer)


@guarded
@grouped
def offer(
    job: JobArgument,
    network: NetworkOptions,
    sender: SenderOptions,
    lot: Annotated[
        int,
        typer.Option(
            metavar="SHARDS",
            min=0,
            max=32,
            help="How many shards are drawn together; only the requester may choose. Default, 0: the"
            " network's usual number.",
        ),
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Offer a job that was submitted with --policy drawn, if that was interrupted, so that it is drawn."""
    from truestep.client import dealing

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    dealing.offer_known(chain, JobId(job), lot)
    screen.result({"job_id": job}, shown=f"job {job} is offered: operators will be drawn for it")
