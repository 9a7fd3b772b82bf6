"""Operators.vy: stakes and bonds (docs/protocol.md P1.6, P6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.evm import Event, EvmContract
from tests.contracts.network import ALICE, BOB, DEPLOYER, FUNDS_WEI, NOBODY, Network, deploy_network, rejects
from truestep.base.errors import Reject

STAKE_WEI = 10**19


@pytest.fixture
def net() -> Network:
    """A network where ALICE has a stake."""
    network = deploy_network()
    network.deposit(ALICE, STAKE_WEI)
    return network


class Bonds:
    """An Operators contract whose Jobs and Disputes are relays that the test speaks through."""

    def __init__(self, net: Network) -> None:
        self.operators = net.evm.deploy("Operators", sender=DEPLOYER)
        self.jobs, self.disputes = deploy_caller(net.evm, "Relay"), deploy_caller(net.evm, "Relay")
        self.operators.transact("connect", self.jobs.address, self.disputes.address, sender=DEPLOYER)
        self.operators.transact("deposit", sender=ALICE, value=STAKE_WEI)

    def by(self, caller: EvmContract, function: str, *arguments: Any) -> None:
        """Call a function as Jobs or Disputes."""
        message = message_of(self.operators, function, *arguments)
        caller.transact("relay", self.operators.address, message, 0)

    def account(self) -> tuple[int, int]:
        """ALICE's stake, and the locked part."""
        return self.operators.call("accounts", ALICE)


@pytest.fixture
def bonds(net: Network) -> Bonds:
    return Bonds(net)


def test_deposits_add_up(net: Network) -> None:
    receipt = net.deposit(ALICE, 5)
    assert receipt.events == [Event(name="Deposited", fields={"operator": ALICE, "amount_wei": 5})]
    assert vars(net.account(ALICE)) == {"stake": STAKE_WEI + 5, "locked": 0}
    assert vars(net.account(BOB)) == {"stake": 0, "locked": 0}
    assert net.balance(net.operators.address) == STAKE_WEI + 5


def test_withdraw(net: Network) -> None:
    receipt = net.operators.transact("withdraw", STAKE_WEI - 1, sender=ALICE)
    assert receipt.events == [
        Event(name="Withdrawn", fields={"operator": ALICE, "amount_wei": STAKE_WEI - 1})
    ]
    assert vars(net.account(ALICE)) == {"stake": 1, "locked": 0}
    assert net.balance(ALICE) == FUNDS_WEI - 1
    with rejects(Reject.STAKE_TOO_LOW):
        net.operators.transact("withdraw", 2, sender=ALICE)
    with rejects(Reject.STAKE_TOO_LOW):
        net.operators.transact("withdraw", 2**256 - 1, sender=ALICE)
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        net.operators.transact("withdraw", 0, sender=ALICE)


def test_locked_stake_stays(bonds: Bonds) -> None:
    """Only the free part can be withdrawn or locked."""
    bonds.by(bonds.jobs, "lock", ALICE, STAKE_WEI - 10)
    assert bonds.account() == (STAKE_WEI, STAKE_WEI - 10)
    with rejects(Reject.STAKE_TOO_LOW):
        bonds.operators.transact("withdraw", 11, sender=ALICE)
    with rejects(Reject.STAKE_TOO_LOW):
        bonds.by(bonds.jobs, "lock", ALICE, 11)
    bonds.operators.transact("withdraw", 10, sender=ALICE)
    bonds.by(bonds.jobs, "unlock", ALICE, STAKE_WEI - 10)
    with rejects(Reject.LOCKED_TOO_LOW):
        bonds.by(bonds.jobs, "unlock", ALICE, 1)
    bonds.operators.transact("withdraw", STAKE_WEI - 10, sender=ALICE)
    assert bonds.account() == (0, 0)


