"""The challenger: checks every claim in its window and disputes the false ones (docs/protocol.md P4, P5)."""

from dataclasses import dataclass

from truestep.protocol.calls import OpenGame
from truestep.protocol.records import GameStage
from truestep.roles import moves
from truestep.roles.actions import Action, Decline, Declined, Send
from truestep.roles.moves import describe
from truestep.roles.views import ClaimView, GameView, TaskView, View
from truestep.roles.worker import withdrawals


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerPolicy:
    """What a challenger is willing to risk. Amounts in wei."""

    check_limit: int = 2
    """Claims checked at a time."""
    bonds_limit_wei: int = 10**20
    """Bonds of all its open games together."""
    gas_reserve_wei: int = 5 * 10**16
    """Kept in the wallet for the moves of games that are open already."""
    withdraw_above_wei: int = 10**16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Budget:
    """What is left for bonds."""

    bonds_wei: int
    wallet_wei: int

    def after(self, bond_wei: int) -> "_Budget":
        return _Budget(bonds_wei=self.bonds_wei - bond_wei, wallet_wei=self.wallet_wei - bond_wei)


def decide(view: View, policy: ChallengerPolicy) -> list[Action]:
    """Everything to do now, the oldest deadline first."""
    actions: list[Action] = []
    budget = _budget(view, policy)
    for _, task, claim in sorted(_claims(view), key=lambda row: (row[0], row[2].claim_id)):
        game = _own_game(view, claim)
        if game is not None:
            actions += _play(view, task, claim, game)
        elif task.is_standing(claim) and claim.operator != view.account and view.now <= task.task.until:
            opening = _check(view, task, claim, budget)
            actions += opening
            if any(isinstance(action, Send) for action in opening):
                budget = budget.after(view.parameters.challenger_bond_wei)
    actions += withdrawals(view, policy.withdraw_above_wei)
    return [
        action for action in actions if not isinstance(action, Send) or action.intent not in view.in_flight
    ]


def is_false(task: TaskView, claim: ClaimView) -> bool | None:
    """Whether the claim differs from one's own run; None while that is not known."""
    own = task.hashes.get(claim.claimed.cycle)
    return None if own is None else own != claim.claimed.state_hash()


# --- claims: check, then open a game --------------------------------------------------------------


def _check(view: View, task: TaskView, claim: ClaimView, budget: _Budget) -> list[Action]:
    verdict = is_false(task, claim)
    if verdict is False:
        return []
    if verdict is True:
        return [_open(view, task, claim, budget)]
    if task.run_failure:
        return [_decline(task, Declined.RUN_FAILED, task.run_failure)]
    return moves.prepared(task, moves.compute(task, (claim.claimed.cycle,), is_check=True))


def _open(view: View, task: TaskView, claim: ClaimView, budget: _Budget) -> Action:
    bond_wei = view.parameters.challenger_bond_wei
    if bond_wei > budget.bonds_wei:
        return _decline(
            task,
            Declined.BUDGET,
            f"false claim left alone: a bond of {bond_wei} wei exceeds the limit; raise it",
        )
    if bond_wei > budget.wallet_wei:
        return _decline(
            task,
            Declined.FUNDS,
            f"false claim left alone: {view.account} needs {bond_wei} wei for the bond and has"
            f" {view.wallet_wei} wei; send it more",
        )
    return Send(
        intent=f"open/{claim.claim_id}",
        call=OpenGame(claim_id=claim.claim_id, claimed=claim.claimed, bond_wei=bond_wei),
        message=f"the claim on {describe(task)} is false: open a dispute over {claim.claimed.cycle} steps",
    )


# --- games: never miss a move ---------------------------------------------------------------------


def _play(view: View, task: TaskView, claim: ClaimView, game: GameView) -> list[Action]:
    record, arity = game.record, view.parameters.arity
    if record.stage in (GameStage.CLOSED, GameStage.OPERATOR_WON):
        return []
    if not task.is_standing(claim):
        return moves.settle(record, "the claim was struck in another game")
    if record.stage is GameStage.CHALLENGER_WON:
        return moves.settle(record, "the challenger has won")
    is_late = moves.has_clock_run_out(record, view.now)
    if is_late and record.stage in (GameStage.OPERATOR_TURN, GameStage.REVEAL_DUE):
        return moves.settle(record, "the operator's clock has run out")
    if record.stage is GameStage.REVEAL_DUE:
        return []
    if record.stage is GameStage.OPERATOR_TURN:
        return moves.prepared(task, moves.compute(task, moves.boundaries(record, arity)))
    if is_late:
        return []
    if record.stage is GameStage.CHALLENGER_TURN:
        return moves.prepared(task, moves.pick(task, game, arity))
    return moves.prepared(task, moves.step(task, record))


# --- views ----------------------------------------------------------------------------------------


def _claims(view: View) -> list[tuple[int, TaskView, ClaimView]]:
    """(deadline, task, claim): the end of the window, or of the clock in one's own game."""
    rows: list[tuple[int, TaskView, ClaimView]] = []
    for task in view.tasks:
        for claim in task.claims:
            game = _own_game(view, claim)
            runs_out_at = game.record.clock_runs_out_at() if game else None
            rows.append((runs_out_at or task.task.until, task, claim))
    return rows


def _own_game(view: View, claim: ClaimView) -> GameView | None:
    return next((game for game in claim.games if game.record.challenger == view.account), None)


def _budget(view: View, policy: ChallengerPolicy) -> _Budget:
    own = [
        game
        for task in view.tasks
        for claim in task.claims
        for game in claim.games
        if game.record.challenger == view.account and game.record.stage is not GameStage.CLOSED
    ]
    pending_count = sum(intent.startswith("open/") for intent in view.in_flight)
    bond_wei = view.parameters.challenger_bond_wei
    return _Budget(
        bonds_wei=policy.bonds_limit_wei - (len(own) + pending_count) * bond_wei,
        wallet_wei=view.wallet_wei - policy.gas_reserve_wei - pending_count * bond_wei,
    )


def _decline(task: TaskView, reason: Declined, why: str) -> Decline:
    return Decline(task_id=task.task.task_id, reason=reason, message=f"{describe(task)}: {why}")
