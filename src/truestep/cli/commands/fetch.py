"""`truestep fetch`: the bytes of an item, though up to half of its cells are lost or wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.base.text import counted
from truestep.cli.failure import Failure
from truestep.cli.item_options import ChainItem, ItemOptions, blame_note, find_item, with_keepers
from truestep.cli.option_groups import grouped
from truestep.cli.options import BeaconOption, parse_size
from truestep.cli.screen import JsonFlag, Screen, guarded

if TYPE_CHECKING:
    from truestep.adapters.keepers.client import KeeperClient
    from truestep.adapters.keepers.download import Parted, PayloadFile
    from truestep.adapters.keepers.item_blobs import Published
    from truestep.adapters.keepers.standing import Blame
    from truestep.availability.manifest import Manifest
    from truestep.protocol.availability.facts import KnownItem

EXAMPLE = "Example: truestep fetch 12 --network NAME --output input.bin"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="fetch", epilog=EXAMPLE)(fetch)


@guarded
@grouped
def fetch(
    options: ItemOptions,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write, or a folder for all parts."),
    ],
    part: Annotated[
        int | None,
        typer.Option(metavar="I", min=0, help="Fetch only this part. Default: the only one, or all."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="SIZE",
            parser=parse_size,
            help="Write only so much of the part. Default: its leaves of 32 bytes, with zeros at the end.",
        ),
    ] = None,
    beacon: BeaconOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Fetch an item from its keepers, or from the chain if that holds it, verify it, and write it to a file.

    Any 64 right cells of each blob are enough, from whichever keepers: the fastest are asked first, and one
    that sends a wrong cell is named and not asked again. Started again after an interruption, it goes on.
    """
    from truestep.adapters.keepers.download import PayloadFile, unfinished_path

    screen = Screen(as_json=as_json)
    screen.doing("looking for the item")
    found = find_item(options)
    blames: list[Blame] = []

    async def work(manifest: "Manifest", clients: "Sequence[KeeperClient]") -> dict[str, object]:
        parts = _chosen(manifest, part, size)
        with PayloadFile(unfinished_path(output, manifest), manifest.name) as file:
            await _download(manifest, clients, file, parts, screen, blames)
            return _written(manifest, file, parts, output, size, blames)

    if found.on_chain is None:
        fields = with_keepers(options, found, screen, work)
    else:
        item, nodes = found.on_chain.item, options.rpc or []
        parts = _chosen(item, part, size)
        with PayloadFile(unfinished_path(output, item), item.name) as file:
            _read_chain(found.on_chain, nodes, beacon, file, parts, screen)
            fields = _written(item, file, parts, output, size, blames)
    screen.result(fields, shown=None if as_json else escape(_in_words(fields, output)))


def _in_words(fields: dict[str, Any], output: Path) -> str:
    """What was written, and of several files what each is."""
    files = list(zip(fields["files"], fields["holds"], strict=True))
    lines = [f"{counted(fields['size'], 'byte')} in {output}, as their roots say"]
    lines += [f"  {kind}: {Path(path).name}" for path, kind in files] if len(files) > 1 else []
    return "\n".join(lines)


def _kind(depth: int) -> str:
    """Trees of programs are deeper than those of inputs and outputs, which are alike (A1.2)."""
    from truestep.protocol.availability.kept import PROGRAM_DEPTH

    return "program" if depth == PROGRAM_DEPTH else "input or output"


async def _download(
    manifest: "Manifest",
    clients: "Sequence[KeeperClient]",
    file: "PayloadFile",
    parts: list[int],
    screen: Screen,
    blames: "list[Blame]",
) -> None:
    """Fetch what is lacking, and compare the roots."""
    from truestep.adapters.keepers.download import blobs_of, check_roots, download, whole_trees
    from truestep.adapters.trusted_setup import open_kzg

    note, trees = blame_note(screen), whole_trees(manifest, parts)

    def blame(each: "Blame") -> None:
        blames.append(each)
        note(each)

    blobs = blobs_of(manifest, trees)
    with screen.steps("fetching", len(blobs)) as told:
        await download(
            manifest,
            open_kzg(),
            clients,
            file,
            blobs,
            on_blame=blame,
            on_blob=lambda done, wanted: told(done, f"{done:,} of {counted(wanted, 'blob')}"),
        )
    check_roots(manifest, file, trees)


def _read_chain(
    held: ChainItem,
    nodes: list[str],
    beacon: list[str] | None,
    file: "PayloadFile",
    parts: list[int],
    screen: Screen,
) -> None:
    """Read what the chain holds, and compare the roots."""
    from truestep.adapters.chain.payloads import Payloads
    from truestep.adapters.keepers.download import blobs_of, check_roots, whole_trees
    from truestep.adapters.keepers.unkept import lay_calldata, lay_published
    from truestep.availability.parts import Layout

    item = held.item
    Layout(parts=item.parts)  # a stranger's: it may break the rules
    trees = whole_trees(item, parts)
    if item.is_written:
        lay_calldata(item, Payloads(nodes, held.contracts).payload(item), file)
    else:
        published = _published(held, beacon or (nodes if held.is_devnet else []))
        blobs = blobs_of(item, trees)
        with screen.steps("fetching", len(blobs)) as told:
            lay_published(
                item,
                published,
                file,
                blobs,
                on_blob=lambda done, wanted: told(done, f"{done:,} of {counted(wanted, 'blob')}"),
            )
    check_roots(item, file, trees)


def _published(held: ChainItem, urls: list[str]) -> "Published":
    """Reads blobs of transactions from these consensus nodes."""
    from truestep.adapters.chain.beacon import BeaconBlobs
    from truestep.adapters.chain.published import PublishedBlobs
    from truestep.adapters.trusted_setup import open_kzg

    return PublishedBlobs(held.reader, BeaconBlobs(urls, open_kzg()))


def _chosen(manifest: "Parted", part: int | None, size: int | None) -> list[int]:
    """The parts to write."""
    count = len(manifest.parts)
    if part is not None and part >= count:
        raise typer.BadParameter(f"expected a part below {count}, got {part}", param_hint="--part")
    chosen = list(range(count)) if part is None else [part]
    if size is not None and len(chosen) > 1:
        raise typer.BadParameter(f"expected --part with it: the item has {count} parts", param_hint="--size")
    if size is not None and size > manifest.parts[chosen[0]].size_bytes:
        raise Failure(
            "size",
            f"expected at most the {counted(manifest.parts[chosen[0]].size_bytes, 'byte')} of the part, got"
            f" {size:,}",
        )
    return chosen


def _written(
    manifest: "Manifest | KnownItem",
    file: "PayloadFile",
    parts: list[int],
    output: Path,
    size: int | None,
    blames: "list[Blame]",
) -> dict[str, object]:
    """Writes the parts, and removes what was fetched; what the command says of it."""
    from truestep.adapters.files import write_file
    from truestep.adapters.keepers.download import part_places

    places = part_places(manifest)
    written: list[tuple[Path, int]] = []
    for index in parts:
        place = places[index]
        size_bytes = place.part.size_bytes if size is None else size
        path = output if len(parts) == 1 else output / f"part-{index}-{place.part.root.hex()[:16]}.bin"
        write_file(path, file.read(place.start, size_bytes))
        written.append((path, size_bytes))
    file.delete()
    return {
        "item": manifest.name.hex(),
        "parts": parts,
        "files": [str(path) for path, _ in written],
        "holds": [_kind(places[index].part.depth) for index in parts],
        "size": sum(size_bytes for _, size_bytes in written),
        "wrong": [{"keeper": blame.keeper, "reason": blame.reason} for blame in blames],
    }
