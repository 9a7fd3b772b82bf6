"""Randomness and Sortition held against the pure model, on random schedules (docs/assignment.md).

`python -m tests.contracts.assignment_comparison --inputs 100000 --seed 1` compares at length.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from tests.contracts.comparison import compare_at_length, compare_step, comparison_options
from tests.contracts.evm import EvmContract, Reverted
from tests.contracts.life_chain import Deploy, LifeChain, deploy_life_chain
from tests.protocol.assignment.schedule import POOLS, AssignmentSchedule, everybody_leaves
from tests.protocol.assignment.world import (
    ENTROPY_BOND_WEI,
    EXIT_SECONDS,
    LEAST_PLEDGE_WEI,
    PHASES,
    AssignmentWorld,
)
from tests.protocol.settlement.episodes import described
from tests.protocol.settlement.world import PARAMETERS, PEOPLE
from tests.replays import replayable
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.ids import Bytes32
from truestep.protocol.assignment.randomness import drawing, seed
from truestep.protocol.assignment.sortition import Member, pledge_of, select
from truestep.protocol.settlement.ids import NATIVE
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import LifeCycle


def deploy_draws(deploy: Deploy, assurances: EvmContract) -> dict[str, EvmContract]:
    """Randomness, and Sortition by it."""
    phases = (PHASES.commit_seconds, PHASES.reveal_seconds, PHASES.draw_seconds)
    randomness = deploy("Randomness", *phases, ENTROPY_BOND_WEI)
    sortition = deploy("Sortition", assurances.address, randomness.address, LEAST_PLEDGE_WEI, EXIT_SECONDS)
    return {"Randomness": randomness, "Sortition": sortition}


def compare_episode(seed_number: int, inputs: int) -> Counter[str]:
    """Play one episode in the model and in the contracts; what was done, by kind of step."""
    chain = deploy_life_chain(deploy_modules=deploy_draws)
    randomness, sortition = (chain.contracts[name] for name in ("Randomness", "Sortition"))
    world = AssignmentWorld(
        state=LifeCycle(deployment=chain.deployment, parameters=(PARAMETERS,)),
        around=chain.surroundings,
        randomness_address=checksummed(randomness.address),
        sortition_address=checksummed(sortition.address),
    )
    schedule, tally = AssignmentSchedule(rng=Random(seed_number), world=world), Counter[str]()
    pending: list[object] = []
    with replayable(seed_number, tally):
        for steps in (schedule.steps(inputs), everybody_leaves(schedule)):
            for step in steps:
                outcome = world.play(step)
                tally[described(step, outcome)] += 1
                chain.base_fee_wei = int.from_bytes(world.prevrandao, "big")
                pending = compare_step(chain, world, step, outcome, pending)
                balances = chain.balances()
                assert balances["Randomness"] == world.balances[NATIVE, world.randomness_address]
                assert balances["Sortition"] == 0
                compare_draws(chain, world, schedule.rng)
                if sum(tally.values()) % 40 == 0:
                    compare_state(chain, world)
        compare_state(chain, world)
    return tally


def compare_draws(chain: LifeChain, world: AssignmentWorld, rng: Random) -> None:
    """What is drawn now, and by which seed."""
    now, number = chain.now, PHASES.round_at(chain.now)
    pool, thing, since = rng.choice(POOLS), Bytes32(rng.randbytes(32)), now - rng.randrange(100)
    excluded, count = tuple(rng.choices(PEOPLE, k=rng.randrange(4))), rng.choice((0, 1, 2, 5, 16, 17))
    links, draws = world.randomness_links, world.sortition_links

    def chosen() -> object:
        found = select(world.sortition, draws, now, pool=pool, seed=thing, count=count, excluded=excluded)
        return [each.lower() for each in found]

    randomness, sortition = chain.contracts["Randomness"], chain.contracts["Sortition"]
    questions = (
        (lambda: seed(world.randomness, number, now, links), lambda: randomness.call("seed", number)),
        (lambda: drawing(world.randomness, since, now, links), lambda: randomness.call("drawing", since)),
        (chosen, lambda: [each.lower() for each in sortition.call("select", pool, thing, count, excluded)]),
    )
    for expected, found in questions:
        assert answer_of(found) == answer_of(expected)


def answer_of(question: object) -> object:
    """An answer, or the reason for which it is refused."""
    try:
        return question()  # type: ignore[operator]
    except Refused as refused:
        return refused.reason
    except Reverted as reverted:
        return reverted.reason


def compare_state(chain: LifeChain, world: AssignmentWorld) -> None:
    """What both keep of rounds, members and pools."""
    randomness, sortition = chain.contracts["Randomness"], chain.contracts["Sortition"]
    number = PHASES.round_at(chain.now)
    assert randomness.call("round_at", chain.now) == number
    assert tuple(randomness.call("phase_ends", number)) == PHASES.ends(number)
    for each, kept in world.randomness.rounds.items():
        assert tuple(randomness.call("counts_of", each)) == (kept.commit_count, kept.reveal_count)
    for operator in PEOPLE:
        assert randomness.call("credits", operator) == world.randomness.credits.get(operator, 0)
        member = world.sortition.members.get(operator)
        expected = replace(member or Member(left_at=-1))
        stage = 0 if member is None else 1 if member.is_in_pool else 2
        values = (expected.pool, expected.slot, max(0, expected.left_at), expected.policy_count)
        found = tuple(sortition.call("get_member", operator))
        assert found == (stage, *values, expected.weight, expected.pledge_wei)
    for pool in POOLS:
        kept = world.sortition.pool(pool)
        assert tuple(sortition.call("get_pool", pool)) == (len(kept.slot_of), kept.total)
        for operator in PEOPLE:
            assert sortition.call("pledge_of", pool, operator) == pledge_of(world.sortition, pool, operator)


def main() -> None:
    """Compare episodes until there were enough inputs."""
    compare_at_length(comparison_options(__doc__, inputs=100_000).parse_args(), compare_episode)


if __name__ == "__main__":
    main()
