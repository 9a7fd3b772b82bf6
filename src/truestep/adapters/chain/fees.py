"""The fees that a transaction offers (EIP-1559), and how they are raised when it is stuck."""

from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected

GWEI = 10**9
BPS = 10_000
REPLACEMENT_BPS = 12_500
"""A stuck transaction is replaced by one with a quarter more."""
REPLACEMENT_MIN_BPS = 11_000
"""Nodes replace a pending transaction only for at least 10 % more in both fields (geth's price bump)."""
URGENT_FACTOR = 4
"""A missed move costs a bond, which is worth more than the most expensive gas of one transaction."""
TRUSTED_TIP_WEI = 3 * GWEI
"""Suggested tips up to this are believed; higher ones only if the last blocks paid such tips."""
DEFAULT_TIP_WEI = GWEI
"""The tip if the node neither suggests one nor knows what was paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPolicy:
    """How an account sends transactions."""

    fee_cap_wei: int = 500 * GWEI
    """The highest fee per unit of gas: `--max-fee`."""
    urgent_fee_cap_wei: int | None = None
    """The same for moves with a running clock: `--max-fee-urgent`. None means URGENT_FACTOR times as much."""
    tip_cap_wei: int = 40 * GWEI
    """The highest tip per unit of gas: `--max-tip`. Polygon accepts nothing below 25 gwei."""
    blob_fee_cap_wei: int = 100 * GWEI
    """The highest fee per unit of blob gas: `--max-blob-fee`. At it, a blob costs 0.013 coins.

    With a running clock URGENT_FACTOR times as much: a blob that is not published costs a share.
    """
    confirmations: int = 1
    """Blocks from a transaction's own to the newest after which its outcome is reported."""
    watch_depth: int = 64
    """Blocks for which a landed transaction is watched: two epochs of Ethereum, after which it is final."""
    foreign_depth: int = 12
    """Blocks on top of a foreign transaction before an intent that must not be done twice loses its nonce."""
    bump_after_seconds: float = 30.0
    rebroadcast_after_seconds: float = 10.0
    receipt_after_seconds: float = 2.0
    """Interval at which receipts are asked for while no new block comes: their index may lag."""
    watch_after_seconds: float = 6.0
    """Interval at which the newest block is checked for reorganisations when nothing is pending."""
    late_after_seconds: float = 30.0
    """Time without a receipt after which a transaction is reported: more than two blocks of Ethereum."""
    nonce_grace_seconds: float = 10.0
    """Time before looking up who used our nonce: receipts may be late."""
    hole_grace_seconds: float = 15.0
    """Age of a hole in our nonces before it is filled, because the counts of a lagging node are low."""
    market_seconds: float = 2.0
    """Time for which a base fee and tip are used for further sends."""
    broadcast_wait_seconds: float = 2.0
    """Time to wait for a broadcast. A longer one goes on in the background: nothing waits for a node."""
    poll_seconds: float = 0.25
    gas_headroom_bps: int = 12_500
    """A quarter more gas than estimated, because the state may change between the estimate and the block."""

    def cap_wei(self, *, is_urgent: bool) -> int:
        """The highest fee per unit of gas."""
        if not is_urgent:
            return self.fee_cap_wei
        urgent_wei = self.urgent_fee_cap_wei
        return self.fee_cap_wei * URGENT_FACTOR if urgent_wei is None else max(urgent_wei, self.fee_cap_wei)

    def blob_cap_wei(self, *, is_urgent: bool) -> int:
        """The highest fee per unit of blob gas."""
        return self.blob_fee_cap_wei * (URGENT_FACTOR if is_urgent else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The fees of one signed form, in wei per unit of gas."""

    fee_cap_wei: int
    tip_wei: int
    blob_fee_cap_wei: int = 0
    """Per unit of blob gas; 0 without blobs."""


def believed_tip(suggested_wei: int | None, paid_wei: int | None) -> int:
    """A tip, from the one that the node suggests and the one that the last blocks paid; None if unknown."""
    if suggested_wei is None:
        return DEFAULT_TIP_WEI if paid_wei is None else paid_wei
    if suggested_wei <= TRUSTED_TIP_WEI:
        return suggested_wei
    return min(suggested_wei, max(2 * (paid_wei or 0), TRUSTED_TIP_WEI))


def first_offer(
    base_fee_wei: int,
    suggested_tip_wei: int,
    policy: TransactionPolicy,
    *,
    is_urgent: bool = False,
    blob_price_wei: int | None = None,
) -> Offer:
    """An offer that lets the base fee double, within the cap. Raises `Rejected` above a cap.

    `blob_price_wei` is what a unit of blob gas costs now; None without blobs.
    """
    cap_wei = policy.cap_wei(is_urgent=is_urgent)
    tip_wei = min(suggested_tip_wei, policy.tip_cap_wei, cap_wei)
    if base_fee_wei + tip_wei > cap_wei:
        raise Rejected(Reject.FEE_ABOVE_CAP, above_cap(base_fee_wei + tip_wei, cap_wei, is_urgent=is_urgent))
    fee_cap_wei = min(2 * base_fee_wei + tip_wei, cap_wei)
    if blob_price_wei is None:
        return Offer(fee_cap_wei=fee_cap_wei, tip_wei=tip_wei)
    blob_cap_wei = policy.blob_cap_wei(is_urgent=is_urgent)
    if blob_price_wei > blob_cap_wei:
        raise Rejected(Reject.FEE_ABOVE_CAP, blobs_above_cap(blob_price_wei, blob_cap_wei, policy))
    blob_fee_cap_wei = min(_blob_fee_wei(blob_price_wei), blob_cap_wei)
    return Offer(fee_cap_wei=fee_cap_wei, tip_wei=tip_wei, blob_fee_cap_wei=blob_fee_cap_wei)


def above_cap(price_wei: int, cap_wei: int, *, is_urgent: bool) -> str:
    """The refusal if gas costs more than the cap."""
    option = "--max-fee-urgent" if is_urgent else "--max-fee"
    return (
        f"gas costs {_gwei(price_wei)} gwei now, the cap is {_gwei(cap_wei)} gwei; wait until it is cheaper,"
        f" or raise the cap with {option} {_gwei(2 * price_wei)}gwei"
    )


def blobs_above_cap(price_wei: int, cap_wei: int, policy: TransactionPolicy) -> str:
    """The refusal if blob gas costs more than its cap, which may be that of a running clock."""
    option_wei = -(-2 * price_wei * policy.blob_fee_cap_wei // cap_wei)
    return (
        f"blob gas costs {_gwei(price_wei)} gwei now, its cap is {_gwei(cap_wei)} gwei; wait until it is"
        f" cheaper, or raise the cap with --max-blob-fee {_gwei(option_wei)}gwei"
    )


BLOB_HEADROOM = 4
"""Blob gas rises by an eighth a block at most: an offer of so much lasts for eleven full blocks."""
LEAST_BLOB_FEE_WEI = GWEI
"""Offered in any case. Only the price is paid, and an offer that is too low costs a doubled tip."""
BLOB_REPLACEMENT_BPS = 2 * BPS
"""Nodes keep a blob transaction unless all its fees are doubled."""


def higher_offer(
    offer: Offer,
    base_fee_wei: int,
    policy: TransactionPolicy,
    *,
    suggested_tip_wei: int = 0,
    is_urgent: bool = False,
    blob_price_wei: int | None = None,
) -> Offer | None:
    """An offer that replaces `offer` and suits the current fees; None if the caps forbid one."""
    cap_wei, is_blob = policy.cap_wei(is_urgent=is_urgent), blob_price_wei is not None
    raised_bps = BLOB_REPLACEMENT_BPS if is_blob else REPLACEMENT_BPS
    least_bps = BLOB_REPLACEMENT_BPS - 1 if is_blob else REPLACEMENT_MIN_BPS
    tip_wei = min(max(_raised(offer.tip_wei, raised_bps), suggested_tip_wei), policy.tip_cap_wei)
    fee_cap_wei = min(max(_raised(offer.fee_cap_wei, raised_bps), 2 * base_fee_wei + tip_wei), cap_wei)
    blob_fee_cap_wei = 0
    if blob_price_wei is not None:
        wanted_wei = max(_raised(offer.blob_fee_cap_wei, raised_bps), _blob_fee_wei(blob_price_wei))
        blob_fee_cap_wei = min(wanted_wei, policy.blob_cap_wei(is_urgent=is_urgent))
    fees_wei = [(tip_wei, offer.tip_wei), (fee_cap_wei, offer.fee_cap_wei)]
    fees_wei += [(blob_fee_cap_wei, offer.blob_fee_cap_wei)] if is_blob else []
    if not all(new_wei * BPS > old_wei * least_bps for new_wei, old_wei in fees_wei):
        return None
    return Offer(
        fee_cap_wei=fee_cap_wei, tip_wei=min(tip_wei, fee_cap_wei), blob_fee_cap_wei=blob_fee_cap_wei
    )


def _blob_fee_wei(price_wei: int) -> int:
    return max(BLOB_HEADROOM * price_wei, LEAST_BLOB_FEE_WEI)


def _raised(fee_wei: int, raised_bps: int) -> int:
    return fee_wei * raised_bps // BPS + 1


def _gwei(amount_wei: int) -> str:
    return f"{amount_wei / GWEI:.9f}".rstrip("0").rstrip(".")
