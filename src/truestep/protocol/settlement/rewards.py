"""How games end, and who is paid (docs/protocol.md S5.4, S7, S9.2)."""

from truestep.base.errors import Reject
from truestep.base.ids import TaskId, job_of_task
from truestep.base.records import changed
from truestep.protocol.settlement import batches, games, operators, policies
from truestep.protocol.settlement.claims import check_leaf, is_refuted, state_hash
from truestep.protocol.settlement.contracts.disputes import (
    EndedByProof,
    Game,
    GameOutcome,
    GameStage,
    Moved,
    Refute,
    Refuted,
    Reward,
    Rewarded,
    RewardWithoutResult,
    Settle,
    Settled,
    Show,
    Shown,
    Step,
    Withdrawn,
    WithdrawTo,
)
from truestep.protocol.settlement.disputes import (
    DisputeTurn,
    claimed_batch,
    commitment_of,
    leaf_bond_wei,
    parameters_of,
    split_of,
    stated_game,
    step,
)
from truestep.protocol.settlement.games import ChallengedClaim
from truestep.protocol.settlement.ids import NATIVE, NOBODY, LeafGameId, LeafId, batch_of_claim
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.parameters import DAY_SECONDS
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import with_entry, without_entry

RESULT_LIMIT_SECONDS = 120 * DAY_SECONDS
"""After a job's deadline or the strike: a window of at most 45 days, and games (S7.5)."""


def refute(turn: DisputeTurn, call: Refute) -> None:
    """Strike a leaf that is false by itself (S5.4)."""
    batch = claimed_batch(turn, call.claim_id)
    task_id = check_leaf(turn.life.state, call.claim_id, call.terms, call.proof)
    is_false = is_refuted(call.proof.work, call.proof.leaf, call.packed_state)
    require(is_false, Reject.LEAF_NOT_REFUTED)
    parameters = parameters_of(turn, batch)
    bond_wei = leaf_bond_wei(parameters, call.proof.job_terms)
    claim = turn.state.claims.get(call.claim_id, ChallengedClaim())
    reward_wei = parameters.challenger_bond_wei
    rest_wei = bond_wei - reward_wei
    pot_wei = rest_wei if claim.open_count else 0  # the challengers'
    turn.put_claim(call.claim_id, changed(claim, struck_at=turn.now, pot_wei=pot_wei, by_step=True))
    _strike(turn, call.claim_id, task_id, bond_wei)
    turn.credit(turn.sender, reward_wei)
    turn.burn(rest_wei - pot_wei)
    turn.life.emit(
        Refuted(
            claim_id=call.claim_id,
            caller=turn.sender,
            amount_wei=reward_wei,
            burned_wei=rest_wei - pot_wei,
        )
    )


def settle(turn: DisputeTurn, call: Settle) -> None:
    """End a game that a clock, a proof or the fall of its claim has decided (S7.1, V5.1)."""
    claim = stated_game(turn, call.game_id, call.game)
    games.require_stage(call.game, call)
    outcome = games.outcome_of(call.game, split_of(turn.state, call.game_id, call.game), claim, turn.now)
    if outcome is GameOutcome.UNDECIDED:  # a proof ends games that were opened before it
        require(policies.ends_game(turn.life.state, call.game_id, turn.now), Reject.GAME_UNDECIDED)
        outcome = GameOutcome.DEFENDER_WON
        place = (games.claim_of_game_id(call.game_id), call.game.challenger)
        turn.change(ordinals=without_entry(turn.state.ordinals, place))
        turn.life.emit(EndedByProof(game_id=call.game_id))
    _end(turn, call.game_id, call.game, outcome)


def step_and_settle(turn: DisputeTurn, call: Step) -> None:
    """Execute the one step that is left, and end the game (S7.1)."""
    game = step(turn, call)
    is_true = turn.proved is not None and turn.proved.after == game.high_hash
    _end(turn, call.game_id, game, GameOutcome.DEFENDER_WON if is_true else GameOutcome.CHALLENGER_WON)


