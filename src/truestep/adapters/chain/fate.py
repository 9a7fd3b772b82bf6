"""Finds out who used a nonce: one of our own forms, or another transaction with the same key.

A null receipt proves nothing, because a node's index of receipts may lag behind its state. So before anything
is signed again, the chain itself is read. Each step is taken only if the one before gave no answer:

1. Is one of our hashes in a block?
2. In which block did the account's count of used nonces rise above ours? (binary search)
3. Which transaction of the account with our nonce is in that block? Its hash is ours, or it is foreign.
"""

from dataclasses import dataclass

from truestep.adapters.chain.account_node import AccountNode, Sent
from truestep.adapters.chain.journal import Entry
from truestep.base.errors import Unavailable

STEP_BACK_BLOCKS = 64
"""Blocks by which the search steps back if the nonce was used before signing; doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """One of our forms is in a block, but its receipt is not available yet."""

    block_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A transaction of the same key that is not in the journal is in a block."""

    block_number: int
    sent: Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The node does not say. Then nothing may be signed again."""

    why: str


Fate = Own | Foreign | Unknown


def find_fate(node: AccountNode, entry: Entry, head_number: int) -> Fate:
    """The fate of a nonce that is used as of block `head_number`."""
    try:
        known = node.block_of_hashes(entry.hashes)  # 1
        if known is not None:
            return Own(block_number=known)
        block_number = _block_of_nonce(node, entry, head_number)  # 2
        sent = node.transaction_at(block_number, entry.nonce)  # 3
    except Unavailable as error:
        return Unknown(why=str(error))
    if sent is None:
        return Unknown(
            why=f"nonce {entry.nonce} was used in block {block_number}, but the node shows no transaction of"
            " ours in it; ask another node"
        )
    if sent.hash in entry.hashes:
        return Own(block_number=block_number)
    return Foreign(block_number=block_number, sent=sent)


def _block_of_nonce(node: AccountNode, entry: Entry, head_number: int) -> int:
    """The first block after which more than `entry.nonce` nonces are used."""
    low, high = _lower_bound(node, entry, head_number), head_number
    while high - low > 1:
        middle = (low + high) // 2
        if node.count(middle) > entry.nonce:
            high = middle
        else:
            low = middle
    return high


def _lower_bound(node: AccountNode, entry: Entry, head_number: int) -> int:
    """A block on which the nonce was not used yet; -1 if it was used in block 0."""
    low, step = min(entry.signed_block, head_number - 1), STEP_BACK_BLOCKS
    while low >= 0 and node.count(low) > entry.nonce:
        high_enough = low - step
        low, step = (high_enough if high_enough >= 0 else 0 if low > 0 else -1), 2 * step
    return low
