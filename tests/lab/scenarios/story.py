"""The story that most outages happen in: true claims are disputed, a false one is made."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.lab.attackers import Contrarian, Liar
from tests.lab.guests import POLYNOMIAL, SMALL_INPUT
from tests.lab.processes import Process
from tests.lab.proxy import FaultyProxy
from tests.lab.scenario import Scenario
from tests.lab.world import REWARD_WEI, World
from truestep.base.ids import ProgramId, TaskId, task_of
from truestep.protocol.events import ClaimStruck, GameOpened, JobPosted
from truestep.protocol.records import GameRecord, GameStage, TaskStage

END_SECONDS = 300.0
"""Three windows: what is not over by then is stuck."""


class Story(Scenario):
    """A worker with disputed true claims, a liar, a challenger; each daemon has an endpoint of its own."""

    true_tasks = 2
    lies = 1
    worker_options: tuple[str, ...] = ()
    challenger_options: tuple[str, ...] = ()
    endpoints = 1
    """For each daemon."""
    waves = 0
    """So often, while it goes wrong, a task more is posted, disputed, and a lie more is told."""
    wave_seconds = 10.0
    stake = 20
    """Of the worker, in bonds: each claim locks one for its window."""

    def prepare(self, world: World) -> None:
        """One job for the worker, one without reward for the liar, which the worker leaves alone."""
        program = world.register(POLYNOMIAL)
        self.truths: list[TaskId] = []
        self.false: list[TaskId] = []
        self.liar, self.contrarian = Liar(world), Contrarian(world)
        self.contrarian.enter(bonds=50)
        if self.true_tasks:
            job = world.post(program, shard_count=self.true_tasks)
            self.truths = [task_of(job, shard) for shard in range(self.true_tasks)]
            for task_id in self.truths:
                claimed = world.truth(task_id)
                assert claimed is not None
                self.contrarian.dispute(task_id, claimed)
        lies = self.lies + (self.waves if self.lies else 0)
        if lies:
            self.liar.stake(lies)
            job = world.post(program, shard_count=lies, reward_wei=0)
            self.false = [task_of(job, shard) for shard in range(lies)]
            for task_id in self.false[: self.lies]:
                self.liar.lie_on(task_id, POLYNOMIAL, SMALL_INPUT)
        self.author = Author(world, self, program)
        world.attackers += [self.liar, self.contrarian, self.author]
        self.worker_proxies = [world.proxy() for _ in range(self.endpoints)]
        self.challenger_proxies = [world.proxy() for _ in range(self.endpoints)]

    def proxies(self) -> list[FaultyProxy]:
        """All endpoints of honest daemons."""
        return [*self.worker_proxies, *self.challenger_proxies]

    def attack(self, world: World) -> None:
        """From the daemons' start to the end of every task."""
        self.at_start(world)
        self.worker = self.start_worker(world)
        self.challenger = self.start_challenger(world)
        is_begun = world.until(
            lambda: bool(world.history.all(GameOpened)), END_SECONDS, "no dispute was ever opened"
        )
        if is_begun:
            self.author.begin()
            self.in_dispute(world)
        world.until(lambda: self.is_over(world), END_SECONDS, "tasks are not final or games not settled")

    def start_worker(self, world: World) -> Process:
        """The honest operator."""
        options = ("--stake", f"{self.stake}", "--parallel", "2", "--min-reward", f"{REWARD_WEI}wei")
        return world.daemon("worker", "operator", *options, *self.worker_options, rpc=self.worker_proxies)

    def start_challenger(self, world: World) -> Process:
        """The honest challenger."""
        return world.daemon("challenger", "challenger", *self.challenger_options, rpc=self.challenger_proxies)

    def at_start(self, world: World) -> None:
        """What is wrong from the beginning."""

    def in_dispute(self, world: World) -> None:
        """What goes wrong once the first game is open."""

    def each_look(self, world: World) -> None:
        """What goes wrong again and again."""

    def is_over(self, world: World) -> bool:
        """Whether all true claims are final, all lies struck, all games settled. Time is skipped where only
        somebody who will never move is waited for."""
        self.each_look(world)
        if world.has_honest_loss():
            return True
        waiting = [task_id for task_id in self.truths if not world.is_final(task_id)]
        struck = {event.task_id for event in world.history.all(ClaimStruck)}
        unsettled = [task_id for task_id in self.false if task_id not in struck]
        if not waiting and not unsettled and world.are_games_over() and self.author.is_done():
            return True
        if not unsettled and self.author.is_done():
            skip_idle_time(world, waiting, self.contrarian.will_move)
        return False


def skip_idle_time(world: World, waiting: list[TaskId], will_move: Callable[[GameRecord], bool]) -> None:
    """Pass the time of a clock that nobody honest has to fear, or the rest of a window."""
    records = [world.reader.task(task_id) for task_id in waiting]
    if any(record.stage is not TaskStage.CLAIMED for record in records):
        return
    opened = [each.game_id for record in records for each in world.history.games(record.claim_id)]
    games = world.games(opened).values()  # those that are over are left out
    idle = [game for game in games if game.stage in (GameStage.CHALLENGER_TURN, GameStage.STEP_DUE)]
    if len(opened) < len(records) or len(idle) < len(games) or any(map(will_move, idle)):
        return
    now = world.anvil.time_seconds()
    until = [game.last_second for game in idle] or [record.until for record in records]
    if until and now <= max(until):
        world.anvil.skip(max(until) - now + 2)


class Author:
    """Goes on with the story while things go wrong: another job, another lie, wave by wave."""

    def __init__(self, world: World, story: Story, program_id: ProgramId) -> None:
        self._world = world
        self._story = story
        self._program_id = program_id
        self._began_seconds: float | None = None
        self._waves = 0
        self._posted_seconds = 0.0
        self._known = 0
        """Jobs that are not of a wave."""

    def begin(self) -> None:
        """The first wave comes after a pause."""
        self._known = self._world.reader.newest_facts()[0].job_count
        self._began_seconds = time.monotonic()

    def is_done(self) -> bool:
        """Whether every wave has come, and its job is known."""
        return self._waves >= self._story.waves and len(self._story.truths) >= self._tasks()

    def tick(self) -> None:
        """Post what is due, and have it disputed as soon as it is on the chain."""
        if self._began_seconds is None:
            return
        self._notice()
        if self._waves >= self._story.waves:
            self._post_again()
            return
        if time.monotonic() - self._began_seconds > (self._waves + 1) * self._story.wave_seconds:
            self._waves += 1
            self._post()
            if self._story.false:
                task_id = self._story.false[self._story.lies + self._waves - 1]
                self._story.liar.lie_on(task_id, POLYNOMIAL, SMALL_INPUT)

    def _post(self) -> None:
        self._posted_seconds = time.monotonic()
        self._world.post(self._program_id, is_awaited=False)

    def _post_again(self) -> None:
        """A reorganisation may have taken a job out of the chain, and the lab's requester sends once."""
        is_late = time.monotonic() - self._posted_seconds > 2 * self._story.wave_seconds
        if is_late and not self.is_done():
            self._post()

    def _notice(self) -> None:
        for event in self._world.history.all(JobPosted):
            task_id = task_of(event.job_id, 0)
            is_own = event.program_id == self._program_id and event.reward > 0
            if is_own and event.job_id > self._known and task_id not in self._story.truths:
                claimed = self._world.truth(task_id)
                assert claimed is not None
                self._story.truths.append(task_id)
                self._story.contrarian.dispute(task_id, claimed)

    def _tasks(self) -> int:
        return self._story.true_tasks + self._story.waves