def _end(turn: DisputeTurn, game_id: LeafGameId, game: Game, outcome: GameOutcome) -> None:
    """Each bond goes back to whom it came from, or in part to a defender or the pot (S6.8, S7.2 to S7.4)."""
    claim_id = games.claim_of_game_id(game_id)
    defender_wei, challenger_wei, lost_wei = game.sponsor_bond_wei, game.bond_wei, 0
    if outcome is GameOutcome.DEFENDER_WON:
        lost_wei, challenger_wei = game.bond_wei, 0
    elif outcome is GameOutcome.CHALLENGER_WON:
        lost_wei, defender_wei = game.sponsor_bond_wei, 0
    share_wei = games.share_of(game, lost_wei)
    burned_wei = lost_wei - share_wei
    if outcome is GameOutcome.DEFENDER_WON:
        defender_wei += share_wei
        _forget(turn, game_id)
        _leave(turn, claim_id)
    else:
        closed = changed(game, stage=GameStage.CLOSED)
        turn.put_game(game_id, closed)
        claim = turn.state.claims[claim_id]
        is_striker = claim.struck_at == 0
        if is_striker:
            striker, pot_wei = games.ordinal_of(game_id), game.leaf_bond_wei
            by_step = game.stage == GameStage.STEP_DUE
            claim = changed(claim, struck_at=turn.now, striker=striker, pot_wei=pot_wei, by_step=by_step)
        if claim.winners != 0 or claim.pot_wei == 0:  # parts have been given
            burned_wei = lost_wei
        else:
            claim = changed(claim, pot_wei=claim.pot_wei + share_wei)
        turn.put_claim(claim_id, claim)
        if is_striker:
            _strike(turn, claim_id, game.task_id, game.leaf_bond_wei)
        turn.life.emit(Moved(game_id=game_id, game=closed))
    turn.burn(burned_wei)
    turn.credit(game.defender, defender_wei)
    turn.credit(game.challenger, challenger_wei)
    turn.life.emit(
        Settled(
            game_id=game_id,
            claim_id=claim_id,
            outcome=outcome,
            defender_wei=defender_wei,
            challenger_wei=challenger_wei,
            burned_wei=burned_wei,
        )
    )


def _leave(turn: DisputeTurn, claim_id: LeafId) -> None:
    """A game less on a claim that stands."""
    claim = turn.state.claims[claim_id]
    if claim.struck_at == 0:
        turn.put_claim(claim_id, changed(claim, open_count=claim.open_count - 1))
        if claim.open_count == 1:
            turn.set_held(claim_id, False)


def _forget(turn: DisputeTurn, game_id: LeafGameId) -> None:
    turn.change(games=without_entry(turn.state.games, game_id))


def _strike(turn: DisputeTurn, claim_id: LeafId, task_id: TaskId, bond_wei: int) -> None:
    """Take a false leaf out of its batch, and its bond."""
    turn.set_held(claim_id, False)
    operator = batches.strike(turn.life, claim_id, task_id, bond_wei)
    disputes = turn.life.state.deployment.disputes
    operators.seize(turn.life, operator, batch_of_claim(claim_id), bond_wei, disputes)


# --- rewards --------------------------------------------------------------------------------------


def show(turn: DisputeTurn, call: Show) -> None:
    """Show what the challenger of a fallen claim committed to (S7.5). By anybody who knows it."""
    game, claim_id = call.game, games.claim_of_game_id(call.game_id)
    claim = stated_game(turn, call.game_id, game)
    games.require_stage(game, call)
    require(claim.pot_wei != 0, Reject.NOTHING_TO_WIN)
    require(turn.now <= claim.struck_at + games.reveal_seconds(game), Reject.SHOW_OVER)
    commitment = commitment_of(game.challenger, call.state_hash, call.salt)
    require(commitment == game.commitment, Reject.COMMITMENT_OTHER)
    key = (claim_id, call.state_hash)
    turn.change(shown=with_entry(turn.state.shown, key, turn.state.shown.get(key, 0) + 1))
    if call.state_hash != game.claimed_hash:
        dissents = turn.state.dissents.get(claim_id, 0) + 1
        turn.change(dissents=with_entry(turn.state.dissents, claim_id, dissents))
    shown = changed(game, stage=GameStage.SHOWN, commitment=call.state_hash)
    turn.put_game(call.game_id, shown)
    turn.life.emit(Shown(game_id=call.game_id, claim_id=claim_id, state_hash=call.state_hash, game=shown))


