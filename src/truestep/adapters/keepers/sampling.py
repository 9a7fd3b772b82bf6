"""Samples an item at its keepers: random cells of each blob, verified together.

A blob that cannot be recovered lacks more than half of its cells, so each random cell of it is missing with
probability above 1/2. With s cells of every blob, the loss of any blob is noticed with probability 1 - 2^-s.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random, SystemRandom

from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.standing import Blame, Keeper, Standing
from truestep.adapters.keepers.wire import PLACES_LIMIT, CellPlace
from truestep.availability.cells import Cell, judge
from truestep.availability.manifest import Manifest
from truestep.base.errors import Rejected, Unavailable
from truestep.commitments.kzg import CELLS_PER_BLOB, Kzg

REQUESTS_AT_ONCE = 4
"""To one keeper. Each takes a quarter of a megabyte."""
VERIFIED_TOGETHER = 8_192
"""Cells in memory before they are verified: 17 MiB, far above a batch that would be cheaper."""
HELD_SECONDS = 5.0
"""How long keepers have to say what they hold, once the first has."""


@dataclass(slots=True)
class Tally:
    """What one keeper did when it was asked for samples."""

    asked: int = 0
    given: int = 0
    """Cells that were right."""
    trouble: str = ""
    """What was wrong if it did not answer, or holds nothing: a sentence with its URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """The outcome for one item."""

    blob_count: int
    samples: int
    """Of each blob."""
    missing: tuple[CellPlace, ...]
    """Samples that no keeper had."""
    blames: tuple[Blame, ...]
    keepers: dict[str, Tally]
    """Of all that were named, also if they did not answer."""
    seconds: float

    @property
    def is_available(self) -> bool:
        """Whether every sample was had."""
        return not self.missing

    @property
    def sample_count(self) -> int:
        """Of all blobs."""
        return self.blob_count * self.samples


@dataclass(slots=True)
class _Work:
    left: set[CellPlace]
    asked: dict[str, set[CellPlace]] = field(default_factory=lambda: defaultdict(set))
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    blames: list[Blame] = field(default_factory=list[Blame])


async def sample(
    manifest: Manifest,
    kzg: Kzg,
    clients: Sequence[KeeperClient],
    samples: int,
    chance: Random | None = None,
) -> Sampled:
    """Ask for `samples` random cells of each blob, each from a random keeper that says it holds it.

    What one keeper lacks, the others are asked for. Raises ValueError for a number of samples that no blob
    has.
    """
    if not 1 <= samples <= CELLS_PER_BLOB:
        raise ValueError(f"expected 1 to {CELLS_PER_BLOB} samples of each blob, got {samples}")
    began, chance = time.monotonic(), chance or SystemRandom()
    work = _Work(left=set())
    standing = Standing(manifest.name, clients, work.blames.append)
    missing: list[CellPlace] = []
    standing.begin()
    try:
        await _wait_for_lists(standing)
        blobs_at_once = max(1, VERIFIED_TOGETHER // samples)
        for start in range(0, len(manifest.commitments), blobs_at_once):
            blobs = range(start, min(start + blobs_at_once, len(manifest.commitments)))
            work.left = {
                CellPlace(blob=blob, cell=cell)
                for blob in blobs
                for cell in chance.sample(range(CELLS_PER_BLOB), samples)
            }
            await _Sampler(manifest, kzg, standing, work, chance).run()
            missing += sorted(work.left)
    finally:
        await standing.end()
    for keeper in standing.keepers:
        work.tallies[keeper.name].trouble = _trouble(keeper, work.blames)
    return Sampled(
        blob_count=len(manifest.commitments),
        samples=samples,
        missing=tuple(missing),
        blames=tuple(work.blames),
        keepers=dict(work.tallies),
        seconds=time.monotonic() - began,
    )


async def _wait_for_lists(standing: Standing) -> None:
    """Until every keeper has said what it holds, but not long after the first."""
    until: float | None = None
    while waiting := [keeper for keeper in standing.keepers if not keeper.is_known and not keeper.is_out]:
        if until is None and len(waiting) < len(standing.keepers):
            until = time.monotonic() + HELD_SECONDS
        if until is not None and time.monotonic() >= until:
            return
        await standing.changed(HELD_SECONDS)


def _trouble(keeper: Keeper, blames: Sequence[Blame]) -> str:
    """Why a keeper gave nothing, if that is not because it lied."""
    if keeper.name in [blame.keeper for blame in blames]:
        return ""
    if not keeper.is_known:
        return keeper.trouble or f"{keeper.name} has not answered in {HELD_SECONDS:g} s"
    return keeper.trouble if keeper.runs else f"{keeper.name} says that it holds nothing of this item"


class _Sampler:
    """Gets some places, in rounds: what is missing or wrong in one is asked of others in the next."""

    def __init__(self, manifest: Manifest, kzg: Kzg, standing: Standing, work: _Work, chance: Random) -> None:
        self._item = manifest.name
        self._commitments = manifest.commitments
        self._kzg = kzg
        self._standing = standing
        self._work = work
        self._chance = chance
        self._cells_of: dict[tuple[str, int], set[int]] = {}

    async def run(self) -> None:
        """What nobody has is left."""
        while requests := self._shared_out():
            slots = {keeper.name: asyncio.Semaphore(REQUESTS_AT_ONCE) for keeper, _ in requests}
            answers = await asyncio.gather(
                *(self._ask(keeper, places, slots[keeper.name]) for keeper, places in requests)
            )
            await self._verify([cell for answer in answers for cell in answer])

    def _shared_out(self) -> list[tuple[Keeper, list[CellPlace]]]:
        """The places that are left, each for a random keeper that was not asked for it yet."""
        shares: dict[str, list[CellPlace]] = defaultdict(list)
        free = {keeper.name: keeper for keeper in self._standing.keepers if self._standing.is_free(keeper)}
        for place in sorted(self._work.left):
            having = [
                name
                for name, keeper in free.items()
                if place not in self._work.asked[name] and place.cell in self._held(keeper, place.blob)
            ]
            if having:
                name = self._chance.choice(having)
                shares[name].append(place)
                self._work.asked[name].add(place)
        return [
            (free[name], places[start : start + PLACES_LIMIT])
            for name, places in shares.items()
            for start in range(0, len(places), PLACES_LIMIT)
        ]

    def _held(self, keeper: Keeper, blob: int) -> set[int]:
        key = (keeper.name, blob)
        if key not in self._cells_of:
            self._cells_of[key] = keeper.cells_of(blob)
        return self._cells_of[key]

    async def _ask(self, keeper: Keeper, places: list[CellPlace], slot: asyncio.Semaphore) -> list[Cell]:
        async with slot:
            if keeper.is_out:
                return []
            self._work.tallies[keeper.name].asked += len(places)
            try:
                return await keeper.client.cells(self._item, places)
            except (Rejected, Unavailable) as error:
                self._standing.failed(keeper, error)
                return []

    async def _verify(self, cells: list[Cell]) -> None:
        """All in one batch. Of a keeper that is wrong somewhere nothing counts."""
        verdict = await asyncio.to_thread(judge, self._kzg, self._commitments, cells, is_hasty=True)
        faults = {fault.source: fault for fault in reversed(verdict.faults)}
        for keeper in self._standing.keepers:
            if keeper.name in faults:
                self._standing.blame(keeper, faults[keeper.name].in_words())
        for cell in verdict.right:
            self._work.left.discard(CellPlace(blob=cell.blob, cell=cell.cell))
            self._work.tallies[cell.source].given += 1
