"""Episodes of a random schedule, each from nothing to the end of everything.

`python -m tests.protocol.settlement.episodes --inputs 1000000 --seed 1` plays many and says how fast.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

from tests.protocol.settlement.endings import wind_down
from tests.protocol.settlement.game_endings import wind_down_games
from tests.protocol.settlement.game_schedule import GameSchedule, game_schedule
from tests.protocol.settlement.game_world import GameWorld
from tests.protocol.settlement.schedule import Schedule
from tests.protocol.settlement.world import Outcome, Step, World, gated
from tests.replays import replayable
from truestep.protocol.settlement.disputes import GameMessage
from truestep.protocol.settlement.ids import NATIVE
from truestep.protocol.settlement.messages import Message

EPISODE_INPUTS = 1_000


def play_episode(seed: int, inputs: int, *, check_all_every: int, has_games: bool = False) -> Counter[str]:
    """Play one episode and check it; what happened, by kind of call and refusal."""
    schedule = game_schedule(seed, GameWorld()) if has_games else Schedule(rng=Random(seed), world=World())
    schedule.has_standing, world = seed % 2 == 0, schedule.world
    if schedule.has_standing:
        world.state = gated(world.state)
    tally: Counter[str] = Counter()
    with replayable(seed, tally):
        for number, step in enumerate(schedule.steps(inputs)):
            before = world.state
            outcome = world.play(step)
            tally[described(step, outcome)] += 1
            assert outcome.refusal is None or world.state is before
            world.check_money()
            if number % check_all_every == 0 and not schedule.follow_ups:
                world.check_all()
        end_all(schedule, tally)
    return tally


def end_all(schedule: Schedule, tally: Counter[str]) -> None:
    """End everything: nothing is refused, and no coin is stranded."""
    world = schedule.world
    for step in endings_of(schedule):
        outcome = world.play(step)
        tally[described(step, outcome)] += 1
        assert outcome.refusal is None, f"{step} was refused: {outcome.refusal}"
    world.check_all()
    deployment = world.state.deployment
    assert all(world.balances[asset, deployment.jobs] == 0 for asset in (NATIVE, *world.around.tokens))
    assert world.balances[NATIVE, deployment.operators] == world.state.burned_wei
    if isinstance(world, GameWorld):
        claims = world.disputes.claims.values()
        unwon_wei = sum(claim.pot_wei for claim in claims if claim.striker == 0)  # all games were lost
        assert world.balances[NATIVE, deployment.disputes] == world.disputes.burned_wei + unwon_wei
    assert not any(world.state.credits.values())
    assert not any(stake.stake_wei for stake in world.state.stakes.values())


def endings_of(schedule: Schedule) -> Iterator[Step]:
    """The steps that end everything."""
    return wind_down_games(schedule) if isinstance(schedule, GameSchedule) else wind_down(schedule)


def described(step: Step, outcome: Outcome) -> str:
    """`Take` or `Take: batch is empty`."""
    message = step.message if isinstance(step, GameMessage) else step
    name = type(message.call if isinstance(message, Message) else message).__name__
    return name if outcome.refusal is None else f"{name}: {outcome.refusal}"


def main() -> None:
    """Play episodes until there were enough inputs; print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--games", action="store_true", help="with games, all kinds of calls")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    started, seed = time.perf_counter(), options.seed
    while sum(total.values()) < options.inputs:
        total += play_episode(seed, EPISODE_INPUTS, check_all_every=100, has_games=options.games)
        seed += 1
        print(f"\r{sum(total.values()):,} inputs", end="", file=sys.stderr)
    seconds = time.perf_counter() - started
    print(file=sys.stderr)
    for name, count in sorted(total.items()):
        print(f"{count:9,} {name}")
    inputs = sum(total.values())
    print(f"{inputs:,} inputs in {seed - options.seed} episodes, {inputs / seconds:,.0f} a second: all held")


if __name__ == "__main__":
    main()
