"""A watcher's eyes: asks keepers for random cells, fetches what they keep, compares it with its roots."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random, SystemRandom
from typing import TypeVar

from truestep.adapters.blobs.background import run_in_background
from truestep.adapters.keepers.client import Busy, KeeperClient
from truestep.adapters.keepers.differences import first_difference, written_ranges
from truestep.adapters.keepers.fetching import ItemFetcher, first_manifest
from truestep.adapters.keepers.item_blobs import ItemBlobs, Published
from truestep.adapters.keepers.nodes import ROUND_LEVELS, nodes_below, nodes_of_leaves
from truestep.adapters.keepers.standing import Blame
from truestep.adapters.keepers.wire import PLACES_LIMIT, CellPlace
from truestep.availability.blobs import payload_of
from truestep.availability.cells import Cell, judge, seat_cells
from truestep.availability.manifest import Manifest, hash_path
from truestep.availability.parts import ELEMENT_PAYLOAD_BYTES, Part
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.commitments.kzg import FIELD_ELEMENT_SIZE_BYTES, Kzg, element_point, versioned_hash
from truestep.commitments.merkle import pair_tree_levels
from truestep.ports.executor import ShouldStop
from truestep.ports.reporter import Reporter
from truestep.protocol.availability.contracts.bindings import Opening
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.layout import place_of
from truestep.roles.availability.sights import ChildPick, FoundLeaf, Mismatch, SeatSeen, Sight

CELLS_OF_A_BLOB = 16
"""Of each blob, as far as one request has room: a keeper that lacks half of them shows it by 1 - 2^-16."""
BUSY_WAITS = 4
"""Times that a keeper may ask for a pause in one look."""
SEARCH_SECONDS = 300.0
"""For the tree of a false part in other items: who serves these slowly must not save the false one."""
SURVEYED_AT_ONCE = 8
"""Blobs under way in a survey."""
NO_OPENING = Opening(commitment=b"", path=(), first=0, first_proof=b"", second=0, second_proof=b"")
"""Of a leaf that is in no blob, because no part of its tree holds it."""

Answer = TypeVar("Answer")


class KeeperEyes:
    """Satisfies `truestep.ports.watching.Eyes`, for any thread."""

    def __init__(
        self,
        kzg: Kzg,
        reporter: Reporter,
        *,
        may_be_private: bool,
        published: Published | None = None,
        payload: Callable[[KnownItem], bytes] | None = None,
        chance: Random | None = None,
        search_seconds: float = SEARCH_SECONDS,
    ) -> None:
        """`may_be_private`: keepers may serve at private addresses, as on a devnet.

        `published` gives blobs that answers to challenges have published, `payload` the leaves of an item in
        calldata.
        """
        self._calldata = payload
        self._search_seconds = search_seconds
        self._kzg = kzg
        self._reporter = reporter
        self._may_be_private = may_be_private
        self._published = published
        self._chance = chance or SystemRandom()
        self._mark = secrets.token_bytes(ELEMENT_PAYLOAD_BYTES)

    def look(
        self, item: KnownItem, keepers: Mapping[int, str], should_stop: ShouldStop
    ) -> Mapping[int, SeatSeen]:
        """What each keeper gives of random cells of its run."""
        return run_in_background(lambda: self._look(item, keepers), should_stop)

    def survey(self, item: KnownItem, keepers: Mapping[int, str], should_stop: ShouldStop) -> tuple[int, ...]:
        """The blobs that cannot be had."""
        return run_in_background(lambda: self._survey(item, keepers), should_stop)

    def check(self, item: KnownItem, keepers: Mapping[int, str], should_stop: ShouldStop) -> tuple[int, ...]:
        """The parts whose roots are others."""
        return run_in_background(lambda: self._check(item, keepers), should_stop)

    def mismatch(
        self,
        item: KnownItem,
        part_index: int,
        others: Sequence[tuple[KnownItem, Sequence[str]]],
        keepers: Mapping[int, str],
        should_stop: ShouldStop,
    ) -> Mismatch | None:
        """A leaf that the item should hold, as another one holds it."""

        async def search() -> Mismatch | None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._search_seconds):
                    return await self._mismatch(item, part_index, others, keepers)
            return None

        return run_in_background(search, should_stop)

    def next_move(
        self,
        item: KnownItem,
        part_index: int,
        place: tuple[int, int],
        nodes: tuple[Bytes32, ...],
        keepers: Mapping[int, str],
        should_stop: ShouldStop,
    ) -> ChildPick | FoundLeaf:
        """The first node that is not one's own."""
        return run_in_background(
            lambda: self._next_move(item, part_index, place, nodes, keepers), should_stop
        )

    # --- looks --------------------------------------------------------------------------------------------

    async def _look(self, item: KnownItem, keepers: Mapping[int, str]) -> dict[int, SeatSeen]:
        async with self._clients(keepers) as clients:
            manifest = await self._manifest(item, clients)
            if manifest is None:
                why = "nobody gives the manifest of the item"
                return {seat: SeatSeen(sight=Sight.SILENT, why=why) for seat in keepers}
            asked = {seat: self._places(item, seat) for seat in keepers}
            answers = await asyncio.gather(
                *(_cells(clients.get(seat), item.name, asked[seat]) for seat in keepers)
            )
            cells = [cell for answer in answers if isinstance(answer, list) for cell in answer]
            try:
                verdict = await asyncio.to_thread(
                    judge, self._kzg, manifest.commitments, cells, is_hasty=True
                )
            except Rejected as error:  # the commitments are none: nobody who has checked them keeps it
                return {seat: SeatSeen(sight=Sight.WRONG, why=str(error)) for seat in keepers}
            faults = {fault.source: fault.in_words() for fault in reversed(verdict.faults)}
            return {
                seat: _seen(answer, asked[seat], faults)
                for seat, answer in zip(keepers, answers, strict=True)
            }

    def _places(self, item: KnownItem, seat: int) -> list[CellPlace]:
        """Random cells of a seat's run: of each blob some, or of large items of as many blobs as fit."""
        run, count = seat_cells(seat, item.record.seat_count), item.record.blob_count
        of_each = max(1, min(CELLS_OF_A_BLOB, PLACES_LIMIT // count))
        blobs = self._chance.sample(range(count), min(count, PLACES_LIMIT // of_each))
        return [
            CellPlace(blob=blob, cell=cell) for blob in blobs for cell in self._chance.sample(run, of_each)
        ]

    async def _survey(self, item: KnownItem, keepers: Mapping[int, str]) -> tuple[int, ...]:
        slots, missing = asyncio.Semaphore(SURVEYED_AT_ONCE), list[int]()
        async with self._opened(item, keepers) as (_, source):

            async def ask(blob: int) -> None:
                async with slots:
                    try:
                        await source.blob(blob)
                    except Unavailable:
                        missing.append(blob)

            await asyncio.gather(*map(ask, range(item.record.blob_count)))
        return tuple(sorted(missing))

    # --- roots --------------------------------------------------------------------------------------------

    async def _check(self, item: KnownItem, keepers: Mapping[int, str]) -> tuple[int, ...]:
        trees: dict[tuple[Bytes32, int], int] = {}
        for number, part in enumerate(item.parts):
            trees.setdefault((part.root, part.depth), number)
        wrong = list[int]()
        async with self._opened(item, keepers) as (_, source):
            for (root, depth), number in trees.items():
                [found] = await nodes_below(
                    item, item.parts[number], depth, 0, source.blob, self._payload, levels=0
                )
                if found != root and depth:
                    wrong.append(number)
        return tuple(wrong)

    async def _next_move(
        self,
        item: KnownItem,
        part_index: int,
        place: tuple[int, int],
        nodes: tuple[Bytes32, ...],
        keepers: Mapping[int, str],
    ) -> ChildPick | FoundLeaf:
        level, index = place
        levels, part = min(level, ROUND_LEVELS), item.parts[part_index]
        async with self._opened(item, keepers) as (manifest, source):
            own = await nodes_below(item, part, level, index, source.blob, self._payload)
            child = next((number for number in range(1 << levels) if nodes[number] != own[number]), None)
            if child is None:
                raise Rejected(
                    Reject.LEAF_AGREES,
                    f"expected another node than one's own below node {index} of level {level}",
                )
            tree = pair_tree_levels(nodes, levels)
            siblings = tuple(Bytes32(tree[height][child >> height ^ 1]) for height in range(levels))
            if level > ROUND_LEVELS:
                return ChildPick(child=child, node=nodes[child], siblings=siblings)
            leaf_index = (index << levels) + child
            holder = _holder(item.parts, part, leaf_index)
            opening = NO_OPENING
            if holder is not None:
                opening = await self._opening(item, manifest, holder, leaf_index, source)
            return FoundLeaf(
                part_index=part_index if holder is None else holder,
                child=child,
                leaf=nodes[child],
                siblings=siblings,
                opening=opening,
            )

    async def _mismatch(
        self,
        item: KnownItem,
        part_index: int,
        others: Sequence[tuple[KnownItem, Sequence[str]]],
        keepers: Mapping[int, str],
    ) -> Mismatch | None:
        part = item.parts[part_index]
        async with self._opened(item, keepers) as (manifest, source):

            async def own(level: int, index: int) -> tuple[Bytes32, ...]:
                return await nodes_below(item, part, level, index, source.blob, self._payload)

            for other, urls in others:
                with suppress(Unavailable, Rejected):
                    async with self._nodes_of(other, part, urls) as known:
                        found = await first_difference(part, known, own)
                    holder = _holder(item.parts, part, found.leaf_index)
                    opening = NO_OPENING
                    if holder is not None:
                        opening = await self._opening(item, manifest, holder, found.leaf_index, source)
                    return Mismatch(
                        part_index=part_index if holder is None else holder,
                        leaf_index=found.leaf_index,
                        leaf=found.leaf,
                        path=found.path,
                        opening=opening,
                    )
        return None

    @asynccontextmanager
    async def _nodes_of(
        self, item: KnownItem, part: Part, urls: Sequence[str]
    ) -> AsyncGenerator[Callable[[int, int], Awaitable[tuple[Bytes32, ...]]]]:
        """The nodes of a tree below one of them, as an item holds it."""
        if item.is_written:
            if self._calldata is None:
                raise Unavailable("its bytes are on the chain, which is not read here")
            ranges = written_ranges(item, part, await asyncio.to_thread(self._calldata, item))

            async def written(level: int, index: int) -> tuple[Bytes32, ...]:
                return nodes_of_leaves(ranges, level, index)

            yield written
            return
        own = next(each for each in item.parts if (each.root, each.depth) == (part.root, part.depth))
        async with self._opened(item, dict(enumerate(urls))) as (_, source):

            async def stored(level: int, index: int) -> tuple[Bytes32, ...]:
                return await nodes_below(item, own, level, index, source.blob)

            yield stored

    async def _opening(
        self,
        item: KnownItem,
        manifest: Manifest | None,
        part_index: int,
        leaf_index: int,
        source: ItemBlobs,
    ) -> Opening:
        """Of the two elements in which a leaf lies."""
        blob, element, _ = place_of(item.parts, part_index, leaf_index)
        content = await source.blob(blob)
        commitments = manifest.commitments if manifest is not None else await self._commitments(item, source)
        first = await asyncio.to_thread(self._kzg.open, content, element_point(element))
        second = await asyncio.to_thread(self._kzg.open, content, element_point(element + 1))
        return Opening(
            commitment=commitments[blob],
            path=hash_path([versioned_hash(each) for each in commitments], blob),
            first=int.from_bytes(first[0], "big"),
            first_proof=first[1],
            second=int.from_bytes(second[0], "big"),
            second_proof=second[1],
        )

    async def _commitments(self, item: KnownItem, source: ItemBlobs) -> Sequence[bytes]:
        """Of all blobs, when nobody gives the manifest."""
        found = list[bytes]()
        for number in range(item.record.blob_count):
            found.append(await asyncio.to_thread(self._kzg.commit, await source.blob(number)))
        return found

    def _payload(self, blob: bytes, index: int) -> bytes:
        """The payload of a blob, with marks that nobody can foresee in place of what is no payload.

        An element of 2^248 or more has none; whatever a tree says of the leaves in it strikes the item.
        """
        if not any(blob[::FIELD_ELEMENT_SIZE_BYTES]):
            return payload_of(blob, index)
        pieces = (
            self._mark if blob[start] else blob[start + 1 : start + FIELD_ELEMENT_SIZE_BYTES]
            for start in range(0, len(blob), FIELD_ELEMENT_SIZE_BYTES)
        )
        return b"".join(pieces)

    # --- whom to ask --------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _clients(
        self, keepers: Mapping[int, str], store: str | None = None
    ) -> AsyncGenerator[dict[int, KeeperClient]]:
        """A client for each seat whose keeper has a URL, and number -1 for one more server."""
        found: dict[int, KeeperClient] = {}
        named = dict(keepers) if store is None else {**keepers, -1: store}
        try:
            for seat, url in named.items():
                with suppress(ValueError):
                    found[seat] = KeeperClient(url, is_stranger=not self._may_be_private)
            yield found
        finally:
            for client in found.values():
                await client.close()

    @asynccontextmanager
    async def _opened(
        self, item: KnownItem, keepers: Mapping[int, str]
    ) -> AsyncGenerator[tuple[Manifest | None, ItemBlobs]]:
        """The item's manifest, if anybody gives it, and where its blobs come from."""
        async with self._clients(keepers, item.url) as clients, AsyncExitStack() as stack:
            manifest, fetcher = await self._manifest(item, clients), None
            if manifest is not None:
                opened = ItemFetcher(manifest, self._kzg, list(clients.values()), self._blame)
                fetcher = await stack.enter_async_context(opened)
            yield manifest, ItemBlobs(item, fetcher, self._published)

    async def _manifest(self, item: KnownItem, clients: Mapping[int, KeeperClient]) -> Manifest | None:
        """From keepers, or else from the registrant's store."""
        found = await first_manifest(item.name, list(clients.values()))
        if found is None and -1 in clients:
            with suppress(Rejected, Unavailable):
                found = await clients[-1].stored_manifest(item.name)
        return found

    def _blame(self, blame: Blame) -> None:
        self._reporter.report("keeper_lied", f"{blame.keeper}: {blame.reason}", keeper=blame.keeper)


async def _cells(
    client: KeeperClient | None, item: Bytes32, places: Sequence[CellPlace]
) -> list[Cell] | Rejected | Unavailable:
    """What a keeper gives, after pauses that it asks for."""
    if client is None:
        return Unavailable("its URL is none of a keeper")
    waits = 0
    while True:
        try:
            return await client.cells(item, places)
        except (Rejected, Unavailable) as error:
            if not isinstance(error, Busy) or waits == BUSY_WAITS:
                return error
            waits += 1
            await asyncio.sleep(error.retry_after_seconds)


def _seen(
    answer: list[Cell] | Rejected | Unavailable, asked: Iterable[CellPlace], faults: Mapping[str, str]
) -> SeatSeen:
    if isinstance(answer, Rejected):
        return SeatSeen(sight=Sight.WRONG, why=str(answer))
    if isinstance(answer, Unavailable):
        return SeatSeen(sight=Sight.SILENT, why=str(answer))
    sources = {cell.source for cell in answer}
    lied = next((faults[source] for source in sources if source in faults), None)
    if lied is not None:
        return SeatSeen(sight=Sight.WRONG, why=lied)
    given = {CellPlace(blob=cell.blob, cell=cell.cell) for cell in answer}
    lacking = sorted(set(asked) - given)
    if not lacking:
        return SeatSeen(sight=Sight.GIVES)
    first = lacking[0]
    why = f"it lacks {counted(len(lacking), 'cell')}, the first is cell {first.cell} of blob {first.blob}"
    return SeatSeen(sight=Sight.LACKS, blob=first.blob, why=why)


def _holder(parts: Sequence[Part], part: Part, leaf_index: int) -> int | None:
    """The part of the same tree that holds a leaf."""
    for number, other in enumerate(parts):
        if (other.root, other.depth) == (part.root, part.depth) and (
            other.first_leaf <= leaf_index < other.end_leaf
        ):
            return number
    return None
