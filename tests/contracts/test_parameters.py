"""Parameters.vy: sets, their bounds, and the windows that follow from them (docs/protocol.md S2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.evm import EvmContract, rejects
from tests.contracts.settings import ALICE, DAY_SECONDS, DEPLOYER, PROPOSER, Clock, Values
from truestep.base.errors import Reject

WINDOW_LIMIT_SECONDS = 45 * DAY_SECONDS
MINUTE = 60


@st.composite
def sets(draw: st.DrawFn) -> Values:
    """Any set within the bounds of S2.1, the bounds themselves more often than chance would have it."""

    def between(low: int, high: int) -> int:
        return draw(st.one_of(st.just(low), st.just(high), st.integers(low, high)))

    price = between(0, 2**50 - 1)
    arity = 2 ** draw(st.integers(1, 6))
    gas = {2: 24, 4: 12}.get(arity, 8) * 10**6
    challenger_bond = between(max(10**12, gas * price), (2**96 - 1) // 25)
    clock = between(30, WINDOW_LIMIT_SECONDS // 8)
    clock = min(clock, 2**20)
    penalty = between(100, 10_000)
    return Values(
        operator_bond_wei=between(25 * challenger_bond, 2**96 - 1),
        challenger_bond_wei=challenger_bond,
        window_seconds=between(min(8 * clock, WINDOW_LIMIT_SECONDS), WINDOW_LIMIT_SECONDS),
        cycles_per_second=between(10**5, 10**12),
        clock_seconds=clock,
        rescue_seconds=between(clock // 8, clock),
        reveal_seconds=between(clock, 30 * DAY_SECONDS),
        arity=arity,
        lease_penalty_bps=penalty,
        release_penalty_bps=between(10, penalty),
        winner_share_bps=between(4_000, 5_000),
        gas_price_cap_wei=price,
    )


def deployed(first: Values) -> tuple[Clock, EvmContract]:
    clock = Clock()
    return clock, clock.deploy("Parameters", clock.timelock().address, first.row)


@pytest.fixture(scope="module")
def parameters() -> EvmContract:
    return deployed(Values())[1]


@given(sets())
def test_a_set_is_kept_as_it_was_given(values: Values) -> None:
    assert values.clock_seconds * 8 <= values.window_seconds
    _, parameters = deployed(values)
    assert parameters.call("get", 1) == values.row
    assert parameters.call("count") == 1


VALUES = Values()
OUTSIDE = [
    ("operator_bond_wei", 25 * VALUES.challenger_bond_wei - 1, Reject.PARAMETER_BOND),
    ("operator_bond_wei", 2**96, Reject.PARAMETER_BOND),
    ("challenger_bond_wei", 8 * 10**6 * VALUES.gas_price_cap_wei - 1, Reject.PARAMETER_BOND),
    ("challenger_bond_wei", VALUES.operator_bond_wei // 25 + 1, Reject.PARAMETER_BOND),
    ("window_seconds", 8 * VALUES.clock_seconds - 1, Reject.PARAMETER_WINDOW),
    ("window_seconds", WINDOW_LIMIT_SECONDS + 1, Reject.PARAMETER_WINDOW),
    ("window_seconds", 2**256 - 1, Reject.PARAMETER_WINDOW),
    ("cycles_per_second", 10**5 - 1, Reject.PARAMETER_SPEED),
    ("cycles_per_second", 10**12 + 1, Reject.PARAMETER_SPEED),
    ("clock_seconds", 29, Reject.PARAMETER_CLOCK),
    ("clock_seconds", 2**20 + 1, Reject.PARAMETER_CLOCK),
    ("clock_seconds", 2**255, Reject.PARAMETER_CLOCK),
    ("rescue_seconds", VALUES.clock_seconds // 8 - 1, Reject.PARAMETER_RESCUE),
    ("rescue_seconds", VALUES.clock_seconds + 1, Reject.PARAMETER_RESCUE),
    ("reveal_seconds", VALUES.clock_seconds - 1, Reject.PARAMETER_REVEAL),
    ("reveal_seconds", 30 * DAY_SECONDS + 1, Reject.PARAMETER_REVEAL),
    *(("arity", arity, Reject.PARAMETER_ARITY) for arity in (0, 1, 3, 63, 65, 128)),
    ("lease_penalty_bps", 99, Reject.PARAMETER_PENALTY),
    ("lease_penalty_bps", 10_001, Reject.PARAMETER_PENALTY),
    ("release_penalty_bps", 9, Reject.PARAMETER_RELEASE),
    ("release_penalty_bps", VALUES.lease_penalty_bps + 1, Reject.PARAMETER_RELEASE),
    ("winner_share_bps", 3_999, Reject.PARAMETER_SHARE),
    ("winner_share_bps", 5_001, Reject.PARAMETER_SHARE),
    ("gas_price_cap_wei", 2**50, Reject.PARAMETER_GAS_PRICE),
]


@pytest.mark.parametrize(("arity", "gas"), [(2, 24), (4, 12), (8, 8), (64, 8)])
def test_small_arities_need_larger_bonds(arity: int, gas: int) -> None:
    """More rounds cost both sides more gas, which the shares of lost bonds must cover (S7.2, S7.7)."""
    least_wei = gas * 10**6 * VALUES.gas_price_cap_wei
    least = VALUES.but(arity=arity, challenger_bond_wei=least_wei, operator_bond_wei=25 * least_wei)
    deployed(least)
    with rejects(Reject.PARAMETER_BOND):
        deployed(least.but(challenger_bond_wei=least_wei - 1))


@pytest.mark.parametrize(("name", "value", "reason"), OUTSIDE)
def test_a_value_out_of_its_bounds_is_refused_with_its_name(name: str, value: int, reason: Reject) -> None:
    with rejects(reason):
        deployed(VALUES.but(**{name: value}))


def test_sets_are_added_by_the_timelock_alone_and_late() -> None:
    clock = Clock()
    timelock = clock.timelock()
    parameters = clock.deploy("Parameters", timelock.address, VALUES.row)
    other = VALUES.but(arity=8)
    for caller in (DEPLOYER, PROPOSER, ALICE):
        with rejects(Reject.NOT_OWNER):
            parameters.transact("add", other.row, 2, sender=caller)
    action = (parameters.address, message_of(parameters, "add", other.row, 2), bytes(32))
    timelock.transact("announce", *action, sender=PROPOSER)
    clock.pass_time(DAY_SECONDS)
    timelock.transact("execute", *action, sender=ALICE)
    assert parameters.call("count") == 2
    assert parameters.call("get", 1) == VALUES.row
    assert parameters.call("get", 2) == other.row


def test_an_unknown_set_is_refused(parameters: EvmContract) -> None:
    for number in (0, 2, 2**16, 2**256 - 1):
        with rejects(Reject.PARAMETERS_UNKNOWN):
            parameters.call("get", number)
        with rejects(Reject.PARAMETERS_UNKNOWN):
            parameters.call("window_for", number, 1)


@given(st.integers(1, 2**48))
def test_the_window_follows_the_work(parameters: EvmContract, max_cycles: int) -> None:
    needed = 4 * VALUES.clock_seconds - (-max_cycles // VALUES.cycles_per_second)
    expected = -(-max(needed, VALUES.window_seconds) // MINUTE) * MINUTE
    assert expected <= WINDOW_LIMIT_SECONDS
    assert parameters.call("window_for", 1, max_cycles) == expected


def test_work_that_nobody_can_check_in_time_has_no_window() -> None:
    _, slow = deployed(VALUES.but(cycles_per_second=10**5))
    longest = (WINDOW_LIMIT_SECONDS - 4 * VALUES.clock_seconds) * 10**5
    assert slow.call("window_for", 1, longest) == WINDOW_LIMIT_SECONDS
    with rejects(Reject.PARAMETER_WINDOW):
        slow.call("window_for", 1, longest + 1)


def test_the_owner_must_be_a_contract() -> None:
    with rejects(Reject.NO_CONTRACT):
        Clock().deploy("Parameters", ALICE, VALUES.row)


def test_a_new_set_is_an_event() -> None:
    clock = Clock()
    relay = deploy_caller(clock.evm, "Relay")  # an owner without a delay
    parameters = clock.deploy("Parameters", relay.address, VALUES.row)
    message = message_of(parameters, "add", VALUES.but(arity=2).row, 2)
    relay.transact("relay", parameters.address, message, 0)
    log = clock.evm.chain.result
    assert log is not None and len(log.logs) == 1
    assert parameters.call("get", 2) == VALUES.but(arity=2).row
