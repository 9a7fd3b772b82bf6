"""Builds the `truestep` program from the commands in `commands/`, one per module."""

import importlib
from collections.abc import Iterable
from typing import Annotated

import typer

import truestep
from truestep.cli.option_errors import PlainGroup

COMMANDS = {
    "demo": "demo",
    "drill": "drill",
    "simulate": "simulate",
    "build": "build",
    "import": "import_model",
    "cc": "compilers",
    "c++": "compilers",
    "ar": "compilers",
    "ranlib": "compilers",
    "run": "run",
    "prove-step": "prove_step",
    "quantise": "quantise",
    "prove": "prove",
    "estimate": "estimate",
    "proofs": "proofs",
    "devnet": "devnet",
    "worker": "worker",
    "challenger": "challenger",
    "keeper": "keeper",
    "watch": "watch",
    "submit": "submit",
    "status": "status",
    "outputs": "outputs",
    "items": "items",
    "sample": "sample",
    "fetch": "fetch",
    "extend": "extend",
    "deletions": "deletions",
    "audit-log": "audit_log",
    "receipt": "receipt",
    "verify": "verify",
    "disclose": "disclose",
    "seal": "seal",
    "unseal": "seal",
    "proof": "proof",
    "program": "program",
    "write-out": "write_out",
    "feed": "feed",
    "supply": "supply",
    "top-up": "top_up",
    "close": "close",
    "reclaim": "reclaim",
    "withdraw": "withdraw",
    "deposit": "deposit",
    "delegate": "delegate",
    "deploy": "deploy",
    "network": "network",
    "verifiers": "verifiers",
    "account": "account",
    "conformance": "conformance",
}
"""Their names and modules, in the order of `truestep --help`."""

EXIT_CODES = "0 ok · 1 refused or failed · 2 wrong usage · 3 outside failure, try again · 130 interrupted"


def make_app(names: Iterable[str]) -> typer.Typer:
    """The program with these commands only; modules of the other commands are not imported."""
    app = typer.Typer(
        name="truestep",
        cls=PlainGroup,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=f"Exit codes: {EXIT_CODES}.",
    )
    app.callback()(truestep_program)
    for module in dict.fromkeys(COMMANDS[name] for name in names):
        importlib.import_module(f"truestep.cli.commands.{module}").register(app)
    return app


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(truestep.__version__)
        raise typer.Exit


def truestep_program(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Off-chain work whose results any EVM chain can check, down to one instruction."""
