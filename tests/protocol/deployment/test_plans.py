"""A plan names contracts only after their creation, and its facts leave no immutable open."""

from __future__ import annotations

from tests.protocol.deployment.test_bounds import RULES, TIMELOCK
from truestep.contracts.artifacts import artifact_names, load_artifact
from truestep.protocol.deployment.plan import AddressOf, Create, Fixed, resolved
from truestep.protocol.deployment.plans import network_plan

PLAN = network_plan(RULES, TIMELOCK)
AVAILABILITY = {"Keepers", "Items", "Challenges", "Bindings", "Kept"}
"""They stand beside a network, which may have been running for long."""


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
    assert set(created) == {*artifact_names()} - AVAILABILITY


def test_every_immutable_is_checked_but_the_deployer() -> None:
    """The deployer has no powers once everything is connected."""
    fixed = {(fact.contract, fact.name) for fact in PLAN.facts if isinstance(fact, Fixed)}
    there_are = {(name, immutable) for name in PLAN.contracts for immutable in load_artifact(name).immutables}
    assert there_are - fixed == {(name, "DEPLOYER") for name in ("Operators", "Jobs")}
    assert fixed <= there_are


def test_addresses_are_put_into_tuples() -> None:
    found = resolved((1, (AddressOf(contract="Jobs"), "text")), lambda name: f"the {name}")  # type: ignore[arg-type,return-value]
    assert found == (1, ("the Jobs", "text"))
