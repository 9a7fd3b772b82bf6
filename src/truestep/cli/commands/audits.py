"""`truestep audits`: which claims are audited, how their audits ended, and fees that come back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.ids import JobId, task_in_words, task_of
from truestep.base.units import coins
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from truestep.adapters.chain.audit_history import AuditHistory, AuditRow

LIST_EXAMPLE = "Example: truestep audits list"
CERTIFY_EXAMPLE = "Example: truestep audits certify 1 0 --keystore requester.json"
REFUND_EXAMPLE = "Example: truestep audits refund 1 --keystore requester.json"

JobOption = Annotated[
    int | None, typer.Option("--job", metavar="JOB", min=1, help="Only audits of claims of this job.")
]
STAGES = {
    "none": "waits for an auditor",
    "commit": "the auditor runs it",
    "state": "the claimant is to state its checkpoints",
    "reveal": "the auditor is to show what it committed to",
    "vacant": "waits for another auditor",
    "contested": "contested: waits for a second auditor",
    "panel_commit": "contested: claimant and auditors run it",
    "panel_reveal": "contested: claimant and auditors show what they committed to",
}
ENDINGS = {
    "confirmed": "confirmed",
    "undecided": "undecided",
    "lapsed": "not audited: nobody was drawn in time",
    "struck": "over: the claim was struck in a dispute",
    "claimant_failed": "struck: the claimant has failed in its audit",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audits = typer.Typer(
        no_args_is_help=True, help="Claims that are drawn, and run again by an auditor (docs/audits.md)."
    )
    audits.command(name="list", epilog=LIST_EXAMPLE)(show_all)
    audits.command(name="certify", epilog=CERTIFY_EXAMPLE)(certify)
    audits.command(name="refund", epilog=REFUND_EXAMPLE)(refund)
    app.add_typer(audits, name="audits")


@guarded
@grouped
def show_all(network: NetworkOptions, job: JobOption = None, as_json: JsonFlag = False) -> None:
    """List the claims that were drawn: who audits them, how far that is, how it ended, and who has paid."""
    screen = Screen(as_json=as_json)
    history = open_history(network)
    screen.doing("reading the events of Audits")
    rows = [row for row in history.rows() if job is None or _job_of(row) == job]
    if not rows and not as_json:
        screen.note("no claim was drawn for an audit yet")
        return
    lines = [_shown(row) for row in rows]
    screen.result({"audits": [_fields(row) for row in rows]}, shown="\n".join(lines))


@guarded
@grouped
def refund(
    job: JobArgument, network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False
) -> None:
    """Credit a job's requester with the fees that no audit has used. Anybody can, once none is due any more.

    That is after the job's deadline, its window and the time for draws; `truestep close` lets the deadline be
    now. `truestep withdraw` then sends what is owed.
    """
    from truestep.client.audits import refund_audits

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    amount_wei = refund_audits(chain, JobId(job))
    shown = f"{coins(amount_wei)} of fees that no audit of job {job} has used are credited"
    screen.result({"job_id": job, "refunded_wei": amount_wei}, shown=shown)


@guarded
@grouped
def certify(
    job: JobArgument,
    shard: Annotated[int, typer.Argument(metavar="SHARD", min=0, help="The shard, from 0.")],
    network: NetworkOptions,
    sender: SenderOptions,
    as_json: JsonFlag = False,
) -> None:
    """Have a final result kept that an audit has confirmed. Anybody can.

    A later claim, of any job, that says the same of the same program, input, seed and shard is not audited
    then, and its fee goes back to its requester.
    """
    from truestep.client.audits import certify as certify_task

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    task_id = task_of(JobId(job), shard)
    claim_id = certify_task(chain, task_id)
    screen.result(
        {"job_id": job, "shard_index": shard, "batch_id": claim_id >> 8, "leaf_index": claim_id & 0xFF},
        shown=f"the result of {task_in_words(task_id)} is certified: who claims the same is not audited",
    )


def open_history(network: NetworkOptions) -> "AuditHistory":
    """The audits of the network that the options name."""
    from truestep.adapters.chain.audit_history import AuditHistory
    from truestep.adapters.chain.deployment import read_deployment

    return AuditHistory(network.rpc, read_deployment(network.file))


def _job_of(row: "AuditRow") -> int | None:
    return row.task_id >> 32 if row.task_id is not None else None


def _name(row: "AuditRow") -> str:
    batch, leaf = row.claim_id >> 8, row.claim_id & 0xFF
    return f"claim {leaf} of batch {batch}" if row.task_id is None else task_in_words(row.task_id)


def _state(row: "AuditRow") -> str:
    if row.is_excused:
        return "excused"
    return row.ending.name.lower() if row.ending is not None else row.stage.name.lower()


def _shown(row: "AuditRow") -> str:
    state = _state(row)
    words = "excused: it says what is certified" if row.is_excused else ENDINGS.get(state) or STAGES[state]
    who = f", by {', '.join(row.auditors)}" if row.auditors else ""
    paid = f", for {coins(row.paid_wei)}" if row.paid_wei else ""
    lost = "".join(
        f"; {auditor} has lost {coins(wei)} ({reason.name.lower()})" for auditor, reason, wei in row.failures
    )
    certified = ", certified" if row.is_certified else ""
    return f"{_name(row)}: {words}{who}{paid}{certified}{lost}"


def _fields(row: "AuditRow") -> dict[str, Any]:
    return {
        "batch_id": row.claim_id >> 8,
        "leaf_index": row.claim_id & 0xFF,
        "job_id": _job_of(row),
        "shard_index": row.task_id & 0xFFFFFFFF if row.task_id is not None else None,
        "state": _state(row),
        "auditors": list(row.auditors),
        "until": row.until,
        "certified": row.is_certified,
        "paid_wei": row.paid_wei,
        "failures": [
            {"auditor": auditor, "reason": reason.name.lower(), "seized_wei": wei}
            for auditor, reason, wei in row.failures
        ],
    }
