"""The contracts of the life cycle held against the pure model, call by call.

`python -m tests.contracts.comparison --inputs 1000000 --seed 1` compares at length.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from tests.contracts.fast_abi import Log
from tests.contracts.life_chain import CONTRACT_OF, LifeChain, Reaction, deploy_life_chain, fast_contracts
from tests.protocol.settlement.episodes import EPISODE_INPUTS, described, endings_of
from tests.protocol.settlement.game_schedule import GAME_PARAMETERS, game_schedule
from tests.protocol.settlement.game_world import GameWorld
from tests.protocol.settlement.schedule import Schedule
from tests.protocol.settlement.world import (
    ADMISSION,
    OPERATORS,
    PARAMETERS,
    PHASE,
    Outcome,
    Step,
    World,
    gated,
)
from tests.replays import replayable
from truestep.adapters.chain.record_codec import checksummed
from truestep.protocol.settlement.contracts import jobs, operators
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.ids import NATIVE
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.operators import stake_of
from truestep.protocol.settlement.standing import room_wei
from truestep.protocol.settlement.state import LifeCycle

STANDING_STEPS = 16
"""Between two looks at what Operators knows."""
POLICY_STEPS = 50
"""Between two looks at what the contract of a policy knows."""


def compare_episode(seed: int, inputs: int, *, has_games: bool = False) -> Counter[str]:
    """Play one episode in the model and in the contracts; what happened, by kind of call and refusal."""
    rules = GAME_PARAMETERS if has_games else PARAMETERS
    chain = deploy_life_chain(rules, admission=ADMISSION, phase=PHASE, has_games=has_games)
    state = gated(LifeCycle(deployment=chain.deployment, parameters=(rules,)))
    if has_games:
        schedule = game_schedule(seed, GameWorld(state=state, around=chain.surroundings))
    else:
        schedule = Schedule(rng=Random(seed), world=World(state=state, around=chain.surroundings))
    schedule.has_standing, world = True, schedule.world
    tally: Counter[str] = Counter()
    pending: list[object] = []
    with replayable(seed, tally):
        for steps in (schedule.steps(inputs), endings_of(schedule)):
            for step in steps:
                outcome = world.play(step)
                tally[described(step, outcome)] += 1
                pending = compare_step(chain, world, step, outcome, pending)
                if tally.total() % STANDING_STEPS == 0 and not pending:
                    _compare_standing(chain, world)
        assert not any(
            world.balances[asset, chain.deployment.jobs] for asset in (NATIVE, *world.around.tokens)
        )
        _compare_tokens(chain, world)
    return tally


def compare_policy(
    name: str,
    chain: LifeChain,
    world: World,
    steps: Iterable[Any],
    tally: Counter[str],
    *,
    compare: Callable[[LifeChain, Any], None],
    tells_double: Callable[[Any], bool] = lambda _: False,
) -> None:
    """Play steps in the model and in the contracts of a policy, and compare what they know now and then.

    `tells_double` takes a step that no contract of the network hears of, and says whether it was one.
    """
    pending: list[object] = []
    address = checksummed(chain.policy.address)
    for step in steps:
        outcome = world.play(step)
        tally[described(step, outcome)] += 1
        if tells_double(step):
            continue
        pending = compare_step(chain, world, step, outcome, pending)
        assert chain.balances()[name] == world.balances[NATIVE, address]
        if tally.total() % POLICY_STEPS == 0 and not pending:
            compare(chain, world)
    compare(chain, world)


def compare_step(
    chain: LifeChain, world: World, step: Step, outcome: Outcome, before: list[object]
) -> list[object]:
    """Compare one step. Disputes strikes and seizes in one call: the effects of the first are returned."""
    call = step.call if isinstance(step, Message) else None
    is_disputes = isinstance(step, Message) and step.sender == chain.deployment.disputes
    if isinstance(call, operators.Seize) and is_disputes:
        _compare_effects(chain, world, chain.last, [*before, *outcome.effects])
        return []
    reaction = chain.play(step)
    assert reaction.refusal == outcome.refusal, (
        f"{step}: the contracts say {reaction.refusal!r}, the model {outcome.refusal!r}"
    )
    if isinstance(call, jobs.Strike) and is_disputes and outcome.refusal is None:
        chain.last = reaction
        return list(outcome.effects)
    _compare_effects(chain, world, reaction, list(outcome.effects))
    return []


def _compare_effects(chain: LifeChain, world: World, reaction: Reaction, effects: list[object]) -> None:
    moves = [effect for effect in effects if isinstance(effect, Transfer)]
    token_moves = [move for move in moves if move.asset != NATIVE]
    logs: dict[str, list[Log]] = {}
    for effect in effects:
        if not isinstance(effect, Transfer):
            name = CONTRACT_OF[type(effect)]
            logs.setdefault(name, []).append(fast_contracts()[name].log(effect))
    assert reaction.logs == logs, f"the model emits {effects}"
    assert reaction.token_moves == token_moves
    deployment, balances = chain.deployment, chain.balances()
    assert balances["Jobs"] == world.balances[NATIVE, deployment.jobs]
    assert balances["Operators"] == world.balances[NATIVE, deployment.operators]
    assert balances["Disputes"] == world.balances[NATIVE, deployment.disputes]


def _compare_standing(chain: LifeChain, world: World) -> None:
    """What Operators says of each operator, and what it has of its record."""
    contract, state = chain.contracts["Operators"], world.state
    admission = state.deployment.admission
    for operator in OPERATORS:
        stake = stake_of(state, operator)
        counts = stake.facts.at(chain.now)
        assert contract.call("facts", operator) == (
            counts.completed,
            counts.audited,
            counts.late,
            counts.struck,
        )
        assert contract.call("accounts", operator) == (stake.stake_wei, stake.locked_wei)
        room = room_wei(admission, state.phase, stake.entry, chain.now)
        assert contract.call("room_wei", operator) == room
        _, kept = contract.call("record_of", operator)
        assert kept == state.operator_records.get(operator, bytes(32))[:24]


def _compare_tokens(chain: LifeChain, world: World) -> None:
    """What Jobs has of each token."""
    for token, asset in zip(chain.tokens, world.around.tokens, strict=True):
        held = token.call("balanceOf", chain.deployment.jobs)
        assert held == world.balances[asset, chain.deployment.jobs]


def main() -> None:
    """Compare episodes of the protocol's contracts until there were enough inputs."""
    parser = comparison_options(__doc__, inputs=1_000_000)
    parser.add_argument("--games", action="store_true", help="with the real Disputes and games")
    options = parser.parse_args()
    compare_at_length(options, partial(compare_episode, has_games=options.games))


def comparison_options(description: str | None, *, inputs: int) -> argparse.ArgumentParser:
    """The options that all comparisons have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--inputs", type=int, default=inputs)
    parser.add_argument("--seed", type=int, default=1)
    return parser


def compare_at_length(options: argparse.Namespace, compare: Callable[[int, int], Counter[str]]) -> None:
    """Compare episodes until there were enough inputs; print what happened."""
    total: Counter[str] = Counter()
    started, seed = time.perf_counter(), options.seed
    while sum(total.values()) < options.inputs:
        total += compare(seed, EPISODE_INPUTS)
        seed += 1
        print(f"\r{sum(total.values()):,} inputs", end="", file=sys.stderr)
    seconds = time.perf_counter() - started
    print(file=sys.stderr)
    for name, count in sorted(total.items()):
        print(f"{count:9,} {name}")
    inputs, episodes = sum(total.values()), seed - options.seed
    print(f"{inputs:,} inputs in {episodes} episodes, {inputs / seconds:,.0f} a second: no difference")


if __name__ == "__main__":
    main()
