"""Games over both levels: whatever a dishonest party says in either, and however it stalls, it loses."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.network import ALICE, LIAR, MALICE
from tests.contracts.runs import FLOATS, Run
from tests.stateful.world import PROGRAMS, SHORT_DELAY_SECONDS, World, false_results
from truestep.base.ids import ClaimId, GameId, TaskId
from truestep.protocol.records import GameStage
from truestep.protocol.state_numbers import is_micro

LIFETIME_SECONDS = 30_000
MOVES = st.lists(
    st.tuples(st.integers(0, 2**16), st.integers(0, SHORT_DELAY_SECONDS)), min_size=16, max_size=24
)
"""What the dishonest party does each time, and how long the honest one takes to answer."""
FEWER = settings(max_examples=settings().max_examples // 5)
"""An example is a whole game with all its moves."""


def float_world() -> tuple[World, TaskId]:
    """A job of the program that computes with floats."""
    world = World()
    world.post(PROGRAMS.index(FLOATS), LIFETIME_SECONDS)
    return world, next(iter(world.tasks))


def play_out(world: World, game_id: GameId, moves: list[tuple[int, int]]) -> set[int]:
    """The dishonest party moves, the honest one answers, coins are counted; the game's stages."""
    stages: set[int] = set()
    for how, delay_seconds in moves:
        world.dishonest_move(game_id, how)
        stages.add(world.net.game(game_id).stage)
        world.net.pass_time(delay_seconds)
        world.act()
        stages.add(world.net.game(game_id).stage)
        world.check()
    return stages


@FEWER
@given(lie=st.sampled_from(false_results(0)), moves=MOVES)
def test_lying_operator_loses(lie: Run, moves: list[tuple[int, int]]) -> None:
    world, task_id = float_world()
    assert world.take(task_id, LIAR)
    assert world.claim(task_id, lie, LIAR)
    world.act()
    (game_id,) = world.games
    play_out(world, game_id, moves)
    world.pass_time(world.net.parameters.window_seconds)
    assert world.net.game(game_id).stage == GameStage.CLOSED
    assert world.net.account(LIAR).stake == world.stakes_wei[LIAR] - world.net.parameters.operator_bond_wei
    world.drain()


@FEWER
@given(moves=MOVES)
def test_lying_challenger_loses(moves: list[tuple[int, int]]) -> None:
    world, task_id = float_world()
    assert world.take(task_id, ALICE)
    world.act()
    (claim_id,) = world.claims
    world.open(ClaimId(claim_id), MALICE)
    (game_id,) = world.games
    play_out(world, game_id, moves)
    world.pass_time(world.net.parameters.window_seconds)
    assert world.net.game(game_id).stage == GameStage.CLOSED
    assert world.net.disputes.call("credits", MALICE) == 0
    assert world.net.disputes.call("credits", ALICE) > 0
    world.drain()


def test_the_second_level_is_reached() -> None:
    """The worlds above are no empty promise."""
    world, task_id = float_world()
    assert world.take(task_id, LIAR)
    assert world.claim(task_id, false_results(0)[2], LIAR)
    world.act()
    (game_id,) = world.games
    stages = play_out(world, game_id, [(1, 1)] * 16)
    assert stages >= {GameStage.REVEAL_DUE, GameStage.CLOSED}
    assert is_micro(world.net.game(game_id).high)
