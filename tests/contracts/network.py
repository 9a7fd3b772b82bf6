"""All five contracts on one chain in memory, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pyrevm
import pytest

from tests.contracts.compiled import deploy_compiled, disputes_with_base_fee
from tests.contracts.evm import Evm, EvmContract, Receipt, Reverted
from truestep.base.errors import Reject
from truestep.contracts.artifacts import Artifact, load_artifact
from truestep.protocol.records import Parameters

START_TIME = 1_700_000_000
FUNDS_WEI = 10**24

DEPLOYER, REQUESTER, ALICE, BOB, LIAR, HONEST, MALICE, KEEPER = (f"0x{digit * 40}" for digit in "123456ab")
"""Two honest operators and a lying one, an honest and a malicious challenger, one that tidies up."""
ACCOUNTS = (DEPLOYER, REQUESTER, ALICE, BOB, LIAR, HONEST, MALICE, KEEPER)
NOBODY = "0x" + "0" * 40

PARAMETERS = Parameters(
    operator_bond_wei=10**18,
    challenger_bond_wei=10**17,
    window_seconds=7_200,
    clock_seconds=3_600,
    lease_penalty_bps=1_000,
    winner_share_bps=5_000,
    gas_price_cap_wei=100 * 10**9,
    arity=8,
)


@contextmanager
def rejects(reason: Reject) -> Iterator[None]:
    """The call inside must revert with just this reason."""
    with pytest.raises(Reverted) as caught:
        yield
    assert caught.value.reason == reason.value


@dataclass(slots=True, kw_only=True)
class Network:
    """The deployed contracts. `now` is the chain's time, `base_fee_wei` its price of gas."""

    evm: Evm
    parameters: Parameters
    step: EvmContract
    programs: EvmContract
    operators: EvmContract
    jobs: EvmContract
    disputes: EvmContract
    now: int = START_TIME
    base_fee_wei: int = 0
    _block: int = field(default=1)

    def pass_time(self, seconds: int) -> None:
        """Go to a later block."""
        self.now += seconds
        self._set_block()

    def set_base_fee(self, price_wei: int) -> None:
        """Change the price of gas."""
        self.base_fee_wei = price_wei
        self._set_block()

    def _set_block(self) -> None:
        self._block += 1
        base_fee = self.base_fee_wei.to_bytes(32, "big")
        block = pyrevm.BlockEnv(number=self._block, timestamp=self.now, prevrandao=base_fee)
        self.evm.chain.set_block_env(block)

    def balance(self, account: str) -> int:
        """Coins of an account or contract."""
        return self.evm.chain.get_balance(account)

    def read(self, contract: EvmContract, function: str, *arguments: Any) -> SimpleNamespace:
        """A struct that a view returns, by the names of its fields."""
        output = next(e for e in contract.artifact.abi if e.get("name") == function)["outputs"][0]
        values = contract.call(function, *arguments)
        names = [component["name"] for component in output["components"]]
        return SimpleNamespace(**dict(zip(names, values, strict=True)))

    def task(self, task_id: int) -> SimpleNamespace:
        """A task as Jobs has it."""
        return self.read(self.jobs, "get_task", task_id)

    def game(self, game_id: int) -> SimpleNamespace:
        """A game as Disputes has it."""
        return self.read(self.disputes, "get_game", game_id)

    def account(self, operator: str) -> SimpleNamespace:
        """An operator's stake and the locked part of it."""
        return self.read(self.operators, "accounts", operator)

    def deposit(self, operator: str, amount_wei: int) -> Receipt:
        """Put coins at stake."""
        return self.operators.transact("deposit", sender=operator, value=amount_wei)


def deploy_network(parameters: Parameters = PARAMETERS) -> Network:
    """Deploy and connect in the order of docs/protocol.md P6.2."""
    return _deploy(parameters, load_artifact("Disputes"))


def deploy_network_with_base_fee(parameters: Parameters = PARAMETERS) -> Network:
    """The same, but `set_base_fee` has an effect."""
    return _deploy(parameters, disputes_with_base_fee())


def _deploy(parameters: Parameters, disputes_artifact: Artifact) -> Network:
    evm = Evm()
    for account in ACCOUNTS:
        evm.chain.set_balance(account, FUNDS_WEI)
    evm.chain.set_block_env(pyrevm.BlockEnv(number=1, timestamp=START_TIME))
    step = evm.deploy("Step", sender=DEPLOYER)
    programs = evm.deploy("Programs", sender=DEPLOYER)
    operators = evm.deploy("Operators", sender=DEPLOYER)
    jobs = evm.deploy("Jobs", *jobs_arguments(operators, programs, parameters), sender=DEPLOYER)
    arguments = disputes_arguments(operators, jobs, step, parameters)
    disputes = deploy_compiled(evm, disputes_artifact, *arguments, sender=DEPLOYER)
    operators.transact("connect", jobs.address, disputes.address, sender=DEPLOYER)
    jobs.transact("connect", disputes.address, sender=DEPLOYER)
    return Network(
        evm=evm,
        parameters=parameters,
        step=step,
        programs=programs,
        operators=operators,
        jobs=jobs,
        disputes=disputes,
    )


def jobs_arguments(operators: EvmContract, programs: EvmContract, rules: Parameters) -> tuple[Any, ...]:
    """Constructor arguments of Jobs."""
    return (
        operators.address,
        programs.address,
        rules.operator_bond_wei,
        rules.window_seconds,
        rules.lease_penalty_bps,
    )


def disputes_arguments(
    operators: EvmContract, jobs: EvmContract, step: EvmContract, rules: Parameters
) -> tuple[Any, ...]:
    """Constructor arguments of Disputes."""
    return (
        operators.address,
        jobs.address,
        step.address,
        rules.challenger_bond_wei,
        rules.clock_seconds,
        rules.arity,
        rules.winner_share_bps,
        rules.gas_price_cap_wei,
    )
