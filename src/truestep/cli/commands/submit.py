"""`truestep submit`: posts a program and an input as a paid job."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.base.ids import JobId
from truestep.base.text import counted
from truestep.base.units import coins, duration
from truestep.cli.connection import connect_client, draws_reader
from truestep.cli.failure import Failure
from truestep.cli.following import ReceiptOption, follow
from truestep.cli.keeping_options import KeepingOptions
from truestep.cli.option_groups import grouped
from truestep.cli.options import (
    BlobsOption,
    InputOption,
    NetworkOptions,
    ProgramArgument,
    StrictOption,
    parse_amount,
    refuse_nothing,
)
from truestep.cli.order_options import OrderOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.client.files import ProgramFile, read_input, read_program
from truestep.client.privacy import availability_notice, privacy_notice
from truestep.client.runs import headroom_cycles, run_task
from truestep.client.supplies import Availability
from truestep.client.tokens import amount_in_words
from truestep.composition.engines import EngineName, open_engine
from truestep.machine.program import Task

if TYPE_CHECKING:
    from truestep.client import Client, Job, Order
    from truestep.ports.chain import ChainReader

EXAMPLE = "Example: truestep submit prog.elf --input prices.csv --shards 8 --reward 0.01 --wait"

StateOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="TRUESTEP_STATE",
        help="Journal of what was sent: repeating the command then resumes, and never posts the job twice.",
    ),
]
AvailabilityOption = Annotated[
    Availability,
    typer.Option(
        help="Who must keep program, input and outputs: keepers with stake, the chain itself (calldata, up"
        " to 24 KiB; blobs of transactions, up to 744 KiB and 15 days), or nobody. See docs/data.md."
    ),
]


class PolicyName(StrEnum):
    """What makes a claim final."""

    WINDOW = "window"
    VALIDITY = "validity"
    QUORUM = "quorum"
    AUDITED = "audited"
    DRAWN = "drawn"


PolicyOption = Annotated[
    PolicyName,
    typer.Option(
        help="What makes claims final: a window without a lost dispute; a proof that a verifier of the"
        " network accepts, at once (docs/validity.md); a drawn committee of which a quorum has found the"
        " same, at once (docs/quorum.md); a window, with claims that are drawn and run again by an auditor"
        " (docs/audits.md); or a window, with operators that are drawn to take the job (docs/drawn.md)."
    ),
]
SystemOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="With --policy validity: the proof system that must be able to prove the claims, as `truestep"
        " verifiers list` names it. Default: any that is believed for this program.",
    ),
]
CommitteeFeeOption = Annotated[
    str | None,
    typer.Option(
        metavar="AMOUNT",
        help="With --policy quorum: what each member of the committee earns for a shard. Default: the least"
        " that the network takes.",
    ),
]
LotOption = Annotated[
    int,
    typer.Option(
        metavar="SHARDS",
        min=0,
        max=32,
        help="With --policy drawn: how many shards are drawn together, for one operator. Default, 0: the"
        " network's usual number.",
    ),
]
DRAWN_NOTICE = (
    "operators are drawn for the job once nobody can foresee them; each has a turn to take its part, and"
    " another one is drawn if it does not"
)
QUORUM_NOTICE = (
    "a committee is drawn for the job once nobody can foresee it, and finds the results as well; consumers"
    " can rely on what a quorum of it confirms at once, and a dispute can show it wrong for one window"
)
PROOF_NOTICE = (
    "each claim must be proven to a verifier that this network believes (`truestep verifiers list`), or it is"
    " dropped; consumers can rely on a proof at once, and a dispute can show it wrong for one window"
)
AUDIT_NOTICE = (
    "audits are paid ahead for every shard; what no audit has used comes back: `truestep audits refund JOB`"
)
MANY_NOTICE = (
    "if its verifier is of a model's circuits, claims of several shards are proven 2, 4, 8, 16 or 32 at once,"
    " by `truestep prove JOB SHARD --runs N`; a worker with --prove does not take such a job"
)
NameOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="With --state: post one job per name, even if the options differ."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="submit", epilog=EXAMPLE)(submit)


@guarded
@grouped
def submit(
    prog: ProgramArgument,
    network: NetworkOptions,
    blobs: BlobsOption,
    terms: OrderOptions,
    sender: SenderOptions,
    keeping: KeepingOptions,
    input_file: InputOption = None,
    availability: AvailabilityOption = Availability.NONE,
    policy: PolicyOption = PolicyName.WINDOW,
    system: SystemOption = None,
    committee_fee: CommitteeFeeOption = None,
    lot: LotOption = 0,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until every shard is final.")] = False,
    receipt: ReceiptOption = None,
    state: StateOption = None,
    name: NameOption = None,
    strict: StrictOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Post a job: the reward goes into escrow, and workers run the shards.

    Registers the program if it is new. Without --max-cycles, shard 0 is first run on this computer: this
    finds a broken program before it costs anything and sets the maximum for each shard. A failed shard is a
    result too and is paid. With --wait this command exits with 1 if any shard failed. With --policy validity
    nothing is sent if no verifier is believed that could prove this program's claims.
    """
    if receipt and not wait:
        raise typer.BadParameter(
            "a receipt can only be written once the job is final; add --wait", param_hint="--receipt"
        )
    if name and not state:
        raise typer.BadParameter("a name is remembered in a file: add --state FILE", param_hint="--name")
    _check_policy(policy, system, availability)
    committee_fee_wei = _committee_fee(policy, committee_fee)
    if lot and policy is not PolicyName.DRAWN:
        raise typer.BadParameter("add --policy drawn: no other has lots", param_hint="--lot")
    terms.check()
    offered = keeping.terms(blobs, availability)
    screen = Screen(as_json=as_json)
    screen.doing(f"reading or building {prog}")
    file, content = read_program(prog, is_strict=strict), read_input(input_file)
    screen.warn(file.notes)
    client = connect_client(
        network, blobs, sender, screen=screen, state=state, max_blob_fee=keeping.max_blob_fee
    )
    for sentence in (*privacy_notice(availability), *availability_notice(availability)):
        screen.note(sentence)
    for sentence in _NOTICES.get(policy, ()):
        screen.note(sentence)
    if policy is PolicyName.VALIDITY and terms.shards > 1:
        screen.note(MANY_NOTICE)
    trial = Task(shard_count=terms.shards, input=content)
    order = replace(
        terms.order(terms.max_cycles or _trial_cycles(screen, file, trial), name),
        availability=availability,
        is_proven=policy is PolicyName.VALIDITY,
        is_judged=policy is PolicyName.QUORUM,
        committee_fee_wei=committee_fee_wei,
        is_audited=policy is PolicyName.AUDITED,
        is_drawn=policy is PolicyName.DRAWN,
        lot_tasks=lot,
        system=system,
        keeping=offered,
    )
    if order.is_judged:
        screen.note(lease_notice(client.chain, order))
    if order.is_judged or order.is_drawn or order.is_audited:
        _warn_of_few(screen, client.chain, network, policy)
    screen.doing("looking at what the chain has of this job, and storing the rest")
    job = client.submit(file.elf, content, order=order, tell=screen.tell, leave_behind=screen.leave_behind)
    if order.reducer_of is not None:
        _feed(screen, client, job, order)
    if wait:
        window = duration(job.record().parameters.window_seconds)
        screen.note(f"each claim becomes final after {window} in which it can be disputed")
        follow(screen, job, receipt)
        return
    _show_paid(screen, client, job, order)


