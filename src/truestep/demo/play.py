"""The plot: who is on stage when, and when the chain's clock is moved on.

1. The liar takes her batch first: else the other workers may have taken every shard before her.
2. The workers work while the challenger is away. He comes back shortly before the windows end.
3. Once he has judged every claim, the windows end: what nobody disputes becomes final during the dispute.
4. The shard of the lie is done again, its window ends, and the challenger is rewarded.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from truestep.base.errors import Bug
from truestep.client import Job
from truestep.client.job_status import JobStatus
from truestep.demo.scene import CHALLENGER, LIAR, RULES, WORKERS, Scene
from truestep.protocol.events import ChainEvent, GameOpened, GameRewarded, GameSettled, TaskTaken
from truestep.protocol.records import GameStage, TaskStage
from truestep.roles.views import View

PLAY_LIMIT_SECONDS = 300.0
"""Ten times the usual duration: by then something is wrong."""
PAUSE_SECONDS = 0.05
RETURN_SECONDS = RULES.clock_seconds // 2
"""Before the end of the windows, the challenger is back. The liar has that much left to answer him then."""

Events = tuple[ChainEvent, ...]
"""What one log says."""


class Warp(StrEnum):
    """Why the chain's clock is moved."""

    RETURN = "the challenger comes back"
    DISPUTED_END = "the windows end during the dispute"
    END = "the windows end"


@dataclass(slots=True, kw_only=True)
class _Plot:
    scene: Scene
    job: Job
    on_events: Callable[[Events], None]
    on_warp: Callable[[Warp, int], None]
    next_block: int
    absent: set[str] = field(default_factory=lambda: {*WORKERS, CHALLENGER} - {LIAR})
    views: dict[str, View] = field(default_factory=dict[str, View])
    games_open: int = 0
    """Games whose challenger is not rewarded yet."""
    strikes: int = 0
    """Of these, those that have struck their claim."""

    def tick(self) -> bool:
        """Let everybody on stage act, and tell what has happened. Whether anything had."""
        for name, daemon in self.scene.daemons.items():
            if name not in self.absent:
                self.views[name] = daemon.tick()
        head = self.scene.client.chain.head().number
        if head < self.next_block:
            return False
        for events in by_log(self.job.events(self.next_block, head)):
            self.on_events(events)
            self._follow(events[0])
        self.next_block = head + 1
        return True

    def _follow(self, event: ChainEvent) -> None:
        match event:
            case TaskTaken() if event.operator == self.scene.accounts[LIAR]:
                self.absent = {CHALLENGER}
            case GameOpened():
                self.games_open += 1
                self.absent = {LIAR}
            case GameSettled() if event.stage is GameStage.CHALLENGER_WON:
                self.strikes += 1
            case GameRewarded():
                self.games_open -= 1
                self.strikes -= 1
            case _:
                return

    def is_over(self) -> bool:
        """Whether every shard is final and the challenger has nothing left to do."""
        return not self.games_open and self.job.is_complete() and not self.views[CHALLENGER].tasks

    def may_warp(self) -> bool:
        """Move the clock if everybody waits for it, and no striker has to show first (S7.5)."""
        if self.strikes and not self.scene.client.chain.facts().shown:
            return False
        status = self.job.status()
        claimed = [task.until for task in status.tasks if task.stage is TaskStage.CLAIMED]
        if not claimed or len(claimed) + status.count(TaskStage.FINAL) != len(status.tasks):
            return False
        if CHALLENGER in self.absent:
            self._warp(Warp.RETURN, min(claimed) - RETURN_SECONDS, status)
        elif LIAR in self.absent and self._is_all_judged():
            self._warp(Warp.DISPUTED_END, max(claimed) + 1, status)
        elif not self.absent and not self.views[CHALLENGER].tasks:
            self._warp(Warp.END, max(claimed) + 1, status)
        else:
            return False
        return True

    def _is_all_judged(self) -> bool:
        """Whether the challenger has checked every claim. His view leaves out those that he found true."""
        return all(claim.games for task in self.views[CHALLENGER].tasks for claim in task.claims)

    def _warp(self, why: Warp, until: int, status: JobStatus) -> None:
        self.absent = set()
        seconds = max(until - status.time_seconds, 1)
        self.on_warp(why, seconds)
        self.scene.devnet.advance(seconds)


def play(
    scene: Scene, job: Job, on_events: Callable[[Events], None], on_warp: Callable[[Warp, int], None]
) -> None:
    """Let the daemons work until the job is complete. Raises Bug if it never completes."""
    give_up_at = time.monotonic() + PLAY_LIMIT_SECONDS
    plot = _Plot(
        scene=scene,
        job=job,
        on_events=on_events,
        on_warp=on_warp,
        next_block=scene.deployment.block_number,
    )
    while True:
        if not plot.tick() and not plot.may_warp():
            time.sleep(PAUSE_SECONDS)
        if CHALLENGER in plot.views and plot.is_over():
            return
        if time.monotonic() > give_up_at:
            raise Bug(f"the job is not complete after {PLAY_LIMIT_SECONDS:g} s: {job.status()}")


def by_log(events: Iterable[ChainEvent]) -> Iterable[Events]:
    """The events of each log together: those of a batch are of one kind and follow one another."""
    for _, group in groupby(events, key=lambda event: (event.at.block_number, event.at.log_index)):
        yield tuple(group)
