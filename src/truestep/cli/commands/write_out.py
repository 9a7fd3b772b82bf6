"""`truestep write-out`: puts a job's results where contracts can read them without proofs."""

import typer

from truestep.base.ids import JobId
from truestep.base.text import counted
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

EXAMPLE = "Example: truestep write-out 1 --keystore requester.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="write-out", epilog=EXAMPLE)(write_out)


@guarded
@grouped
def write_out(
    job: JobArgument, network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False
) -> None:
    """Write the final results of a job into the chain's storage, for contracts that cannot carry proofs.

    Once all shards are written out, the job's consumer is called, if it names one. Anybody can do this; a
    contract that carries the proofs of `truestep proof` does not need it.
    """
    from truestep.client import job_calls
    from truestep.client.job_status import read_status
    from truestep.protocol.records import TaskStage

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    written = job_calls.write_out(chain, JobId(job))
    is_called = job_calls.call_back(chain, JobId(job))
    status = read_status(chain, JobId(job))
    final = status.count(TaskStage.FINAL)
    done = f"{counted(written, 'result')} written out" if written else "nothing to write out"
    words = f"{done}; {final} of {counted(status.job.shard_count, 'shard')} final"
    words += " and written out" if final and not written else ""
    words += "; the consumer was called" if is_called else ""
    screen.result({"job_id": job, "written": written, "final": final, "called_back": is_called}, shown=words)