def test_burn_and_seize(net: Network, bonds: Bonds) -> None:
    """Both take locked stake only; burned coins stay, seized ones go to Disputes."""
    before = net.balance(bonds.disputes.address)
    bonds.by(bonds.jobs, "lock", ALICE, 100)
    bonds.by(bonds.jobs, "burn", ALICE, 30)
    bonds.by(bonds.disputes, "seize", ALICE, 70)
    assert bonds.account() == (STAKE_WEI - 100, 0)
    assert bonds.operators.call("burned_wei") == 30
    assert net.balance(bonds.operators.address) == STAKE_WEI - 70
    assert net.balance(bonds.disputes.address) == before + 70
    with rejects(Reject.LOCKED_TOO_LOW):
        bonds.by(bonds.jobs, "burn", ALICE, 1)
    with rejects(Reject.LOCKED_TOO_LOW):
        bonds.by(bonds.disputes, "seize", ALICE, 1)


@pytest.mark.parametrize("function", ["lock", "unlock", "burn"])
def test_only_jobs_touches_bonds(bonds: Bonds, function: str) -> None:
    for sender in (ALICE, DEPLOYER):
        with rejects(Reject.NOT_JOBS):
            bonds.operators.transact(function, ALICE, 1, sender=sender)
    with rejects(Reject.NOT_JOBS):
        bonds.by(bonds.disputes, function, ALICE, 1)


def test_only_disputes_seizes(bonds: Bonds) -> None:
    for sender in (ALICE, DEPLOYER):
        with rejects(Reject.NOT_DISPUTES):
            bonds.operators.transact("seize", ALICE, 1, sender=sender)
    with rejects(Reject.NOT_DISPUTES):
        bonds.by(bonds.jobs, "seize", ALICE, 1)


def test_payment_cannot_reenter(net: Network) -> None:
    """A contract that is paid its stake tries to take it twice."""
    glutton = deploy_caller(net.evm, "Glutton")
    glutton.transact("relay", net.operators.address, message_of(net.operators, "deposit"), 100)
    withdraw = message_of(net.operators, "withdraw", 50)
    glutton.transact("plan", net.operators.address, withdraw, False)
    glutton.transact("relay", net.operators.address, withdraw, 0)
    assert (glutton.call("calls_back"), glutton.call("last_call_succeeded")) == (1, False)
    assert net.account(glutton.address).stake == 50
    glutton.transact("plan", net.operators.address, withdraw, True)
    with rejects(Reject.PAYMENT_REFUSED):
        glutton.transact("relay", net.operators.address, withdraw, 0)
    assert net.account(glutton.address).stake == 50


def test_delegate(net: Network) -> None:
    receipt = net.operators.transact("set_delegate", BOB, sender=ALICE)
    assert receipt.events == [Event(name="Delegated", fields={"operator": ALICE, "delegate": BOB})]
    assert net.operators.call("delegate_of", ALICE) == BOB
    net.operators.transact("set_delegate", NOBODY, sender=ALICE)
    assert net.operators.call("delegate_of", ALICE) == NOBODY


def test_connected_once_by_the_deployer(net: Network) -> None:
    fresh = net.evm.deploy("Operators", sender=DEPLOYER)
    contracts = (net.jobs.address, net.disputes.address)
    with rejects(Reject.NOT_DEPLOYER):
        fresh.transact("connect", *contracts, sender=ALICE)
    with rejects(Reject.NO_CONTRACT):
        fresh.transact("connect", ALICE, net.disputes.address, sender=DEPLOYER)
    with rejects(Reject.NO_CONTRACT):
        fresh.transact("connect", net.jobs.address, NOBODY, sender=DEPLOYER)
    fresh.transact("connect", *contracts, sender=DEPLOYER)
    assert (fresh.call("jobs"), fresh.call("disputes")) == contracts
    with rejects(Reject.ALREADY_CONNECTED):
        fresh.transact("connect", *contracts, sender=DEPLOYER)


def test_coins_come_only_by_deposit(net: Network) -> None:
    """A plain transfer would be nobody's."""
    with pytest.raises(RuntimeError):
        net.evm.chain.message_call(ALICE, net.operators.address, b"", 1)
