"""How a worker or challenger is: its clocks, what it has at risk, its work, and what has come of it."""

from collections.abc import Sequence

from truestep.base.ids import Address, BatchId, game_in_words, job_of_task
from truestep.base.text import counted
from truestep.node.chain.ledger import Ledger
from truestep.node.chain.pending import PendingAge
from truestep.node.tasks.totals import Totaller
from truestep.ports.chain import Balances, Head
from truestep.ports.clock import Clock as OwnClock
from truestep.ports.vitals import Clock, ClockKind, Exposure, Load, Stake, Vitals
from truestep.protocol.records import GameRecord, GameStage, JobRecord, TaskRecord, TaskStage
from truestep.roles.views import View

Task = tuple[TaskRecord, JobRecord]

DEFENDERS_TURNS = (GameStage.OPERATOR_TURN, GameStage.REVEAL_DUE)
CHALLENGERS_TURNS = (GameStage.CHALLENGER_TURN, GameStage.STEP_DUE)


class VitalSigns:
    """Makes the vitals of one account. For the thread of its loop."""

    def __init__(self, account: Address, operator: Address, clock: OwnClock) -> None:
        self._account = account
        self._operator = operator
        self._pending = PendingAge(clock)
        self._totaller = Totaller()

    def at(
        self,
        view: View,
        head: Head,
        ledger: Ledger,
        balances: Balances | None,
        load: Load,
        *,
        is_past_known: bool,
    ) -> Vitals:
        """The vitals as of a view. `balances`: the operator's."""
        own = [(task, ledger.jobs[job_of_task(task.task_id)]) for task in ledger.tasks_of(self._operator)]
        claimed = [each for each in own if each[0].stage is TaskStage.CLAIMED]
        taken = [each for each in own if each[0].stage is TaskStage.TAKEN]
        games = {game.game_id: game for who in self._parties for game in ledger.games_of(who)}
        if is_past_known:
            self._totaller.follow(claimed, games.values(), ledger, self._operator)
        disputed = ledger.disputed_tasks(operator=self._operator)
        return Vitals(
            head=head,
            now=view.now,
            account=self._account,
            is_past_known=is_past_known,
            wallet_wei=view.wallet_wei,
            stake=_stake(balances),
            owed_wei={"Jobs": view.rewards_wei, "Disputes": view.winnings_wei, **view.owed_for_data},
            clocks=tuple(sorted([*self._game_clocks(view), *_leases(taken)], key=lambda each: each.until)),
            open_games=len(games),
            exposure=_exposure(claimed, sum(task.task_id in disputed for task, _ in claimed)),
            taken_tasks=len(taken),
            taken_bonds_wei=_bonds_wei(taken),
            load=load,
            pending=len(view.in_flight),
            pending_seconds=self._pending.seconds(view.in_flight),
            totals=self._totaller.totals,
        )

    @property
    def _parties(self) -> set[Address]:
        return {self._account, self._operator}

    def _game_clocks(self, view: View) -> list[Clock]:
        """Of games in which it is this daemon's move."""
        return [
            Clock(
                kind=ClockKind.GAME,
                subject=game_in_words(game.record.game_id),
                until=game.record.last_second,
                whole_seconds=task.job.parameters.clock_seconds,
            )
            for task in view.tasks
            for claim in task.claims
            if task.is_standing(claim)
            for game in claim.games
            if self._is_to_move(game.record)
        ]

    def _is_to_move(self, game: GameRecord) -> bool:
        if game.stage in DEFENDERS_TURNS:
            return game.operator in self._parties and game.rescue_end is None
        return game.stage in CHALLENGERS_TURNS and game.challenger == self._account


def _leases(taken: Sequence[Task]) -> list[Clock]:
    """Of batches that are to be claimed."""
    batches: dict[BatchId, list[Task]] = {}
    for task, job in taken:
        batches.setdefault(task.batch_id, []).append((task, job))
    return [
        Clock(
            kind=ClockKind.LEASE,
            subject=f"batch {batch_id}, {counted(len(tasks), 'task')}",
            until=min(task.until for task, _ in tasks),
            whole_seconds=min(job.lease_seconds for _, job in tasks),
        )
        for batch_id, tasks in batches.items()
    ]


def _exposure(claimed: Sequence[Task], disputed: int) -> Exposure:
    ends = [task.until for task, _ in claimed]
    return Exposure(
        claims=len(claimed),
        disputed=disputed,
        bonds_wei=_bonds_wei(claimed),
        first_until=min(ends, default=0),
        last_until=max(ends, default=0),
    )


def _bonds_wei(tasks: Sequence[Task]) -> int:
    return sum(job.parameters.operator_bond_wei for _, job in tasks)


def _stake(balances: Balances | None) -> Stake | None:
    if balances is None or not balances.stake_wei:
        return None
    free_wei = balances.lockable_wei
    return Stake(
        free_wei=free_wei,
        locked_wei=balances.locked_wei,
        capped_wei=balances.free_stake_wei - free_wei,
    )
