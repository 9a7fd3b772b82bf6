"""How long things take on a node: what it runs before a claim, and what games on the claim ask of it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.roles.views import JOB, PARAMETERS
from truestep.engine.analysis.code_map import CODE_LIMIT_WORDS
from truestep.engine.compilation.translation import STEP_IN_WALKS, CompilePolicy
from truestep.roles.estimates import (
    COLD_STEPS,
    COMPILED_LIMIT_INSTRUCTIONS,
    FREE_INSTRUCTIONS,
    PASSES,
    SENDS_AT_ONCE,
    Speed,
    clock_seconds_of,
    round_count,
)

SPEED = Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1)
HASHING = replace(SPEED, hashed_pages_per_second=20_000)
ROUNDS = round_count(JOB.max_cycles, PARAMETERS.arity)
MICRO_ROUNDS = round_count(2_000, PARAMETERS.arity)
"""Splits of a micro-run, after a reveal."""


def test_rounds_are_counted_as_the_game_plays_them() -> None:
    assert [round_count(cycles, 4) for cycles in (1, 2, 4, 5, 16, 17)] == [0, 1, 1, 2, 2, 3]
    assert round_count(2**40, 64) == 7


# --- before a claim -------------------------------------------------------------------------------


def test_the_code_of_a_large_program_is_slow_at_first() -> None:
    job = replace(JOB, max_cycles=10**7, lease_seconds=60)
    assert SPEED.cold_seconds(job, 0) == SPEED.cold_seconds(job, 4 * FREE_INSTRUCTIONS) == 0
    assert SPEED.cold_seconds(job, 4 * FREE_INSTRUCTIONS + 4_000) == 1_000 * COLD_STEPS / 100e3
    assert SPEED.cold_seconds(job, 2 << 20) == 100, "no more than all its steps"
    endless = replace(JOB, max_cycles=2**40)
    assert SPEED.cold_seconds(endless, 4 * COMPILED_LIMIT_INSTRUCTIONS) < 2**40 / 100e3
    assert SPEED.cold_seconds(endless, 4 * COMPILED_LIMIT_INSTRUCTIONS + 4) == 2**40 / 100e3


def test_estimates_of_cold_code_are_those_of_the_engine() -> None:
    policy = CompilePolicy()
    assert policy.hot_steps_per_cost == COLD_STEPS * STEP_IN_WALKS
    assert policy.free_cost == 4 * FREE_INSTRUCTIONS
    assert CODE_LIMIT_WORDS == COMPILED_LIMIT_INSTRUCTIONS


def test_memory_is_hashed_at_the_end_of_a_run_and_before_each_segment_of_a_self_check() -> None:
    checking = replace(HASHING, checked_segments=10)
    assert SPEED.work_seconds(JOB) == 1 + 1
    assert SPEED.claim_seconds(JOB) == 1 + 1 + 2
    assert HASHING.claim_seconds(JOB) > 1 + 1 + 2 + 500_000 / 20_000
    assert checking.claim_seconds(JOB) > 1 + 2 + 2 + 11 * 500_000 / 20_000
    large = replace(JOB, input_size=400 << 20)
    assert checking.claim_seconds(large) > checking.claim_seconds(JOB) + 2 * 100_000 / 20_000


# --- games ----------------------------------------------------------------------------------------


def test_one_game_takes_a_run_and_a_move_in_each_round() -> None:
    """And a program may write all the memory in four parts of 250,000 steps each, before every boundary."""
    micro_seconds = 1 + 1 + 1 + MICRO_ROUNDS
    assert SPEED.dispute_seconds(JOB, PARAMETERS) == ROUNDS * (1 + 1 + 1) + micro_seconds
    assert HASHING.dispute_seconds(JOB, PARAMETERS) > ROUNDS * 3 + micro_seconds + 1_000_000 / 20_000


def test_games_on_the_same_node_share_its_split() -> None:
    """Round number n has at most arity^n nodes, and a split is sent once for each."""
    games = 100 * SENDS_AT_ONCE
    quick = replace(SPEED, cycles_per_second=1e30, start_seconds=0)
    nodes = [min(games, PARAMETERS.arity**number) for number in range(ROUNDS)]
    splits_seconds = sum(-(-count // SENDS_AT_ONCE) for count in nodes)
    micro_seconds = (1 + MICRO_ROUNDS) * 100
    found_seconds = quick.dispute_seconds(JOB, PARAMETERS, games)
    assert abs(found_seconds - splits_seconds - micro_seconds) < 1e-9
    assert nodes[0] == 1


def test_a_move_of_one_of_several_games_may_wait_for_a_run_for_another() -> None:
    sends_seconds = ROUNDS + 1 + MICRO_ROUNDS
    one, two = (SPEED.defence_seconds(10, JOB.max_cycles, PARAMETERS, games) for games in (1, 2))
    assert one == (ROUNDS + 1) * 10 + sends_seconds
    assert two == PASSES * (ROUNDS + 1) * 10 + sends_seconds


def test_clocks_grow_with_the_games_up_to_the_third() -> None:
    """S6.6: min(peak · clock, 3 · clock - rescue)."""
    clock, rescue = PARAMETERS.clock_seconds, PARAMETERS.rescue_seconds
    found = [clock_seconds_of(PARAMETERS, games) for games in (1, 2, 3, 4, 1_000)]
    assert found == [clock, 2 * clock, 3 * clock - rescue, 3 * clock - rescue, 3 * clock - rescue]


def test_the_hardest_number_of_games_may_be_one() -> None:
    slow = SPEED.hardest_defence(45, 10**6, PARAMETERS, 8)
    assert (slow.games, slow.clock_seconds, slow.is_possible) == (1, PARAMETERS.clock_seconds, False)
    quick = SPEED.hardest_defence(0, 10**6, PARAMETERS, 8)
    assert quick.is_possible and not quick.after(10**6).is_possible
    many = SPEED.hardest_defence(0, 10**6, PARAMETERS, 10**6)
    assert (many.games, many.is_possible) == (10**6, False)


@given(
    seconds=st.floats(0, 100),
    cycles=st.integers(1, 2**40),
    arity=st.sampled_from((2, 4, 64)),
    games=st.integers(1, 2_000),
)
def test_the_hardest_number_of_games_speaks_for_all_up_to_it(
    seconds: float, cycles: int, arity: int, games: int
) -> None:
    rules = replace(PARAMETERS, arity=arity)
    hardest = SPEED.hardest_defence(seconds, cycles, rules, games)
    for count in {1, 2, 3, 4, games // 2 or 1, games}:
        if count <= games:
            is_possible = SPEED.defence_seconds(seconds, cycles, rules, count) <= clock_seconds_of(
                rules, count
            )
            assert is_possible or not hardest.is_possible
    assert hardest.is_possible == (SPEED.games_limit(seconds, cycles, rules) >= games)


def test_the_games_that_one_machine_can_answer() -> None:
    for seconds in (0.1, 1.0, 10.0):
        games = SPEED.games_limit(seconds, 10**6, PARAMETERS)
        clock_seconds = clock_seconds_of(PARAMETERS, games)
        assert SPEED.defence_seconds(seconds, 10**6, PARAMETERS, games) <= clock_seconds
        assert SPEED.defence_seconds(seconds, 10**6, PARAMETERS, games + 1) > clock_seconds
    assert SPEED.games_limit(600.0, 10**6, PARAMETERS) == 0
