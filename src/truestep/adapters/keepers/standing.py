"""What is known of the keepers of an item: what each holds, how fast it is, and whether it has lied."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from truestep.adapters.keepers.client import Busy, KeeperClient
from truestep.adapters.keepers.wire import Held
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import CELLS_PER_BLOB, CELLS_TO_RECOVER

FIRST_SECONDS = 0.2
"""What an answer is expected to take before the first one: short, so that every keeper is tried."""
WEIGHT = 0.3
"""Of the newest answer in what is expected of the next."""
RECOVERY_SECONDS = 0.3
"""What it costs to compute a blob from cells that are not its own."""
FAILED_WAIT_SECONDS = (0.3, 1.0, 3.0, 9.0)
"""Pauses after failures in a row; after one more, a keeper counts as gone."""
BUSY_LIMIT = 40
"""Times in a row that a keeper may say that it is busy, before it counts as gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """A keeper that sent something wrong, and what."""

    keeper: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Keeper:
    """One keeper during the fetch of one item."""

    client: KeeperClient
    runs: dict[int, set[int]] = field(default_factory=dict[int, set[int]])
    """Blobs by the first cell of a run."""
    expected_seconds: float = FIRST_SECONDS
    in_flight: int = 0
    failures: int = 0
    refusals: int = 0
    """How often it has said that it is busy, since its last answer."""
    free_at: float = 0.0
    is_known: bool = False
    """Whether it has said what it holds."""
    is_out: bool = False
    """Whether it lied, or is gone."""
    trouble: str = ""
    """Why it did not answer the last time that it did not; empty if it has always answered since."""

    @property
    def name(self) -> str:
        """Its URL."""
        return self.client.name

    def cells_of(self, blob: int) -> set[int]:
        """The cells of a blob that it says it holds."""
        return {
            (first + step) % CELLS_PER_BLOB
            for first, blobs in self.runs.items()
            if blob in blobs
            for step in range(CELLS_TO_RECOVER)
        }

    def cost_seconds(self, lacking: set[int]) -> float:
        """What it would take to get these cells from it and to make a blob with them."""
        recovers = not lacking <= set(range(CELLS_TO_RECOVER))
        return self.expected_seconds * (1 + self.in_flight) + recovers * RECOVERY_SECONDS


class Standing:
    """The keepers of an item. For one event loop.

    A keeper that lies is out at once: `on_blame` is told, and it is not asked again. One that fails is asked
    again later, a few times.
    """

    def __init__(
        self,
        item: Bytes32,
        clients: Sequence[KeeperClient],
        on_blame: Callable[[Blame], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._item = item
        self.keepers = [Keeper(client=client) for client in clients]
        self._on_blame = on_blame
        self._clock = clock
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Ask each keeper what it holds."""
        self._tasks = [asyncio.create_task(self._ask(keeper)) for keeper in self.keepers]

    async def end(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def seconds_until_free(self) -> float | None:
        """How long until a keeper that is not out may be asked; None if all are out."""
        left = [keeper.free_at for keeper in self.keepers if not keeper.is_out]
        return max(0.0, min(left) - self._clock()) if left else None

    def is_free(self, keeper: Keeper) -> bool:
        """Whether a keeper may be asked now."""
        return keeper.is_known and not keeper.is_out and keeper.free_at <= self._clock()

    async def changed(self, seconds: float) -> None:
        """Wait until something is known that was not, or for this long."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def succeeded(self, keeper: Keeper, seconds: float) -> None:
        """Note how long a keeper took for an answer."""
        keeper.failures = keeper.refusals = 0
        keeper.expected_seconds += WEIGHT * (seconds - keeper.expected_seconds)

    def was_slow(self, keeper: Keeper, seconds: float) -> None:
        """Note that a keeper was overtaken after this time."""
        keeper.expected_seconds = max(keeper.expected_seconds, seconds)

    def failed(self, keeper: Keeper, error: Rejected | Unavailable) -> None:
        """Note that a keeper did not answer, or lied."""
        if isinstance(error, Rejected):
            self.blame(keeper, str(error))
            return
        keeper.trouble = str(error)
        if isinstance(error, Busy):
            keeper.free_at = self._clock() + error.retry_after_seconds
            keeper.refusals += 1
            keeper.is_out = keeper.is_out or keeper.refusals >= BUSY_LIMIT
            return
        if keeper.failures < len(FAILED_WAIT_SECONDS):
            keeper.free_at = self._clock() + FAILED_WAIT_SECONDS[keeper.failures]
        else:
            keeper.is_out = True
        keeper.failures += 1
        self._tell()

    def blame(self, keeper: Keeper, reason: str) -> None:
        """Never ask a keeper again."""
        if not keeper.is_out:
            keeper.is_out = True
            self._on_blame(Blame(keeper=keeper.name, reason=reason))
        self._tell()

    async def _ask(self, keeper: Keeper) -> None:
        while not keeper.is_known and not keeper.is_out:
            await asyncio.sleep(max(0.0, keeper.free_at - self._clock()))
            try:
                held = await keeper.client.held(self._item) or Held(runs=[])
            except (Rejected, Unavailable) as error:
                self.failed(keeper, error)
                continue
            keeper.runs = {run.first_cell: run.numbers() for run in held.runs}
            keeper.is_known, keeper.failures, keeper.trouble = True, 0, ""
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
