"""Who may order: the file of tokens, which has their hashes and not themselves (docs/gateway.md)."""

import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from truestep.adapters.addresses import checked_address
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.base.text import visible
from truestep.base.units import parse_coins

TOKEN_PREFIX = "tsg_"
TOKEN_BYTES = 32
"""Nobody guesses 256 random bits, so a plain hash of them needs no salt."""
TOKEN_LIMIT = 128
"""Characters of what is hashed at all."""
FILE_LIMIT_BYTES = 1 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HASH = re.compile(r"[0-9a-f]{64}")
_KEYS = {"sha256", "signers", "budget"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Whose orders a token may bring, and how much they may cost in all."""

    name: str
    sha256: str
    signers: frozenset[str]
    """Addresses in lower case."""
    budget_wei: int
    """Of rewards and gas together."""


class Tokens:
    """All of them."""

    def __init__(self, tokens: Mapping[str, Token]) -> None:
        self._tokens = tuple(tokens.values())

    def of(self, presented: str) -> Token | None:
        """The token that a client has shown; None if it is none. Takes as long whichever it is."""
        shown = hashlib.sha256(presented[:TOKEN_LIMIT].encode()).hexdigest()
        found: Token | None = None
        for token in self._tokens:
            if hmac.compare_digest(token.sha256, shown):
                found = token
        return found if len(presented) <= TOKEN_LIMIT else None


def new_token() -> tuple[str, str]:
    """A new token, and its hash for the file."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    return token, hashlib.sha256(token.encode()).hexdigest()


def entry_of(name: str, sha256: str, signers: tuple[Address, ...], budget: str) -> str:
    """A token's lines in the file. Raises Rejected for a name or a budget that the file cannot have."""
    listed = ", ".join(f'"{each}"' for each in signers)
    text = f'[tokens.{name}]\nsha256 = "{sha256}"\nsigners = [{listed}]\nbudget = "{budget}"\n'
    if not _NAME.fullmatch(name):
        raise _malformed(f"a name of lower-case letters, digits and dashes, got {visible(name)!r}")
    _token(name, {"sha256": sha256, "signers": list(signers), "budget": budget})
    return text


def read_tokens(path: Path) -> Tokens:
    """The tokens in a file. Raises Rejected, which says where it is wrong, and OSError."""
    if path.stat().st_size > FILE_LIMIT_BYTES:
        raise _malformed(f"at most {FILE_LIMIT_BYTES:,} bytes")
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _malformed(f"TOML, got {error}") from error
    tables = read.get("tokens")
    if set(read) != {"tokens"} or not isinstance(tables, dict) or not tables:
        raise _malformed("tables [tokens.NAME] and nothing else")
    named = cast("dict[str, Any]", tables)
    return Tokens({name: _token(name, table) for name, table in named.items()})


def _token(name: str, table: Any) -> Token:
    where = f"tokens.{visible(name)}"
    if not _NAME.fullmatch(name):
        raise _malformed(f"names of lower-case letters, digits and dashes, got {visible(name)!r}")
    if not isinstance(table, dict) or set(cast("dict[str, Any]", table)) != _KEYS:
        raise _malformed(f"{', '.join(sorted(_KEYS))} in {where}, and nothing else")
    said = cast("dict[str, Any]", table)
    sha256, signers, budget = said["sha256"], said["signers"], said["budget"]
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
        raise _malformed(f"64 lower-case hex digits as {where}.sha256: the hash of a token, not a token")
    if not isinstance(signers, list) or not signers:
        raise _malformed(f"a list of addresses as {where}.signers")
    listed = cast("list[Any]", signers)
    addresses = [checked_address(each) if isinstance(each, str) else None for each in listed]
    known = [each for each in addresses if each is not None]
    if len(known) != len(addresses):
        raise _malformed(f"addresses as {where}.signers, 0x and 40 hex digits each")
    budget_wei = parse_coins(budget) if isinstance(budget, str) else None
    if budget_wei is None:
        raise _malformed(f'an amount such as "0.5" as {where}.budget, got {budget!r}')
    return Token(
        name=name,
        sha256=sha256,
        signers=frozenset(each.lower() for each in known),
        budget_wei=budget_wei,
    )


def _malformed(expected: str) -> Rejected:
    return Rejected(
        Reject.TOKENS_FILE, f"expected {expected}; `truestep gateway-token` prints what belongs in the file"
    )
