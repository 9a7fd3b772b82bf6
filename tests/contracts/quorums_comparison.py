"""Quorums held against the pure model, call by call, on random schedules (docs/quorum.md).

`python -m tests.contracts.quorums_comparison --inputs 100000 --seed 1` compares at length.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import astuple

from tests.contracts.comparison import compare_at_length, compare_policy, comparison_options
from tests.contracts.evm import EvmContract
from tests.contracts.life_chain import Deploy, LifeChain, deploy_life_chain
from tests.protocol.quorum.schedule import quorum_schedule, wind_down_quorum
from tests.protocol.quorum.world import (
    DRAW_SECONDS,
    EXIT_SECONDS,
    PLEDGE_WEI,
    POOL,
    RULES,
    QuorumWorld,
)
from tests.protocol.settlement.world import PARAMETERS
from tests.replays import replayable
from truestep.adapters.chain.record_codec import checksummed
from truestep.protocol.quorum.rules import least_fee, load_at
from truestep.protocol.settlement.ids import NATIVE, claim_of
from truestep.protocol.settlement.policies import is_proven
from truestep.protocol.settlement.state import LifeCycle


def compare_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode in the model and in the contracts; what was done, by kind of step."""
    doubles: list[EvmContract] = []

    def deploy_quorums(deploy: Deploy, assurances: EvmContract) -> EvmContract:
        pool = deploy(
            "SortitionDouble", assurances.address, EXIT_SECONDS, DRAW_SECONDS, list(POOL), PLEDGE_WEI
        )
        doubles.append(pool)
        return deploy("Quorums", assurances.address, pool.address, astuple(RULES))

    chain = deploy_life_chain(deploy_second=deploy_quorums, second_name="Quorums")
    (sortition,) = doubles
    chain.evm.chain.set_balance(sortition.address, PLEDGE_WEI * len(POOL))
    state = LifeCycle(deployment=chain.deployment, parameters=(PARAMETERS,))
    world = QuorumWorld(
        state=state,
        around=chain.surroundings,
        address=checksummed(chain.policy.address),
        sortition=checksummed(sortition.address),
    )
    schedule, tally = quorum_schedule(seed, world), Counter[str]()
    steps = itertools.chain(schedule.steps(inputs), wind_down_quorum(schedule))
    with replayable(seed, tally):
        compare_policy("Quorums", chain, world, steps, tally, compare=compare_sittings)
        compare_jobs(chain, world)
        for member in POOL:
            assert sortition.call("pledges", member) == world.pledges[member]
    return tally


def compare_sittings(chain: LifeChain, world: QuorumWorld) -> None:
    """What Quorums and Assurances say of batches, in the chain's latest block."""
    own, assurances = chain.contracts["Quorums"], chain.contracts["Assurances"]
    for batch_id, batch in world.state.batches.items():
        policy = world.state.deployment.policies[batch.policy]
        claim_id = claim_of(batch_id, 0)
        final = chain.contracts["Jobs"].call("is_leaf_final", claim_id)
        proven = assurances.call("is_proven", claim_id)
        assert (proven and not final) == is_proven(world.state, claim_id, chain.now)
        if policy.contract != world.address:
            continue
        assert own.call("open_until", batch_id, batch.until) == policy.open_until(batch_id, batch.until)
        sitting = world.quorums.sittings.get(batch_id)
        said = (sitting.confirmed, sitting.dissented, sitting.is_proven) if sitting else (0, 0, False)
        assert tuple(own.call("get_batch", batch_id)) == said
        for seat in range(RULES.seats):
            kept = world.quorums.commitments.get((batch_id, seat), 0)
            assert own.call("commitment_at", batch_id, seat) == kept


def compare_jobs(chain: LifeChain, world: QuorumWorld) -> None:
    """What Quorums keeps of jobs, and of nobody's coins."""
    own, kept = chain.contracts["Quorums"], world.quorums
    assert own.call("burned_wei") == kept.burned_wei
    assert tuple(own.call("get_rules")) == astuple(RULES)
    assert own.call("least_fee", 2**40) == least_fee(RULES, 2**40)
    assert own.call("load") == load_at(RULES, kept.load, chain.now) // RULES.load_seconds
    for job_id, purse in kept.purses.items():
        seated = kept.committees.get(job_id)
        found = (purse.left_wei, purse.fee_wei, purse.funded_at, purse.turn_at)
        assert tuple(own.call("get_purse", job_id)) == found
        leader = own.call("leader", job_id)
        assert checksummed(leader) == (seated.taker if seated else NATIVE)
    for job_id, operator in kept.failed:
        assert own.call("failed", job_id, operator)


def main() -> None:
    """Compare episodes until there were enough inputs."""
    compare_at_length(comparison_options(__doc__, inputs=100_000).parse_args(), compare_episode)


if __name__ == "__main__":
    main()
