"""Which item a command is about, and the keepers that it asks."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from truestep.cli.failure import ExitCode, Failure
from truestep.cli.screen import Screen

if TYPE_CHECKING:
    from truestep.adapters.keepers.client import KeeperClient
    from truestep.adapters.keepers.standing import Blame
    from truestep.availability.manifest import Manifest

ItemArgument = Annotated[
    str,
    typer.Argument(metavar="ITEM", help="The item's manifest file, or its name at keepers, 64 hex digits."),
]
KeepersOption = Annotated[
    list[str],
    typer.Option(
        "--keeper", metavar="URL", envvar="TRUESTEP_KEEPERS", help="A keeper of the item. Repeat it for each."
    ),
]

_NAME = re.compile(r"(0x)?[0-9a-f]{64}")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOptions:
    """An item and its keepers."""

    item: ItemArgument
    keeper: KeepersOption


Work = Callable[["Manifest", "Sequence[KeeperClient]"], Awaitable[Answer]]


def with_keepers(options: ItemOptions, work: Work[Answer]) -> Answer:
    """The result of `work` with the item's manifest and a client of each keeper."""
    from truestep.adapters.keepers.client import KeeperClient

    async def run() -> Answer:
        clients: list[KeeperClient] = []
        try:
            try:
                clients += [KeeperClient(url) for url in dict.fromkeys(options.keeper)]
            except ValueError as error:
                raise typer.BadParameter(str(error), param_hint="--keeper") from error
            return await work(await _manifest(options.item, clients), clients)
        finally:
            for client in clients:
                await client.close()

    return asyncio.run(run())


def blame_note(screen: Screen) -> "Callable[[Blame], None]":
    """Says at once who sent something wrong."""
    return lambda blame: screen.warn([f"{blame.keeper} is not asked again: {blame.reason}"])


async def _manifest(item: str, clients: "Sequence[KeeperClient]") -> "Manifest":
    """From a file, or from the first keeper that has it: its name proves it."""
    from truestep.adapters.keepers.fetching import first_manifest
    from truestep.availability.manifest import MANIFEST_LIMIT_BYTES, parse_manifest
    from truestep.base.ids import Bytes32

    if not _NAME.fullmatch(item):
        with Path(item).open("rb") as file:
            return parse_manifest(file.read(MANIFEST_LIMIT_BYTES + 1))
    found = await first_manifest(Bytes32(bytes.fromhex(item.removeprefix("0x"))), clients)
    if found is None:
        raise Failure(
            "manifest",
            f"none of {len(clients)} keepers has the manifest of item {item}; name another --keeper, or give"
            " the manifest's file",
            ExitCode.WORLD_FAILED,
        )
    return found
