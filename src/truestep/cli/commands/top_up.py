"""`truestep top-up`: pays more for each shard of a job."""

from typing import Annotated

import typer

from truestep.base.ids import JobId
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions, parse_reward, refuse_nothing
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.client.tokens import amount_in_words

EXAMPLE = "Example: truestep top-up 1 0.01 --keystore requester.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="top-up", epilog=EXAMPLE)(top_up)


@guarded
@grouped
def top_up(
    job: JobArgument,
    amount: Annotated[
        str,
        typer.Argument(
            metavar="AMOUNT",
            help="What each shard earns more: 0.01, 20gwei or 7wei; of a token, its smallest units.",
        ),
    ],
    network: NetworkOptions,
    sender: SenderOptions,
    as_json: JsonFlag = False,
) -> None:
    """Raise the reward of every shard of a job, so that workers take it.

    Anybody can. It is refused once a shard is taken, and after the deadline.
    """
    from truestep.client import job_calls
    from truestep.client.job_status import known_job

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    before = known_job(chain, JobId(job))
    raised = parse_reward(amount, before.asset, "AMOUNT")
    refuse_nothing(raised, "AMOUNT")
    after = job_calls.top_up(chain, JobId(job), raised)
    paid = raised * after.shard_count
    screen.result(
        {"job_id": job, "reward_wei": after.reward, "asset": after.asset, "paid_wei": paid},
        shown=f"each shard of job {job} earns {amount_in_words(after.reward, after.asset)} now;"
        f" {amount_in_words(paid, after.asset)} more is in escrow",
    )
