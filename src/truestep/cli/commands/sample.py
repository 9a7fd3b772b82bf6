"""`truestep sample`: how sure one can be that an item can be had, from a few random cells of it."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from truestep.base.text import counted
from truestep.cli.failure import ExitCode
from truestep.cli.item_options import ChainItem, FoundItem, ItemOptions, find_item, with_keepers
from truestep.cli.option_groups import grouped
from truestep.cli.screen import JsonFlag, Screen, guarded

if TYPE_CHECKING:
    from truestep.adapters.keepers.sampling import Sampled, Tally

EXAMPLE = "Example: truestep sample 12 --network NAME"
SHOWN_PLACES = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="sample", epilog=EXAMPLE)(sample)


@guarded
@grouped
def sample(
    options: ItemOptions,
    samples: Annotated[
        int, typer.Option(metavar="S", min=1, max=128, help="Random cells of each blob.")
    ] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Ask keepers for random cells of an item and verify them, without fetching the item.

    A blob that is lost lacks more than half of its cells, so S samples of each blob notice the loss of any
    with probability 1 - 2^-S. The exit code is 1 if a sample could not be had. Of an item that the chain
    itself holds, in calldata or in blobs of a transaction, nothing is to be sampled.
    """
    from truestep.adapters.keepers import sampling
    from truestep.adapters.trusted_setup import open_kzg

    screen = Screen(as_json=as_json)
    screen.doing("looking for the item and asking its keepers")
    item = find_item(options)
    if item.on_chain is not None:
        screen.result(_chain_fields(item.on_chain), shown=None if as_json else _chain_words(item.on_chain))
        return
    found = with_keepers(
        options,
        item,
        screen,
        lambda manifest, clients: sampling.sample(manifest, open_kzg(), clients, samples),
    )
    keepers = _keepers_of(item, found)
    screen.result(_fields(found, keepers), shown=None if as_json else escape(_words(found, keepers, item)))
    if not found.is_available:
        raise typer.Exit(ExitCode.REFUSED)


def _chain_fields(held: ChainItem) -> dict[str, object]:
    return {
        "on_chain": "calldata" if held.item.is_written else "blobs",
        "blobs": held.item.record.blob_count,
        "samples": 0,
    }


def _chain_words(held: ChainItem) -> str:
    number = held.item.item_id
    if held.item.is_written:
        return (
            f"item {number} is on the chain, in calldata: every node that keeps old events has all of it, and"
            f" no keeper could withhold it, so nothing is to be sampled. `truestep fetch {number}` reads it"
        )
    return (
        f"item {number} is on the chain, in blobs of a transaction: consensus nodes keep them for 18 days"
        " after it, and have sampled them themselves, so nothing is to be sampled. `truestep fetch"
        f" {number}` reads them from a consensus node (--beacon)"
    )


def _keepers_of(item: FoundItem, found: "Sampled") -> "dict[str, Tally]":
    """What each did, but for the registrant's store: nobody expects that of it once the item is kept."""
    from truestep.adapters.keepers.client import base_url

    try:
        store = base_url(item.registrant_url)
    except ValueError:  # a stranger wrote it, and it was not asked
        store = ""
    return {name: each for name, each in sorted(found.keepers.items()) if name != store or each.given}


def _fields(found: "Sampled", keepers: "dict[str, Tally]") -> dict[str, object]:
    return {
        "available": found.is_available,
        "blobs": found.blob_count,
        "samples_per_blob": found.samples,
        "samples": found.sample_count,
        "confidence": 1 - 2.0**-found.samples if found.is_available else 0.0,
        "missing": [f"{place.blob}.{place.cell}" for place in found.missing],
        "wrong": [{"keeper": blame.keeper, "reason": blame.reason} for blame in found.blames],
        "keepers": {
            name: {"asked": tally.asked, "given": tally.given, "trouble": tally.trouble}
            for name, tally in keepers.items()
        },
        "seconds": round(found.seconds, 3),
    }


def _words(found: "Sampled", keepers: "dict[str, Tally]", item: FoundItem) -> str:
    lines = [_keeper_words(name, tally) for name, tally in keepers.items()]
    lines += [f"{blame.keeper} sent something wrong: {blame.reason}" for blame in found.blames]
    lines.append(_sure_words(found) if found.is_available else _missing_words(found, item))
    return "\n".join(lines)


def _keeper_words(name: str, tally: "Tally") -> str:
    if tally.trouble and not tally.asked:
        return f"{tally.trouble}; it was asked for no cell"
    why = f"; {tally.trouble}" if tally.trouble else ""
    return f"{name}: gave {tally.given:,} of {counted(tally.asked, 'cell')}{why}"


def _sure_words(found: "Sampled") -> str:
    return (
        f"{counted(found.sample_count, 'sample')}: all there and right. If any of"
        f" {counted(found.blob_count, 'blob')}"
        f" could not be recovered, this would have shown it with probability 1 - 2^-{found.samples}"
    )


def _missing_words(found: "Sampled", item: FoundItem) -> str:
    places = ", ".join(f"cell {place.cell} of blob {place.blob}" for place in found.missing[:SHOWN_PLACES])
    more = ", …" if len(found.missing) > SHOWN_PLACES else ""
    advice = (
        "these are all the keepers that the chain names; try again later if one of them did not answer"
        if item.is_named_by_chain
        else "name all of its keepers with --keeper"
    )
    return (
        f"{len(found.missing):,} of {counted(found.sample_count, 'sample')} could not be had from these"
        f" keepers: {places}{more}. Half of a blob's cells are enough to recover it: `truestep fetch` shows"
        f" whether the item still can be; {advice}"
    )
