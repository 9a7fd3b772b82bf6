"""A plan names contracts only after their creation, and its facts leave no immutable open."""

from __future__ import annotations

import pytest

from tests.protocol.deployment.test_bounds import FIRST, NEXT, TIMELOCK
from truestep.contracts.artifacts import artifact_names, load_artifact
from truestep.protocol.deployment.plan import AddressOf, Create, Fixed, Plan, resolved
from truestep.protocol.deployment.plans import first_plan, settlement_plan

PLANS = {1: first_plan(FIRST), 2: settlement_plan(NEXT, TIMELOCK)}


@pytest.mark.parametrize("plan", PLANS.values(), ids=("first", "settlement"))
def test_every_contract_is_created_once_and_before_it_is_named(plan: Plan) -> None:
    created: list[str] = []
    for step in plan.steps:
        named = [each.contract for each in step.arguments if isinstance(each, AddressOf)]
        assert set(named) <= set(created), step.title
        if isinstance(step, Create):
            created.append(step.contract)
        else:
            assert step.contract in created
    assert len(set(created)) == len(created)
    assert len({step.title for step in plan.steps}) == len(plan.steps)
    assert set(created) == {*artifact_names()}


@pytest.mark.parametrize("plan", PLANS.values(), ids=("first", "settlement"))
def test_every_immutable_is_checked_but_the_deployer(plan: Plan) -> None:
    """The deployer has no powers once everything is connected."""
    fixed = {(fact.contract, fact.name) for fact in plan.facts if isinstance(fact, Fixed)}
    there_are = {(name, immutable) for name in plan.contracts for immutable in load_artifact(name).immutables}
    assert there_are - fixed == {(name, "DEPLOYER") for name in ("Operators", "Jobs")}
    assert fixed <= there_are


def test_addresses_are_put_into_tuples() -> None:
    found = resolved((1, (AddressOf(contract="Jobs"), "text")), lambda name: f"the {name}")  # type: ignore[arg-type,return-value]
    assert found == (1, ("the Jobs", "text"))
