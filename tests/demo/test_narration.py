"""What is told of a game that has descended: nobody should read a number of 64 bits."""

from truestep.base.ids import Address, Bytes32, GameId, JobId, claim_of, game_of, task_of
from truestep.demo.narration import Narrator
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
GAME_ID: GameId = game_of(claim_of(task_of(JobId(1), 5), 1), 1)
LOW = micro_number(123_455, 0)
HASH = Bytes32(b"h" * 32)
ENDS = {"low_hash": HASH, "high_hash": HASH}


def told(event: ChainEvent) -> str:
    line = Narrator({Address("0x00"): "Victor"}).tell(event)
    assert line is not None
    assert str(LOW)[:8] not in line.replace(",", "")
    return line


def test_a_descent_is_told_by_the_number_of_the_instruction() -> None:
    line = told(GameDescended(at=AT, game_id=GAME_ID, low=LOW, micro_start=HASH, template=HASH))
    assert line.startswith("shard 5: instruction 123,456 is a [bold]float instruction[/]")
    line = told(GameRevealed(at=AT, game_id=GAME_ID, low=LOW, high=LOW + 93, high_hash=HASH))
    assert "93 instructions" in line


def test_moves_in_a_micro_run_are_told_by_its_own_steps() -> None:
    line = told(GameSplit(at=AT, game_id=GAME_ID, low=LOW, high=LOW + 93, hashes=(HASH,) * 63))
    assert "93 instructions split into 64 parts" in line
    line = told(GamePicked(at=AT, game_id=GAME_ID, part=3, low=LOW + 17, high=LOW + 19, **ENDS))
    assert line.endswith("narrowed to 2 instructions from step 17 of the micro-run of step 123,456")
    line = told(GamePicked(at=AT, game_id=GAME_ID, part=3, low=1_000, high=1_001, **ENDS))
    assert line.endswith("narrowed to 1 instruction from 1,000")
