"""`truestep seal` and `unseal`: files that only chosen keys can open."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from truestep.cli.failure import keep_inputs
from truestep.cli.options import KeystoreOption, PasswordFileOption, ask_password
from truestep.cli.screen import JsonFlag, Screen, guarded

SEAL_EXAMPLE = "Example: truestep seal prices.csv --to x25519:KEY --output prices.sealed"
UNSEAL_EXAMPLE = "Example: truestep unseal prices.sealed --keystore operator.json --output prices.csv"

OutputOption = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")]
NumberOption = Annotated[
    int, typer.Option("--number", metavar="N", min=0, max=2**32 - 1, help="Which key of the account.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="seal", epilog=SEAL_EXAMPLE)(seal)
    app.command(name="unseal", epilog=UNSEAL_EXAMPLE)(unseal)


@guarded
def seal(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to seal.")],
    to: Annotated[
        list[str],
        typer.Option(metavar="KEY", help="Who can open it; see `account encryption-key`. Repeatable."),
    ],
    output: OutputOption,
    as_json: JsonFlag = False,
) -> None:
    """Encrypt a file so that only the owners of these keys can open it.

    Anybody can see its size and how many recipients it has, but not who they are. Whoever opens it finds out
    if any of it was changed, moved or cut; it does not say who sealed it.
    """
    from truestep.adapters.encryption import fresh_secrets, pieces_of
    from truestep.adapters.files import write_file
    from truestep.availability.sealing import parse_key, sealed

    keep_inputs(output, file)
    keys = [parse_key(text) for text in dict.fromkeys(to)]
    write_file(output, sealed(pieces_of(file), keys, fresh_secrets()))
    Screen(as_json=as_json).result(
        {"sealed": str(output), "recipients": len(keys)},
        shown=None if as_json else escape(_opens_in_words(output, len(keys))),
    )


def _opens_in_words(output: Path, keys: int) -> str:
    which = "the key given" if keys == 1 else f"any one of the {keys} keys given"
    return f"{which} opens {output}"


@guarded
def unseal(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A sealed file.")],
    keystore: KeystoreOption,
    output: OutputOption,
    password_file: PasswordFileOption = None,
    number: NumberOption = 0,
    as_json: JsonFlag = False,
) -> None:
    """Open a sealed file with an encryption key of an account.

    The file is written only if all of it is as it was sealed.
    """
    from truestep.adapters.encryption import keystore_secret, pieces_of
    from truestep.adapters.files import OPEN_TO_OWNER, write_file
    from truestep.availability.sealing import opened

    keep_inputs(output, file, keystore)
    secret = keystore_secret(keystore, ask_password(password_file), number)
    write_file(output, opened(pieces_of(file), secret), mode=OPEN_TO_OWNER)
    Screen(as_json=as_json).result(
        {"opened": str(output)}, shown=None if as_json else escape(f"{output} is as it was sealed")
    )
