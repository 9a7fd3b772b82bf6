"""Collects the deletion receipts of an item from the keepers that have signed for it, and checks each."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.deletion import DeletionReceipt, check_deletion
from truestep.availability.cells import seat_cells
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.protocol.availability.history import Holder, ItemHistory

AHEAD_SECONDS = 600
"""By which the node of a keeper may be ahead."""


class Deleted(StrEnum):
    """What a holder has signed."""

    ALL = "all"
    SOME = "some"
    NOTHING = "nothing"
    UNKNOWN = "unknown"
    """It cannot be asked."""
    WRONG = "wrong"
    """It gives something that is no receipt of its own about this item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderReceipts:
    """What one holder has signed about its seat."""

    holder: Holder
    deleted: Deleted
    receipts: tuple[DeletionReceipt, ...] = ()
    """Those that are right."""
    left: tuple[int, ...] = ()
    """Cells of its seat that no receipt names: it may keep them for another item with the same content."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Knows at which contract an item is, and whether keepers may serve at private addresses."""

    chain_id: int
    items: Address
    may_be_private: bool
    now: int
    """The time of the chain's newest block: whoever says when cells will be gone has deleted nothing yet."""

    def collected(self, history: ItemHistory) -> list[HolderReceipts]:
        """What each holder of an item has signed, in the order of seats."""
        return asyncio.run(self._collected(history))

    async def _collected(self, history: ItemHistory) -> list[HolderReceipts]:
        urls = dict.fromkeys(holder.url for holder in history.holders)
        answers = dict(
            zip(urls, await asyncio.gather(*(self._asked(url, history) for url in urls)), strict=True)
        )
        return [self._judged(history, holder, answers) for holder in history.holders]

    async def _asked(self, url: str, history: ItemHistory) -> tuple[DeletionReceipt, ...] | Exception:
        try:
            client = KeeperClient(url, is_stranger=not self.may_be_private)
        except ValueError as error:
            return Unavailable(str(error))
        try:
            return await client.deletions(history.registered.item_id)
        except (Rejected, Unavailable) as error:
            return error
        finally:
            await client.close()

    def _judged(
        self,
        history: ItemHistory,
        holder: Holder,
        answers: Mapping[str, tuple[DeletionReceipt, ...] | Exception],
    ) -> HolderReceipts:
        answer = answers[holder.url]
        if isinstance(answer, Exception):
            is_wrong = isinstance(answer, Rejected)
            deleted = Deleted.WRONG if is_wrong else Deleted.UNKNOWN
            return HolderReceipts(holder=holder, deleted=deleted, why=str(answer))
        own = [each for each in answer if each.holder.lower() == holder.account.lower()]
        try:
            for each in own:
                self._check(history, holder, each)
        except Rejected as error:
            return HolderReceipts(holder=holder, deleted=Deleted.WRONG, why=str(error))
        return _counted(history, holder, own)

    def _check(self, history: ItemHistory, holder: Holder, receipt: DeletionReceipt) -> None:
        """Refuse one that its holder has not signed, or that is about something else."""
        check_deletion(receipt)
        expected = (self.chain_id, self.items.lower(), history.registered.item_id, history.name.hex())
        found = (receipt.chain_id, receipt.items.lower(), receipt.item_id, receipt.item_name)
        for name, one, other in zip(("chain", "contract", "item", "content"), expected, found, strict=True):
            if one != other:
                raise Rejected(
                    Reject.DELETION_OTHER, f"expected {name} {one}, {holder.url} gives a receipt of {other}"
                )
        if receipt.deleted_at > self.now + AHEAD_SECONDS:
            raise Rejected(
                Reject.DELETION_OTHER,
                f"expected a receipt of what is gone, {holder.url} gives one of second"
                f" {receipt.deleted_at} of the chain, which is yet to come",
            )


def _counted(history: ItemHistory, holder: Holder, own: Sequence[DeletionReceipt]) -> HolderReceipts:
    """What receipts say about a holder's seat; what is older than its seat does not count."""
    seat = seat_cells(holder.seat, history.registered.record.seat_count)
    later = [
        each for each in own if each.deleted_at >= holder.acknowledged_at and set(each.cells) & set(seat)
    ]
    gone = {cell for each in later for cell in each.cells}
    left = tuple(cell for cell in seat if cell not in gone)
    deleted = Deleted.NOTHING if not later else Deleted.SOME if left else Deleted.ALL
    return HolderReceipts(holder=holder, deleted=deleted, receipts=tuple(later), left=left)
