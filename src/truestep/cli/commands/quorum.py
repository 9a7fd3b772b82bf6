"""`truestep quorum`: the committee of a job, and its fees (docs/quorum.md)."""

from typing import Annotated

import typer

from truestep.base.ids import JobId
from truestep.base.units import coins
from truestep.cli.connection import connect_reader, connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions, parse_amount
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

app = typer.Typer(no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Add the group of commands."""
    program.add_typer(app, name="quorum", help="Show and pay the committee of a job (docs/quorum.md).")


@app.command(epilog="Example: truestep quorum show 1")
@guarded
@grouped
def show(job: JobArgument, network: NetworkOptions, as_json: JsonFlag = False) -> None:
    """Show who sits on the committee of a job, and what each has said of its newest batch."""
    from truestep.client.committees import seating_of, standing_of

    screen = Screen(as_json=as_json)
    chain, _ = connect_reader(network, screen)
    rules = seating_of(chain).rules
    purse, state, said = standing_of(chain.facts(), JobId(job))
    fields = {
        "job_id": job,
        "needed": rules.needed,
        "seats": rules.seats,
        "state": state,
        "fee_wei": purse.fee_wei,
        "left_wei": purse.left_wei,
        "members": [{"seat": each.seat, "member": each.member, "said": each.word} for each in said],
    }
    shown = {
        "job id": str(job),
        "quorum": f"{rules.needed} of {rules.seats}",
        "state": state,
        "fee": f"{coins(purse.fee_wei)} for a member and a shard",
        "fees left": coins(purse.left_wei),
    } | {f"seat {each.seat}": f"{each.member} {each.word}" for each in said}
    screen.result(fields if as_json else shown)


@app.command(epilog="Example: truestep quorum fund 1 --keystore requester.json")
@guarded
@grouped
def fund(
    job: JobArgument,
    network: NetworkOptions,
    sender: SenderOptions,
    fee: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT", help="What each member earns for a shard. Default: the least that is taken."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Pay the committee of a job, so that it can be drawn. `submit` does so by itself; anybody can."""
    from truestep.client import committees

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    committees.seating_of(chain)
    fee_wei = parse_amount(fee, "--fee") if fee is not None else 0
    is_new = committees.fund(chain, JobId(job), fee_wei)
    purse = chain.facts().purses.get(JobId(job))
    left_wei = purse.left_wei if purse is not None else 0
    shown = f"the committee of job {job} is paid with {coins(left_wei)}" if is_new else "it was paid before"
    screen.result({"job_id": job, "is_new": is_new, "left_wei": left_wei}, shown=shown)


@app.command(epilog="Example: truestep quorum refund 1 --keystore requester.json")
@guarded
@grouped
def refund(
    job: JobArgument, network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False
) -> None:
    """Take back the fees of a committee that nobody can earn any more. `reclaim` does so as well."""
    from truestep.client import committees

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    why = committees.why_no_refund(chain.facts(), chain.account, JobId(job), chain.head().time_seconds)
    amount_wei = committees.refund(chain, JobId(job))
    shown = f"{coins(amount_wei)} credited; `truestep withdraw` takes it" if amount_wei else f"nothing: {why}"
    screen.result({"job_id": job, "refunded_wei": amount_wei}, shown=shown)
