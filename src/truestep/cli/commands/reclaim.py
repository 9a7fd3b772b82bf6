"""`truestep reclaim`: takes back the rewards that nobody earned."""

from typing import Annotated

import typer

from truestep.base.ids import JobId
from truestep.base.units import coins
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.client.tokens import amount_in_words

EXAMPLE = "Example: truestep reclaim 1 --keystore requester.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="reclaim", epilog=EXAMPLE)(reclaim)


@guarded
@grouped
def reclaim(
    job: JobArgument,
    network: NetworkOptions,
    sender: SenderOptions,
    now: Annotated[
        bool,
        typer.Option("--now", help="Before the deadline too: cancel the shards that no worker has."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take back the rewards of shards that nobody finished by the job's deadline.

    If the requester runs this, what is refunded goes to its wallet. Anybody else only has it credited to the
    requester.
    """
    from truestep.client import committees, job_calls
    from truestep.client.job_status import read_status

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    amount = job_calls.reclaim(chain, JobId(job), is_now=now)
    fees_wei = committees.refund(chain, JobId(job))
    status = read_status(chain, JobId(job))
    shown = (
        f"{amount_in_words(amount, status.job.asset)} reclaimed" if amount else job_calls.why_nothing(status)
    )
    if fees_wei:
        shown += f"; {coins(fees_wei)} of its committee's fees credited: `truestep withdraw` takes them"
    fields = {"job_id": job, "reclaimed_wei": amount, "asset": status.job.asset}
    screen.result(fields | ({"fees_wei": fees_wei} if fees_wei else {}), shown=shown)
