"""What came of an account's claims and games since the process began."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from truestep.base.ids import Address, ClaimId, GameId, TaskId, claim_of_game, task_in_words
from truestep.base.units import coins
from truestep.node.chain.ledger import Ledger
from truestep.node.chain.task_state import OpenGame
from truestep.ports.reporter import Reporter
from truestep.ports.vitals import Totals
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.ids import NATIVE

PAID_LIMIT = 10_000
"""Claims that are remembered as paid: a reorganisation undoes the newest ones and pays them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    claim_id: ClaimId
    reward: int
    asset: Address
    bond_wei: int


class Totaller:
    """Compares what an account has under way with what it had before, and asks how the rest has ended."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.totals: Totals = Totals()
        self._claims: dict[TaskId, _Claimed] = {}
        self._games: dict[GameId, OpenGame] = {}
        self._paid: dict[ClaimId, None] = {}
        self._lost: set[ClaimId] = set()

    def follow(
        self,
        claimed: Iterable[tuple[TaskRecord, JobRecord]],
        games: Iterable[OpenGame],
        ledger: Ledger,
        operator: Address,
    ) -> None:
        """Count what has ended. `claimed`: the operator's standing claims; `games`: its and the account's."""
        now = {
            task.task_id: _Claimed(
                claim_id=task.claim_id,
                reward=job.reward,
                asset=job.asset,
                bond_wei=job.parameters.operator_bond_wei,
            )
            for task, job in claimed
        }
        for task_id, before in self._claims.items():
            if task_id not in now or now[task_id].claim_id != before.claim_id:
                self._end_claim(task_id, before, ledger, operator)
        self._claims = now
        open_games = {game.game_id: game for game in games}
        for game_id, game in self._games.items():
            if game_id not in open_games:
                self._end_game(game, ledger, operator)
        self._games = open_games

    def _end_claim(self, task_id: TaskId, claimed: _Claimed, ledger: Ledger, operator: Address) -> None:
        claim_id = claimed.claim_id
        if claim_id in ledger.struck or claim_id in ledger.failed:
            self._lose(task_id, claimed, is_false=claim_id in ledger.struck)
            return
        task = ledger.task(task_id)
        is_paid = task.stage is TaskStage.FINAL and task.operator == operator and task.claim_id == claim_id
        if not is_paid or claim_id in self._paid:
            return
        self._paid[claim_id] = None
        if len(self._paid) > PAID_LIMIT:
            del self._paid[next(iter(self._paid))]
        self._pay(task_id, claimed)

    def _pay(self, task_id: TaskId, claimed: _Claimed) -> None:
        totals, earned = self.totals, coins(claimed.reward)
        self.totals = replace(totals, finished_tasks=totals.finished_tasks + 1)
        if claimed.asset == NATIVE:
            self.totals = replace(self.totals, earned_wei=totals.earned_wei + claimed.reward)
        else:
            units = totals.earned_tokens.get(claimed.asset, 0) + claimed.reward
            tokens = {**totals.earned_tokens, claimed.asset: units}
            self.totals = replace(self.totals, earned_tokens=tokens)
            earned = f"{claimed.reward:,} units of {claimed.asset}"
        message = f"{task_in_words(task_id)}: the claim is final and earns {earned}"
        self._reporter.report("paid", message, task_id=task_id, reward=claimed.reward, asset=claimed.asset)

    def _lose(self, task_id: TaskId, claimed: _Claimed, *, is_false: bool) -> None:
        if claimed.claim_id in self._lost:
            return
        self._lost.add(claimed.claim_id)
        self.totals = replace(self.totals, claims_lost=self.totals.claims_lost + 1)
        bond = coins(claimed.bond_wei)
        why = "it was proved false, or a move was missed" if is_false else "its data was not kept"
        self._reporter.report(
            "bond_lost",
            f"{task_in_words(task_id)}: THE BOND OF YOUR CLAIM IS LOST, {bond}: {why}; stop"
            " this node, keep its state directory, and find the cause before it claims more",
            task_id=task_id,
            bond_wei=claimed.bond_wei,
        )

    def _end_game(self, game: OpenGame, ledger: Ledger, operator: Address) -> None:
        has_fallen = claim_of_game(game.game_id) in ledger.struck
        if has_fallen == (game.operator == operator):
            self.totals = replace(self.totals, games_lost=self.totals.games_lost + 1)
        else:
            self.totals = replace(self.totals, games_won=self.totals.games_won + 1)
