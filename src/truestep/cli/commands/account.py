"""`truestep account`: keys in encrypted keystores."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from truestep.adapters.keystore import create_keystore, keystore_address
from truestep.base.errors import Rejected
from truestep.base.text import visible
from truestep.cli.options import PasswordFileOption, ask_password
from truestep.cli.screen import JsonFlag, Screen, guarded

NEW_EXAMPLE = "Example: truestep account new operator.json --password-file password"
KEY_EXAMPLE = "Example: truestep account encryption-key operator.json --password-file password"
LIST_EXAMPLE = "Example: truestep account list keys"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    accounts = typer.Typer(no_args_is_help=True, help="Accounts in encrypted keystores.")
    accounts.command(name="new", epilog=NEW_EXAMPLE)(new)
    accounts.command(name="list", epilog=LIST_EXAMPLE)(show)
    accounts.command(name="encryption-key", epilog=KEY_EXAMPLE)(encryption_key)
    app.add_typer(accounts, name="account")


@guarded
def new(
    keystore: Annotated[
        Path, typer.Argument(metavar="KEYSTORE", help="The file to write; it must not exist yet.")
    ],
    password_file: PasswordFileOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a new key and save it encrypted.

    Back up the file and the password, and store them apart: nobody can restore them for you.
    """
    screen = Screen(as_json=as_json)
    address = create_keystore(keystore, ask_password(password_file, is_new=True))
    screen.result({"address": address, "keystore": str(keystore)})


@guarded
def encryption_key(
    keystore: Annotated[Path, typer.Argument(metavar="KEYSTORE", help="The account's key.")],
    password_file: PasswordFileOption = None,
    number: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**32 - 1, help="Which key: use another to change it.")
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Print the key to which others seal content for this account (`truestep seal --to KEY`).

    It follows from the account's key and tells nothing about it. Whoever takes it from you must know that it
    is yours: hand it over where nobody can replace it.
    """
    from truestep.adapters.encryption import keystore_secret
    from truestep.availability.sealing import public_key

    key = str(public_key(keystore_secret(keystore, ask_password(password_file), number)))
    Screen(as_json=as_json).result({"encryption_key": key}, shown=None if as_json else key)


@guarded
def show(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The directory to list.")] = Path(),
    as_json: JsonFlag = False,
) -> None:
    """List the keystores in a directory."""
    accounts: dict[str, str] = {}
    for path in sorted(directory.iterdir()):
        try:
            accounts[str(path)] = keystore_address(path)
        except (Rejected, UnicodeDecodeError, IsADirectoryError):
            continue  # not a keystore: other files may be there too
    screen = Screen(as_json=as_json)
    if not accounts and not as_json:
        screen.note(f"no keystores in {escape(str(directory))}; `truestep account new` makes one")
    lines = Text("\n".join(f"{address}  {visible(path)}" for path, address in accounts.items()))
    screen.result({"accounts": accounts}, shown=lines)
