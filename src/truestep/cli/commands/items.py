"""`truestep items`: the items of data that an account has registered, and their bonds."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.text import counted
from truestep.base.units import coins
from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from truestep.client.items import OwnItem

EXAMPLE = "Example: truestep items --keystore requester.json --close"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="items", epilog=EXAMPLE)(items)


@guarded
@grouped
def items(
    network: NetworkOptions,
    sender: SenderOptions,
    close: Annotated[
        bool, typer.Option("--close", help="Close those that are over and take what comes back.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the items of data that this account has registered and that are not closed.

    An item's bond comes back when it is over: after its last second, when it is lost, or when keepers did
    not take it in time. Keepers close it then, to get their fees; --close does not wait for them.
    """
    from truestep.adapters.chain.availability import availability_of
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.client import stakes
    from truestep.client.items import close_items, items_of

    screen = Screen(as_json=as_json)
    deployment = read_deployment(network.file)
    availability_of(deployment)  # refuses a network without keepers
    chain = connect_sender(network, sender, screen)
    rules = deployment.kept_by
    found = items_of(chain, chain.account, rules) if rules is not None else []
    closed = close_items(chain, found) if close else []
    withdrawn_wei = stakes.withdraw(chain).for_data_wei if close else 0
    left = [each for each in found if each not in closed]
    fields = {
        "items": [_fields(each) for each in left],
        "closed": [each.item.item_id for each in closed],
        "withdrawn_wei": withdrawn_wei,
    }
    screen.result(fields, shown=None if as_json else _shown(left, closed, withdrawn_wei, has_closed=close))


def _fields(each: "OwnItem") -> dict[str, Any]:
    record = each.item.record
    return {
        "item_id": each.item.item_id,
        "name": each.item.name.hex(),
        "state": each.item.state.name.lower(),
        "holds": list(each.holds),
        "blobs": record.blob_count,
        "keepers": each.signed_count,
        "seats": record.seat_count,
        "until": record.until,
        "bond_wei": record.bond_wei,
        "fees_wei": record.fee_wei * record.seat_count,
        "over": each.is_over,
    }


def _shown(left: "list[OwnItem]", closed: "list[OwnItem]", withdrawn_wei: int, *, has_closed: bool) -> str:
    lines = [_line(each) for each in left] or ["no items of this account are open"]
    if closed:
        lines.append(f"closed: {', '.join(str(each.item.item_id) for each in closed)}")
    if has_closed:
        lines.append(f"{coins(withdrawn_wei)} of bonds and fees sent to the account")
    elif any(each.is_over for each in left):
        lines.append("--close takes the bonds of those that are over")
    return "\n".join(lines)


def _line(each: "OwnItem") -> str:
    record = each.item.record
    until = datetime.fromtimestamp(record.until, UTC).strftime("%Y-%m-%d %H:%M")
    kinds = " and ".join(hold.split()[0] for hold in each.holds)
    state = each.item.state.name.lower() + (", over" if each.is_over else "")
    where = (
        f"{counted(record.blob_count, 'blob')} at {each.signed_count} of"
        f" {counted(record.seat_count, 'keeper')}"
    )
    return (
        f"item {each.item.item_id}: {state}; {kinds} in {where} until {until} UTC;"
        f" bond {coins(record.bond_wei)}"
    )
