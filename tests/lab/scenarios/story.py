"""The story that most outages happen in: true claims are disputed, a false one is made."""

from __future__ import annotations

from tests.lab.attackers import Contrarian, Liar
from tests.lab.guests import POLYNOMIAL, SMALL_INPUT
from tests.lab.processes import Process
from tests.lab.proxy import FaultyProxy
from tests.lab.scenario import Scenario
from tests.lab.world import REWARD_WEI, World
from truestep.base.ids import TaskId, task_of
from truestep.protocol.events import ClaimStruck, GameOpened
from truestep.protocol.records import GameStage, TaskStage

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

    def prepare(self, world: World) -> None:
        """One job for the worker, one without reward for the liar, which the worker leaves alone."""
        program = world.register(POLYNOMIAL)
        self.truths: list[TaskId] = []
        self.false: list[TaskId] = []
        self.liar, self.contrarian = Liar(world), Contrarian(world)
        self.contrarian.enter()
        if self.true_tasks:
            job = world.post(program, shard_count=self.true_tasks)
            self.truths = [task_of(job, shard) for shard in range(self.true_tasks)]
            for task_id in self.truths:
                claimed = world.truth(task_id)
                assert claimed is not None
                self.contrarian.dispute(task_id, claimed)
        if self.lies:
            self.liar.stake(self.lies)
            job = world.post(program, shard_count=self.lies, reward_wei=0)
            self.false = [task_of(job, shard) for shard in range(self.lies)]
            for task_id in self.false:
                self.liar.lie_on(task_id, POLYNOMIAL, SMALL_INPUT)
        world.attackers += [self.liar, self.contrarian]
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
            self.in_dispute(world)
        world.until(lambda: self.is_over(world), END_SECONDS, "tasks are not final or games not settled")

    def start_worker(self, world: World) -> Process:
        """The honest operator."""
        options = ("--stake", "5", "--parallel", "2", "--min-reward", f"{REWARD_WEI}wei")
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
        if not waiting and not unsettled and world.are_games_over():
            return True
        if not unsettled:
            self._skip_idle_time(world, waiting)
        return False

    def _skip_idle_time(self, world: World, waiting: list[TaskId]) -> None:
        """Pass the time of a clock that nobody honest has to fear, or the rest of a window."""
        records = [world.reader.task(task_id) for task_id in waiting]
        if any(record.stage is not TaskStage.CLAIMED for record in records):
            return
        games = [
            world.reader.game(opened.game_id)
            for record in records
            for opened in world.history.games(record.claim_id)
        ]
        idle = [game for game in games if game.stage in (GameStage.CHALLENGER_TURN, GameStage.STEP_DUE)]
        closed = [game for game in games if game.stage is GameStage.CLOSED]
        if len(games) < len(records) or len(idle) + len(closed) < len(games):
            return
        if any(self.contrarian.will_move(game) for game in idle):
            return
        now = world.anvil.time_seconds()
        until = [clock for game in idle if (clock := game.clock_runs_out_at()) is not None]
        until = until or [record.until for record in records]
        if until and now <= max(until):
            world.anvil.skip(max(until) - now + 2)
