"""Audits held against the pure model, call by call, on random schedules (docs/audits.md).

`python -m tests.contracts.audits_comparison --inputs 100000 --seed 1` compares at length.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import astuple

from tests.contracts.comparison import compare_at_length, compare_policy, comparison_options
from tests.contracts.evm import EvmContract
from tests.contracts.life_chain import DEPLOYER, Deploy, LifeChain, deploy_life_chain
from tests.protocol.audits.schedule import audits_schedule, wind_down_audits
from tests.protocol.audits.world import EXIT_SECONDS, RULES, AuditsStep, AuditsWorld, BeginRound, Pledge
from tests.protocol.settlement.world import PARAMETERS
from tests.replays import replayable
from truestep.adapters.chain.record_codec import checksummed
from truestep.protocol.audits.state import Audit, JobFund, Load
from truestep.protocol.audits.statements import NO_HASH
from truestep.protocol.settlement.ids import claim_of
from truestep.protocol.settlement.state import LifeCycle


def compare_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode in the model and in the contracts; what was done, by kind of step."""
    doubles: list[EvmContract] = []

    def deploy_audits(deploy: Deploy, assurances: EvmContract) -> EvmContract:
        double = deploy("PoolDouble", EXIT_SECONDS)
        doubles.append(double)
        return deploy("Audits", assurances.address, double.address, double.address, astuple(RULES))

    chain = deploy_life_chain(deploy_second=deploy_audits, second_name="Audits")
    (pool,) = doubles
    state = LifeCycle(deployment=chain.deployment, parameters=(PARAMETERS,))
    address = checksummed(chain.policy.address)
    sortition = checksummed(pool.address)
    world = AuditsWorld(state=state, around=chain.surroundings, address=address, sortition=sortition)
    schedule, tally = audits_schedule(seed, world), Counter[str]()
    steps = itertools.chain(schedule.steps(inputs), wind_down_audits(schedule))

    def tells_pool(step: AuditsStep) -> bool:
        match step:
            case BeginRound():
                pool.transact("begin_round", step.since, step.seed)
            case Pledge():
                pool.transact("pledge", step.operator, value=step.amount_wei, sender=DEPLOYER)
            case _:
                return False
        return True

    with replayable(seed, tally):
        compare_policy("Audits", chain, world, steps, tally, compare=compare_audits, tells_double=tells_pool)
        assert chain.contracts["Audits"].call("burned_wei") == world.audits.burned_wei
    return tally


def compare_audits(chain: LifeChain, world: AuditsWorld) -> None:
    """What Audits keeps of batches, claims, jobs and auditors."""
    own, kept = chain.contracts["Audits"], world.audits
    for batch_id, batch in world.state.batches.items():
        policy = world.state.deployment.policies[batch.policy]
        found = kept.batches.get(batch_id)
        if policy.contract == world.address:
            assert own.call("open_until", batch_id, batch.until) == policy.open_until(batch_id, batch.until)
        if found is None:
            continue
        assert own.call("pending", batch_id) == found.pending
        assert own.call("confirmed", batch_id) == found.confirmed
        assert own.call("is_drawn", batch_id) == (found.seed is not None)
        for index in range(min(4, batch.leaf_count)):
            _compare_audit(
                own, kept.audits.get(claim_of(batch_id, index), Audit()), claim_of(batch_id, index)
            )
    for job_id in world.state.jobs:
        fee_wei, left_wei = own.call("fund_of", job_id)
        assert JobFund(fee_wei=fee_wei, left_wei=left_wei) == kept.funds.get(
            job_id, JobFund(fee_wei=0, left_wei=0)
        )
    for operator in world.pledges:
        count, penalties_wei = own.call("load_of", operator)
        assert Load(count=count, penalties_wei=penalties_wei) == kept.loads.get(operator, Load())
    for task, leaf in kept.certificates.items():
        assert own.call("certificates", task) == leaf


def _compare_audit(own: EvmContract, audit: Audit, claim_id: int) -> None:
    said = sum(1 << seat for seat in audit.revealed)
    work_seconds, auditor, second = audit.work_seconds, audit.auditor, audit.second
    assert own.call("published", claim_id) == (audit.published or NO_HASH)
    found = own.call("audit_of", claim_id)
    assert (*found[:5], checksummed(found[5]), checksummed(found[6]), found[7]) == (
        audit.stage,
        audit.seats,
        said,
        audit.time,
        work_seconds,
        checksummed(auditor),
        checksummed(second),
        audit.job_id,
    )


def main() -> None:
    """Compare episodes until there were enough inputs."""
    compare_at_length(comparison_options(__doc__, inputs=100_000).parse_args(), compare_episode)


if __name__ == "__main__":
    main()
