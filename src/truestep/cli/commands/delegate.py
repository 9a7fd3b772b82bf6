"""`truestep delegate`: says which account may act for an operator."""

from typing import Annotated

import typer

from truestep.cli.connection import connect_sender
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, parse_address
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.protocol.settlement.ids import Role

EXAMPLE = "Example: truestep delegate 0xADDRESS --roles take,claim,move --keystore operator.json"
NO_ROLES = "none"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="delegate", epilog=EXAMPLE)(delegate)


@guarded
@grouped
def delegate(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The account that may act for yours.")],
    network: NetworkOptions,
    sender: SenderOptions,
    roles: Annotated[
        str,
        typer.Option(
            metavar="ROLES", help="What it may do: any of take, claim and move, with commas; or none."
        ),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Let another account take tasks, claim results or make moves of disputes for yours, or end that.

    A worker with `--operator` then runs with the other account's key, while the key of the stake stays away
    from it. What a delegate does can cost the bonds of the tasks that it takes, but it can withdraw nothing.
    """
    from truestep.client import stakes

    screen = Screen(as_json=as_json)
    account, wanted = parse_address(address, "ADDRESS"), parse_roles(roles)
    chain = connect_sender(network, sender, screen)
    is_changed = stakes.set_delegate(chain, account, int(wanted))
    names = role_names(wanted)
    words = f"may {', '.join(names)} for" if names else "may do nothing for"
    screen.result(
        {"operator": chain.account, "delegate": account, "roles": names, "changed": is_changed},
        shown=f"{account} {words} {chain.account}{'' if is_changed else ', as before'}",
    )


def parse_roles(text: str) -> Role:
    """The roles that `take,claim`, or `none`, stands for."""
    known = {(role.name or "").lower(): role for role in Role}
    names = [name.strip().lower() for name in text.split(",")]
    if names == [NO_ROLES]:
        return Role(0)
    if not all(name in known for name in names):
        raise typer.BadParameter(
            f"expected any of {', '.join(known)}, separated by commas, or {NO_ROLES}; got {text!r}",
            param_hint="--roles",
        )
    return Role(sum({known[name] for name in names}))


def role_names(roles: Role) -> list[str]:
    """The roles as words."""
    return [(role.name or "").lower() for role in Role if role in roles]
