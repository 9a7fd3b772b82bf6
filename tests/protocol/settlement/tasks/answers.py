"""What nodes ask of the facts, held against what the model accepts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.facts.players import CHALLENGERS
from tests.protocol.settlement.tasks.expected import node_game
from tests.protocol.settlement.tasks.watch import Watch
from tests.protocol.settlement.world import KEEPER, OPERATORS
from truestep.base.ids import Address, BatchId
from truestep.protocol.calls import NOBODY
from truestep.protocol.records import GameRecord, GameStage
from truestep.protocol.settlement import games
from truestep.protocol.settlement.apply import HANDLERS, apply
from truestep.protocol.settlement.contracts import disputes
from truestep.protocol.settlement.contracts import disputes as contract
from truestep.protocol.settlement.contracts.disputes import Game, GameOutcome
from truestep.protocol.settlement.dispute_apply import apply_dispute, held_by
from truestep.protocol.settlement.disputes import GameMessage, split_of
from truestep.protocol.settlement.effects import Effect
from truestep.protocol.settlement.facts import game_calls
from truestep.protocol.settlement.facts.due import Action, due
from truestep.protocol.settlement.facts.rehearsal import Caller, Ready
from truestep.protocol.settlement.ids import LeafGameId
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.tasks.calls import prepared_call
from truestep.protocol.settlement.tasks.duties import Duty, duties
from truestep.protocol.settlement.tasks.ids import leaf_game_of, leaf_of
from truestep.protocol.settlement.tasks.records import game_record

SETTLED = {
    GameOutcome.DEFENDER_WON: GameStage.OPERATOR_WON,
    GameOutcome.CHALLENGER_WON: GameStage.CHALLENGER_WON,
    GameOutcome.CLAIM_FELL: GameStage.CLAIM_FELL,
}
NO_DUTIES = frozenset(
    {Action.ADOPT, Action.FEED, Action.CLAIM, Action.SPLIT, Action.REVEAL, Action.PICK, Action.STEP}
)
"""What needs more than the facts."""


def effects_of(chain: ModelChain, message: Message) -> tuple[Effect, ...] | None:
    """What a call would do now; None if it is refused. The model stays as it is."""
    try:
        if type(message.call) in HANDLERS:
            return apply(chain.life, message, held_by(chain.disputes))[1]
        return apply_dispute(chain.disputes, chain.life, GameMessage(message=message))[2]
    except Refused:
        return None


# --- duties ---------------------------------------------------------------------------------------


def check_duties(watch: Watch, chain: ModelChain, now: int) -> None:
    """Each duty's call is accepted, and nothing that is due is left out."""
    for account in (KEEPER, CHALLENGERS[1], OPERATORS[0]):
        found = duties(watch.facts, account, now)
        expected = {
            (each.action, each.subject)
            for each in due(watch.facts, account, now)
            if each.action not in NO_DUTIES
        }
        expected -= {(Action.FINALIZE, batch_id) for batch_id in _struck_batches(watch)}
        free = {job_id for job_id, known in watch.facts.jobs.items() if not known.job.reward}
        expected -= {(Action.CANCEL, job_id) for job_id in free}
        assert len(found) == len(expected)
        assert {(duty.action, _subject(watch, duty)) for duty in found} == expected
        for duty in found:
            _check_duty(watch, chain, account, duty, now)


def _struck_batches(watch: Watch) -> Iterator[BatchId]:
    """Those of which no leaf is left: to end one gains nobody anything."""
    for batch_id, known in watch.facts.batches.items():
        if known.batch.struck == (1 << known.batch.leaf_count) - 1:
            yield batch_id


def _subject(watch: Watch, duty: Duty) -> int:
    """What `due` calls it."""
    if duty.game_id is not None:
        return leaf_game_of(watch.facts, duty.game_id) or 0
    if duty.claim_id is not None:
        return leaf_of(watch.facts, duty.claim_id) or 0
    if duty.action in (Action.EXPIRE, Action.FINALIZE):
        assert duty.call is not None
        return duty.call.batch_id  # type: ignore[union-attr]
    return duty.job_id


