"""Which loops are written several times, and by which heads their middle is entered."""

from __future__ import annotations

from truestep.engine.analysis.loops import (
    COPIES_LIMIT,
    COPIES_LIMIT_CYCLES,
    STORING_COPIES_LIMIT,
    repeated_loops,
)
from truestep.engine.analysis.nesting import NESTING_LIMIT, ways_in

START, OUTER, INNER, MIDDLE, AFTER, END = range(0x100, 0x118, 4)
NESTED = {START: [OUTER], OUTER: [INNER], INNER: [INNER, AFTER], AFTER: [OUTER, END], END: []}


def test_an_inner_loop_is_repeated_and_the_outer_one_is_not() -> None:
    loops = repeated_loops(dict.fromkeys(NESTED, 5), NESTED, {START, OUTER, INNER}, ())
    assert list(loops) == [INNER]
    assert loops[INNER].copies == COPIES_LIMIT


def test_a_block_that_goes_round_and_stores_is_repeated_more() -> None:
    loops = repeated_loops(dict.fromkeys(NESTED, 5), NESTED, {START, OUTER, INNER}, {INNER})
    assert loops[INNER].copies == STORING_COPIES_LIMIT


def test_a_loop_of_several_blocks_is_repeated_as_a_whole() -> None:
    flow = {START: [INNER], INNER: [MIDDLE, AFTER], MIDDLE: [AFTER], AFTER: [INNER, END], END: []}
    loops = repeated_loops(dict.fromkeys(flow, 5), flow, {START, INNER}, ())
    assert set(loops) == {INNER, MIDDLE, AFTER}
    assert loops[MIDDLE].round_limit_cycles == 15


def test_a_loop_with_another_way_in_is_not_repeated() -> None:
    flow = {START: [INNER, MIDDLE], INNER: [MIDDLE], MIDDLE: [INNER, END], END: []}
    assert not repeated_loops(dict.fromkeys(flow, 5), flow, {START, INNER}, ())


def test_a_long_loop_is_repeated_less_or_not_at_all() -> None:
    for cycles, copies in ((COPIES_LIMIT_CYCLES // 2, 2), (COPIES_LIMIT_CYCLES // 2 + 1, None)):
        loops = repeated_loops(dict.fromkeys(NESTED, cycles), NESTED, {START, OUTER, INNER}, ())
        assert (loops[INNER].copies if loops else None) == copies


def test_the_way_into_a_loop_is_by_the_heads_around_it() -> None:
    found = ways_in(START, NESTED, [START, OUTER, INNER, AFTER, END])
    assert found == {START: [], OUTER: [], INNER: [OUTER], AFTER: [OUTER], END: []}


def test_the_head_is_where_the_loop_is_entered_not_its_lowest_block() -> None:
    flow = {START: [MIDDLE], INNER: [MIDDLE], MIDDLE: [INNER, END], END: []}
    assert ways_in(START, flow, [INNER, MIDDLE]) == {INNER: [MIDDLE], MIDDLE: []}


def test_what_is_not_reached_lies_in_no_loop() -> None:
    assert ways_in(START, {START: [END], END: [], AFTER: [AFTER]}, [AFTER]) == {AFTER: []}


def test_the_middle_of_a_deep_nest_is_entered_directly() -> None:
    depth = NESTING_LIMIT + 1
    flow = {0: [1]} | {at: [at + 1] for at in range(1, depth + 1)}
    flow |= {depth + at: [depth + at + 1, depth + 1 - at] for at in range(1, depth + 1)} | {2 * depth + 1: []}
    found = ways_in(0, flow, [depth, depth + 1])
    assert found == {depth: list(range(1, depth)), depth + 1: []}