def lease_notice(chain: "ChainReader", order: "Order") -> str:
    """What a member that says nothing costs in time, and how to have less of it."""
    from truestep.client.committees import lease_for
    from truestep.client.orders import wanted_of

    half = duration(order.lease_seconds // 2)
    return (
        f"if a member says nothing, the claim comes after half of the lease, {half}; for this job --lease"
        f" takes {lease_for(chain, wanted_of(order))} seconds or more"
    )


def _warn_of_few(screen: Screen, chain: "ChainReader", network: NetworkOptions, name: PolicyName) -> None:
    """Say before any coins move that too few operators could be drawn for the job."""
    from truestep.client.pledges import few_pledged

    facts = chain.facts()
    found = {
        PolicyName.QUORUM: facts.seating,
        PolicyName.DRAWN: facts.dealing,
        PolicyName.AUDITED: facts.auditing,
    }[name]
    if found is not None:  # else `Client.submit` refuses
        reader = draws_reader(network)
        few = few_pledged(facts, found.policy, lambda pool: reader.pool(pool)[0])
        screen.warn([few] if few else [])


def _show_paid(screen: Screen, client: "Client", job: "Job", order: "Order") -> None:
    """Say what the job has cost: its rewards, and fees for members or auditors beside them."""
    escrow = order.reward_wei * order.shard_count
    shown = amount_in_words(escrow, order.asset)
    fees_wei = _fees_wei(client, job.job_id) if order.is_judged or order.is_audited else 0
    fees = f", and {coins(fees_wei)} of fees for who judges its claims" if fees_wei else ""
    screen.note(f"job {job.job_id} is posted with {shown} in escrow{fees}")
    fields = {"job_id": job.job_id, "shards": order.shard_count}
    paid = {"escrow_wei": escrow, "asset": order.asset} if screen.as_json else {"escrow": shown}
    screen.result(fields | paid)


def _fees_wei(client: "Client", job_id: JobId) -> int:
    """What was paid to a committee or for audits, and is not used yet."""
    facts = client.chain.facts()
    purse, fund = facts.purses.get(job_id), facts.funds.get(job_id)
    return (purse.left_wei if purse else 0) + (fund.left_wei if fund else 0)


_DEEDS = {
    PolicyName.VALIDITY: "proves claims",
    PolicyName.QUORUM: "draws a committee",
    PolicyName.AUDITED: "audits claims",
    PolicyName.DRAWN: "draws operators",
}
_NOTICES = {
    PolicyName.VALIDITY: (PROOF_NOTICE,),
    PolicyName.QUORUM: (QUORUM_NOTICE,),
    PolicyName.AUDITED: (AUDIT_NOTICE,),
    PolicyName.DRAWN: (DRAWN_NOTICE,),
}


def _check_policy(policy: PolicyName, system: str | None, availability: Availability) -> None:
    """Refuse at once what no policy does."""
    if policy is not PolicyName.WINDOW and availability is not Availability.NONE:
        raise typer.BadParameter(
            f"no policy both {_DEEDS[policy]} and keeps data: leave out --availability {availability}, or"
            f" --policy {policy}",
            param_hint="--policy",
        )
    if policy is not PolicyName.VALIDITY and system is not None:
        raise typer.BadParameter("only proofs have a system: add --policy validity", param_hint="--system")


def _committee_fee(policy: PolicyName, text: str | None) -> int:
    """The fee of members in wei; 0 if the least is meant."""
    if text is None:
        return 0
    if policy is not PolicyName.QUORUM:
        raise typer.BadParameter("add --policy quorum: no other has members", param_hint="--committee-fee")
    amount_wei = parse_amount(text, "--committee-fee")
    refuse_nothing(amount_wei, "--committee-fee")
    return amount_wei


def _feed(screen: Screen, client: "Client", job: "Job", order: "Order") -> None:
    """Give a reducer its input, if that is there already."""
    source_id, availability = order.reducer_of, order.availability
    if source_id is not None and client.job(source_id).is_complete():
        job.feed(client.chain)
        if availability is not Availability.NONE:
            client.supply(
                job.job_id,
                availability=availability,
                keeping=order.keeping,
                tell=screen.tell,
                leave_behind=screen.leave_behind,
            )
        return
    then = "" if availability is Availability.NONE else f", then [bold]truestep supply {job.job_id}[/]"
    screen.note(
        f"once job {source_id} is complete, [bold]truestep feed {job.job_id}[/] gives it its input{then}"
    )


def _trial_cycles(screen: Screen, file: ProgramFile, task: Task) -> int:
    """Maximum cycles for a program, by a run of it."""
    with screen.cycles("trial of shard 0") as progress:
        report = run_task(open_engine(EngineName.JIT), file.program, task, progress=progress)
    if not report.is_accepted:
        raise Failure(
            "failed trial",
            f"shard 0 fails here ({report.status.name.lower()}, code {report.code},"
            f" {counted(report.cycles, 'cycle')});"
            " `truestep run` shows why; with --max-cycles it is submitted anyway",
        )
    return headroom_cycles(report.cycles)
