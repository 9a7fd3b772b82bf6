"""The `truestep` program: one command a module in `commands/`."""

from typing import Annotated

import typer

import truestep
from truestep.cli.commands import (
    account,
    build,
    challenger,
    conformance,
    demo,
    devnet,
    outputs,
    prove_step,
    reclaim,
    run,
    status,
    submit,
    verify,
    worker,
)

app = typer.Typer(
    name="truestep",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok · 1 refused or failed · 2 wrong usage · 3 the world failed, try again.",
)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(truestep.__version__)
        raise typer.Exit


@app.callback()
def truestep_program(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Off-chain work whose results any EVM chain can check, down to one instruction."""


for module in (
    demo,
    build,
    run,
    prove_step,
    devnet,
    worker,
    challenger,
    submit,
    status,
    outputs,
    reclaim,
    verify,
    account,
    conformance,
):
    module.register(app)
