"""Solidity's `abi.encode` of static values, and hashes of them."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256

WORD_SIZE_BYTES = 32
ADDRESSES_KEPT = 2**10
"""Words of addresses: those of assets and contracts are in each job and game."""

Value = int | str | bytes
"""A number or boolean, an address, 32 bytes."""


def word(value: Value) -> bytes:
    """One value as 32 bytes."""
    if isinstance(value, int):
        return value.to_bytes(WORD_SIZE_BYTES, "big")
    if isinstance(value, str):
        return _address_word(value)
    if len(value) != WORD_SIZE_BYTES:
        raise ValueError(f"expected 32 bytes, got {len(value)}")
    return value


@lru_cache(maxsize=ADDRESSES_KEPT)
def _address_word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def encode(*values: Value) -> bytes:
    """Values one after the other."""
    return b"".join(map(word, values))


def encode_struct(struct: object) -> bytes:
    """A dataclass of static values as a struct with the same fields in the same order."""
    return b"".join(map(word, _reader(type(struct))(struct)))


@cache
def _reader(kind: Any) -> Callable[[object], tuple[Value, ...]]:
    """What reads all fields of a struct."""
    names = [field.name for field in fields(kind)]
    return attrgetter(*names) if len(names) > 1 else lambda struct: (getattr(struct, names[0]),)


def hash_struct(struct: object) -> Bytes32:
    """The hash of an encoded struct."""
    return keccak256(encode_struct(struct))
