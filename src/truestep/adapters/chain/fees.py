"""What a transaction offers for its gas (EIP-1559), and how much more when it is stuck."""

from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected

GWEI = 10**9
REPLACEMENT_BPS = 12_500
"""Nodes replace a pending transaction for 10 % more (geth's price bump); a little on top for rounding."""
BPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPolicy:
    """How an account sends."""

    fee_cap_wei: int = 500 * GWEI
    """Never offer more for a unit of gas."""
    tip_cap_wei: int = 3 * GWEI
    confirmations: int = 1
    """Blocks on a transaction, its own included, before its outcome is final for us."""
    bump_after_seconds: float = 30.0
    rebroadcast_after_seconds: float = 10.0
    nonce_grace_seconds: float = 60.0
    """A receipt may be late; only after so long do we believe that a foreign transaction used our nonce."""
    poll_seconds: float = 0.25
    gas_headroom_bps: int = 12_500
    """The state may change between the estimate and the block: a quarter more than estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Fees of one signed form, in wei for a unit of gas."""

    fee_cap_wei: int
    tip_wei: int


def first_offer(base_fee_wei: int, suggested_tip_wei: int, policy: TransactionPolicy) -> Offer:
    """Room for the base fee to double, within the cap. Raises `Rejected` if the cap is below the base fee."""
    tip_wei = min(suggested_tip_wei, policy.tip_cap_wei, policy.fee_cap_wei)
    if base_fee_wei + tip_wei > policy.fee_cap_wei:
        raise Rejected(
            Reject.FEE_ABOVE_CAP,
            f"gas costs {base_fee_wei + tip_wei} wei now, the cap is {policy.fee_cap_wei};"
            " wait, or raise the cap",
        )
    return Offer(fee_cap_wei=min(2 * base_fee_wei + tip_wei, policy.fee_cap_wei), tip_wei=tip_wei)


def higher_offer(offer: Offer, base_fee_wei: int, policy: TransactionPolicy) -> Offer | None:
    """The least offer that replaces `offer` and fits the present base fee; None if the cap forbids it."""
    tip_wei = _raised(offer.tip_wei)
    fee_cap_wei = max(_raised(offer.fee_cap_wei), min(2 * base_fee_wei + tip_wei, policy.fee_cap_wei))
    return Offer(fee_cap_wei=fee_cap_wei, tip_wei=tip_wei) if fee_cap_wei <= policy.fee_cap_wei else None


def _raised(fee_wei: int) -> int:
    return fee_wei * REPLACEMENT_BPS // BPS + 1