def _check_duty(watch: Watch, chain: ModelChain, account: Address, duty: Duty, now: int) -> None:
    if duty.beneficiary == NOBODY:
        assert duty.action is Action.REWARD
    if duty.call is None:
        assert duty.action is Action.SHOW
        assert duty.beneficiary == account
        assert duty.last_second is not None
        assert now <= duty.last_second
        return
    answer = prepared_call(watch.facts, Caller(account=account, now=now), duty.call)
    assert isinstance(answer, Ready), f"{duty}: {answer}"
    message = Message(sender=account, now=now, call=answer.call, value_wei=answer.value_wei)
    effects = effects_of(chain, message)
    assert effects is not None
    if duty.action is Action.REWARD:
        is_paid = any(isinstance(each, contract.Rewarded) and each.amount_wei for each in effects)
        assert is_paid == (duty.beneficiary != NOBODY)


# --- games ----------------------------------------------------------------------------------------


def check_games(watch: Watch, chain: ModelChain, now: int) -> None:
    """Stages are what a settlement would make of games, and clocks run as long as moves are accepted."""
    for game_id, game in chain.disputes.games.items():
        named = node_game(game_id, game)
        record = game_record(watch.facts, named, now)
        if record is None:
            assert game.stage in (contract.GameStage.CLOSED, contract.GameStage.SHOWN)
            continue
        assert (record.operator, record.challenger) == (game.defender, game.challenger)
        assert (record.low, record.high) == (game.low, game.high)
        assert record.stage is _expected_stage(chain, game_id, game, now)
        _check_moves(watch, game_id, record, now)
        _check_rescue(chain, game_id, game, record, now)
        _check_pick(watch, chain, game_id, record)


def _expected_stage(chain: ModelChain, game_id: LeafGameId, game: Game, now: int) -> GameStage:
    if game.stage in (contract.GameStage.CLOSED, contract.GameStage.SHOWN):
        return GameStage.CLOSED
    settle = disputes.Settle(game_id=game_id, game=game)
    effects = effects_of(chain, Message(sender=KEEPER, now=now, call=settle))
    if effects is not None:
        (settled,) = (effect for effect in effects if isinstance(effect, disputes.Settled))
        return SETTLED[GameOutcome(settled.outcome)]
    if game.stage == contract.GameStage.STEP_DUE:
        return GameStage.STEP_DUE
    if game.stage == contract.GameStage.REVEAL_DUE:
        return GameStage.REVEAL_DUE
    has_split = split_of(chain.disputes, game_id, game) is not None
    return GameStage.CHALLENGER_TURN if has_split else GameStage.OPERATOR_TURN


def _check_moves(watch: Watch, game_id: LeafGameId, record: GameRecord, now: int) -> None:
    """A move that is due is due until the record's last second. A late split can be picked from, too."""
    for account in (record.operator, record.challenger):
        for each in due(watch.facts, account, now):
            if each.subject == game_id and each.action in NO_DUTIES - {Action.ADOPT}:
                is_won = record.stage is GameStage.CHALLENGER_WON and each.action is Action.PICK
                assert is_won or each.last_second == record.clock_runs_out_at()


def _check_rescue(chain: ModelChain, game_id: LeafGameId, game: Game, record: GameRecord, now: int) -> None:
    """A sponsor can adopt the game up to the last second that is said, and not in the next one."""
    if record.rescue_end is None or now > record.rescue_end:
        return
    adopt = disputes.Adopt(game_id=game_id, game=game)
    accepted = [
        effects_of(chain, Message(sender=KEEPER, now=now, call=adopt, value_wei=game.leaf_bond_wei))
        is not None
        for now in (record.rescue_end, record.rescue_end + 1)
    ]
    assert accepted == [True, False]


def _check_pick(watch: Watch, chain: ModelChain, game_id: LeafGameId, record: GameRecord) -> None:
    """A challenger can pick up to the last second that is said, and not in the next one."""
    if record.stage is not GameStage.CHALLENGER_TURN:
        return
    claim = chain.disputes.claims[games.claim_of_game_id(game_id)]
    caller = Caller(account=record.challenger, now=record.last_second)
    answer = game_calls.pick(watch.facts, caller, game_id, 0)
    if claim.struck_at or not isinstance(answer, Ready):
        assert claim.struck_at
        return
    accepted = [
        effects_of(chain, Message(sender=record.challenger, now=now, call=answer.call)) is not None
        for now in (record.last_second, record.last_second + 1)
    ]
    assert accepted == [True, False]
