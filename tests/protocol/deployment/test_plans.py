"""A plan names contracts only after their creation, and its facts leave no immutable open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.lots import LOTS
from tests.contracts.quorums import QUORUM
from tests.protocol.deployment.test_bounds import KEPT_BY, RULES, TIMELOCK
from truestep.contracts.artifacts import artifact_names, load_artifact
from truestep.devnet.network import DEVNET_AUDITS
from truestep.protocol.assignment.rules import DRAW_RULES
from truestep.protocol.deployment.availability import CONTRACTS as KEEPING_CONTRACTS
from truestep.protocol.deployment.judges import Judges
from truestep.protocol.deployment.plan import AddressOf, Create, Fixed, resolved
from truestep.protocol.deployment.plans import CONTRACTS, network_plan
from truestep.protocol.logs.anchors import Terms

LOG_TERMS = Terms(bond_wei=10**18, exit_seconds=86_400, epoch_seconds=3_600)
JUDGED_BY = Judges(
    quorum=replace(QUORUM, lie_wei=DRAW_RULES.least_pledge_wei), audits=DEVNET_AUDITS, drawn=LOTS
)
PLAN = network_plan(
    RULES,
    TIMELOCK,
    KEPT_BY,
    has_proofs=True,
    log_terms=LOG_TERMS,
    judged_by=JUDGED_BY,
)


DEPLOYED_BY = ("Operators", "Jobs", "Assurances", "Keepers", "Items", "Verifiers")
"""Contracts that know their deployer, who connects them."""
FOREIGN_VERIFIERS = {"CircuitVerifier", "RiscZeroGroth16", "RiscZeroSet", "RowsVerifier", "Sp1Groth16"}
"""Anybody may deploy them, and governance add them to Verifiers."""


def test_every_contract_is_created_once_and_before_it_is_named() -> None:
    created: list[str] = []
    for step in PLAN.steps:
        named = [each.contract for each in step.arguments if isinstance(each, AddressOf)]
        assert set(named) <= set(created), step.title
        if isinstance(step, Create):
            created.append(step.contract)
        else:
            assert step.contract in created
    assert len(set(created)) == len(created)
    assert len({step.title for step in PLAN.steps}) == len(PLAN.steps)
    assert set(created) == {*artifact_names()} - FOREIGN_VERIFIERS


def test_a_network_without_availability_has_the_others() -> None:
    assert network_plan(RULES, TIMELOCK).contracts == CONTRACTS
    assert network_plan(RULES, TIMELOCK, KEPT_BY).contracts == (*CONTRACTS, *KEEPING_CONTRACTS)
    drawn = ("Quorums", "Audits", "Lots")
    assert PLAN.contracts == (*CONTRACTS, "Anchors", *KEEPING_CONTRACTS, "Verifiers", *drawn)


def test_policies_are_added_under_the_numbers_that_are_next() -> None:
    added = [s.arguments[1] for s in PLAN.steps if not isinstance(s, Create) and s.function == "add"]
    assert added == [2, 3, 4, 5, 6]
    with pytest.raises(ValueError, match="availability"):
        network_plan(RULES, TIMELOCK, has_proofs=True)
    with pytest.raises(ValueError, match="Verifiers"):
        network_plan(RULES, TIMELOCK, KEPT_BY, judged_by=JUDGED_BY)
    with pytest.raises(ValueError, match="Quorums"):
        network_plan(RULES, TIMELOCK, KEPT_BY, has_proofs=True, judged_by=Judges(audits=DEVNET_AUDITS))
    with pytest.raises(ValueError, match="Audits"):
        network_plan(RULES, TIMELOCK, KEPT_BY, has_proofs=True, judged_by=replace(JUDGED_BY, audits=None))


def test_every_immutable_is_checked_but_the_deployer() -> None:
    """The deployer has no powers once everything is connected."""
    fixed = {(fact.contract, fact.name) for fact in PLAN.facts if isinstance(fact, Fixed)}
    there_are = {(name, immutable) for name in PLAN.contracts for immutable in load_artifact(name).immutables}
    assert there_are - fixed == {(name, "DEPLOYER") for name in DEPLOYED_BY}
    assert fixed <= there_are


def test_addresses_are_put_into_tuples() -> None:
    found = resolved((1, (AddressOf(contract="Jobs"), "text")), lambda name: f"the {name}")  # type: ignore[arg-type,return-value]
    assert found == (1, ("the Jobs", "text"))
