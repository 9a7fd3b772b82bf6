"""Options that several commands share, and how their text becomes values."""

import re
from pathlib import Path
from typing import Annotated

import typer

from truestep.base.ids import Bytes32

ProgramArgument = Annotated[
    Path,
    typer.Argument(metavar="PROG", help="An ELF file, or a C source to build now."),
]
InputOption = Annotated[
    Path | None,
    typer.Option("--input", "-i", metavar="FILE", help="Up to 512 MiB. Default: empty."),
]
SeedOption = Annotated[
    str,
    typer.Option(metavar="HEX", help="The job's seed: up to 64 hex digits."),
]
ShardOption = Annotated[str, typer.Option(metavar="I/N", help="Which shard to run: number I, from 0, of N.")]


def parse_seed(text: str) -> Bytes32:
    """The seed that hex digits spell, padded with zeros on the left."""
    digits = text.removeprefix("0x")
    if not re.fullmatch(r"[0-9a-fA-F]{0,64}", digits):
        raise typer.BadParameter(f"expected up to 64 hex digits, got {text!r}", param_hint="--seed")
    return Bytes32(bytes.fromhex(digits.rjust(64, "0")))


def parse_shard(text: str) -> tuple[int, int]:
    """(shard index, shard count) of `I/N`."""
    match = re.fullmatch(r"(\d{1,10})/(\d{1,10})", text)
    if not match:
        raise typer.BadParameter(f"expected a shard such as 0/8, got {text!r}", param_hint="--shard")
    index, count = int(match[1]), int(match[2])
    if not index < count < 2**32:
        raise typer.BadParameter(
            f"expected a shard index from 0 to one below the count, got {text!r}", param_hint="--shard"
        )
    return index, count
