"""What is believed of the heads that endpoints show."""

from __future__ import annotations

from typing import Any, cast

from truestep.adapters.chain.health import JUMP_BLOCKS, HealthBoard
from truestep.base.ids import Bytes32
from truestep.ports.chain import Head


class Named:
    name = "node"


def head(number: int) -> Head:
    return Head(number=number, hash=Bytes32(number.to_bytes(32, "big")), time_seconds=number)


def test_a_head_that_jumps_too_far_makes_no_older_one_fresh() -> None:
    """Else what is read as of the old head would pass for new."""
    board = HealthBoard([cast(Any, Named())], None)
    (one,) = board.records
    board.saw_head(one, head(16))
    board.saw_head(one, head(16))
    board.start_over_at(head(16))
    age_seconds = board.best_head_age_seconds()
    board.saw_head(one, head(17 + JUMP_BLOCKS))
    assert board.best_head() == head(16)
    assert board.best_head_age_seconds() >= age_seconds
    board.saw_head(one, head(17 + JUMP_BLOCKS))
    assert board.best_head() == head(17 + JUMP_BLOCKS)
