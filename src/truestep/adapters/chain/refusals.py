"""What a node means when it refuses a transaction.

Messages are not to be branched on, and here they are: JSON-RPC has one code, -32000, for all of these, so a
node says it in words alone. A wording that is not listed is OTHER, and nothing is lost: it is sent again.
"""

from enum import Enum


class Refusal(Enum):
    """Why a node did not take a signed transaction."""

    KNOWN = "known"
    """The node already has it, which is as good as accepted."""
    NONCE_USED = "nonce used"
    UNDERPRICED = "underpriced"
    """The node has another transaction with this nonce, or wants a higher price."""
    FUNDS = "funds"
    GAS = "gas"
    """The gas limit is below what the transaction takes at least, or above what a block holds."""
    OTHER = "other"


# Of geth, reth, erigon, besu, nethermind, anvil and eth-tester, in lower case.
_WORDINGS: dict[Refusal, tuple[str, ...]] = {
    Refusal.KNOWN: ("already known", "known transaction", "alreadyknown", "already imported", "already in"),
    Refusal.NONCE_USED: ("nonce too low", "nonce is too low", "oldnonce", "invalid transaction nonce"),
    Refusal.UNDERPRICED: (
        "underpriced",
        "fee too low",
        "feetoolow",
        "gas price too low",
        "gas price below",
        "less than block base fee",
        "below current base fee",
        "tip cap",
    ),
    Refusal.FUNDS: ("insufficient funds", "insufficientfunds", "insufficient balance", "upfront cost"),
    Refusal.GAS: ("intrinsic gas", "exceeds block gas limit", "gas limit too high", "gas floor"),
}  # fmt: skip


def refusal_of(message: str) -> Refusal:
    """The meaning of a node's words."""
    said = message.lower()
    for refusal, wordings in _WORDINGS.items():
        if any(wording in said for wording in wordings):
            return refusal
    return Refusal.OTHER
