"""Has an item kept for longer: no item can last longer, so another one holds the same bytes (A3.1)."""

import asyncio
from collections.abc import Sequence

from truestep.adapters.blobs.addresses import kzg_name, manifest_name
from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.fetching import ItemFetcher, first_manifest
from truestep.adapters.keepers.publishing import check_served
from truestep.adapters.keepers.standing import Blame
from truestep.availability.manifest import Manifest
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.text import counted
from truestep.base.units import duration
from truestep.client.costs import Costs, refuse_poor
from truestep.client.item_terms import last_second, moment
from truestep.client.keeping import (
    DAY_SECONDS,
    DURATION_LIMIT_SECONDS,
    Keeping,
    KeepingTerms,
    KeepingWorld,
    Tell,
    own_items,
)
from truestep.client.sending import finish_pending
from truestep.client.supplies import Availability
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId
from truestep.roles.availability.delivery import KEEPERS_GAS


class Extender:
    """Has the bytes of items kept for longer. Begun again after an interruption, it goes on where it was."""

    def __init__(self, world: KeepingWorld, terms: KeepingTerms, tell: Tell, leave_behind: Tell) -> None:
        """`terms` say how long from now, and from where keepers fetch."""
        self._world = world
        self._chain = world.chain
        self._terms = terms
        self._tell = tell
        self._keeping = Keeping(world, terms, tell, Availability.KEEPERS, leave_behind)

    def extend(self, item_id: ItemId, keep_seconds: int) -> ItemId:
        """The item that holds the same bytes for so long from now, once it is kept.

        Raises Rejected if the item has no keepers or lasts longer already, or if keepers do not take the new
        one; Unavailable if its bytes cannot be had.
        """
        finish_pending(self._chain, "item:")
        item = self._known(item_id)
        until = self._last_second(item, keep_seconds)
        found = self._begun(item, until)
        if found is None:
            seats = self._keeping.seats(1)
            self._refuse_poor(item, seats, until)
            manifest = self._stored(item)
            self._keeping.register(manifest, f"the bytes of item {item_id}", seats, until, "as was asked for")
            found = self._begun(item, until)
        if found is None:
            raise Unavailable("the item was registered and is gone from the node's events; try another node")
        self._keeping.wait([found.item_id])
        return found.item_id

    # --- what there is ------------------------------------------------------------------------------------

    def _known(self, item_id: ItemId) -> KnownItem:
        item = self._chain.facts().data.items.get(item_id)
        if item is None:
            raise Rejected(
                Reject.DATA_NOT_KEPT,
                f"the chain has no item {item_id}, or it is over and its keepers may have dropped it. If you"
                " have the bytes, have them kept anew: submit or supply a job with --availability keepers",
            )
        if item.is_written:
            raise Rejected(
                Reject.DATA_END,
                f"item {item_id} is in calldata, which stays for ever: it needs no longer time",
            )
        if not item.record.seat_count:
            raise Rejected(
                Reject.DATA_END,
                f"item {item_id} is in blobs of a transaction, which no keeper has: the chain's nodes keep"
                f" them for some 18 days. To keep the bytes, read them now with `truestep fetch {item_id}`",
            )
        if item.state is not ItemState.KEPT:
            raise Rejected(
                Reject.DATA_NOT_KEPT,
                f"expected an item that is kept, item {item_id} is {item.state.name.lower()}",
            )
        return item

    def _last_second(self, item: KnownItem, keep_seconds: int) -> int:
        now = self._chain.head().time_seconds
        left_seconds = item.record.until - now
        if keep_seconds <= left_seconds:
            raise Rejected(
                Reject.DATA_END,
                f"item {item.item_id} is kept until {moment(item.record.until)} already: expected a longer"
                " time"
                f" from now than {duration(left_seconds)}, got {duration(keep_seconds)}",
            )
        return last_second(now, keep_seconds, least_seconds=1, most_seconds=DURATION_LIMIT_SECONDS)

    def _begun(self, item: KnownItem, until: int) -> KnownItem | None:
        """An item of this account that holds the same until about then, and is kept or may come to be."""
        facts, now = self._chain.facts().data, self._chain.head().time_seconds
        fitting = (
            each
            for each in own_items(facts, self._chain.account)
            if each.name == item.name
            and each.item_id != item.item_id
            and each.record.until >= until - DAY_SECONDS
            and (each.state is ItemState.KEPT or self._keeping.is_hopeful(each, now))
        )
        return max(fitting, key=lambda each: each.record.until, default=None)

    def _refuse_poor(self, item: KnownItem, seats: int, until: int) -> None:
        seconds = until - self._chain.head().time_seconds
        fees_wei = seats * self._keeping.fee_wei(item.record.blob_count, seconds)
        bond_wei = self._world.rules.registrant_bond_wei
        sent_wei = (("of a bond, which comes back", bond_wei), ("of fees for its keepers", fees_wei))
        refuse_poor(self._chain, Costs(sent_wei=sent_wei, gas=KEEPERS_GAS), f"extend item {item.item_id}")

    # --- its bytes ----------------------------------------------------------------------------------------

    def _stored(self, item: KnownItem) -> Manifest:
        """The item's manifest. Its blobs are then where its new keepers look."""
        return asyncio.run(self._fetched(item, self._chain.facts().data.urls_of(item)))

    async def _fetched(self, item: KnownItem, urls: Sequence[str]) -> Manifest:
        clients = self._clients(urls)
        try:
            manifest = await self._stored_manifest(item) or await first_manifest(item.name, clients)
            if manifest is None:
                raise Unavailable(
                    f"none of the {counted(len(clients), 'keeper')} of item {item.item_id} gives its"
                    " manifest;"
                    " try again, or see with `truestep sample` which of them answer"
                )
            if await asyncio.to_thread(self._is_served, manifest):
                return manifest
            await self._copy(manifest, clients)
            return manifest
        finally:
            for client in clients:
                await client.close()

    async def _stored_manifest(self, item: KnownItem) -> Manifest | None:
        """From the own store, or that of the item's registrant."""
        for client in self._clients([self._terms.url, item.url]):
            try:
                found = await client.stored_manifest(item.name)
            except (Rejected, Unavailable):  # keepers have it too
                found = None
            finally:
                await client.close()
            if found is not None:
                return found
        return None

    def _clients(self, urls: Sequence[str]) -> list[KeeperClient]:
        found: list[KeeperClient] = []
        for url in dict.fromkeys(urls):
            try:
                found.append(KeeperClient(url, is_stranger=not self._world.may_be_private))
            except ValueError:  # a stranger's URL may be anything
                self._tell(f"{url!r} is no URL of a keeper, and is not asked")
        return found

    def _is_served(self, manifest: Manifest) -> bool:
        try:
            check_served(self._terms.url, manifest, may_be_private=self._world.may_be_private)
        except Unavailable:
            return False
        return True

    async def _copy(self, manifest: Manifest, clients: Sequence[KeeperClient]) -> None:
        """From the item's keepers to the store."""
        hashes, total = manifest.versioned_hashes, len(manifest.versioned_hashes)
        done = 0
        async with ItemFetcher(manifest, self._world.kzg, clients, self._blame) as fetcher:
            async for number, blob in fetcher.blobs(range(total)):
                await asyncio.to_thread(self._world.blobs.put_named, kzg_name(hashes[number]), blob)
                done += 1
                if done == total or done % -(-total // 10) == 0:
                    self._tell(f"copied {done:,} of {counted(total, 'blob')} from its keepers to the store")
        body = manifest.to_json().encode()
        await asyncio.to_thread(self._world.blobs.put_named, manifest_name(manifest.name), body)

    def _blame(self, blame: Blame) -> None:
        self._tell(f"{blame.keeper} is not asked again: {blame.reason}")
