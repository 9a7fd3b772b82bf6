"""The challenger: checks claims and disputes false ones (docs/protocol.md S5 to S7)."""

from collections.abc import Iterator

from truestep.base.ids import Bytes32, ClaimId, GameId, TaskId, claim_of_game, game_in_words, task_of_claim
from truestep.base.records import record
from truestep.base.text import counted
from truestep.base.units import coins, coins_or_more
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.protocol.calls import NATIVE, OpenGame, RefuteClaim, ShowGame
from truestep.protocol.records import GameRecord, GameStage, JobRecord
from truestep.protocol.settlement.facts.due import Action as DutyKind
from truestep.protocol.settlement.games import SPARE_GAMES, bond_factor
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles import checks, duties, intents, moves
from truestep.roles.actions import Action, Agree, Alert, Decline, Declined, Send
from truestep.roles.moves import describe
from truestep.roles.views import ClaimView, MaterialStage, TaskView, View

OPEN_SECONDS = 5
"""Time at the end of a claim's window for the transaction that opens the dispute."""
LAST_SHARE = 4
"""A claim that cannot be checked is reported in the last quarter of its window."""
CLAIM_ID_BYTES = 32


@record
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
    """The node's secret: it hides commitments, and decides what is checked first if not all can be."""


@record
class _Budget:
    """What is left for bonds."""

    bonds_wei: int
    wallet_wei: int

    def after(self, bond_wei: int) -> "_Budget":
        return _Budget(bonds_wei=self.bonds_wei - bond_wei, wallet_wei=self.wallet_wei - bond_wei)


Row = tuple[TaskView, ClaimView]


def decide(view: View, policy: ChallengerPolicy) -> list[Action]:
    """Everything to do now: moves first, by their clocks; then new disputes; then checks."""
    rows = [(row, _own_game(view, row[1])) for row in _rows(view)]
    games = [(row, game) for row, game in rows if game is not None]
    standing = [row for row, game in rows if game is None and is_open(view, *row)]
    actions: list[Action] = []
    for (task, claim), game in sorted(games, key=lambda row: (row[1].last_second, row[1].game_id)):
        actions += _play(view, task, claim, game)
    actions += _show_all(view, policy)
    actions += [_refute(*row) for row in standing if row[1].is_malformed or _hides_end(*row)]
    disputable = [row for row in standing if can_be_challenged(view, *row)]
    actions += _open_all(view, policy, [row for row in disputable if _is_disputable(*row)])
    actions += _check_all(view, policy, [row for row in disputable if is_false(*row) is None])
    actions += [check for row in standing if _may_be_refuted(view, *row) for check in _check(*row)]
    actions += [_agree(*row) for row in disputable if is_false(*row) is False]
    actions += duties.sends(duty for duty in view.duties if _is_to_do(view, duty))
    actions += duties.withdrawals(view, policy.withdraw_above_wei)
    return duties.once(view, actions)


def _rows(view: View) -> Iterator[Row]:
    return ((task, claim) for task in view.tasks for claim in task.claims)


def is_open(view: View, task: TaskView, claim: ClaimView) -> bool:
    """Whether a claim of somebody else stands, in a batch that has not ended."""
    is_others = claim.operator not in (view.account, view.operator)
    return is_others and task.is_standing(claim) and not claim.has_batch_ended


def can_be_challenged(view: View, task: TaskView, claim: ClaimView) -> bool:
    """Whether a game can be opened on a claim that stands."""
    return not claim.is_malformed and view.now <= _challenge_end(view, task)


def _may_be_refuted(view: View, task: TaskView, claim: ClaimView) -> bool:
    """Whether it is too late for a game, and a check may yet show that an end is hidden (S5.4)."""
    is_running = not claim.is_malformed and claim.claimed.status is Status.RUNNING
    return is_running and view.now > _challenge_end(view, task) and is_false(task, claim) is None


def _challenge_end(view: View, task: TaskView) -> int:
    """The last second in which a game can be opened on a task's standing claim (S6.1)."""
    return max(task.task.until, view.stopped_until)


# --- claims: true or false ------------------------------------------------------------------------


def is_false(task: TaskView, claim: ClaimView) -> bool | None:
    """Whether the claim differs from one's own run; None while that is not known.

    A claim may say of a halted state that it runs: then the hash is right and the claim false all the same.
    """
    if claim.is_malformed:
        return True
    own = task.hashes.get(claim.claimed.cycle)
    if own is None:
        return None
    return own != claim.claimed.state_hash() or _hides_end(task, claim)


