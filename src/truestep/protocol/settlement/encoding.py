"""Solidity's `abi.encode` of static values, and hashes of them."""

from dataclasses import fields

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256

WORD_SIZE_BYTES = 32

Value = int | str | bytes
"""A number or boolean, an address, 32 bytes."""

_FIELD_NAMES: dict[type, tuple[str, ...]] = {}


def word(value: Value) -> bytes:
    """One value as 32 bytes."""
    if isinstance(value, int):
        return value.to_bytes(WORD_SIZE_BYTES, "big")
    if isinstance(value, str):
        return bytes(12) + bytes.fromhex(value[2:])
    if len(value) != WORD_SIZE_BYTES:
        raise ValueError(f"expected 32 bytes, got {len(value)}")
    return value


def encode(*values: Value) -> bytes:
    """Values one after the other."""
    return b"".join(map(word, values))


def encode_struct(struct: object) -> bytes:
    """A dataclass of static values as a struct with the same fields in the same order."""
    names = _FIELD_NAMES.get(type(struct))
    if names is None:
        names = tuple(field.name for field in fields(struct))  # type: ignore[arg-type]
        _FIELD_NAMES[type(struct)] = names
    return b"".join(word(getattr(struct, name)) for name in names)


def hash_struct(struct: object) -> Bytes32:
    """The hash of an encoded struct."""
    return keccak256(encode_struct(struct))
