"""A keeper's hands: fetches items, checks them, stores their cells, and computes what answers challenges."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from truestep.adapters.blobs.background import run_in_background
from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.fetching import ItemFetcher, first_manifest
from truestep.adapters.keepers.nodes import nodes_below
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.keepers.standing import Blame
from truestep.adapters.keepers.wire import CellPlace
from truestep.adapters.keepers.workers import KzgProcesses
from truestep.availability.cells import seat_cells
from truestep.availability.checking import ItemCheck
from truestep.availability.manifest import Manifest, parse_manifest
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import CELLS_TO_RECOVER, Kzg, element_point, versioned_hash
from truestep.engine.hashing import hash_many_pairs
from truestep.ports.cells import RunKey
from truestep.ports.executor import ShouldStop
from truestep.ports.reporter import Reporter
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ChallengeKind, part_of_demand, unpack_challenge
from truestep.roles.keeper import Answer, BlobAnswer, ElementAnswer, NodesAnswer, Place, Question

AHEAD_BLOBS = 8
"""Blobs that are fetched while one is checked: a megabyte."""


class KeeperHands:
    """Satisfies `truestep.ports.keeping.Hands`, for any thread."""

    def __init__(
        self, shelf: Shelf, kzg: Kzg, processes: KzgProcesses, reporter: Reporter, *, may_be_private: bool
    ) -> None:
        """`may_be_private`: registrants and keepers may serve at private addresses, as on a devnet."""
        self._shelf = shelf
        self._kzg = kzg
        self._processes = processes
        self._reporter = reporter
        self._may_be_private = may_be_private

    def keep(self, place: Place, urls: Sequence[str], should_stop: ShouldStop) -> None:
        """Fetch, check and store. What is stored already is not stored again."""
        run_in_background(lambda: self._keep(place, urls), should_stop)

    def answer(
        self, item: KnownItem, question: Question, asked: object, urls: Sequence[str], should_stop: ShouldStop
    ) -> Answer:
        """What answers a challenge or a demand."""
        return run_in_background(lambda: self._answer(item, question, asked, urls), should_stop)

    def runs(self) -> Mapping[tuple[Bytes32, int], int]:
        """How many blobs of each run are there."""
        return self._shelf.runs()

    def forget(self, name: Bytes32, first_cell: int) -> None:
        """Drop a run."""
        self._shelf.drop_run(name, first_cell)

    # --- an item ------------------------------------------------------------------------------------------

    async def _keep(self, place: Place, urls: Sequence[str]) -> None:
        item = place.item
        async with _Sources(self, item, urls) as sources:
            manifest = await sources.manifest()
            check = ItemCheck(manifest, _Known(manifest), hash_many_pairs)
            numbers = seat_cells(place.index, item.record.seat_count)
            self._shelf.lay(manifest)
            async for blob, content in sources.in_order(range(len(manifest.commitments))):
                await asyncio.to_thread(check.add, content)
                if self._shelf.missing(item.name, numbers[0], [blob]):
                    extended = await asyncio.to_thread(self._processes.extend, content)
                    cells = [(extended.cells[number], extended.proofs[number]) for number in numbers]
                    run = RunKey(item=item.name, blob=blob, first_cell=numbers[0])
                    await asyncio.to_thread(self._shelf.put, run, cells)
            await asyncio.to_thread(check.finish)

    # --- an answer ----------------------------------------------------------------------------------------

    async def _answer(
        self, item: KnownItem, question: Question, asked: object, urls: Sequence[str]
    ) -> Answer:
        async with _Sources(self, item, urls) as sources:
            manifest = await sources.manifest()
            if isinstance(asked, Demand):
                part = manifest.parts[part_of_demand(question[1])]
                nodes = await nodes_below(manifest, part, asked.level, asked.index, sources.blob)
                return NodesAnswer(nodes=nodes)
            place = unpack_challenge(question[1])
            content, path = await sources.blob(place.blob), manifest.hash_path(place.blob)
            commitment = manifest.commitments[place.blob]
            if place.kind == ChallengeKind.BLOB:
                extended = await asyncio.to_thread(self._processes.extend, content)
                return BlobAnswer(blob=content, commitment=commitment, cell_proofs=extended.proofs, path=path)
            z = element_point(place.element)
            y, proof = await asyncio.to_thread(self._processes.open, content, z)
            return ElementAnswer(y=int.from_bytes(y, "big"), commitment=commitment, proof=proof, path=path)

    # --- for sources --------------------------------------------------------------------------------------

    def clients(self, urls: Iterable[str]) -> list[KeeperClient]:
        """Clients of the URLs that are any; they come from strangers."""
        found: list[KeeperClient] = []
        for url in dict.fromkeys(urls):
            with suppress(ValueError):
                found.append(KeeperClient(url, is_stranger=not self._may_be_private))
        return found

    def own_manifest(self, name: Bytes32) -> Manifest | None:
        """The manifest on the shelf."""
        text = self._shelf.manifest(name)
        with suppress(Rejected):
            return parse_manifest(text) if text is not None else None
        return None

    async def own_blob(self, name: Bytes32, blob: int) -> bytes | None:
        """A blob from the cells on the shelf, which were verified before; None if too few are there."""
        places = [CellPlace(blob=blob, cell=cell) for cell in range(2 * CELLS_TO_RECOVER)]
        cells = await asyncio.to_thread(self._shelf.cells, name, places) or []
        if len(cells) < CELLS_TO_RECOVER:
            return None
        contents = {cell.cell: cell.content for cell in cells}
        if all(number in contents for number in range(CELLS_TO_RECOVER)):
            return b"".join(contents[number] for number in range(CELLS_TO_RECOVER))
        extended = await asyncio.to_thread(self._processes.recover, contents)
        return b"".join(extended.cells[:CELLS_TO_RECOVER])

    async def commitment(self, blob: bytes) -> bytes:
        """The commitment to a blob."""
        return await asyncio.to_thread(self._processes.commit, blob)

    def fetcher(self, manifest: Manifest, clients: Sequence[KeeperClient]) -> ItemFetcher:
        """Fetches from other keepers."""
        return ItemFetcher(manifest, self._kzg, clients, self._blame)

    def _blame(self, blame: Blame) -> None:
        self._reporter.report(
            "keeper_lied", f"{blame.keeper} is not asked again: {blame.reason}", keeper=blame.keeper
        )


class _Sources:
    """Where an item's blobs come from: the shelf, the registrant's store, other keepers, in this order."""

    def __init__(self, hands: KeeperHands, item: KnownItem, urls: Sequence[str]) -> None:
        self._hands = hands
        self._item = item
        self._store = hands.clients([item.url])
        self._keepers = hands.clients([item.url, *urls])
        self._manifest: Manifest | None = None
        self._fetcher: ItemFetcher | None = None
        self._store_failures = 0

    async def __aenter__(self) -> "_Sources":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._fetcher is not None:
            await self._fetcher.__aexit__()
        for client in (*self._store, *self._keepers):
            await client.close()

    async def manifest(self) -> Manifest:
        """The manifest, whose name proves it."""
        if self._manifest is None:
            found = self._hands.own_manifest(self._item.name) or await self._stored_manifest()
            self._manifest = found or await first_manifest(self._item.name, self._keepers)
        if self._manifest is None:
            raise Unavailable(
                f"neither the registrant at {self._item.url!r} nor a keeper gives the manifest of item"
                f" {self._item.item_id}"
            )
        return self._manifest

    async def blob(self, blob: int) -> bytes:
        """A blob that is what its commitment says."""
        manifest = await self.manifest()
        found = await self._hands.own_blob(self._item.name, blob) or await self._stored_blob(manifest, blob)
        if found is not None:
            return found
        if self._fetcher is None:
            self._fetcher = await self._hands.fetcher(manifest, self._keepers).__aenter__()
        return await self._fetcher.blob(blob)

    async def in_order(self, blobs: Iterable[int]) -> AsyncGenerator[tuple[int, bytes]]:
        """Blobs one after the other, some of them fetched ahead."""
        await self.manifest()
        left, ahead = iter(blobs), deque[tuple[int, asyncio.Task[bytes]]]()
        try:
            while True:
                for blob in left:
                    ahead.append((blob, asyncio.create_task(self.blob(blob))))
                    if len(ahead) == AHEAD_BLOBS:
                        break
                if not ahead:
                    return
                blob, task = ahead.popleft()
                yield blob, await task
        finally:
            for _, task in ahead:
                task.cancel()
            await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)

    async def _stored_manifest(self) -> Manifest | None:
        for client in self._store:
            with suppress(Rejected, Unavailable):
                return await client.stored_manifest(self._item.name)
        return None

    async def _stored_blob(self, manifest: Manifest, blob: int) -> bytes | None:
        """From the registrant's store, unless it has failed before or lies."""
        expected = manifest.versioned_hashes[blob]
        for client in self._store:
            if self._store_failures:
                return None
            found = await self._asked(lambda client=client: client.stored_blob(expected))
            if found is None:
                self._store_failures += 1
                return None
            with suppress(Rejected):
                if versioned_hash(await self._hands.commitment(found)) == expected:
                    return found
            self._store_failures += 1
        return None

    async def _asked(self, ask: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        with suppress(Rejected, Unavailable):
            return await ask()
        return None


class _Known(Kzg):
    """Gives the commitments of blobs in order: sources have compared them already."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(lambda: None)
        self._left = iter(manifest.commitments)

    def commit(self, blob: bytes) -> bytes:
        """The next one."""
        return next(self._left)