def _hides_end(task: TaskView, claim: ClaimView) -> bool:
    """Whether it says of the halted state of one's own run that it runs."""
    is_running = claim.claimed.status is Status.RUNNING
    is_same = bool(task.halted_state) and keccak256(task.halted_state) == claim.claimed.state_hash()
    return is_running and is_same


def _is_disputable(task: TaskView, claim: ClaimView) -> bool:
    return is_false(task, claim) is True and not _hides_end(task, claim)


def _refute(task: TaskView, claim: ClaimView) -> Action:
    """Strike a claim that is false by itself: that needs no game (S5.4)."""
    if task.distrust and not claim.is_malformed:
        return _decline(task, Declined.DISTRUSTED, f"not refuted: {task.distrust}")
    if claim.is_malformed:
        packed_state, why = b"", "has no meaning"
    else:
        packed_state, why = task.halted_state, "says that a run goes on which has ended"
    return Send(
        intent=intents.of_claim_id("refute", claim.claim_id),
        call=RefuteClaim(claim_id=claim.claim_id, packed_state=packed_state),
        message=f"the claim on {describe(task)} {why}: refute it",
    )


# --- false claims: open a game --------------------------------------------------------------------


def _open_all(view: View, policy: ChallengerPolicy, rows: list[Row]) -> list[Action]:
    """Dispute false claims, the most valuable first, as far as the budget goes."""
    if not rows:
        return []
    actions: list[Action] = []
    budget = _budget(view, policy)
    for task, claim in sorted(rows, key=lambda row: (-_value_wei(row[0].job), row[1].claim_id)):
        found = _open(view, policy, task, claim, budget)
        if any(isinstance(action, Send) and action.intent not in view.in_flight for action in found):
            budget = budget.after(bond_wei(task, claim))
        actions += found
    return actions


def bond_wei(task: TaskView, claim: ClaimView, more_games: int = 0) -> int:
    """What a game on the claim locks if it is opened now, or after so many others (S6.2)."""
    return task.job.parameters.challenger_bond_wei * bond_factor(claim.open_game_count + more_games)


def _open(
    view: View, policy: ChallengerPolicy, task: TaskView, claim: ClaimView, budget: _Budget
) -> list[Action]:
    needed_wei, intent = bond_wei(task, claim), _open_intent(view, claim)
    if task.distrust:
        return [_decline(task, Declined.DISTRUSTED, f"not disputed: {task.distrust}")]
    if intent not in view.in_flight:
        declined = _why_not(view, task, needed_wei, budget)
        if declined is not None:
            return [declined]
    end = _end_to_commit(view, task, claim)
    if end is None:
        return moves.prepared(task, moves.compute(task, (task.job.max_cycles,)))
    call = OpenGame(
        claim_id=claim.claim_id,
        claimed_hash=claim.claimed.state_hash(),
        state_hash=end,
        salt=salt_of(policy, claim.claim_id),
        has_spare_coins=bond_wei(task, claim, SPARE_GAMES) <= budget.wallet_wei,
    )
    return [
        Send(
            intent=intent,
            call=call,
            message=f"the claim on {describe(task)} is false: open a dispute over"
            f" {claim.claimed.cycle:,} steps",
        )
    ]


def _open_intent(view: View, claim: ClaimView) -> str:
    """One that is under way already, though it was sent before the claim was proven, or a new one."""
    under_way = [intent for intent in view.in_flight if intents.claim_opened(intent) == claim.claim_id]
    return under_way[0] if under_way else intents.of_open(claim.claim_id, is_proven=claim.is_proven)


def _why_not(view: View, task: TaskView, needed_wei: int, budget: _Budget) -> Decline | None:
    if needed_wei > budget.bonds_wei:
        return _decline(
            task,
            Declined.BUDGET,
            f"false claim left alone: a bond of {coins(needed_wei)} exceeds what is left of the limit; raise"
            " it with --max-bonds",
        )
    if needed_wei > budget.wallet_wei:
        missing_wei = needed_wei - budget.wallet_wei
        return _decline(
            task,
            Declined.FUNDS,
            f"false claim left alone: {view.account} needs {coins(view.wallet_wei + missing_wei)} for the"
            f" bond and the gas of its games, and has {coins(view.wallet_wei)}; send it at least"
            f" {coins_or_more(missing_wei)} more",
        )
    return None


