"""The bounds of parameters are those of the contracts, and a message names each."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from tests.contracts.evm import Evm, EvmContract, Reverted
from tests.contracts.settings import DAY_SECONDS, GUARDIAN, PROPOSER, Clock
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.protocol.deployment.bounds import (
    Bound,
    check_first,
    check_settlement,
    first_bounds,
    settlement_bounds,
)
from truestep.protocol.deployment.plans import TimelockTerms
from truestep.protocol.records import Parameters
from truestep.protocol.settlement.parameters import Parameters as SettlementParameters

FIRST = Parameters(
    operator_bond_wei=10**18,
    challenger_bond_wei=10**17,
    window_seconds=7_200,
    clock_seconds=3_600,
    lease_penalty_bps=1_000,
    winner_share_bps=5_000,
    gas_price_cap_wei=10**11,
    arity=64,
)
NEXT = SettlementParameters(
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
TIMES = {"delay_seconds": TIMELOCK.delay_seconds, "guardian_time_seconds": TIMELOCK.guardian_seconds}


def edges(bound: Bound) -> list[int]:
    """The values at the bounds, and those beyond."""
    if bound.choices:
        return [0, 1, *bound.choices, 3, 63, 128]
    return sorted({max(bound.least - 1, 0), bound.least, bound.most, bound.most + 1})


def deployed_first(evm: Evm, step: EvmContract, p: Parameters) -> None:
    """Deploy version 1 with these parameters."""
    operators, programs = evm.deploy("Operators"), evm.deploy("Programs")
    terms = (p.operator_bond_wei, p.window_seconds, p.lease_penalty_bps)
    jobs = evm.deploy("Jobs", operators.address, programs.address, *terms)
    terms = (p.challenger_bond_wei, p.clock_seconds, p.arity, p.winner_share_bps, p.gas_price_cap_wei)
    evm.deploy("Disputes", operators.address, jobs.address, step.address, *terms)


def test_version_1_accepts_what_is_within_bounds_and_nothing_else() -> None:
    evm = Evm()
    step = evm.deploy("Programs")  # any contract: Step is dear, and says nothing about parameters
    bounds = first_bounds({name: getattr(FIRST, name) for name in FIRST.__dataclass_fields__})
    assert bounds.keys() == set(FIRST.__dataclass_fields__)
    for field, bound in bounds.items():
        for value in edges(bound):
            changed = replace(FIRST, **{field: value})
            expected = verdict(lambda p=changed: deployed_first(evm, step, p))
            found = verdict(lambda p=changed: check_first(p))
            assert found == expected, (field, value)


def test_version_2_accepts_what_is_within_bounds_and_nothing_else() -> None:
    clock = Clock()
    timelock = clock.timelock().address
    values = {name: getattr(NEXT, name) for name in NEXT.__dataclass_fields__} | TIMES
    bounds = settlement_bounds(values)
    assert bounds.keys() == values.keys()
    for field, bound in bounds.items():
        for value in edges(bound):
            if field in TIMES:
                changed = replace(TIMELOCK, **{field.replace("time_", ""): value})
                times = (changed.delay_seconds, changed.guardian_seconds)
                expected = verdict(lambda t=times: clock.timelock(*t))
                found = verdict(lambda t=changed: check_settlement(NEXT, t))
            else:
                rules = replace(NEXT, **{field: value})
                expected = verdict(lambda p=rules: clock.deploy("Parameters", timelock, astuple(p)))
                found = verdict(lambda p=rules: check_settlement(p, TIMELOCK))
            assert found == expected, (field, value)


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
            {"clock_seconds": 4_000},
            Reject.PARAMETER_CLOCK,
            "clock: expected 1 s to 1 h (window / 2), got 1 h 6 min 40 s",
        ),
        (
            {"challenger_bond_wei": 2 * 10**17, "winner_share_bps": 5_001},
            Reject.PARAMETER_BOND,
            "challenger_bond: expected 1 wei to 0.1 ETH (operator_bond / 10), got 0.2 ETH;"
            " winner_share: expected 0% to 50%, got 50.01%",
        ),
        (
            {"operator_bond_wei": 9},
            Reject.PARAMETER_BOND,
            "challenger_bond: nothing is between the least, 1 wei, and the most, 0 ETH (operator_bond / 10);"
            " change those",
        ),
        ({"arity": 3}, Reject.PARAMETER_ARITY, "arity: expected one of 2, 4, 8, 16, 32, 64, got 3"),
    ],
)
def test_a_refusal_names_each_bound(changes: dict[str, int], reason: Reject, message: str) -> None:
    with pytest.raises(Rejected) as refusal:
        check_first(replace(FIRST, **changes))
    assert str(refusal.value) == f"{reason.value}: {message}"


def test_what_a_bound_of_version_2_depends_on_is_named() -> None:
    with pytest.raises(Rejected) as refusal:
        check_settlement(replace(NEXT, gas_price_cap_wei=2 * 10**9), TIMELOCK)
    assert str(refusal.value) == (
        "bond out of bounds: challenger_bond: expected 0.016 ETH (8,000,000 gas at gas_price_cap) to 0.04 ETH"
        " (operator_bond / 25), got 0.01 ETH"
    )
