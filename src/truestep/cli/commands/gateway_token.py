"""`truestep gateway-token`: a token for whoever may order through a gateway."""

from typing import Annotated

import typer
from rich.markup import escape

from truestep.cli.option_groups import grouped
from truestep.cli.options import parse_address
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = (
    "Example: truestep gateway-token shop --signer 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --budget 0.5"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="gateway-token", epilog=EXAMPLE)(gateway_token)


@guarded
@grouped
def gateway_token(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Whose it is: lower-case letters, digits, dashes.")
    ],
    signer: Annotated[
        list[str],
        typer.Option(metavar="ADDRESS", help="An account whose orders it may bring. Repeat it for others."),
    ],
    budget: Annotated[
        str, typer.Option(metavar="AMOUNT", help="What its orders may cost in all: rewards and gas.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Make a token for orders, and the lines that belong in the file of `truestep gateway --tokens`.

    The file holds the token's hash, so this is the only time that the token itself is shown.
    """
    from truestep.gateway.tokens import entry_of, new_token

    screen = Screen(as_json=as_json)
    token, sha256 = new_token()
    signers = tuple(parse_address(each, "--signer") for each in signer)
    entry = entry_of(name, sha256, signers, budget)
    shown = f"{entry}\ngive {name} this token, which is nowhere else: {token}"
    screen.result({"token": token, "entry": entry}, shown=None if as_json else escape(shown))
