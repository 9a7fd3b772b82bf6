"""Verifiers held against the pure model, call by call, on random schedules (docs/validity.md).

`python -m tests.contracts.verifiers_comparison --inputs 100000 --seed 1` compares at length.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import astuple, replace

from tests.contracts.comparison import compare_at_length, compare_policy, comparison_options
from tests.contracts.evm import EvmContract
from tests.contracts.life_chain import Deploy, LifeChain, deploy_life_chain
from tests.protocol.settlement.world import PARAMETERS
from tests.protocol.validity.schedule import validity_schedule, wind_down_validity
from tests.protocol.validity.world import FIRST, SECOND, PutMood, ValidityStep, ValidityWorld, Verifier
from tests.replays import replayable
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.ids import claim_of
from truestep.protocol.settlement.policies import ends_game, is_proven
from truestep.protocol.settlement.state import LifeCycle
from truestep.protocol.validity.contracts.verifiers import EntryNumber
from truestep.protocol.validity.verifiers import entry_of


def compare_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode in the model and in the contracts; what was done, by kind of step."""
    doubles: dict[Address, EvmContract] = {}

    def deploy_verifiers(deploy: Deploy, assurances: EvmContract) -> EvmContract:
        for known in (FIRST, SECOND):
            double = deploy("VerifierDouble", known.selector)
            doubles[checksummed(double.address)] = double
        return deploy("Verifiers", assurances.address)

    chain = deploy_life_chain(deploy_second=deploy_verifiers, second_name="Verifiers")
    known: dict[Address, Verifier] = {}
    for (address, double), each in zip(doubles.items(), (FIRST, SECOND), strict=True):
        code = chain.evm.chain.get_code(double.address)
        assert code is not None
        code_hash = keccak256(bytes(code)[: double.artifact.deployed_size_bytes])  # this EVM pads
        known[address] = replace(each, address=address, code_hash=code_hash)
    state = LifeCycle(deployment=chain.deployment, parameters=(PARAMETERS,))
    address = checksummed(chain.policy.address)
    world = ValidityWorld(state=state, around=chain.surroundings, address=address, known=known)
    schedule, tally = validity_schedule(seed, world), Counter[str]()
    steps = itertools.chain(schedule.steps(inputs), wind_down_validity(schedule))

    def tells_verifier(step: ValidityStep) -> bool:
        if isinstance(step, PutMood):
            doubles[step.verifier].transact("set_mood", step.mood)
        return isinstance(step, PutMood)

    with replayable(seed, tally):
        compare_policy(
            "Verifiers", chain, world, steps, tally, compare=compare_claims, tells_double=tells_verifier
        )
        compare_entries(chain, world)
    return tally


def compare_claims(chain: LifeChain, world: ValidityWorld) -> None:
    """What Verifiers and Assurances say of claims and games, in the chain's latest block."""
    own, assurances = chain.contracts["Verifiers"], chain.contracts["Assurances"]
    for batch_id, batch in world.state.batches.items():
        policy = world.state.deployment.policies[batch.policy]
        for leaf_index in range(min(9, batch.leaf_count)):
            found = world.verifiers.proofs.get(claim_of(batch_id, leaf_index))
            expected = (found.number, found.game_count) if found is not None else (0, 0)
            assert tuple(own.call("proof_of", claim_of(batch_id, leaf_index))) == expected
        claim_id = claim_of(batch_id, 0)
        assert own.call("proven", batch_id) == world.verifiers.proven.get(batch_id, 0)
        if policy.contract == world.address:
            assert own.call("open_until", batch_id, batch.until) == policy.open_until(batch_id, batch.until)
        proven = assurances.call("is_proven", claim_id)
        final = chain.contracts["Jobs"].call("is_leaf_final", claim_id)
        assert (proven and not final) == is_proven(world.state, claim_id, chain.now)
        for ordinal in (1, 2):
            game_id = claim_id << 32 | ordinal
            expected = ends_game(world.state, game_id, chain.now)  # type: ignore[arg-type]
            assert assurances.call("ends_game", game_id) == expected


def compare_entries(chain: LifeChain, world: ValidityWorld) -> None:
    """What Verifiers keeps of entries, and of nobody's coins."""
    own, kept = chain.contracts["Verifiers"], world.verifiers
    assert own.call("entry_count") == len(kept.entries)
    assert own.call("last_stopped_at") == kept.last_stopped_at
    assert own.call("burned_wei") == kept.burned_wei
    for number in range(1, len(kept.entries) + 1):
        entry = entry_of(kept, EntryNumber(number))
        found = own.call("get", number)
        assert (checksummed(found[0]), *found[1:]) == astuple(entry.entry)
        assert own.call("stopped_at", number) == entry.stopped_at
        assert own.call("code_hash", number) == entry.code_hash


def main() -> None:
    """Compare episodes until there were enough inputs."""
    compare_at_length(comparison_options(__doc__, inputs=100_000).parse_args(), compare_episode)


if __name__ == "__main__":
    main()
