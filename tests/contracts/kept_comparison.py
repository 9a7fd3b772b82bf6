"""Kept held against the pure model, call by call, on random schedules (docs/availability.md A5).

`python -m tests.contracts.kept_comparison --inputs 100000 --seed 1` compares at length.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import astuple

from tests.contracts.comparison import compare_at_length, compare_policy, comparison_options
from tests.contracts.evm import EvmContract
from tests.contracts.life_chain import Deploy, LifeChain, deploy_life_chain
from tests.contracts.playing import artifact_with_base_fee
from tests.protocol.availability.kept_schedule import kept_schedule, wind_down_kept
from tests.protocol.availability.kept_world import (
    ACKNOWLEDGE_SECONDS,
    ANSWER_SECONDS,
    BASE_FEE_WEI,
    BLOB_BOND_WEI,
    KEPT_POLICY,
    KeptStep,
    KeptWorld,
    PutChallenge,
    PutItem,
    demand_for,
)
from tests.protocol.settlement.world import PARAMETERS
from tests.replays import replayable
from truestep.adapters.chain.record_codec import checksummed
from truestep.protocol.availability.kept_state import NOTHING_KEPT
from truestep.protocol.settlement.state import LifeCycle


def compare_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode in the model and in the contracts; what was done, by kind of step."""
    doubles: list[EvmContract] = []

    def deploy_kept(deploy: Deploy, assurances: EvmContract) -> EvmContract:
        doubles.append(deploy("AvailabilityDouble", ANSWER_SECONDS, ACKNOWLEDGE_SECONDS, BLOB_BOND_WEI))
        kept = artifact_with_base_fee("Kept", 1)
        return deploy(kept, assurances.address, *[doubles[0].address] * 3)

    chain = deploy_life_chain(deploy_second=deploy_kept)
    chain.now, chain.base_fee_wei = 0, BASE_FEE_WEI  # from the next block on
    state = LifeCycle(deployment=chain.deployment, parameters=(PARAMETERS,))
    address = checksummed(chain.policy.address)
    schedule = kept_schedule(seed, KeptWorld(state=state, around=chain.surroundings, address=address))
    world, tally = schedule.kept_world, Counter[str]()
    steps = itertools.chain(schedule.steps(inputs), wind_down_kept(schedule))

    def tells_double(step: KeptStep) -> bool:
        if isinstance(step, PutItem | PutChallenge):
            put(doubles[0], step)
        return isinstance(step, PutItem | PutChallenge)

    with replayable(seed, tally):
        compare_policy("Kept", chain, world, steps, tally, compare=compare_views, tells_double=tells_double)
    return tally


def put(double: EvmContract, step: PutItem | PutChallenge) -> None:
    """Tell the double what Items and Challenges say from now on."""
    if isinstance(step, PutItem):
        double.transact("put", step.item_id, astuple(step.standing))
        double.transact("demand", demand_for(step.item_id), bytes([step.standing.is_contested]) * 32)
    else:
        double.transact("challenge", step.challenge_id, bytes([step.is_open]) * 32)


def compare_views(chain: LifeChain, world: KeptWorld) -> None:
    """What Kept says of jobs and batches."""
    kept, policy = chain.contracts["Kept"], world.state.deployment.policies[KEPT_POLICY]
    for job_id, (program, given) in world.kept.supplied.items():
        assert kept.call("supplied", job_id) == program << 128 | given
    for batch_id, batch in world.state.batches.items():
        known = world.kept.batch(batch_id)
        item_id = 0 if known.item_id == NOTHING_KEPT else known.item_id
        expected = (known.item_id != 0, item_id, known.held_until, known.hold_count, known.check_until)
        assert kept.call("get_batch", batch_id) == expected
        assert kept.call("doomed", batch_id) == known.doomed
        assert kept.call("open_until", batch_id, batch.until) == policy.open_until(batch_id, batch.until)


def main() -> None:
    """Compare episodes until there were enough inputs."""
    compare_at_length(comparison_options(__doc__, inputs=100_000).parse_args(), compare_episode)


if __name__ == "__main__":
    main()
