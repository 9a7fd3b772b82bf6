"""How a worker or challenger is: its clocks, what it has at risk, its work, and what has come of it."""

from collections.abc import Sequence

from truestep.base.ids import Address, BatchId, ClaimId, GameId, game_in_words, job_of_task, task_in_words
from truestep.base.text import counted
from truestep.base.units import coins, duration
from truestep.node.chain.ledger import Ledger
from truestep.node.chain.pending import PendingAge
from truestep.node.chain.task_state import OpenGame
from truestep.node.tasks.totals import Totaller
from truestep.ports.chain import Balances, Head
from truestep.ports.clock import Clock as OwnClock
from truestep.ports.reporter import Reporter
from truestep.ports.vitals import Clock, ClockKind, Exposure, Load, Stake, Vitals
from truestep.protocol.records import GameRecord, GameStage, JobRecord, TaskRecord, TaskStage
from truestep.roles.views import View

Task = tuple[TaskRecord, JobRecord]

DEFENDERS_TURNS = (GameStage.OPERATOR_TURN, GameStage.REVEAL_DUE)
CHALLENGERS_TURNS = (GameStage.CHALLENGER_TURN, GameStage.STEP_DUE)


class VitalSigns:
    """Makes the vitals of one account. For the thread of its loop."""

    def __init__(self, account: Address, operator: Address, clock: OwnClock, reporter: Reporter) -> None:
        self._account = account
        self._operator = operator
        self._pending = PendingAge(clock)
        self._totaller = Totaller(reporter)
        self._reporter = reporter
        self._revision: int | None = None
        self._claimed: list[Task] = []
        self._taken: list[Task] = []
        self._games: dict[GameId, OpenGame] = {}
        self._disputed: set[ClaimId] = set()
        """Own claims in a dispute, which were told."""
        self._exposure = Exposure()

    def follow(self, ledger: Ledger, *, is_past_known: bool) -> None:
        """Take in what has changed, and say what costs or earns coins."""
        if ledger.revision == self._revision:
            return
        self._revision = ledger.revision
        own = [(task, ledger.jobs[job_of_task(task.task_id)]) for task in ledger.tasks_of(self._operator)]
        self._claimed = [each for each in own if each[0].stage is TaskStage.CLAIMED]
        self._taken = [each for each in own if each[0].stage is TaskStage.TAKEN]
        self._games = {game.game_id: game for who in self._parties for game in ledger.games_of(who)}
        defended = {game.claim_id for game in self._games.values() if game.operator == self._operator}
        disputed = [each for each in self._claimed if each[0].claim_id in defended]
        self._exposure = _exposure(self._claimed, len(disputed))
        if is_past_known:
            self._totaller.follow(self._claimed, self._games.values(), ledger, self._operator)
            for task, job in disputed:
                self._tell_dispute(task, job)
            self._disputed = {task.claim_id for task, _ in disputed}

    def _tell_dispute(self, task: TaskRecord, job: JobRecord) -> None:
        if task.claim_id in self._disputed:
            return
        bond_wei = job.parameters.operator_bond_wei
        self._reporter.report(
            "claim_disputed",
            f"{task_in_words(task.task_id)}: YOUR CLAIM IS DISPUTED, and {coins(bond_wei)} is at risk; this"
            " node defends it by itself: keep it, its nodes and its stores running",
            task_id=task.task_id,
            bond_wei=bond_wei,
        )

    def summary(self, fees_wei: int, now: int | None) -> str:
        """What has come of the time since the start, and what is at risk."""
        totals, exposure = self._totaller.totals, self._exposure
        parts = [f"since the start gas cost {coins(fees_wei)}"]
        if totals.finished_tasks or exposure.claims or self._taken:
            finished = counted(totals.finished_tasks, "task")
            parts.append(f"{finished} became final and earned {coins(totals.earned_wei)}")
        parts += [f"{units:,} units of {token} earned" for token, units in totals.earned_tokens.items()]
        if totals.games_won or totals.games_lost or self._games:
            won, lost = totals.games_won, totals.games_lost
            parts.append(f"disputes: {won} won, {lost} lost, {len(self._games)} open")
        if totals.claims_lost:
            parts.append(f"{counted(totals.claims_lost, 'bond')} lost")
        if exposure.claims:
            left = "" if now is None else f" for {duration(max(exposure.last_until - now, 0))}"
            at_risk = f"{counted(exposure.claims, 'claim')} with bonds of {coins(exposure.bonds_wei)}"
            parts.append(f"{at_risk} can be disputed{left}: start again soon, nobody else defends them")
        if self._taken:
            parts.append(f"{counted(len(self._taken), 'task')} taken and not claimed: leases go on")
        return "; ".join(parts)

    def at(
        self,
        view: View,
        head: Head,
        balances: Balances | None,
        load: Load,
        *,
        is_past_known: bool,
    ) -> Vitals:
        """The vitals as of a view, and of what was followed. `balances`: the operator's."""
        return Vitals(
            head=head,
            now=view.now,
            account=self._account,
            is_past_known=is_past_known,
            wallet_wei=view.wallet_wei,
            stake=_stake(balances),
            owed_wei={"Jobs": view.rewards_wei, "Disputes": view.winnings_wei, **view.owed_for_data},
            clocks=tuple(
                sorted([*self._game_clocks(view), *_leases(self._taken)], key=lambda each: each.until)
            ),
            open_games=len(self._games),
            exposure=self._exposure,
            taken_tasks=len(self._taken),
            taken_bonds_wei=_bonds_wei(self._taken),
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
