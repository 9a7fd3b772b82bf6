"""Lots held against the pure model, call by call, on random schedules (docs/drawn.md).

`python -m tests.contracts.lots_comparison --inputs 100000 --seed 1` compares at length.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import astuple

from tests.contracts.comparison import compare_at_length, compare_policy, comparison_options
from tests.contracts.evm import EvmContract
from tests.contracts.life_chain import Deploy, LifeChain, deploy_life_chain
from tests.protocol.lots.schedule import lots_schedule, wind_down_lots
from tests.protocol.lots.world import DRAW_SECONDS, EXIT_SECONDS, PLEDGE_WEI, POOL, RULES, LotsWorld
from tests.protocol.settlement.world import OPERATORS, PARAMETERS
from tests.replays import replayable
from truestep.adapters.chain.record_codec import checksummed
from truestep.protocol.settlement.state import LifeCycle


def compare_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode in the model and in the contracts; what was done, by kind of step."""
    doubles: list[EvmContract] = []

    def deploy_lots(deploy: Deploy, assurances: EvmContract) -> EvmContract:
        pool = deploy(
            "SortitionDouble", assurances.address, EXIT_SECONDS, DRAW_SECONDS, list(POOL), PLEDGE_WEI
        )
        doubles.append(pool)
        return deploy("Lots", assurances.address, pool.address, astuple(RULES))

    chain = deploy_life_chain(deploy_second=deploy_lots, second_name="Lots")
    (sortition,) = doubles
    chain.evm.chain.set_balance(sortition.address, PLEDGE_WEI * len(POOL))
    state = LifeCycle(deployment=chain.deployment, parameters=(PARAMETERS,))
    world = LotsWorld(
        state=state,
        around=chain.surroundings,
        address=checksummed(chain.policy.address),
        sortition=checksummed(sortition.address),
    )
    schedule, tally = lots_schedule(seed, world), Counter[str]()
    steps = itertools.chain(schedule.steps(inputs), wind_down_lots(schedule))
    with replayable(seed, tally):
        compare_policy("Lots", chain, world, steps, tally, compare=compare_lots)
        for member in POOL:
            assert sortition.call("pledges", member) == world.pledges[member]
    return tally


def compare_lots(chain: LifeChain, world: LotsWorld) -> None:
    """What Lots keeps, in the chain's latest block."""
    own, kept = chain.contracts["Lots"], world.lots
    assert own.call("burned_wei") == kept.burned_wei
    assert tuple(own.call("get_rules")) == astuple(RULES)
    for job_id, offered in kept.offers.items():
        assert tuple(own.call("get_offer", job_id)) == (offered.lot_tasks, offered.at)
        for operator in OPERATORS:
            assert own.call("failed", job_id, operator) == ((job_id, operator) in kept.failed)
    for (job_id, number), lot in kept.lots.items():
        assert tuple(own.call("get_lot", job_id, number)) == tuple(
            each.lower() if isinstance(each, str) else each for each in astuple(lot)
        )


def main() -> None:
    """Compare episodes until there were enough inputs."""
    compare_at_length(comparison_options(__doc__, inputs=100_000).parse_args(), compare_episode)


if __name__ == "__main__":
    main()
