"""Builds the `truestep` program from the commands in `commands/`, one per module."""

import importlib
from collections.abc import Iterable
from typing import Annotated

import typer

import truestep
from truestep.cli.option_errors import PlainGroup

PANELS = {
    "Begin": {
        "demo": "demo",
        "init": "init",
    },
    "Programs": {
        "build": "build",
        "import": "import_model",
        "cc": "compilers",
        "c++": "compilers",
        "ar": "compilers",
        "ranlib": "compilers",
        "run": "run",
        "prove-step": "prove_step",
        "program": "program",
    },
    "Jobs": {
        "estimate": "estimate",
        "submit": "submit",
        "wait": "wait",
        "status": "status",
        "jobs": "jobs",
        "outputs": "outputs",
        "receipt": "receipt",
        "verify": "verify",
        "proof": "proof",
        "write-out": "write_out",
        "feed": "feed",
        "supply": "supply",
        "quorum": "quorum",
        "offer": "offer",
        "top-up": "top_up",
        "close": "close",
        "reclaim": "reclaim",
        "audits": "audits",
    },
    "Data and privacy": {
        "items": "items",
        "sample": "sample",
        "fetch": "fetch",
        "extend": "extend",
        "deletions": "deletions",
        "disclose": "disclose",
        "seal": "seal",
        "unseal": "seal",
    },
    "Daemons": {
        "worker": "worker",
        "challenger": "challenger",
        "keeper": "keeper",
        "watch": "watch",
        "audit-log": "audit_log",
    },
    "Accounts and coins": {
        "account": "account",
        "deposit": "deposit",
        "stake": "stake",
        "withdraw": "withdraw",
        "delegate": "delegate",
        "operator": "operator",
        "log": "log",
    },
    "Proofs": {
        "quantise": "quantise",
        "prove": "prove",
        "proofs": "proofs",
        "verifiers": "verifiers",
    },
    "Networks": {
        "devnet": "devnet",
        "deploy": "deploy",
        "network": "network",
        "dashboard": "dashboard",
        "gateway": "gateway",
        "gateway-token": "gateway_token",
        "drill": "drill",
        "simulate": "simulate",
        "conformance": "conformance",
    },
}
"""The headings of `truestep --help`, and under each the commands and their modules."""
COMMANDS = {name: module for commands in PANELS.values() for name, module in commands.items()}

EXIT_CODES = "0 ok · 1 refused or failed · 2 wrong usage · 3 outside failure, try again · 130 interrupted"


def make_app(names: Iterable[str]) -> typer.Typer:
    """The program with these commands only; modules of the other commands are not imported."""
    app = typer.Typer(
        name="truestep",
        cls=PlainGroup,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=f"Exit codes: {EXIT_CODES}.",
    )
    app.callback()(truestep_program)
    for module in dict.fromkeys(COMMANDS[name] for name in names):
        importlib.import_module(f"truestep.cli.commands.{module}").register(app)
    panels = {name: panel for panel, commands in PANELS.items() for name in commands}
    for info in (*app.registered_commands, *app.registered_groups):
        info.rich_help_panel = panels[str(info.name)]
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
