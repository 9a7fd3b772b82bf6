"""One episode of a random schedule under a policy that a contract of its own judges, and its checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol

from truestep.protocol.settlement.ids import NATIVE
from truestep.protocol.settlement.messages import Message

CHECK_ALL_EVERY = 20


class PolicyWorld(Protocol):
    """A world with a contract for the policy."""

    @property
    def state(self) -> Any: ...
    @property
    def address(self) -> Any: ...
    @property
    def balances(self) -> Any: ...
    def play(self, step: Any) -> Any: ...
    def check_money(self) -> None: ...
    def check_all(self) -> None: ...


class PolicySchedule(Protocol):
    """What is played in it."""

    @property
    def follow_ups(self) -> Any: ...
    def steps(self, count: int) -> Iterable[Any]: ...


def play_policy_episode(
    schedule: PolicySchedule,
    world: PolicyWorld,
    part: str,
    ending: Iterable[Any],
    *,
    seed: int,
    inputs: int,
) -> Counter[str]:
    """Play and check it; what happened, by kind of call and refusal. `part` of the world is the contract's.

    A refusal changes nothing. After the ending, which must not be refused, only burned coins are left.
    """
    tally: Counter[str] = Counter()
    try:
        for number, step in enumerate(schedule.steps(inputs)):
            before = world.state, getattr(world, part)
            outcome = world.play(step)
            name = type(step.call if isinstance(step, Message) else step).__name__
            tally[name if outcome.refusal is None else f"{name}: {outcome.refusal}"] += 1
            assert outcome.refusal is None or (world.state, getattr(world, part)) == before
            world.check_money()
            if number % CHECK_ALL_EVERY == 0 and not schedule.follow_ups:
                world.check_all()
        for step in ending:
            outcome = world.play(step)
            assert outcome.refusal is None, f"{step} was refused: {outcome.refusal}"
        world.check_all()
        assert world.balances[NATIVE, world.address] == getattr(world, part).burned_wei
    except Exception as error:
        error.add_note(f"seed {seed}, step {sum(tally.values())}")
        raise
    return tally
