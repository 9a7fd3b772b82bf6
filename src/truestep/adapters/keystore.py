"""Accounts in encrypted keystores (Web3 Secret Storage, version 3). Keys are never stored in plain text."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truestep.adapters.files import OPEN_TO_OWNER, write_file
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address

if TYPE_CHECKING:
    from truestep.adapters.chain.sender import Signer

KEYSTORE_VERSION = 3
KEYSTORE_LIMIT_BYTES = 1 << 16
"""A keystore is half a kilobyte."""
PASSWORD_LIMIT_BYTES = 1 << 12

_DEVELOPMENT_ROUNDS = 1
"""For keys that protect nothing: saves a second on each start."""


def create_keystore(path: Path, password: str, *, guards_money: bool = True) -> Address:
    """Make a new key and write it to `path`, which must not exist. Returns the key's address.

    Without `guards_money` the password can be guessed quickly: only for keys of a local chain.
    """
    from web3 import Account  # takes a second to load, which only users of keys should pay

    account: Any = Account.create()
    if guards_money:
        keystore: Any = Account.encrypt(account.key, password)
    else:
        keystore = Account.encrypt(account.key, password, kdf="pbkdf2", iterations=_DEVELOPMENT_ROUNDS)
    try:
        write_file(path, json.dumps(keystore, indent=1), mode=OPEN_TO_OWNER, may_replace=False)
    except FileExistsError as error:
        raise Rejected(
            Reject.KEYSTORE_EXISTS, f"{path} would be lost; choose another name, or move it away first"
        ) from error
    return Address(account.address)


def keystore_address(path: Path) -> Address:
    """The address in a keystore. Raises Rejected if the file is not a keystore."""
    from web3 import Web3

    stated = _read(path)["address"]
    if not Web3.is_address(stated):
        raise _malformed(path)
    return Address(Web3.to_checksum_address(stated))


def open_keystore(path: Path, password: str) -> "Signer":
    """The account in a keystore. Raises Rejected for a wrong password or another file."""
    from web3 import Account

    keystore = _read(path)
    try:
        key = Account.decrypt(keystore, password)
    except (TypeError, KeyError, NotImplementedError) as error:
        raise _malformed(path) from error
    except ValueError as error:
        raise Rejected(
            Reject.PASSWORD_WRONG,
            f"this password does not open {path}; check the password file, or type it again",
        ) from error
    return Account.from_key(key)


def read_password(path: Path) -> str:
    """The password in a file's first line."""
    if path.stat().st_size > PASSWORD_LIMIT_BYTES:
        raise Rejected(
            Reject.PASSWORD_WRONG, f"expected a password in the first line of {path}, got a large file"
        )
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise Rejected(
            Reject.PASSWORD_WRONG, f"expected a password in the first line of {path}, got no UTF-8 text"
        ) from error
    return lines[0] if lines else ""


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > KEYSTORE_LIMIT_BYTES:
        raise _malformed(path)
    try:
        keystore = json.loads(path.read_text(encoding="utf-8"))
        if keystore["version"] == KEYSTORE_VERSION and "crypto" in keystore and "address" in keystore:
            return keystore
    except (ValueError, TypeError, KeyError) as error:
        raise _malformed(path) from error
    raise _malformed(path)


def _malformed(path: Path) -> Rejected:
    return Rejected(
        Reject.KEYSTORE_FILE, f"expected a keystore of version 3 in {path}; `truestep account new` makes one"
    )
