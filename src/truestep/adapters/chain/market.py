"""The current price of gas, and the gas that a message needs."""

import threading
import time
from dataclasses import dataclass

from truestep.adapters.chain.account_node import AccountNode, Block, given
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.fees import (
    BPS,
    TRUSTED_TIP_WEI,
    Offer,
    TransactionPolicy,
    believed_tip,
    first_offer,
)
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.base.units import coins, coins_or_more
from truestep.commitments.kzg import BLOB_SIZE_BYTES

TRANSACTION_GAS_LIMIT = 2**24
"""The gas limit of a transaction (EIP-7825)."""
PLAIN_GAS = 21_000
CREATION_GAS = 32_000
BYTE_GAS = 16
ZERO_BYTE_GAS = 4
"""EIP-2028. The gas of a transaction before its first instruction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The newest block, and the tip to offer."""

    block: Block
    tip_wei: int
    asked_at_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the node says before a send, in one request."""

    gas_limit: int
    used_count: int
    """Nonces used, including the node's pending transactions."""


class Market:
    """Asks for prices and keeps them for a moment. For any thread."""

    def __init__(self, node: AccountNode, account: Address, policy: TransactionPolicy) -> None:
        self._node = node
        self._account = account
        self._policy = policy
        self._lock = threading.Lock()
        self._kept: Prices | None = None

    def prices(self, *, is_fresh: bool = False) -> Prices:
        """The prices now, or a moment ago."""
        with self._lock:
            kept = self._kept
        is_young = kept and time.monotonic() - kept.asked_at_seconds < self._policy.market_seconds
        if kept is not None and is_young and not is_fresh:
            return kept
        block, suggested_wei = self._node.market()
        is_doubtful = suggested_wei is None or suggested_wei > TRUSTED_TIP_WEI
        paid_wei = self._node.paid_tip_wei() if is_doubtful else None
        prices = Prices(
            block=block,
            tip_wei=believed_tip(suggested_wei, paid_wei),
            asked_at_seconds=time.monotonic(),
        )
        with self._lock:
            self._kept = prices
        return prices

    def blob_price_wei(self, block: Block) -> int:
        """What a unit of blob gas costs now; as much as gas if the node does not say it."""
        found = self._node.blob_price_wei()
        return min(block.base_fee_wei, self._policy.blob_fee_cap_wei) if found is None else found

    def first_offer(self, *, is_urgent: bool, has_blobs: bool = False) -> tuple[Offer, Block]:
        """The offer of a new transaction. Raises `Rejected` only if a current price is above its cap."""
        try:
            return self._offer(self.prices(), is_urgent=is_urgent, has_blobs=has_blobs)
        except Rejected:
            return self._offer(self.prices(is_fresh=True), is_urgent=is_urgent, has_blobs=has_blobs)

    def _offer(self, prices: Prices, *, is_urgent: bool, has_blobs: bool) -> tuple[Offer, Block]:
        block = prices.block
        offer = first_offer(
            block.base_fee_wei,
            prices.tip_wei,
            self._policy,
            is_urgent=is_urgent,
            blob_price_wei=self.blob_price_wei(block) if has_blobs else None,
        )
        return offer, block

    def means(self, message: Message, offer: Offer, block: Block) -> Means:
        """The gas limit and used nonces. This is also the trial that shows whether the contract would refuse.

        Raises `Rejected` if it would, or if the account is short of coins.
        """
        balance, count, estimate = self._node.ask_all(
            [
                self._node.balance_question(),
                self._node.count_question("pending"),
                self._node.estimate_question(message),
            ]
        )
        have_wei = given(balance)
        self._check_funds(have_wei, message.value_wei)
        gas_limit = self._gas_limit(message, given(estimate), block)
        gas_wei = gas_limit * offer.fee_cap_wei
        gas_wei += len(message.blobs) * BLOB_SIZE_BYTES * offer.blob_fee_cap_wei
        self._check_funds(have_wei, message.value_wei, gas_wei)
        return Means(gas_limit=gas_limit, used_count=given(count))

    def _gas_limit(self, message: Message, estimate: int, block: Block) -> int:
        """The estimate with headroom. An impossible estimate is the node's fault."""
        least, most = least_gas(message), min(TRANSACTION_GAS_LIMIT, block.gas_limit)
        if not least <= estimate <= most:
            raise Unavailable(
                f"the node estimates {estimate} gas for a transaction that takes at least {least} and may ask"
                f" for at most {most} (EIP-7825, or the block's limit); try another node"
            )
        return min(estimate * self._policy.gas_headroom_bps // BPS, most)

    def _check_funds(self, have_wei: int, value_wei: int, gas_wei: int | None = None) -> None:
        """Raise `Rejected` if the account is short. Without `gas_wei`: of what it sends, gas not counted."""
        need_wei = value_wei + (gas_wei or 0)
        if have_wei >= need_wei:
            return
        parts = "to send, gas not counted" if gas_wei is None else _parts(value_wei, gas_wei)
        more = "more, and coins for gas" if gas_wei is None else "more"
        raise Rejected(
            Reject.FUNDS_TOO_LOW,
            f"{self._account} has {coins(have_wei)} and needs {coins(need_wei)} {parts}; send it at least"
            f" {coins_or_more(need_wei - have_wei)} {more}",
        )


def _parts(value_wei: int, gas_wei: int) -> str:
    return f"({coins(value_wei)} to send, up to {coins(gas_wei)} for gas)"


def least_gas(message: Message) -> int:
    """The gas of a message before its first instruction."""
    zeros = message.payload.count(0)
    payload_gas = zeros * ZERO_BYTE_GAS + (len(message.payload) - zeros) * BYTE_GAS
    return PLAIN_GAS + payload_gas + (CREATION_GAS if message.to is None else 0)
