"""Finds and fills unused nonces, because every transaction after one would wait forever."""

import time

from truestep.adapters.chain.account_node import AccountNode, Block
from truestep.adapters.chain.alarms import Alarms
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.journal import Entry, Journal
from truestep.adapters.chain.market import Market
from truestep.adapters.chain.signing import Signing
from truestep.base.errors import Rejected
from truestep.base.ids import Address

FILL_PREFIX = "nonce/"
"""The prefix of intents that only use up a nonce: empty transfers to the account itself."""
FILLS_LIMIT = 16
"""Holes filled at the same time; the others wait for the next check."""


class Holes:
    """Finds holes among an account's nonces and makes the transactions that fill them."""

    def __init__(
        self,
        account: Address,
        node: AccountNode,
        journal: Journal,
        market: Market,
        signing: Signing,
        alarms: Alarms,
        policy: TransactionPolicy,
    ) -> None:
        self._account = account
        self._node = node
        self._journal = journal
        self._market = market
        self._signing = signing
        self._alarms = alarms
        self._policy = policy
        self._since_seconds: dict[int, float] = {}

    def fill(self, used: int, head: Block) -> list[Entry]:
        """The transactions to send, already journaled; none for holes that pending sends will fill."""
        ripe = self._ripe(used)
        if not ripe:
            return []
        pending_count = self._node.count("pending")
        fills = (self._fill(nonce, head) for nonce in ripe if nonce >= pending_count)
        return [entry for entry in fills if entry is not None]

    def _ripe(self, used: int) -> list[int]:
        """Holes that lasted. (A lagging node gives low counts.)"""
        live = self._journal.live()
        taken = {entry.nonce for entry in live}
        end = min((entry.nonce for entry in live if entry.is_pending), default=0)
        holes = [nonce for nonce in range(used, end) if nonce not in taken][:FILLS_LIMIT]
        now = time.monotonic()
        self._since_seconds = {nonce: self._since_seconds.get(nonce, now) for nonce in holes}
        since = self._since_seconds
        return [nonce for nonce in holes if now - since[nonce] >= self._policy.hole_grace_seconds]

    def _fill(self, nonce: int, head: Block) -> Entry | None:
        intent = f"{FILL_PREFIX}{nonce}/{head.number}"
        message = Message(to=self._account, payload=b"")
        try:
            offer, block = self._market.first_offer(is_urgent=True)
            means = self._market.means(message, offer, block)
        except Rejected as error:
            self._alarms.tell(intent, str(error))
            return None
        draft = Entry(
            intent=intent,
            nonce=nonce,
            to=message.to,
            payload="",
            value_wei=0,
            gas_limit=means.gas_limit,
            attempts=(),
            signed_block=block.number,
            is_urgent=True,
            is_once=True,
        )
        with self._journal.lock:
            if any(entry.nonce == nonce for entry in self._journal.live()):
                return None
            entry = self._signing.signed(draft, offer)
            self._journal.add(entry)
        self._alarms.say(
            f"nonce {nonce} of {self._account} is missing, and everything after it waits; filling it with an"
            " empty transfer to itself. Another program with the same key, or a deep reorganisation, left it"
        )
        return entry
