"""The challenger: checks every claim in its window and disputes the false ones (docs/protocol.md P4, P5)."""

from dataclasses import dataclass

from truestep.base.units import coins, coins_or_more
from truestep.protocol.calls import OpenGame
from truestep.protocol.records import GameStage
from truestep.roles import checks, moves
from truestep.roles.actions import Action, Agree, Alert, Decline, Declined, Send
from truestep.roles.moves import describe
from truestep.roles.views import ClaimView, GameView, MaterialStage, TaskView, View
from truestep.roles.worker import withdrawals

OPEN_SECONDS = 5
"""Time at the end of a claim's window for the transaction that opens the dispute."""
LAST_SHARE = 4
"""A claim that cannot be checked is reported in the last quarter of its window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerPolicy:
    """What a challenger is willing to risk. Amounts in wei."""

    check_limit: int = 2
    """Claims checked at the same time."""
    bonds_limit_wei: int = 10**20
    """The limit of the bonds of all its open games together."""
    gas_reserve_wei: int = 5 * 10**16
    """Kept in the wallet for the moves of games that are already open."""
    withdraw_above_wei: int = 10**16
    salt: bytes = b""
    """Secret random bytes that decide which claims are checked first if not all can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Budget:
    """What is left for bonds."""

    bonds_wei: int
    wallet_wei: int

    def after(self, bond_wei: int) -> "_Budget":
        return _Budget(bonds_wei=self.bonds_wei - bond_wei, wallet_wei=self.wallet_wei - bond_wei)


Row = tuple[TaskView, ClaimView]


def decide(view: View, policy: ChallengerPolicy) -> list[Action]:
    """Everything to do now: moves first, by their clocks; then new disputes; then checks."""
    games: list[tuple[TaskView, ClaimView, GameView]] = []
    standing: list[Row] = []
    for task in view.tasks:
        for claim in task.claims:
            if (game := _own_game(view, claim)) is not None:
                games.append((task, claim, game))
            elif task.is_standing(claim) and claim.operator != view.account and view.now <= task.task.until:
                standing.append((task, claim))
    actions: list[Action] = []
    for task, claim, game in sorted(games, key=lambda row: row[2].record.clock_runs_out_at() or 0):
        actions += _play(view, task, claim, game)
    actions += _open_all(view, policy, [row for row in standing if is_false(*row) is True])
    actions += _check_all(view, policy, [row for row in standing if is_false(*row) is None])
    actions += [_agree(*row) for row in standing if is_false(*row) is False]
    actions += withdrawals(view, policy.withdraw_above_wei)
    return [
        action for action in actions if not isinstance(action, Send) or action.intent not in view.in_flight
    ]


def is_false(task: TaskView, claim: ClaimView) -> bool | None:
    """Whether the claim differs from one's own run; None while that is not known."""
    own = task.hashes.get(claim.claimed.cycle)
    return None if own is None else own != claim.claimed.state_hash()


# --- claims: check, then open a game --------------------------------------------------------------


def _open_all(view: View, policy: ChallengerPolicy, rows: list[Row]) -> list[Action]:
    """Dispute false claims, the most valuable first, as far as the budget goes."""
    actions: list[Action] = []
    budget = _budget(view, policy)
    for task, claim in sorted(rows, key=lambda row: (-row[0].job.reward_wei, row[1].claim_id)):
        action = _open(view, task, claim, budget)
        if isinstance(action, Send) and action.intent not in view.in_flight:
            budget = budget.after(view.parameters.challenger_bond_wei)
        actions.append(action)
    return actions


