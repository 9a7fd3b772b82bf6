"""`truestep close`: lets nobody take a shard of a job any more."""

import typer

from truestep.base.ids import JobId
from truestep.base.text import counted
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

EXAMPLE = "Example: truestep close 1 --keystore requester.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="close", epilog=EXAMPLE)(close)


@guarded
@grouped
def close(
    job: JobArgument, network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False
) -> None:
    """Let the deadline of your job be now: nobody can take a shard any more.

    Shards that workers have go on and are paid. `truestep reclaim` takes back the rewards of the others.
    """
    from truestep.client import job_calls
    from truestep.client.job_status import read_status

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    job_calls.close(chain, JobId(job))
    idle = read_status(chain, JobId(job)).idle
    words = f"job {job} is closed"
    if idle:
        words += f"; the rewards of {counted(len(idle), 'shard')} can be taken back: truestep reclaim {job}"
    screen.result({"job_id": job, "reclaimable": list(idle)}, shown=words)
