"""Episodes of a random schedule of availability, each from nothing to the end of everything."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.protocol.availability.endings import wind_down
from tests.protocol.availability.schedule import Schedule
from tests.protocol.availability.world import Outcome, Step, World


def play_episode(seed: int, inputs: int, *, check_all_every: int) -> Counter[str]:
    """Play one episode and check it; what happened, by kind of call and refusal."""
    world = World()
    schedule = Schedule(rng=Random(seed), world=world)
    tally: Counter[str] = Counter()
    try:
        for number, step in enumerate(schedule.steps(inputs)):
            before = world.state
            outcome = world.play(step)
            tally[described(step, outcome)] += 1
            assert outcome.refusal is None or world.state is before
            world.check_money()
            if number % check_all_every == 0:
                world.check_all()
        for step in wind_down(schedule):
            outcome = world.play(step)
            assert outcome.refusal is None, f"{step} was refused: {outcome.refusal}"
        world.check_all()
        check_nothing_left(world)
    except Exception as error:
        error.add_note(f"seed {seed}, step {sum(tally.values())}")
        raise
    return tally


def check_nothing_left(world: World) -> None:
    """Once everything has ended, each contract has just what was burned there."""
    deployment = world.state.deployment
    for contract in (deployment.keepers, deployment.items, deployment.challenges, deployment.bindings):
        assert world.balances[contract] == world.state.burned_wei.get(contract, 0)


def described(step: Step, outcome: Outcome) -> str:
    """`Assign` or `Assign: no seat is vacant`."""
    name = type(step.message.call).__qualname__
    module = type(step.message.call).__module__.rsplit(".", 1)[-1]
    return f"{module} {name}" if outcome.refusal is None else f"{module} {name}: {outcome.refusal}"
