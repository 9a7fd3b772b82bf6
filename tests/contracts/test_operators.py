"""Operators.vy: stakes, bonds and delegates against a few lines of Python (docs/protocol.md S1.8, S9.1)."""

from __future__ import annotations

import random

import pytest

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.evm import Event, EvmContract, Reverted, rejects
from tests.contracts.settings import ALICE, BOB, DEPLOYER, FUNDS_WEI, KEEPER, NOBODY, Clock
from tests.contracts.settlement import EVERYBODY, Settlement
from truestep.base.errors import Reject

STAKE_WEI = 10**19


class Stakes:
    """Operators with one module, a relay that the test speaks through, and a stake of ALICE."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.owner = self.clock.timelock()
        self.operators = self.clock.deploy("Operators", self.owner.address, *EVERYBODY)
        self.module = deploy_caller(self.clock.evm, "Relay")
        self.operators.transact("add_module", self.module.address, sender=DEPLOYER)
        self.operators.transact("seal", sender=DEPLOYER)
        self.deposit(ALICE, STAKE_WEI)

    def deposit(self, operator: str, amount_wei: int, sender: str = KEEPER) -> list[Event]:
        return self.operators.transact("deposit_for", operator, sender=sender, value=amount_wei).events

    def by_module(self, function: str, operator: str, amount_wei: int, batch_id: int = 7) -> None:
        message = message_of(self.operators, function, operator, batch_id, amount_wei)
        self.module.transact("relay", self.operators.address, message, 0)

    def account(self, operator: str) -> tuple[int, int]:
        return self.operators.call("accounts", operator)


@pytest.fixture
def stakes() -> Stakes:
    return Stakes()


class Oracle:
    """What the contract must say, by the clauses."""

    def __init__(self) -> None:
        self.accounts = {ALICE: [STAKE_WEI, 0], BOB: [0, 0]}
        self.burned = 0

    def refusal(self, function: str, operator: str, amount_wei: int) -> Reject | None:
        stake, locked = self.accounts[operator]
        if function == "lock":
            return None if amount_wei <= stake - locked else Reject.STAKE_TOO_LOW
        if function == "withdraw_to":
            short = None if amount_wei <= stake - locked else Reject.STAKE_TOO_LOW
            return short if amount_wei else Reject.NOTHING_TO_WITHDRAW
        if function == "deposit_for":
            return None if amount_wei else Reject.WRONG_VALUE
        return None if amount_wei <= locked else Reject.LOCKED_TOO_LOW

    def do(self, function: str, operator: str, amount_wei: int) -> None:
        signs = {
            "deposit_for": (1, 0),
            "withdraw_to": (-1, 0),
            "lock": (0, 1),
            "unlock": (0, -1),
            "burn": (-1, -1),
            "seize": (-1, -1),
        }[function]
        self.accounts[operator][0] += signs[0] * amount_wei
        self.accounts[operator][1] += signs[1] * amount_wei
        self.burned += amount_wei if function == "burn" else 0


@pytest.mark.parametrize("seed", range(5))
def test_random_schedules(stakes: Stakes, seed: int) -> None:
    rng, oracle = random.Random(seed), Oracle()
    for _ in range(200):
        function = rng.choice(("deposit_for", "withdraw_to", "lock", "unlock", "burn", "seize"))
        operator = rng.choice((ALICE, BOB))
        stake, locked = oracle.accounts[operator]
        amount = rng.choice(
            (0, 1, locked, locked + 1, stake - locked, stake - locked + 1, rng.randrange(10**18))
        )
        refusal = oracle.refusal(function, operator, amount)
        try:
            if function == "deposit_for":
                stakes.deposit(operator, amount)
            elif function == "withdraw_to":
                stakes.operators.transact(function, KEEPER, amount, sender=operator)
            else:
                stakes.by_module(function, operator, amount)
        except Reverted as error:
            assert refusal is not None and error.reason == refusal.value, (function, amount)
        else:
            assert refusal is None, (function, operator, amount)
            oracle.do(function, operator, amount)
        for account, expected in oracle.accounts.items():
            assert stakes.account(account) == tuple(expected)
        balance = stakes.clock.evm.chain.get_balance(stakes.operators.address)
        assert balance == sum(stake for stake, _ in oracle.accounts.values()) + oracle.burned
        assert stakes.operators.call("burned_wei") == oracle.burned


def test_stake_is_not_withdrawn_to_a_module(stakes: Stakes) -> None:
    """It takes coins of Operators for a bond that was seized, and would keep them for nobody."""
    with rejects(Reject.PAYMENT_REFUSED):
        stakes.operators.transact("withdraw_to", stakes.module.address, 1, sender=ALICE)
    assert stakes.account(ALICE) == (STAKE_WEI, 0)


def test_anybody_deposits_for_an_operator(stakes: Stakes) -> None:
    assert stakes.deposit(BOB, 5) == [
        Event(name="Deposited", fields={"operator": BOB, "sender": KEEPER, "amount_wei": 5})
    ]
    with rejects(Reject.NO_ADDRESS):
        stakes.deposit(NOBODY, 5)


def test_a_cold_key_withdraws_to_another_address(stakes: Stakes) -> None:
    receipt = stakes.operators.transact("withdraw_to", BOB, 9, sender=ALICE)
    assert receipt.events == [
        Event(name="Withdrawn", fields={"operator": ALICE, "receiver": BOB, "amount_wei": 9})
    ]
    assert stakes.clock.evm.chain.get_balance(BOB) == FUNDS_WEI + 9
    with rejects(Reject.NO_ADDRESS):
        stakes.operators.transact("withdraw_to", NOBODY, 9, sender=ALICE)


def test_a_receiver_that_refuses_coins_costs_nothing(stakes: Stakes) -> None:
    with rejects(Reject.PAYMENT_REFUSED):
        stakes.operators.transact("withdraw_to", stakes.operators.address, 9, sender=ALICE)
    assert stakes.account(ALICE) == (STAKE_WEI, 0)


@pytest.mark.parametrize("function", ["lock", "unlock", "burn", "seize"])
def test_only_modules_touch_stakes(stakes: Stakes, function: str) -> None:
    for caller in (ALICE, DEPLOYER):
        with rejects(Reject.NOT_MODULE):
            stakes.operators.transact(function, ALICE, 7, 1, sender=caller)


def test_modules_are_named_before_anybody_stakes_and_never_after() -> None:
    clock = Clock()
    operators = clock.deploy("Operators", clock.timelock().address, *EVERYBODY)
    relay = deploy_caller(clock.evm, "Relay")
    with rejects(Reject.MODULES_UNSEALED):
        operators.transact("deposit_for", ALICE, sender=ALICE, value=1)
    for function, arguments in (("add_module", (relay.address,)), ("seal", ())):
        with rejects(Reject.NOT_DEPLOYER):
            operators.transact(function, *arguments, sender=ALICE)
    with rejects(Reject.NO_CONTRACT):
        operators.transact("add_module", ALICE, sender=DEPLOYER)
    operators.transact("add_module", relay.address, sender=DEPLOYER)
    with rejects(Reject.MODULE_NAMED):
        operators.transact("add_module", relay.address, sender=DEPLOYER)
    for _ in range(7):
        operators.transact("add_module", deploy_caller(clock.evm, "Relay").address, sender=DEPLOYER)
    with rejects(Reject.MODULES_LIMIT):
        operators.transact("add_module", deploy_caller(clock.evm, "Relay").address, sender=DEPLOYER)
    operators.transact("seal", sender=DEPLOYER)
    assert operators.call("is_module", relay.address) and operators.call("is_sealed")
    for function, arguments in (("add_module", (relay.address,)), ("seal", ())):
        with rejects(Reject.MODULES_SEALED):
            operators.transact(function, *arguments, sender=DEPLOYER)


def test_delegates_have_roles_of_their_own(stakes: Stakes) -> None:
    def roles(operator: str, delegate: str) -> int:
        return stakes.operators.call("roles", operator, delegate)

    assert (roles(ALICE, ALICE), roles(ALICE, BOB), roles(NOBODY, NOBODY)) == (7, 0, 7)
    for number in range(8):
        receipt = stakes.operators.transact("set_delegate", BOB, number, sender=ALICE)
        expected = {"operator": ALICE, "delegate": BOB, "roles": number}
        assert receipt.events == [Event(name="Delegated", fields=expected)]
        assert roles(ALICE, BOB) == number
        assert roles(BOB, ALICE) == 0
    with rejects(Reject.ROLE_UNKNOWN):
        stakes.operators.transact("set_delegate", BOB, 8, sender=ALICE)
    for nonsense in (ALICE, NOBODY):
        with rejects(Reject.NOT_DELEGATE):
            stakes.operators.transact("set_delegate", nonsense, 1, sender=ALICE)


def test_events_name_the_batch(stakes: Stakes) -> None:
    """An indexer must know what a bond was for without reading other contracts (docs/protocol.md S9.1)."""
    contract: EvmContract = stakes.operators
    for name in ("Locked", "Unlocked", "Burned", "Seized"):
        entry = next(e for e in contract.artifact.abi if e.get("name") == name)
        assert [i["name"] for i in entry["inputs"] if i["indexed"]][:2] == ["operator", "batch_id"]


def test_plain_transfers_are_refused() -> None:
    """Coins that nobody is owed for would stay for ever. Of Disputes: `test_openings.py`."""
    net = Settlement()
    contracts = (
        net.owner,
        net.parameters,
        net.programs,
        net.operators,
        net.jobs,
        net.assurances,
        net.results,
    )
    for contract in contracts:
        before = net.evm.chain.get_balance(contract.address)
        with pytest.raises(RuntimeError):
            net.evm.chain.message_call(ALICE, contract.address, b"", 1)
        assert net.evm.chain.get_balance(contract.address) == before
