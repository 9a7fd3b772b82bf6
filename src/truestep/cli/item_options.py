"""Which item a command is about, and the keepers that it asks."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from truestep.base.text import counted, visible
from truestep.cli.failure import ExitCode, Failure
from truestep.cli.options import DeploymentOption, NetworkOption, deployment_file
from truestep.cli.screen import Screen

if TYPE_CHECKING:
    from truestep.adapters.chain.availability import AvailabilityContracts, AvailabilityReader
    from truestep.adapters.keepers.client import KeeperClient
    from truestep.adapters.keepers.standing import Blame
    from truestep.availability.manifest import Manifest
    from truestep.base.ids import Bytes32
    from truestep.protocol.availability.facts import KnownItem

ItemArgument = Annotated[
    str,
    typer.Argument(
        metavar="ITEM",
        help="The item's number on the chain, its manifest file, or its name at keepers, 64 hex digits.",
    ),
]
KeepersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keeper",
        metavar="URL",
        envvar="TRUESTEP_KEEPERS",
        help="A keeper of the item. Repeat it for each. Of an item's number, the chain names its keepers.",
    ),
]
NodesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rpc", metavar="URL", envvar="TRUESTEP_RPC", help="A node of the chain, for an item's number."
    ),
]

_NUMBER_DIGITS = 20
_WORD = re.compile(r"-?\w*")
_NAME = re.compile(r"(0x)?[0-9a-f]{64}")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOptions:
    """An item and its keepers."""

    item: ItemArgument
    keeper: KeepersOption = None
    rpc: NodesOption = None
    deployment: DeploymentOption = None
    network: NetworkOption = None
    allow_private: Annotated[
        bool,
        typer.Option(
            "--allow-private",
            help="Ask keepers at private addresses that the chain names. On a devnet they are asked anyway.",
        ),
    ] = False


Work = Callable[["Manifest", "Sequence[KeeperClient]"], Awaitable[Answer]]


def with_keepers(options: ItemOptions, found: "FoundItem", screen: Screen, work: Work[Answer]) -> Answer:
    """The result of `work` with the item's manifest and a client of each keeper.

    A keeper that has written no URL on the chain is named on `screen`: it cannot be asked.
    """
    from truestep.adapters.keepers.client import KeeperClient

    async def run() -> Answer:
        clients: list[KeeperClient] = []
        try:
            for url, is_stranger in found.urls.items():
                try:
                    clients.append(KeeperClient(url, is_stranger=is_stranger))
                except ValueError as error:
                    if url in (options.keeper or []):  # one from the chain may be anything
                        raise typer.BadParameter(str(error), param_hint="--keeper") from error
                    if url != found.registrant_url:
                        screen.warn([f"a keeper that the chain names cannot be asked: {error}"])
            return await work(found.manifest or await _manifest(found.name, clients), clients)
        finally:
            for client in clients:
                await client.close()

    return asyncio.run(run())


def blame_note(screen: Screen) -> "Callable[[Blame], None]":
    """Says at once who sent something wrong."""
    return lambda blame: screen.warn([f"{blame.keeper} is not asked again: {blame.reason}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainItem:
    """An item that the chain itself holds, in calldata or in blobs of a transaction."""

    item: "KnownItem"
    reader: "AvailabilityReader"
    contracts: "AvailabilityContracts"
    is_devnet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundItem:
    """What is known of an item before any keeper is asked."""

    name: "Bytes32"
    urls: dict[str, bool]
    """Of its keepers, and whether they must not be at private addresses."""
    manifest: "Manifest | None" = None
    on_chain: ChainItem | None = None
    """If no keeper was ever drawn for it, and none was named to ask all the same."""
    is_named_by_chain: bool = False
    """Whether the chain names its keepers."""
    registrant_url: str = ""
    """From where keepers fetched it, if none of them serves there: it need not be there any more."""


def find_item(options: ItemOptions) -> FoundItem:
    """By its number, its name, or its file."""
    from truestep.availability.manifest import MANIFEST_LIMIT_BYTES, parse_manifest
    from truestep.base.ids import Bytes32

    urls = dict.fromkeys(options.keeper or [], False)
    if options.item.isdecimal() and len(options.item) < _NUMBER_DIGITS:
        return _on_chain(options, urls)
    is_name = _NAME.fullmatch(options.item) is not None
    if not is_name and _WORD.fullmatch(options.item) and not Path(options.item).exists():
        raise typer.BadParameter(
            "expected the number of an item on a chain, a manifest file, or an item's name of 64 hex digits,"
            f" got {visible(options.item)}",
            param_hint="ITEM",
        )
    if not urls:
        raise typer.BadParameter("expected the URL of a keeper, got none", param_hint="--keeper")
    if is_name:
        return FoundItem(name=Bytes32(bytes.fromhex(options.item.removeprefix("0x"))), urls=urls)
    with Path(options.item).open("rb") as file:
        manifest = parse_manifest(file.read(MANIFEST_LIMIT_BYTES + 1))
    return FoundItem(name=manifest.name, urls=urls, manifest=manifest)


def _on_chain(options: ItemOptions, urls: dict[str, bool]) -> FoundItem:
    """The item with a number, and its keepers, as the chain's events say."""
    from truestep.adapters.chain.availability import AvailabilityReader, availability_of
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.chain.payloads import Payloads
    from truestep.composition.network import DEVNET_CHAINS
    from truestep.protocol.availability.ids import ItemId

    if not options.rpc:
        raise typer.BadParameter("expected a node, to find an item by its number", param_hint="--rpc")
    deployment = read_deployment(deployment_file(options.deployment, options.network))
    contracts = availability_of(deployment)
    reader = AvailabilityReader(options.rpc, contracts)
    facts = reader.facts()
    item_id = ItemId(int(options.item))
    item = facts.items.get(item_id)
    if item is None and 0 < item_id <= facts.item_count:
        item = Payloads(options.rpc, contracts).item(item_id)  # in calldata, and long ago
    if item is None:
        why = (
            "is closed; `truestep deletions` tells of it"
            if 0 < item_id <= facts.item_count
            else f"was never registered: this network has {counted(facts.item_count, 'item')}; check the"
            " number and the network"
        )
        raise Failure("item", f"item {options.item} {why}")
    is_devnet = deployment.chain_id in DEVNET_CHAINS
    if item.is_written or (not item.record.seat_count and not urls):
        held = ChainItem(item=item, reader=reader, contracts=contracts, is_devnet=is_devnet)
        return FoundItem(name=item.name, urls=urls, on_chain=held)
    may_be_private = options.allow_private or is_devnet
    kept_at = facts.urls_of(item)
    named = dict.fromkeys([*kept_at, *filter(None, [item.url])], not may_be_private)
    return FoundItem(
        name=item.name,
        urls=named | urls,
        is_named_by_chain=bool(kept_at),
        registrant_url="" if item.url in [*kept_at, *urls] else item.url,
    )


async def _manifest(name: "Bytes32", clients: "Sequence[KeeperClient]") -> "Manifest":
    """From the first keeper that has it: its name proves it."""
    from truestep.adapters.keepers.fetching import first_manifest

    troubles: list[str] = []
    found = await first_manifest(name, clients, troubles.append)
    if found is None:
        why = f" ({'; '.join(sorted(troubles))})" if troubles else ""
        raise Failure(
            "manifest",
            f"the manifest of item {name.hex()} is at none of the URLs that were asked ({len(clients)}){why};"
            " name"
            " another --keeper, or give the manifest's file; --allow-private reaches keepers on a network of"
            " your own",
            ExitCode.WORLD_FAILED,
        )
    return found
