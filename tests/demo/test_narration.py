"""What is told of a game that has descended: nobody should read a number of 64 bits."""

import pytest

from truestep.base.ids import Address, BatchId, Bytes32, GameId, JobId, claim_of, game_of, task_of
from truestep.demo.narration import Narrator, shards_in_words
from truestep.protocol.events import (
    ChainEvent,
    ClaimRefuted,
    GameAdopted,
    GameDescended,
    GamePicked,
    GameRevealed,
    GameRewarded,
    GameSplit,
    LogPosition,
)
from truestep.protocol.state_numbers import micro_number

AT = LogPosition(block_number=7, log_index=3, transaction_hash=Bytes32(b"t" * 32))
GAME_ID: GameId = game_of(claim_of(task_of(JobId(1), 5), BatchId(1)), 1)
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
    line = told(GamePicked(at=AT, game_id=GAME_ID, low=LOW + 17, high=LOW + 19, **ENDS))
    assert line.endswith("narrowed to 2 instructions from step 17 of the micro-run of step 123,456")
    line = told(GamePicked(at=AT, game_id=GAME_ID, low=1_000, high=1_001, **ENDS))
    assert line.endswith("narrowed to 1 instruction from 1,000")


@pytest.mark.parametrize(
    ("shards", "words"),
    [
        ((0,), "shard 0"),
        ((0, 1), "shards 0 and 1"),
        ((3, 0, 1, 2), "shards 0 to 3"),
        ((0, 2, 3), "shards 0, 2 and 3"),
        ((0, 1, 2, 5, 6, 7), "shards 0 to 2 and 5 to 7"),
    ],
)
def test_shards_of_a_batch_are_told_as_ranges(shards: tuple[int, ...], words: str) -> None:
    assert shards_in_words([task_of(JobId(1), shard) for shard in shards]) == words


def test_what_batches_add_is_told() -> None:
    claim_id = claim_of(task_of(JobId(1), 5), BatchId(1))
    victor = Address("0x00")
    line = told(
        GameRewarded(
            at=AT, game_id=GAME_ID, claim_id=claim_id, challenger=victor, amount_wei=10**18, burned_wei=0
        )
    )
    assert line == "shard 5: Victor is rewarded with 1 ETH"
    line = told(ClaimRefuted(at=AT, claim_id=claim_id, caller=victor, amount_wei=10**16, burned_wei=0))
    assert line == "shard 5: Victor refuted a claim that was false by itself: 0.01 ETH"
    line = told(GameAdopted(at=AT, game_id=GAME_ID, sponsor=victor))
    assert line == "shard 5: Victor defends the claim now, with a bond of its own"
