"""`truestep items`: the items of data that an account has registered, and their bonds."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.text import counted, visible
from truestep.base.units import coins
from truestep.cli.connection import connect_sender
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.client.item_terms import moment

if TYPE_CHECKING:
    from truestep.client.items import OwnItem
    from truestep.protocol.availability.contracts.keepers import Rules

EXAMPLE = "Example: truestep items --keystore requester.json --close"
MONTH_SECONDS = 30 * 86_400


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="items", epilog=EXAMPLE)(items)


@guarded
@grouped
def items(
    network: NetworkOptions,
    sender: SenderOptions,
    item: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="ITEM", min=1, help="Only these, by number. Default: all.", show_default=False
        ),
    ] = None,
    close: Annotated[
        bool, typer.Option("--close", help="Close those that are over and take what comes back.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the items of data that this account has registered and that are not closed.

    Says until when each is kept, who keeps it, and what 30 days more would cost (`truestep extend`). An
    item's bond comes back when it is over: after its last second, when it is lost, or when keepers did not
    take it in time. Keepers close it then, to get their fees; --close does not wait for them. An item that
    is kept cannot be closed before its time: jobs may depend on it. Once an item is over, its keepers drop
    their cells within a day or two and sign for that: `truestep deletions ITEM` collects their receipts.
    """
    from truestep.adapters.chain.availability import availability_of
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.client import stakes
    from truestep.client.items import close_items, items_of

    screen = Screen(as_json=as_json)
    deployment = read_deployment(network.file)
    availability_of(deployment)  # refuses a network without keepers
    rules = deployment.kept_by
    if rules is None:
        raise Failure("network", "expected a network with keepers; get the network's file again")
    chain = connect_sender(network, sender, screen)
    count = chain.facts().data.item_count
    found = _chosen(items_of(chain, chain.account, rules), item, chain.account, count)
    now = chain.head().time_seconds
    if close and item:
        _refuse_open(found)
    closed = close_items(chain, found) if close else []
    withdrawn_wei = stakes.withdraw(chain).for_data_wei if close else 0
    left = [each for each in found if each not in closed]
    fields = {
        "items": [_fields(each, rules, now) for each in left],
        "closed": [each.item.item_id for each in closed],
        "withdrawn_wei": withdrawn_wei,
    }
    shown = [_lines(each, rules, now) for each in left] or ["no items of this account are open"]
    shown += _closed_lines(closed, withdrawn_wei) if close else _advice(left)
    screen.result(fields, shown=None if as_json else "\n".join(shown))


def _chosen(found: "list[OwnItem]", numbers: list[int] | None, account: str, count: int) -> "list[OwnItem]":
    """Those with these numbers, or all; `count` items have ever been registered in this network."""
    if not numbers:
        return found
    if max(numbers) > count:
        last = f"the last one is item {count}" if count else "it has none yet"
        raise Failure("item", f"this network has no item {max(numbers)}: {last}; check number and network")
    missing = sorted(set(numbers) - {each.item.item_id for each in found})
    if missing:
        raise Failure(
            "item",
            f"{account} has no open item {', '.join(map(str, missing))}: it is closed, in calldata, or"
            " another account has registered it. `truestep deletions ITEM` tells of items that are closed",
        )
    return [each for each in found if each.item.item_id in numbers]


def _refuse_open(found: "list[OwnItem]") -> None:
    for each in found:
        if not each.is_over:
            raise Failure("item", f"item {each.item.item_id} cannot be closed yet: {each.why_open}")


def _fields(each: "OwnItem", rules: "Rules", now: int) -> dict[str, Any]:
    from truestep.client.items import stay_wei

    record = each.item.record
    return {
        "item_id": each.item.item_id,
        "name": each.item.name.hex(),
        "state": each.item.state.name.lower(),
        "holds": list(each.holds),
        "blobs": record.blob_count,
        "keepers": each.signed_count,
        "kept_by": [
            {"seat": one.seat, "keeper": one.account, "url": one.url, "since": one.since}
            for one in each.keepers
        ],
        "seats": record.seat_count,
        "until": record.until,
        "bond_wei": record.bond_wei,
        "fees_wei": record.fee_wei * record.seat_count,
        "earned_wei": each.earned_wei,
        "month_more_wei": stay_wei(rules, each.item, now, MONTH_SECONDS),
        "over": each.is_over,
        "why_open": each.why_open,
    }


def _lines(each: "OwnItem", rules: "Rules", now: int) -> str:
    from truestep.client.items import stay_wei

    record, number = each.item.record, each.item.item_id
    state = each.item.state.name.lower() + (", over" if each.is_over else "")
    lines = [
        f"item {number}: {state}; until {moment(record.until)}",
        f"  holds {each.holds_in_words}, in {counted(record.blob_count, 'blob')}",
    ]
    if record.seat_count:
        seats = counted(record.seat_count, "keeper")
        many = f"{each.signed_count} of {seats} answer for it:"
        lines.append(f"  {many if each.keepers else f'none of {seats} has signed'}")
        lines += [f"    {one.account} at {visible(one.url)}" for one in each.keepers]
    else:
        lines.append("  in blobs of a transaction: nodes of the chain keep them, no keeper does")
    fees_wei = record.fee_wei * record.seat_count
    earned = f" (of which {coins(each.earned_wei)} earned)" if each.earned_wei else ""
    lines.append(f"  bond {coins(record.bond_wei)}; fees {coins(fees_wei)}{earned}")
    if record.seat_count and not each.is_over and each.item.is_open:
        more_wei = stay_wei(rules, each.item, now, MONTH_SECONDS)
        lines.append(
            f"  30 days more: a second bond, and {coins(more_wei)} of fees; truestep extend {number}"
        )
    return "\n".join(lines)


def _closed_lines(closed: "list[OwnItem]", withdrawn_wei: int) -> list[str]:
    lines = list[str]()
    for each in closed:
        number = each.item.item_id
        if each.item.seats:
            lines.append(
                f"closed item {number}. Its keepers drop what they have of it once they have had it for a"
                " day,"
                f" and sign for that: then `truestep deletions {number}` collects their receipts. Copies that"
                " others have made are not deleted, nor those in blob stores"
            )
        else:
            lines.append(f"closed item {number}, which no keeper has")
    if not closed:
        lines.append("nothing is over")
    return [*lines, f"{coins(withdrawn_wei)} of bonds and fees sent to the account"]


def _advice(left: "list[OwnItem]") -> list[str]:
    return ["--close takes the bonds of those that are over"] if any(each.is_over for each in left) else []
