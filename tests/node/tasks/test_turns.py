"""Turns: levels double, and are forgotten with their keys."""

from __future__ import annotations

from truestep.node.tasks.turns import LEVEL_LIMIT, Turns


def test_levels_double_with_the_time_used() -> None:
    turns = Turns(1.0)
    assert [turns.level("a", seconds) for seconds in (0.0, 0.9, 1.0, 1.9, 2.0, 3.9, 4.0, 1e9)] == [
        *(0, 0, 1, 1, 2, 2, 3, LEVEL_LIMIT)
    ]
    turns.add("a", 0.6)
    turns.add("a", 0.6)
    assert (turns.level("a"), turns.level("b")) == (1, 0)
    turns.keep_only({"b"})
    assert turns.level("a") == 0
