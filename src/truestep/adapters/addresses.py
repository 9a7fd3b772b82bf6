"""Addresses as people type them (EIP-55), without a library that takes a second to load."""

import re

from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


def with_checksum(text: str) -> Address:
    """The address with its checksum: a letter is large if its digit of the hash is 8 or more."""
    digits = text.removeprefix("0x").lower()
    hashed = keccak256(digits.encode()).hex()
    return Address("0x" + "".join(c.upper() if h >= "8" else c for c, h in zip(digits, hashed, strict=False)))


def checked_address(text: str) -> Address | None:
    """The address that a text spells; None if it spells none, or if its checksum is wrong."""
    if not _ADDRESS.fullmatch(text):
        return None
    address = with_checksum(text)
    return address if text in (address, text.lower()) else None