def salt_of(policy: ChallengerPolicy, claim_id: ClaimId) -> Bytes32:
    """What hides a commitment: the same after a restart, and nobody else can compute it."""
    return keccak256(policy.salt + claim_id.to_bytes(CLAIM_ID_BYTES, "big"))


def _end_to_commit(view: View, task: TaskView, claim: ClaimView) -> Bytes32 | None:
    """The hash of the run's true end, for the game's commitment (S6.1). None while it is worth waiting for.

    The check has found the state at the claimed cycle, where a lie may stop long before the end. If the end
    is not known when one clock is left of the window, or cannot be, that state must do: without a final
    result, it wins as well (S7.5).
    """
    committed = view.commitments.get((claim.claim_id, claim.claimed.state_hash()))
    end = committed or _own_end(task)
    if end is not None:
        return end
    left_seconds = _challenge_end(view, task) - OPEN_SECONDS - view.now
    is_ending = left_seconds <= task.job.parameters.clock_seconds
    return task.hashes[claim.claimed.cycle] if is_ending or task.run_failure else None


def _own_end(task: TaskView) -> Bytes32 | None:
    """The hash of the final state of one's own run, if it is known."""
    if task.own_run is not None:
        return task.own_run.claimed.state_hash()
    if task.halted_state:
        return keccak256(task.halted_state)
    return task.hashes.get(task.job.max_cycles)


# --- claims that are not known to be true or false ------------------------------------------------


def _check_all(view: View, policy: ChallengerPolicy, rows: list[Row]) -> list[Action]:
    """Check them in an order that no attacker can use."""
    if not rows:
        return []
    by_claim = {claim.claim_id: (task, claim) for task, claim in rows}
    possible = [_as_check(view, task, claim) for task, claim in rows if not _why_unchecked(task)]
    plan = checks.plan(possible, view.now, view.pace.at_once, policy.salt)
    impossible = by_claim.keys() - set(plan.order)
    actions: list[Action] = []
    for claim_id in (*plan.order, *sorted(impossible)):
        task, claim = by_claim[claim_id]
        actions += _check(task, claim)
    return [*actions, *_alerts(view, rows, plan)]


def _as_check(view: View, task: TaskView, claim: ClaimView) -> checks.Check:
    return checks.Check(
        claim_id=claim.claim_id,
        work=(task.run, claim.claimed.cycle),
        deadline=_challenge_end(view, task) - OPEN_SECONDS,
        seconds=view.pace.seconds(claim.claimed.cycle),
        value_wei=_value_wei(task.job),
    )


def _value_wei(job: JobRecord) -> int:
    """What a false result is worth. Nobody here knows that of a token."""
    return job.reward if job.asset == NATIVE else 0


def _check(task: TaskView, claim: ClaimView) -> list[Action]:
    if task.run_failure:
        return [_decline(task, Declined.RUN_FAILED, task.run_failure)]
    return moves.prepared(task, moves.compute(task, (claim.claimed.cycle,), is_check=True))


