"""`truestep disclose`: shows some bytes of an output, with the proof that they are in it."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from truestep.cli.failure import Failure, keep_inputs
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.disclosure import disclose as disclosure_of
from truestep.client.receipt import Receipt, read_receipt
from truestep.machine.layout import OUTPUT_LIMIT_BYTES

EXAMPLE = (
    "Example: truestep disclose receipt.json --bytes 64:128 --output shown.json,"
    " then: truestep verify shown.json --offline"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="disclose", epilog=EXAMPLE)(disclose)


@guarded
def disclose(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", help="The receipt of the job.")],
    ranges: Annotated[
        list[str],
        typer.Option(
            "--bytes", metavar="START:END", help="Show these bytes of the output, END excluded. Repeatable."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    shard: Annotated[int, typer.Option(metavar="I", min=0, help="The shard, counted from 0.")] = 0,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="The output of the shard. Default: the one in the receipt."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show some bytes of an output and prove that they are in it, without showing the rest.

    A proof needs pairs of 32-byte words, so what is shown is widened to whole 64 bytes; the command says to
    what. The file also holds hashes of what is next to it: bytes there that can be guessed can be confirmed.
    """
    keep_inputs(output, receipt, source)
    screen = Screen(as_json=as_json)
    held = read_receipt(receipt)
    content = _output(held, shard) if source is None else _read(source)
    shown = disclosure_of(held, shard, content, [_range(text) for text in ranges])
    shown.write(output)
    leaves = [part.as_leaves() for part in shown.ranges]
    spans = [(each.first_byte, each.first_byte + len(each.content)) for each in leaves]
    words = ", ".join(f"{start}:{end}" for start, end in spans)
    check = f"truestep verify {shlex.quote(str(output))}"
    screen.result(
        {
            "job_id": held.job_id,
            "shard": shard,
            "shown": [{"start": start, "end": end} for start, end in spans],
            "disclosure": str(output),
        },
        shown=None
        if as_json
        else escape(f"bytes {words} of shard {shard} are shown in {output}; check: {check}"),
    )


def _range(text: str) -> tuple[int, int]:
    start, _, end = text.partition(":")
    if not (start.isdecimal() and end.isdecimal()):
        raise Failure("ranges", f"expected --bytes START:END, such as 64:128, got {text}")
    return int(start), int(end)


def _output(held: Receipt, shard_index: int) -> bytes:
    """The output in the receipt."""
    for shard in held.shards:
        if shard.shard_index == shard_index and (content := shard.output_bytes()) is not None:
            return content
    raise Failure(
        "output",
        f"expected the output of shard {shard_index} in the receipt, it has none; fetch it with"
        " `truestep outputs --shard` and give --from FILE",
    )


def _read(source: Path) -> bytes:
    if source.stat().st_size > OUTPUT_LIMIT_BYTES:
        raise Failure(
            "output", f"expected at most {OUTPUT_LIMIT_BYTES} bytes in {source}: no output has more"
        )
    return source.read_bytes()
