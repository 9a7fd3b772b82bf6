"""`truestep deletions`: what keepers have signed about an item that they have dropped."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.text import counted
from truestep.base.units import duration
from truestep.cli.connection import READING
from truestep.cli.failure import ExitCode, Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.item_terms import moment

if TYPE_CHECKING:
    from truestep.adapters.keepers.collecting import HolderReceipts
    from truestep.protocol.availability.history import ItemHistory

EXAMPLE = "Example: truestep deletions 12 --output receipts"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="deletions", epilog=EXAMPLE)(deletions)


@guarded
@grouped
def deletions(
    item: Annotated[int, typer.Argument(metavar="ITEM", min=1, help="The item's number on the chain.")],
    network: NetworkOptions,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="A folder for the receipts, one file each."),
    ] = None,
    allow_private: Annotated[
        bool,
        typer.Option(
            "--allow-private",
            help="Ask keepers at private addresses that the chain names. On a devnet they are asked anyway.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Collect from the keepers of an item what they have signed about its deletion, and check it.

    A keeper drops its cells a day after the item's last second, or once it is closed, and signs for it. Exits
    with 0 only if each keeper that has signed for the item has also signed that all cells of its seat are
    gone. Keep the receipts: keepers need not. `truestep verify FILE` checks one. They are promises: nobody
    can prove that there is no copy.
    """
    from truestep.adapters.chain.availability import AvailabilityReader, availability_of
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.keepers.collecting import Collector, Deleted
    from truestep.composition.network import DEVNET_CHAINS
    from truestep.protocol.availability.ids import ItemId

    screen = Screen(as_json=as_json)
    deployment = read_deployment(network.file)
    contracts = availability_of(deployment)
    screen.doing(READING)
    reader = AvailabilityReader(network.rpc, contracts)
    history = reader.history(ItemId(item))
    if history is None:
        raise Failure("item", f"the chain has no item {item}; check the number and the network")
    screen.doing(f"asking {counted(len(history.holders), 'keeper')}")
    collector = Collector(
        chain_id=contracts.chain_id,
        items=contracts.items,
        may_be_private=allow_private or deployment.chain_id in DEVNET_CHAINS,
        now=reader.now(),
    )
    found = collector.collected(history)
    files = _written(output, item, found) if output is not None else []
    is_all = bool(found) and all(each.deleted is Deleted.ALL for each in found)
    fields: dict[str, Any] = {
        "item_id": item,
        "name": history.name.hex(),
        "state": history.state.name.lower(),
        "until": history.registered.record.until,
        "deleted": is_all,
        "keepers": [_fields(each) for each in found],
        "files": files,
    }
    screen.result(fields, shown=None if as_json else _shown(history, found, files, reader.now()))
    if not is_all:
        raise typer.Exit(ExitCode.REFUSED)


def _written(folder: Path, item: int, found: "list[HolderReceipts]") -> list[str]:
    """Writes the receipts that are right."""
    from truestep.adapters.files import write_file

    paths: list[str] = []
    for each in found:
        for receipt in each.receipts:
            name = f"item-{item}-seat-{each.holder.seat}-{receipt.holder}-at-{receipt.deleted_at}.json"
            write_file(folder / name, receipt.to_json())
            paths.append(str(folder / name))
    return paths


def _fields(each: "HolderReceipts") -> dict[str, Any]:
    return {
        "seat": each.holder.seat,
        "keeper": each.holder.account,
        "url": each.holder.url,
        "deleted": each.deleted.value,
        "left_cells": len(each.left),
        "why": each.why,
        "receipts": [receipt.model_dump() for receipt in each.receipts],
    }


def _shown(history: "ItemHistory", found: "list[HolderReceipts]", files: list[str], now: int) -> str:
    item_id = history.registered.item_id
    lines = [f"item {item_id}: {history.state.name.lower()}; {_when(history, now)}"]
    lines += [_line(each) for each in found] or ["  no keeper has ever signed for it"]
    if files:
        lines.append(f"{counted(len(files), 'receipt')} written; `truestep verify FILE` checks one")
    elif any(each.receipts for each in found):
        lines.append("--output DIR keeps the receipts")
    return "\n".join(lines)


def _when(history: "ItemHistory", now: int) -> str:
    from truestep.roles.keeper import FORGET_SECONDS

    record, day = history.registered.record, duration(FORGET_SECONDS)
    if not record.seat_count:
        return "it has no keepers: what is in the chain's calldata or blobs, nobody signs for"
    if history.is_closed:
        return f"keepers drop it once they have had it for {day}, and sign for that"
    if now > record.until:
        return f"it is over since {moment(record.until)}; keepers drop it {day} later, and sign for that"
    return f"it is kept until {moment(record.until)}; keepers drop it {day} later, and sign for that"


def _line(each: "HolderReceipts") -> str:
    from truestep.adapters.keepers.collecting import Deleted

    who = f"  seat {each.holder.seat}, {each.holder.account}"
    match each.deleted:
        case Deleted.ALL:
            return f"{who}: has signed that all is gone, since {moment(each.receipts[-1].deleted_at)}"
        case Deleted.SOME:
            left = counted(len(each.left), "cell")
            return f"{who}: has signed for all but {left}, which it may keep for another item like it"
        case Deleted.NOTHING:
            return f"{who}: has signed for nothing yet ({each.holder.url})"
        case Deleted.UNKNOWN:
            return f"{who}: cannot be asked: {each.why}"
        case Deleted.WRONG:
            return f"{who}: gives no receipt of its own about this item: {each.why}"
