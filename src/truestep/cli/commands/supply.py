"""`truestep supply`: has the data of a posted job kept, so that workers can take it."""

from typing import Annotated

import typer

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import JobId
from truestep.cli.connection import connect_client
from truestep.cli.keeping_options import KeepingOptions
from truestep.cli.option_groups import grouped
from truestep.cli.options import BlobsOption, JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.client.supplies import Availability

EXAMPLE = "Example: truestep supply 2 --keystore requester.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="supply", epilog=EXAMPLE)(supply)


@guarded
@grouped
def supply(
    job: JobArgument,
    network: NetworkOptions,
    blobs: BlobsOption,
    sender: SenderOptions,
    keeping: KeepingOptions,
    availability: Annotated[
        Availability, typer.Option(help="How: at keepers, or on the chain, in calldata or in blobs.")
    ] = Availability.KEEPERS,
    as_json: JsonFlag = False,
) -> None:
    """Have the program and input of a job kept, and name them, so that workers can take it.

    `truestep submit --availability` does this by itself. It is left to do for a reducer, once it is fed, and
    for a job whose submission was interrupted. Only the requester can.
    """
    if availability is Availability.NONE:
        raise typer.BadParameter("expected keepers, calldata or blob", param_hint="--availability")
    screen, terms = Screen(as_json=as_json), keeping.terms(blobs, availability)
    client = connect_client(network, blobs, sender, screen=screen, max_blob_fee=keeping.max_blob_fee)
    record = client.job(JobId(job)).record()
    if record.requester != client.chain.account:
        raise Rejected(
            Reject.NOT_REQUESTER,
            f"expected {record.requester}, who posted job {job}, got {client.chain.account}; nobody else can"
            " supply it",
        )
    was_left = client.supply(
        JobId(job),
        availability=availability,
        keeping=terms,
        tell=screen.tell,
        leave_behind=screen.leave_behind,
    )
    words = "is supplied, and workers can take it" if was_left else "needs nothing: workers can take it"
    screen.result({"job_id": job, "supplied": True, "now": was_left}, shown=f"job {job} {words}")
