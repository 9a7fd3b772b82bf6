import pytest

from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32, ClaimId, GameId
from truestep.node.chain.rows import from_row, to_row
from truestep.protocol.events import (
    ChainEvent,
    GameDescended,
    GamePicked,
    GameRevealed,
    GameSplit,
    LogPosition,
)
from truestep.protocol.state_numbers import micro_number

AT = LogPosition(block_number=7, log_index=3, transaction_hash=Bytes32(b"t" * 32))
GAME_ID = GameId(ClaimId(2**96 + 5) << 32 | 1)
LOW = micro_number(2**48, 0)
HASH = Bytes32(b"h" * 32)
EVENTS: list[ChainEvent] = [
    GameDescended(at=AT, game_id=GAME_ID, low=LOW, micro_start=HASH, template=Bytes32(b"p" * 32)),
    GameRevealed(at=AT, game_id=GAME_ID, low=LOW, high=LOW + 93, high_hash=HASH),
    GameSplit(at=AT, game_id=GAME_ID, low=LOW, high=LOW + 2, hashes=(HASH,)),
    GamePicked(at=AT, game_id=GAME_ID, low=LOW, high=LOW + 1, low_hash=HASH, high_hash=HASH),
]


def test_what_happens_in_micro_runs_survives_a_restart() -> None:
    """Numbers of 64 bits, bytes and all."""
    assert [from_row(to_row(event)) for event in EVENTS] == EVENTS


def test_events_of_contracts_that_are_gone_are_refused() -> None:
    """Their tasks had attempts; a file with them is of another deployment."""
    with pytest.raises(Rejected, match="choose another state directory"):
        from_row(to_row(EVENTS[0]).replace('"version": 2', '"version": 1'))
