"""The steps that end all games and everything else."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.settlement.endings import wind_down
from tests.protocol.settlement.game_schedule import DAY_SECONDS, GameSchedule
from tests.protocol.settlement.game_world import GameWorld
from tests.protocol.settlement.world import KEEPER, Step
from truestep.base.ids import Address
from truestep.protocol.settlement.contracts import disputes as d
from truestep.protocol.settlement.disputes import GameMessage
from truestep.protocol.settlement.games import ChallengedClaim, claim_of_game_id
from truestep.protocol.settlement.ids import LeafGameId, LeafId
from truestep.protocol.settlement.messages import Message


def wind_down_games(schedule: GameSchedule) -> Iterator[Step]:
    """What is left to do after a schedule. Nothing of it may be refused."""
    world = schedule.games_world
    schedule.now += 30 * DAY_SECONDS
    for game_id, game in world.running_games():
        yield _message(schedule.now, d.Settle(game_id=game_id, game=game))
    for step in wind_down(schedule):
        assert isinstance(step, Message)
        schedule.now = step.now
        yield step
    schedule.now += 500 * DAY_SECONDS
    for claim_id, claim in world.disputes.claims.items():
        if claim.pot_wei:
            yield from _pay_out(schedule, claim_id, claim)
    for account, amount_wei in world.disputes.credits.items():
        if amount_wei:
            yield _message(schedule.now, d.WithdrawTo(receiver=account), sender=account)


def _pay_out(schedule: GameSchedule, claim_id: LeafId, claim: ChallengedClaim) -> Iterator[Step]:
    """Without a result if nobody was rewarded by one; else those that are left take their parts."""
    world = schedule.games_world
    for game_id, game in _games_on(world, claim_id):
        has_shown = game.stage == d.GameStage.SHOWN
        if claim.winners == 0 and not world.disputes.dissents.get(claim_id):
            yield _message(schedule.now, d.RewardWithoutResult(game_id=game_id, game=game))
            return  # nobody has won
        if claim.winners == 0 or claim.without_result:
            if has_shown and game.commitment != game.claimed_hash:
                yield _message(schedule.now, d.RewardWithoutResult(game_id=game_id, game=game))
        elif has_shown and game.commitment == schedule.final_hash(game.task_id):
            message = schedule.reward_of(game_id, game)
            yield _message(schedule.now, message.message.call)


def _games_on(world: GameWorld, claim_id: LeafId) -> list[tuple[LeafGameId, d.Game]]:
    return [entry for entry in world.disputes.games.items() if claim_of_game_id(entry[0]) == claim_id]


def _message(now: int, call: object, sender: Address = KEEPER) -> GameMessage:
    return GameMessage(message=Message(sender=sender, now=now, call=call))