def _open(view: View, task: TaskView, claim: ClaimView, budget: _Budget) -> Action:
    bond_wei = view.parameters.challenger_bond_wei
    intent = f"open/{claim.claim_id}"
    if task.distrust:
        return _decline(task, Declined.DISTRUSTED, f"not disputed: {task.distrust}")
    if bond_wei > budget.bonds_wei and intent not in view.in_flight:
        return _decline(
            task,
            Declined.BUDGET,
            f"false claim left alone: a bond of {coins(bond_wei)} exceeds what is left of the limit; raise it"
            " with --max-bonds",
        )
    needed_wei = bond_wei + view.wallet_wei - budget.wallet_wei
    if needed_wei > view.wallet_wei and intent not in view.in_flight:
        return _decline(
            task,
            Declined.FUNDS,
            f"false claim left alone: {view.account} needs {coins(needed_wei)} for the bond and the gas of"
            f" its games, and has {coins(view.wallet_wei)}; send it at least"
            f" {coins_or_more(needed_wei - view.wallet_wei)} more",
        )
    return Send(
        intent=intent,
        call=OpenGame(claim_id=claim.claim_id, claimed=claim.claimed, bond_wei=bond_wei),
        message=f"the claim on {describe(task)} is false: open a dispute over {claim.claimed.cycle:,} steps",
    )


def _check_all(view: View, policy: ChallengerPolicy, rows: list[Row]) -> list[Action]:
    """Check the claims that are not known to be true or false, in an order that no attacker can use."""
    by_claim = {claim.claim_id: (task, claim) for task, claim in rows}
    possible = [_as_check(view, task, claim) for task, claim in rows if not _why_unchecked(task)]
    plan = checks.plan(possible, view.now, view.pace.at_once, policy.salt)
    impossible = by_claim.keys() - set(plan.order)
    actions: list[Action] = []
    for claim_id in (*plan.order, *sorted(impossible)):
        task, claim = by_claim[claim_id]
        actions += _check(view, task, claim)
    return [*actions, *_alerts(view, rows, plan)]


def _as_check(view: View, task: TaskView, claim: ClaimView) -> checks.Check:
    return checks.Check(
        claim_id=claim.claim_id,
        work=(task.run, claim.claimed.cycle),
        deadline=task.task.until - OPEN_SECONDS,
        seconds=view.pace.seconds(claim.claimed.cycle),
        value_wei=task.job.reward_wei,
    )


def _check(view: View, task: TaskView, claim: ClaimView) -> list[Action]:
    if task.run_failure:
        return [_decline(task, Declined.RUN_FAILED, task.run_failure)]
    return moves.prepared(task, moves.compute(task, (claim.claimed.cycle,), is_check=True))


def _alerts(view: View, rows: list[Row], plan: checks.Plan) -> list[Action]:
    """What a person must know: claims that will become final unchecked."""
    actions: list[Action] = []
    if plan.late_count:
        message = (
            f"{plan.late_count} of {len(plan.order)} claims cannot be checked before their windows end: all"
            f" would take {plan.backlog_seconds:.0f} s, {view.pace.at_once} at a time; use a computer with"
            " more cores and raise --parallel, or run a second challenger"
        )
        actions.append(Alert(kind="falling_behind", message=message))
    ending = [
        (task, task.task.until - view.now)
        for task, _ in rows
        if (task.task.until - view.now) * LAST_SHARE < view.parameters.window_seconds
    ]
    if ending:
        task, left_seconds = max(ending, key=lambda row: row[0].job.reward_wei)
        message = (
            f"{len(ending)} claims become final unchecked soon. The most valuable is {describe(task)}, in"
            f" {left_seconds} s: {_why_unchecked(task) or _why_late(task)}"
        )
        actions.append(Alert(kind="unchecked", message=message))
    return actions


def _why_late(task: TaskView) -> str:
    """Why a check that nothing stands against has not ended."""
    if task.material.stage is MaterialStage.READY:
        return "its check has not ended yet; use a computer with more cores and raise --parallel"
    return "its program and input are not here yet; add a faster store with --blobs"


def _why_unchecked(task: TaskView) -> str:
    """What stands against a check, and the remedy; empty if nothing does."""
    if task.run_failure:
        return f"this computer cannot run it ({task.run_failure}); run a challenger on another one"
    if task.material.stage in (MaterialStage.UNREACHABLE, MaterialStage.WRONG):
        message = task.material.message
        return f"program or input cannot be had ({message}); add a store that has them with --blobs"
    return ""


def _agree(task: TaskView, claim: ClaimView) -> Agree:
    message = f"the claim on {describe(task)} is true: its {claim.claimed.cycle:,} steps end the same here"
    return Agree(task_id=task.task.task_id, message=message)


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
