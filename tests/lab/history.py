"""What the contracts say happened, read without a proxy and kept up to date through reorganisations."""

from __future__ import annotations

from typing import Any, TypeVar

from truestep.base.ids import GameId
from truestep.ports.chain import ChainReader
from truestep.protocol.events import (
    ChainEvent,
    GameDescended,
    GameOpened,
    GamePicked,
    GameRevealed,
    GameSettled,
    GameSplit,
    GameStepped,
)

Event = TypeVar("Event", bound=ChainEvent)
REREAD_BLOCKS = 12
"""No reorganisation of the lab is deeper."""

_Move = GameSplit | GamePicked | GameStepped | GameDescended | GameRevealed
_OPERATORS = (GameSplit, GameRevealed)
"""Moves that the operator makes; the others are the challenger's."""


class History:
    """All events so far, in the chain's order."""

    def __init__(self, reader: ChainReader, first_block: int) -> None:
        self._reader = reader
        self._first = first_block
        self._next = self._first
        self._head: object = None
        self._events: list[ChainEvent] = []

    def sync(self) -> None:
        """Read what is new, and again what a reorganisation may have changed."""
        newest = self._reader.head()
        if newest == self._head:
            return
        head = newest.number
        start = max(self._first, self._next - REREAD_BLOCKS)
        fresh = self._reader.events(start, head) if start <= head else ()
        self._events = [event for event in self._events if event.at.block_number < start] + list(fresh)
        self._next, self._head = head + 1, newest

    def all(self, kind: type[Event]) -> list[Event]:
        """The events of one kind."""
        return [event for event in self._events if isinstance(event, kind)]

    def games(self, claim_id: int) -> list[GameOpened]:
        """The games opened on a claim."""
        return [event for event in self.all(GameOpened) if event.claim_id == claim_id]

    def is_settled(self, game_id: GameId) -> bool:
        """Whether a game was paid out."""
        return any(event.game_id == game_id for event in self.all(GameSettled))

    def split_hashes(self, game_id: GameId, low: int, high: int) -> tuple[bytes, ...] | None:
        """The inner hashes of a split."""
        for event in self.all(GameSplit):
            if (event.game_id, event.low, event.high) == (game_id, low, high):
                return event.hashes
        return None

    def splits_due(self, operator: str) -> list[tuple[GameId, int, int]]:
        """(game, low, high) of each game in which it is this operator's turn to split."""
        due: dict[GameId, tuple[int, int]] = {}
        for event in self._events:
            if isinstance(event, GameOpened) and event.operator == operator:
                due[event.game_id] = (0, event.high)
            elif isinstance(event, GamePicked) and event.game_id in due:
                due[event.game_id] = (event.low, event.high)
            elif isinstance(event, GameSplit | GameSettled | GameStepped) and event.game_id in due:
                due[event.game_id] = (0, 0)
        return [(game_id, low, high) for game_id, (low, high) in due.items() if high - low > 1]

    def waits(self, times: Any) -> list[tuple[str, GameId, int]]:
        """(who moved, game, seconds of its clock used) for each move; `times` gives a block's time."""
        moves: dict[GameId, int] = {}
        found: list[tuple[str, GameId, int]] = []
        for event in self._events:
            if isinstance(event, GameOpened):
                moves[event.game_id] = times(event.at.block_number)
            elif isinstance(event, _Move) and event.game_id in moves:
                now = times(event.at.block_number)
                who = "operator" if isinstance(event, _OPERATORS) else "challenger"
                found.append((who, event.game_id, now - moves[event.game_id]))
                moves[event.game_id] = now
        return found
