"""`truestep demo`: one job from start to settlement, with a liar among its workers."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from truestep.cli.failure import ExitCode, Failure
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep demo --receipt receipt.json, then: truestep verify receipt.json"

STORY_WIDTH = 100
"""Columns used for a file or a pipe, which have no width of their own."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="demo", epilog=EXAMPLE)(demo)


@guarded
def demo(
    rpc: Annotated[
        str | None,
        typer.Option(
            "--rpc", metavar="URL", help="A development chain (anvil, devnet). Default: one in this process."
        ),
    ] = None,
    receipt: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the receipt.")] = Path(
        "receipt.json"
    ),
    shards: Annotated[int, typer.Option(min=2, max=64, hidden=True)] = 8,
    paths: Annotated[int, typer.Option(min=100, max=10**7, hidden=True)] = 650_000,
    honest: Annotated[bool, typer.Option("--honest", hidden=True)] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run one job from a C program to a settled result, and catch a liar on the way.

    The job computes the value at risk of five stocks from real prices. Three workers run it in batches, and
    one of them lies in one shard; a challenger disputes the lie, and the chain decides by executing one
    instruction. The demo needs nothing but this program and takes half a minute. Exits with 1 if anything
    went wrong.
    """
    from truestep.demo.performance import Setting, perform

    if not os.access(receipt.parent, os.W_OK):
        raise Failure("file", f"expected a directory to write {receipt} into; choose another --receipt")
    screen = Screen(as_json=as_json)
    console = screen.notes if as_json else screen.results
    if not console.is_terminal:
        console.width = STORY_WIDTH
    with tempfile.TemporaryDirectory(prefix="truestep-demo-") as folder:
        setting = Setting(
            rpc=rpc, receipt=receipt, shards=shards, paths=paths, folder=Path(folder), is_honest=honest
        )
        outcome = perform(setting, console)
    if as_json:
        screen.result(outcome.fields)
    if not outcome.is_as_it_should_be:
        raise typer.Exit(ExitCode.REFUSED)
