"""Fetches blobs of an item from many keepers at once: fastest first, slow ones hedged, wrong ones blamed.

A blob is fetched by asking the best keeper for the cells that it still lacks. If that takes much longer than
it should, the next one is asked too, and whoever is first counts. Every cell is verified before it counts.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.standing import Blame, Keeper, Standing
from truestep.adapters.keepers.verifying import Verifier
from truestep.adapters.keepers.wire import CellPlace
from truestep.availability.cells import Cell
from truestep.availability.manifest import Manifest
from truestep.availability.recovery import NotEnoughCells
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import CELLS_TO_RECOVER, Kzg

BLOBS_AT_ONCE = 16
"""Blobs under way: some megabytes, and enough to keep many keepers busy."""
HEDGE_FACTOR, HEDGE_LEAST_SECONDS = 3.0, 0.4
"""After so many times what was expected, another keeper is asked too, but never sooner than the second."""


class ItemFetcher:
    """For one event loop and one item; use it as a context manager."""

    def __init__(
        self,
        manifest: Manifest,
        kzg: Kzg,
        clients: Sequence[KeeperClient],
        on_blame: Callable[[Blame], None],
    ) -> None:
        """`on_blame` is told of each keeper that sends something wrong, once."""
        self._item = manifest.name
        self._kzg = kzg
        self._standing = Standing(self._item, clients, on_blame)
        self._verifier = Verifier(kzg, manifest.commitments)

    async def __aenter__(self) -> "ItemFetcher":
        self._standing.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._standing.end()

    async def blobs(self, wanted: Iterable[int]) -> AsyncGenerator[tuple[int, bytes]]:
        """The number and the 131,072 bytes of each wanted blob, in the order in which they come.

        Raises `NotEnoughCells` for the first blob that no keeper can complete; those before it were given.
        """
        left = iter(wanted)
        running: set[asyncio.Task[tuple[int, bytes]]] = set()
        done: set[asyncio.Task[tuple[int, bytes]]] = set()
        try:
            while True:
                for blob in left:
                    running.add(asyncio.create_task(self._numbered(blob)))
                    if len(running) == BLOBS_AT_ONCE:
                        break
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, *done, return_exceptions=True)

    async def _numbered(self, blob: int) -> tuple[int, bytes]:
        return blob, await self.blob(blob)

    async def blob(self, blob: int) -> bytes:
        """The 131,072 bytes of one blob."""
        right = await _BlobFetch(self._item, blob, self._standing, self._verifier).cells()
        data = [right.get(number) for number in range(CELLS_TO_RECOVER)]
        found = [cell.content for cell in data if cell is not None]
        if len(found) < CELLS_TO_RECOVER:
            contents = {number: cell.content for number, cell in right.items()}
            found = (await asyncio.to_thread(self._kzg.recover, contents)).cells[:CELLS_TO_RECOVER]
        return b"".join(found)


class _BlobFetch:
    """The cells of one blob."""

    def __init__(self, item: Bytes32, blob: int, standing: Standing, verifier: Verifier) -> None:
        self._item = item
        self._blob = blob
        self._standing = standing
        self._verifier = verifier
        self._right: dict[int, Cell] = {}
        self._asked: dict[str, set[int]] = {}
        self._running: dict[asyncio.Task[None], Keeper] = {}

    async def cells(self) -> dict[int, Cell]:
        """64 right cells by their numbers."""
        try:
            hedges_at = 0.0
            while len(self._right) < CELLS_TO_RECOVER:
                if not self._running or time.monotonic() >= hedges_at:
                    hedges_at = time.monotonic() + self._ask_another()
                await self._wait(hedges_at - time.monotonic())
            return self._right
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _ask_another(self) -> float:
        """Ask the best keeper that is free. Returns in how many seconds another one should be asked."""
        best = min(
            (
                (keeper.cost_seconds(lacking), keeper.name, keeper, lacking)
                for keeper in self._standing.keepers
                if self._standing.is_free(keeper)
                and keeper not in self._running.values()
                and (lacking := self._lacking(keeper))
            ),
            default=None,
            key=lambda each: each[:2],
        )
        if best is None:
            return HEDGE_LEAST_SECONDS
        cost_seconds, _, keeper, lacking = best
        self._running[asyncio.create_task(self._ask(keeper, sorted(lacking)))] = keeper
        return max(HEDGE_LEAST_SECONDS, HEDGE_FACTOR * cost_seconds)

    def _lacking(self, keeper: Keeper) -> set[int]:
        """The cells to ask a keeper for: as many as are needed, those of the blob itself first.

        What it was asked for and did not give is not asked of it again.
        """
        asked = self._asked.get(keeper.name, set())
        offered = sorted(keeper.cells_of(self._blob) - self._right.keys() - asked)
        return set(offered[: CELLS_TO_RECOVER - len(self._right)])

    async def _wait(self, seconds: float) -> None:
        """For an answer, or for this long. Raises `NotEnoughCells` if there is nothing to wait for."""
        if not self._running:
            await self._wait_for_keepers()
            return
        done, _ = await asyncio.wait(
            self._running, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            del self._running[task]
            task.result()

    async def _wait_for_keepers(self) -> None:
        """Until one that may have cells is free."""
        hopeful = [
            keeper
            for keeper in self._standing.keepers
            if not keeper.is_out and (not keeper.is_known or self._lacking(keeper))
        ]
        if not hopeful:
            silent = sorted(keeper.trouble for keeper in self._standing.keepers if keeper.trouble)
            raise NotEnoughCells(self._blob, len(self._right), (), silent)
        if not any(self._standing.is_free(keeper) for keeper in hopeful):
            await self._standing.changed(HEDGE_LEAST_SECONDS)

    async def _ask(self, keeper: Keeper, numbers: Sequence[int]) -> None:
        """Ask one keeper, and keep what is right."""
        places = [CellPlace(blob=self._blob, cell=number) for number in numbers]
        began, is_answered = time.monotonic(), False
        keeper.in_flight += 1
        try:
            cells = await keeper.client.cells(self._item, places)
            is_answered = True
            self._asked.setdefault(keeper.name, set()).update(numbers)
            self._standing.succeeded(keeper, time.monotonic() - began)
        except (Rejected, Unavailable) as error:
            is_answered = True
            self._standing.failed(keeper, error)
            return
        finally:
            keeper.in_flight -= 1
            if not is_answered:  # another one was faster
                self._standing.was_slow(keeper, time.monotonic() - began)
        verdict = await self._verifier.judged(cells)
        if verdict.faults:
            self._standing.blame(keeper, verdict.faults[0].in_words())
        self._right.update((cell.cell, cell) for cell in verdict.right)


async def first_manifest(
    item: Bytes32, clients: Sequence[KeeperClient], on_trouble: Callable[[str], None] | None = None
) -> Manifest | None:
    """The manifest of an item from the first keeper that has it; None if none does.

    `on_trouble` is told of each keeper that did not answer, or sent something else.
    """
    tasks = [asyncio.create_task(client.manifest(item)) for client in clients]
    try:
        for task in asyncio.as_completed(tasks):
            try:
                if (found := await task) is not None:
                    return found
            except (Rejected, Unavailable) as error:
                if on_trouble is not None:
                    on_trouble(str(error))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return None