def _alerts(view: View, rows: list[Row], plan: checks.Plan) -> list[Action]:
    """What a person must know: claims that will become final unchecked."""
    actions: list[Action] = []
    if plan.late_count:
        message = (
            f"{plan.late_count} of {counted(len(plan.order), 'claim')} cannot be checked before their"
            " windows end: all"
            f" would take {plan.backlog_seconds:.0f} s, {view.pace.at_once} at a time; use a computer with"
            " more cores and raise --parallel, or run a second challenger"
        )
        actions.append(Alert(kind="falling_behind", message=message))
    left = [(task, _challenge_end(view, task) - view.now) for task, _ in rows]
    ending = [
        (task, left_seconds)
        for task, left_seconds in left
        if left_seconds * LAST_SHARE < task.job.parameters.window_seconds
    ]
    if ending:
        task, left_seconds = max(ending, key=lambda row: _value_wei(row[0].job))
        message = (
            f"{counted(len(ending), 'claim')} will be final unchecked soon. The most valuable is"
            f" {describe(task)}, in"
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


def _play(view: View, task: TaskView, claim: ClaimView, record: GameRecord) -> list[Action]:
    """The move that is due, or what it will need. A game that is decided is settled as a duty."""
    if not task.is_standing(claim) or record.rescue_end is not None:
        return []  # a defender that is late has lost: a pick would let it go on (S6.5)
    if record.stage is GameStage.OPERATOR_TURN:
        return moves.prepared(task, moves.compute(task, moves.boundaries(record)))
    if moves.has_clock_run_out(record, view.now):
        return []
    if record.stage is GameStage.CHALLENGER_TURN:
        return moves.prepared(task, moves.pick(task, record))
    if record.stage is GameStage.STEP_DUE:
        return moves.prepared(task, moves.step(task, record))
    return []


def _show_all(view: View, policy: ChallengerPolicy) -> list[Action]:
    """Show what was committed to on claims that have fallen, by whatever game (S7.5)."""
    shows: list[Action] = []
    for duty in view.duties:
        if duty.action is DutyKind.SHOW and duty.game_id is not None and duty.claimed_hash is not None:
            state_hash = view.commitments.get((claim_of_game(duty.game_id), duty.claimed_hash))
            shows += [_show(policy, duty.game_id, state_hash)] if state_hash is not None else []
    return shows


def _show(policy: ChallengerPolicy, game_id: GameId, state_hash: Bytes32) -> Send:
    salt = salt_of(policy, claim_of_game(game_id))
    call = ShowGame(game_id=game_id, state_hash=state_hash, salt=salt)
    return Send(
        intent=intents.of_game("show", game_id),
        call=call,
        message=f"{game_in_words(game_id)}: the claim has fallen; show the final state found here",
    )


def _is_to_do(view: View, duty: Duty) -> bool:
    """Its own ends, those of games that keep its rewards waiting for a final result, and false verifiers'.

    On a claim that it disputes, its own game's end is enough. A liar's friends can open games there that cost
    them nothing, and would leave the gas of all their ends to it.
    """
    if duty.beneficiary == view.account or duty.action is DutyKind.CONTRADICT:
        return True
    if duty.action is DutyKind.SETTLE and duty.game_id in _ended_by_proof(view):
        return True  # while it is there, no other game can be opened; its clock runs on meanwhile
    if duty.action is not DutyKind.SETTLE or duty.claim_id is None or duty.has_fallen:
        return False
    is_disputed = task_of_claim(duty.claim_id) in _tasks_disputed(view)
    return is_disputed and (duty.claim_id, duty.claimed_hash) not in view.commitments


def _ended_by_proof(view: View) -> set[GameId]:
    """Its games on claims that were proven since, and can be challenged once more (docs/validity.md V5.1)."""
    rows = [row for row in _rows(view) if row[1].is_proven and is_open(view, *row)]
    games = [_own_game(view, row[1]) for row in rows if can_be_challenged(view, *row)]
    return {game.game_id for game in games if game is not None}


def _tasks_disputed(view: View) -> set[TaskId]:
    return {task_of_claim(claim_id) for claim_id, _ in view.commitments}


# --- views ----------------------------------------------------------------------------------------


def _own_game(view: View, claim: ClaimView) -> GameRecord | None:
    records = (game.record for game in claim.games)
    return next((record for record in records if record.challenger == view.account), None)


def _budget(view: View, policy: ChallengerPolicy) -> _Budget:
    """Bonds are counted as if they were locked now; on claims that are not in the view, as the dearest."""
    rows = {claim.claim_id: (task, claim) for task, claim in _rows(view)}
    bonds = {claim_id: bond_wei(*row) for claim_id, row in rows.items()}
    own_wei = sum(
        bonds[claim.claim_id]
        for _, claim in rows.values()
        if (game := _own_game(view, claim)) is not None and game.stage is not GameStage.CLOSED
    )
    opening = [
        claim_id for intent in view.in_flight if (claim_id := intents.claim_opened(intent)) is not None
    ]
    pending_wei = sum(bonds.get(claim_id, max(bonds.values(), default=0)) for claim_id in opening)
    return _Budget(
        bonds_wei=policy.bonds_limit_wei - own_wei - pending_wei,
        wallet_wei=view.wallet_wei - policy.gas_reserve_wei - pending_wei,
    )


def _decline(task: TaskView, reason: Declined, why: str) -> Decline:
    return Decline(task_id=task.task.task_id, reason=reason, message=f"{describe(task)}: {why}")
