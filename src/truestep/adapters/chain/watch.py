"""Watches landed transactions until no reorganisation can undo them."""

import threading
import time
from dataclasses import dataclass, replace

from truestep.adapters.chain.account_node import AccountNode, Block, Receipt
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.journal import Entry, Journal
from truestep.ports.chain import Outcome

SHORT_CHAIN_SECONDS = 60.0
"""A chain that stays shorter than before for this long has lost blocks; before that, the node may lag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A landed transaction whose block is gone; it has a `receipt` if another block has it."""

    entry: Entry
    receipt: Receipt | None


class Watch:
    """Finds landed entries whose block left the chain. Needs one request per new block in quiet times."""

    def __init__(self, node: AccountNode, journal: Journal, policy: TransactionPolicy) -> None:
        self._node = node
        self._journal = journal
        self._policy = policy
        self._lock = threading.Lock()
        self._checked: Block | None = None
        """The newest block as of which all landed entries were found in their blocks."""
        self._found: dict[str, str] = {}
        """The block in which each of them was found."""
        self._heads: dict[int, str] = {}
        """The newest blocks seen, by number."""
        self._short_since_seconds: float | None = None

    def moved(self, head: Block) -> list[Moved]:
        """The entries whose block is no longer part of the chain that ends in `head`."""
        self._journal.archive(self._deep(head))
        landed = self._journal.landed()
        due = self._new(landed) if self._is_extended(head) else landed
        if not due:
            self._mark(head, landed, due, due)
            return []
        heights = sorted({height for each in due if (height := each.block_number or 0) <= head.number})
        hashes = self._node.block_hashes(heights)
        is_short = self._is_short(head, landed, hashes)
        suspects = [each for each in due if _is_elsewhere(each, hashes, is_short=is_short)]
        moved = [Moved(entry=each, receipt=self._node.receipt(each.hashes)) for each in suspects]
        shown = [each for each in due if hashes.get(each.block_number or 0)]
        self._mark(head, landed, due, shown)
        return moved

    def is_gone(self, entry: Entry) -> bool:
        """Whether the chain has another block in place of an entry's, for a caller that must know now.

        A block or receipt that is not there proves nothing: the node may lag behind the one that had it.
        """
        height = entry.block_number or 0
        found = self._node.block_hashes([height])[height]
        is_replaced = found is not None and found != entry.block_hash
        return is_replaced and self._node.receipt(entry.hashes) is None

    def _deep(self, head: Block) -> list[Entry]:
        """The entries that are final, including intents that were given up."""
        depth = self._policy.watch_depth
        return [
            each
            for each in self._journal.live()
            if not each.is_pending and (each.block_number is None or head.number - each.block_number >= depth)
        ]

    def _is_extended(self, head: Block) -> bool:
        """Whether the chain has only grown since the last check."""
        with self._lock:
            checked = self._checked
        if checked is None or head.number < checked.number:
            return False
        if checked.hash in (head.hash, head.parent_hash):
            return True
        return self._node.block_hashes([checked.number])[checked.number] == checked.hash

    def _is_short(self, head: Block, landed: list[Entry], hashes: dict[int, str | None]) -> bool:
        """Whether the chain lost the blocks above `head`. A node that only lags shows the same blocks below.

        If no block below is known, only a chain that stays short for a long time has lost blocks.
        """
        now = time.monotonic()
        if any(hashes.get(each.block_number or 0) not in (None, each.block_hash) for each in landed):
            return True
        with self._lock:
            if all((each.block_number or 0) <= head.number for each in landed):
                self._short_since_seconds = None
            elif self._short_since_seconds is None:
                self._short_since_seconds = now
            since = self._short_since_seconds
            seen = self._heads.get(head.number), self._heads.get(head.number - 1)
        is_other_past = seen[0] not in (None, head.hash) or seen[1] not in (None, head.parent_hash)
        return is_other_past or (since is not None and now - since >= SHORT_CHAIN_SECONDS)

    def _new(self, landed: list[Entry]) -> list[Entry]:
        """Those that were never found in their blocks."""
        with self._lock:
            return [each for each in landed if self._found.get(each.intent) != each.block_hash]

    def _mark(self, head: Block, landed: list[Entry], due: list[Entry], shown: list[Entry]) -> None:
        """Remember up to which block the chain was checked; a lagging node shows only a part of it."""
        with self._lock:
            kept = {each.intent for each in landed}
            self._found = {intent: found for intent, found in self._found.items() if intent in kept}
            self._found |= {each.intent: each.block_hash for each in shown}
            if not all((each.block_number or 0) <= head.number for each in landed):
                return
            self._short_since_seconds = None
            if len(shown) == len(due):
                self._checked = head
                self._heads[head.number] = head.hash
                while len(self._heads) > self._policy.watch_depth:
                    del self._heads[min(self._heads)]


def _is_elsewhere(entry: Entry, hashes: dict[int, str | None], *, is_short: bool) -> bool:
    height = entry.block_number or 0
    if height not in hashes:
        return is_short
    found = hashes[height]
    return found is not None and found != entry.block_hash


def finished(entry: Entry, receipt: Receipt, reason: str) -> Entry:
    """The entry with its outcome."""
    return replace(
        entry,
        outcome=Outcome.CONFIRMED if receipt.has_succeeded else Outcome.REVERTED,
        landed_hash=receipt.transaction_hash,
        block_number=receipt.block_number,
        block_hash=receipt.block_hash,
        gas_used=receipt.gas_used,
        gas_price_wei=receipt.gas_price_wei,
        reason=reason,
        contract=receipt.contract,
    )