def reward(turn: DisputeTurn, call: Reward) -> None:
    """Give a winner its part of the pot, once the task is final (S7.5, S7.6). By anybody."""
    game = call.game
    claim = stated_game(turn, call.game_id, game)
    require(claim.pot_wei != 0, Reject.NOTHING_TO_WIN)
    require(turn.now > claim.struck_at + games.reveal_seconds(game), Reject.SHOW_RUNNING)
    require(batches.is_leaf_final(turn.life.state, call.final_id), Reject.LEAF_NOT_FINAL)
    task_id = check_leaf(turn.life.state, call.final_id, call.terms, call.proof)
    require(task_id == game.task_id, Reject.LEAF_OTHER_TASK)
    final_hash = state_hash(task_id, call.proof.work, call.proof.leaf)
    claim_id = games.claim_of_game_id(call.game_id)
    winners = claim.winners or turn.state.shown.get((claim_id, final_hash), 0)
    if final_hash == game.claimed_hash or winners == 0:  # the claim was true, or nobody showed the truth
        _burn_pot(turn, call.game_id, game, claim)
        return
    has_shown = game.stage == GameStage.SHOWN and game.commitment == final_hash
    require(has_shown, Reject.GAME_NOT_WON)
    _reward(turn, call.game_id, game, changed(claim, winners=winners))


def reward_without_result(turn: DisputeTurn, call: RewardWithoutResult) -> None:
    """Give a game its part of the pot if the task has had no result for long (S7.5). By anybody."""
    game, claim_id = call.game, games.claim_of_game_id(call.game_id)
    claim = stated_game(turn, call.game_id, game)
    require(claim.pot_wei != 0, Reject.NOTHING_TO_WIN)
    deadline = turn.life.state.jobs[job_of_task(game.task_id)].deadline
    is_over = turn.now > max(deadline, claim.struck_at) + RESULT_LIMIT_SECONDS
    require(is_over and (claim.winners == 0 or claim.without_result), Reject.RESULT_AHEAD)
    if claim.winners == 0:
        winners = turn.state.dissents.get(claim_id, 0)
        claim = changed(claim, winners=winners, without_result=True)
    if claim.winners == 0:  # nobody showed anything else
        _burn_pot(turn, call.game_id, game, claim)
        return
    has_dissented = game.stage == GameStage.SHOWN and game.commitment != game.claimed_hash
    require(has_dissented, Reject.GAME_NOT_WON)
    if claim.by_step:
        _reward(turn, call.game_id, game, claim)
    else:  # nobody knows who lied
        part_wei = claim.pot_wei // claim.winners
        _pay(turn, call.game_id, game, claim, min(game.gas_units * game.price_wei, part_wei))


def _burn_pot(turn: DisputeTurn, game_id: LeafGameId, game: Game, claim: ChallengedClaim) -> None:
    """Nobody has won: any game that has ended on the claim has the whole pot burned (S7.5)."""
    require(game.stage >= GameStage.CLOSED, Reject.GAME_NOT_WON)
    _pay(turn, game_id, game, changed(claim, winners=1), 0)


def _reward(turn: DisputeTurn, game_id: LeafGameId, game: Game, claim: ChallengedClaim) -> None:
    """Its share of its part, and its gas out of the rest (S7.6)."""
    part_wei = claim.pot_wei // claim.winners
    share_wei = games.share_of(game, part_wei)
    gas_wei = min(game.gas_units * game.price_wei, part_wei - share_wei)
    _pay(turn, game_id, game, claim, share_wei + gas_wei)


def _pay(turn: DisputeTurn, game_id: LeafGameId, game: Game, claim: ChallengedClaim, paid_wei: int) -> None:
    """Pay out of a part of the pot, burn the rest of the part, and end the game."""
    claim_id, part_wei = games.claim_of_game_id(game_id), claim.pot_wei // claim.winners
    left = changed(claim, pot_wei=claim.pot_wei - part_wei, winners=claim.winners - 1)
    turn.put_claim(claim_id, left)
    _forget(turn, game_id)
    turn.credit(game.challenger, paid_wei)
    turn.burn(part_wei - paid_wei)
    turn.life.emit(
        Rewarded(game_id=game_id, claim_id=claim_id, amount_wei=paid_wei, burned_wei=part_wei - paid_wei)
    )


def withdraw_to(turn: DisputeTurn, call: WithdrawTo) -> None:
    """Send all that the sender is owed (S9.2)."""
    account = turn.sender
    amount_wei = turn.state.credits.get(account, 0)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    require(amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    turn.change(credits=with_entry(turn.state.credits, account, 0))
    turn.life.emit(Withdrawn(account=account, receiver=call.receiver, amount_wei=amount_wei))
    require(turn.life.message.stranger is Stranger.WILLING, Reject.PAYMENT_REFUSED)
    turn.life.transfer(NATIVE, turn.life.state.deployment.disputes, call.receiver, amount_wei)
