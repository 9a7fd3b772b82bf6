"""Ethereum's bloom filters: what a block's header says about its logs (Yellow Paper, 4.4.3)."""

from functools import lru_cache

from truestep.adapters.chain.answers import BLOOM_SIZE_BYTES, RawLog
from truestep.commitments.keccak import keccak256

BLOOM_BITS = 8 * BLOOM_SIZE_BYTES
MASKS_LIMIT = 8_192
"""Cached masks. The same addresses and topics occur again in new blocks."""


@lru_cache(maxsize=MASKS_LIMIT)
def mask(content: bytes) -> int:
    """The three bits that an address or a topic sets."""
    digest = keccak256(content)
    bits = 0
    for position in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[position : position + 2], "big") % BLOOM_BITS)
    return bits


def bloom_of(log: RawLog) -> int:
    """The bits that a log sets."""
    bits = mask(bytes.fromhex(log.address[2:]))
    for topic in log.topics:
        bits |= mask(topic)
    return bits


def holds(bloom: int, bits: int) -> bool:
    """Whether all these bits are set."""
    return bloom & bits == bits


def fill(bloom: int) -> float:
    """The share of bits that are set, which is the probability that a given bit is set by chance."""
    return bloom.bit_count() / BLOOM_BITS
