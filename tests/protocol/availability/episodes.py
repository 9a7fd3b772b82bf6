"""Episodes of a random schedule of availability, each from nothing to the end of everything."""

from __future__ import annotations

from collections import Counter
from random import Random

from tests.protocol.availability.endings import wind_down
from tests.protocol.availability.schedule import Schedule
from tests.protocol.availability.world import Outcome, Step, World
from truestep.protocol.availability.contracts.items import Standing
from truestep.protocol.availability.facts import OVER, Draft, Facts
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.encoding import hash_struct


def play_episode(seed: int, inputs: int, *, check_all_every: int) -> Counter[str]:
    """Play one episode and check it; what happened, by kind of call and refusal."""
    world = World()
    schedule = Schedule(rng=Random(seed), world=world)
    facts = Facts()
    tally: Counter[str] = Counter()
    try:
        for number, step in enumerate(schedule.steps(inputs)):
            before = world.state
            outcome = world.play(step)
            tally[described(step, outcome)] += 1
            assert outcome.refusal is None or world.state is before
            world.check_money()
            facts = followed(facts, outcome, step.message.now)
            check_facts(facts, world)
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


def followed(facts: Facts, outcome: Outcome, time: int) -> Facts:
    """What whoever reads the events knows next."""
    draft = Draft(facts)
    for effect in outcome.effects:
        if not isinstance(effect, Transfer):
            draft.apply(effect, time)
    return draft.facts()


def check_facts(facts: Facts, world: World) -> None:
    """Events tell how each item stands that is not closed, and what is open."""
    state = world.state
    assert facts.challenges == state.challenges
    assert facts.demands == state.demands
    assert facts.item_count == len(state.items)
    for item_id, item in state.items.items():
        if item.state in OVER:
            assert item_id not in facts.items
            continue
        assert facts.standing(item_id) == Standing(
            state=item.state,
            was_kept=item.was_kept,
            is_contested=state.is_contested(item_id),
            changed_at=item.changed_at,
            published_at=state.published_at.get(item_id, 0),
            record_hash=hash_struct(item.record),
        )


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
