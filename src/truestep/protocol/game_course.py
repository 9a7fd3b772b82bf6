"""The course of a game by its events: a node that answers from an older block must cost nobody a move."""

from collections.abc import Iterable
from dataclasses import replace

from truestep.protocol import events
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import GameRecord, GameStage
from truestep.protocol.state_numbers import is_micro

_END_RANKS = {GameStage.OPERATOR_WON: 1, GameStage.CHALLENGER_WON: 1, GameStage.CLOSED: 2}


def course_of(found: Iterable[ChainEvent], clock_seconds: int) -> GameRecord | None:
    """The game that these events, all of one game and in the chain's order, lead to; None if none opens it.

    Events say whose move it is, not how much time is left: both clocks are whole and begin at 0.
    """
    game: GameRecord | None = None
    for event in found:
        if isinstance(event, events.GameOpened):
            game = _opened(event, clock_seconds)
        elif game is not None:
            game = _moved(game, event)
    return game


def furthest(record: GameRecord | None, course: GameRecord | None, now: int) -> GameRecord | None:
    """A game as a contract has it, unless its events have come further: then the node answered late.

    Then the clock of whoever is to move counts as begun just now: a move that may be too late is made anyway.
    """
    if course is None or (record is not None and _distance(record) >= _distance(course)):
        return record
    if record is None:
        return replace(course, moved_at=now)
    return replace(
        course,
        operator_clock_seconds=record.operator_clock_seconds,
        challenger_clock_seconds=record.challenger_clock_seconds,
        moved_at=now,
    )


def is_past(record: GameRecord, low: int, high: int) -> bool:
    """Whether a game record is older than a split of [low, high] of the same game."""
    if is_micro(low) != is_micro(record.low):
        return is_micro(low)
    return record.low <= low and high <= record.high and (low, high) != (record.low, record.high)


def _distance(game: GameRecord) -> tuple[int, int, int, bool]:
    """Grows with every move: ends are furthest, then the micro-run, then picks, then the split."""
    depth = 0 if not is_micro(game.low) else 1 if game.stage is GameStage.REVEAL_DUE else 2
    return _END_RANKS.get(game.stage, 0), depth, game.rounds, game.stage is GameStage.CHALLENGER_TURN


def _opened(event: events.GameOpened, clock_seconds: int) -> GameRecord:
    return GameRecord(
        game_id=event.game_id,
        stage=_turn_at(event.high),
        operator=event.operator,
        challenger=event.challenger,
        low=0,
        high=event.high,
        low_hash=event.low_hash,
        high_hash=event.high_hash,
        split_root=ZERO_HASH,
        operator_clock_seconds=clock_seconds,
        challenger_clock_seconds=clock_seconds,
        moved_at=0,
        rounds=0,
    )


def _moved(game: GameRecord, event: ChainEvent) -> GameRecord:
    match event:
        case events.GameSplit():
            return replace(game, stage=GameStage.CHALLENGER_TURN)
        case events.GamePicked():
            return replace(
                game,
                stage=_turn_at(event.high - event.low),
                low=event.low,
                high=event.high,
                low_hash=event.low_hash,
                high_hash=event.high_hash,
                rounds=game.rounds + 1,
            )
        case events.GameDescended():
            return replace(game, stage=GameStage.REVEAL_DUE, low=event.low, low_hash=event.micro_start)
        case events.GameRevealed():
            return replace(
                game,
                stage=_turn_at(event.high - event.low),
                low=event.low,
                high=event.high,
                high_hash=event.high_hash,
            )
        case events.GameStepped():
            has_operator_won = event.after == event.expected
            return replace(
                game, stage=GameStage.OPERATOR_WON if has_operator_won else GameStage.CHALLENGER_WON
            )
        case events.GameSettled():
            return replace(game, stage=GameStage.CLOSED)
        case _:
            return game


def _turn_at(length: int) -> GameStage:
    return GameStage.OPERATOR_TURN if length > 1 else GameStage.STEP_DUE
