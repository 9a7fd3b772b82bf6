"""The bounds of parameters are those of the contracts, and a message names each."""

from __future__ import annotations

from dataclasses import asdict, astuple, replace

import pytest

from tests.contracts.evm import Reverted
from tests.contracts.settings import DAY_SECONDS, GUARDIAN, PROPOSER, Clock
from tests.contracts.settlement import Settlement
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.devnet.network import DEVNET_AUDITS
from truestep.protocol.assignment.rules import DRAW_RULES, DrawRules
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.deployment.audit_bounds import audit_bounds, check_audits
from truestep.protocol.deployment.availability_bounds import check_rules, rule_bounds
from truestep.protocol.deployment.bounds import Bound, check_parameters, parameter_bounds
from truestep.protocol.deployment.draw_bounds import check_draws, draw_bounds
from truestep.protocol.deployment.plans import TimelockTerms
from truestep.protocol.settlement.parameters import Parameters

RULES = Parameters(
    operator_bond_wei=10**18,
    challenger_bond_wei=10**16,
    window_seconds=7_200,
    cycles_per_second=10**8,
    clock_seconds=900,
    rescue_seconds=300,
    reveal_seconds=3_600,
    arity=64,
    lease_penalty_bps=1_000,
    release_penalty_bps=100,
    winner_share_bps=5_000,
    gas_price_cap_wei=10**9,
)
TIMELOCK = TimelockTerms(
    proposer=Address(PROPOSER),
    guardian=Address(GUARDIAN),
    guardian_seconds=90 * DAY_SECONDS,
    delay_seconds=DAY_SECONDS,
)
KEPT_BY = Rules(
    share_wei=10**17,
    registrant_bond_wei=10**16,
    element_bond_wei=10**15,
    blob_bond_wei=2 * 10**15,
    tree_bond_wei=10**15,
    gas_price_cap_wei=10**9,
    blob_gas_price_cap_wei=10**9,
    answer_seconds=3_600,
    acknowledge_seconds=3_600,
    winner_share_bps=5_000,
)
TIMES = {"delay_seconds": TIMELOCK.delay_seconds, "guardian_time_seconds": TIMELOCK.guardian_seconds}


def edges(bound: Bound) -> list[int]:
    """The values at the bounds, and those beyond."""
    if bound.choices:
        return [0, 1, *bound.choices, 3, 63, 128]
    return sorted({max(bound.least - 1, 0), bound.least, bound.most, bound.most + 1})


def test_the_contracts_accept_what_is_within_bounds_and_nothing_else() -> None:
    clock = Clock()
    timelock = clock.timelock().address
    values = {name: getattr(RULES, name) for name in RULES.__dataclass_fields__} | TIMES
    bounds = parameter_bounds(values)
    assert bounds.keys() == values.keys()
    for field, bound in bounds.items():
        for value in edges(bound):
            if field in TIMES:
                changed = replace(TIMELOCK, **{field.replace("time_", ""): value})
                times = (changed.delay_seconds, changed.guardian_seconds)
                expected = verdict(lambda t=times: clock.timelock(*t))
                found = verdict(lambda t=changed: check_parameters(RULES, t))
            else:
                rules = replace(RULES, **{field: value})
                expected = verdict(lambda p=rules: clock.deploy("Parameters", timelock, astuple(p)))
                found = verdict(lambda p=rules: check_parameters(p, TIMELOCK))
            assert found == expected, (field, value)


def test_so_do_the_contracts_of_availability() -> None:
    clock = Clock()
    bounds = rule_bounds(asdict(KEPT_BY))
    assert bounds.keys() == asdict(KEPT_BY).keys()
    for field, bound in bounds.items():
        for value in edges(bound):
            rules = replace(KEPT_BY, **{field: value})
            expected = verdict(lambda r=rules: clock.deploy("Keepers", astuple(r)))
            assert verdict(lambda r=rules: check_rules(r)) == expected, (field, value)


def test_so_do_the_contracts_of_draws() -> None:
    net = Settlement()
    bounds = draw_bounds()
    assert bounds.keys() == asdict(DRAW_RULES).keys()

    def deploy(rules: DrawRules) -> None:
        phases = (rules.commit_seconds, rules.reveal_seconds, rules.draw_seconds)
        randomness = net.deploy("Randomness", *phases, rules.entropy_bond_wei)
        links = (net.assurances.address, randomness.address)
        net.deploy("Sortition", *links, rules.least_pledge_wei, rules.exit_seconds)

    for field, bound in bounds.items():
        for value in edges(bound):
            rules = replace(DRAW_RULES, **{field: value})
            expected = verdict(lambda r=rules: deploy(r))
            assert verdict(lambda r=rules: check_draws(r)) == expected, (field, value)


def test_so_does_the_contract_of_audits() -> None:
    net = Settlement()
    rules = (DRAW_RULES.commit_seconds, DRAW_RULES.reveal_seconds, DRAW_RULES.draw_seconds)
    randomness = net.deploy("Randomness", *rules, DRAW_RULES.entropy_bond_wei)
    pledges = (DRAW_RULES.least_pledge_wei, DRAW_RULES.exit_seconds)
    sortition = net.deploy("Sortition", net.assurances.address, randomness.address, *pledges)
    links = (net.assurances.address, sortition.address, randomness.address)
    bounds = audit_bounds(DEVNET_AUDITS)
    assert bounds.keys() == asdict(DEVNET_AUDITS).keys()
    for field, bound in bounds.items():
        for value in edges(bound):
            audited_by = replace(DEVNET_AUDITS, **{field: value})
            expected = verdict(lambda r=audited_by: net.deploy("Audits", *links, astuple(r)))
            assert verdict(lambda r=audited_by: check_audits(r)) == expected, (field, value)


def verdict(try_it: object) -> str:
    """The reason for a refusal; empty if there is none."""
    try:
        try_it()  # type: ignore[operator]
    except (Reverted, Rejected) as error:
        return str(error.reason)
    return ""


@pytest.mark.parametrize(
    ("changes", "reason", "message"),
    [
        (
            {"clock_seconds": 1_000},
            Reject.PARAMETER_WINDOW,
            "window: expected 2 h 13 min 20 s (8 x clock) to 45 d, got 2 h",
        ),
        (
            {"challenger_bond_wei": 2 * 10**17, "winner_share_bps": 5_001},
            Reject.PARAMETER_BOND,
            "challenger_bond: expected 0.008 ETH (8,000,000 gas at gas_price_cap) to 0.04 ETH"
            " (operator_bond / 25), got 0.2 ETH; winner_share: expected 40% to 50%, got 50.01%",
        ),
        (
            {"operator_bond_wei": 9},
            Reject.PARAMETER_BOND,
            "challenger_bond: nothing is between the least, 0.008 ETH (8,000,000 gas at gas_price_cap), and"
            " the most, 0 ETH (operator_bond / 25); change those",
        ),
        ({"arity": 3}, Reject.PARAMETER_ARITY, "arity: expected one of 2, 4, 8, 16, 32, 64, got 3"),
        (
            {"gas_price_cap_wei": 2 * 10**9},
            Reject.PARAMETER_BOND,
            "challenger_bond: expected 0.016 ETH (8,000,000 gas at gas_price_cap) to 0.04 ETH"
            " (operator_bond / 25), got 0.01 ETH",
        ),
    ],
)
def test_a_refusal_names_each_bound(changes: dict[str, int], reason: Reject, message: str) -> None:
    with pytest.raises(Rejected) as refusal:
        check_parameters(replace(RULES, **changes), TIMELOCK)
    assert str(refusal.value) == f"{reason.value}: {message}"
