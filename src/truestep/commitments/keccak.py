"""Keccak-256, the EVM's hash. (SHA3-256 differs in its padding.)"""

from collections.abc import Callable
from typing import Protocol, cast

from Crypto.Hash import keccak

from truestep.base.ids import Bytes32


class Hasher(Protocol):
    """A hash that is computed from pieces."""

    def update(self, message: bytes, /) -> object:
        """Take the next piece."""
        ...

    def digest(self) -> Bytes32:
        """The hash of what came."""
        ...

    def hexdigest(self) -> str:
        """The same in hexadecimal digits."""
        ...


def _plain(message: bytes, /) -> Hasher:
    return cast(Hasher, keccak.new(digest_bits=256, data=message))


try:
    from sha3 import keccak_256

    new_keccak256: Callable[[bytes], Hasher] = keccak_256
    """A Keccak-256 that has taken a first piece."""
except ImportError:  # there are wheels for Linux alone; this is five times slower (decision 0072)
    new_keccak256 = _plain

PairHasher = Callable[[bytes], bytes]
"""Hashes n concatenated 64-byte nodes to n concatenated 32-byte digests."""


def keccak256(message: bytes) -> Bytes32:
    """Keccak-256 of `message`."""
    return new_keccak256(message).digest()


def hash_pairs(nodes: bytes) -> bytes:
    """The plain PairHasher: one library call per node, about a million nodes per second."""
    return b"".join(keccak256(nodes[start : start + 64]) for start in range(0, len(nodes), 64))
