"""Keys to seal and unseal with: random ones, and those of an account in a keystore."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from truestep.adapters.keystore import open_keystore
from truestep.availability.sealing import KEY_SIZE_BYTES, SealingSecrets, account_secret

PIECE_SIZE_BYTES = 1 << 20


def fresh_secrets() -> SealingSecrets:
    """Secrets for one content."""
    return SealingSecrets(
        ephemeral=secrets.token_bytes(KEY_SIZE_BYTES), content_key=secrets.token_bytes(KEY_SIZE_BYTES)
    )


def keystore_secret(path: Path, password: str, number: int = 0) -> bytes:
    """Secret key `number` of the account in a keystore. Rejected for a wrong password or another file."""
    account: Any = open_keystore(path, password)
    return account_secret(bytes(account.key), number)


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file's content, a MiB at a time."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_SIZE_BYTES):
            yield piece
