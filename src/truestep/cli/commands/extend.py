"""`truestep extend`: has the bytes of an item kept for longer."""

from typing import Annotated

import typer

from truestep.cli.connection import connect_client
from truestep.cli.keeping_options import KeepingOptions
from truestep.cli.option_groups import grouped
from truestep.cli.options import BlobsOption, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.client.supplies import Availability
from truestep.protocol.availability.ids import ItemId

EXAMPLE = "Example: truestep extend 12 --keep-for 90d"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="extend", epilog=EXAMPLE)(extend)


@guarded
@grouped
def extend(
    item: Annotated[int, typer.Argument(metavar="ITEM", min=1, help="The item's number on the chain.")],
    network: NetworkOptions,
    blobs: BlobsOption,
    sender: SenderOptions,
    keeping: KeepingOptions,
    as_json: JsonFlag = False,
) -> None:
    """Have the bytes of an item kept for longer, as another item.

    The contracts cannot make an item last longer, so this registers its bytes again, until --keep-for from
    now: with a bond of its own, and fees from now on. Keepers that have the bytes already keep them on. If
    the store in --blobs has lost them, they are fetched from the item's keepers first. Anybody can, also for
    outputs that an operator has registered; `truestep items` says what it costs. Receipts find the new item
    by its content.
    """
    if keeping.keep_seconds is None:
        raise typer.BadParameter("expected how long from now, such as 90d", param_hint="--keep-for")
    screen, terms = Screen(as_json=as_json), keeping.terms(blobs, Availability.KEEPERS)
    client = connect_client(network, blobs, sender, screen=screen, max_blob_fee=keeping.max_blob_fee)
    found = client.extend(
        ItemId(item), keeping.keep_seconds, keeping=terms, tell=screen.tell, leave_behind=screen.leave_behind
    )
    until = client.chain.facts().data.items[found].record.until
    screen.result(
        {"item_id": item, "extended_by": found, "until": until},
        shown=f"item {found} keeps the bytes of item {item} from now on: `truestep items {found}`",
    )
