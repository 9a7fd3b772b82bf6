"""A chain with the small contracts, and sets of parameters for tests."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

import pyrevm

from tests.contracts.evm import Evm, EvmContract

START_TIME = 1_700_000_000
FUNDS_WEI = 10**24
DAY_SECONDS = 86_400

DEPLOYER, PROPOSER, GUARDIAN, ALICE, BOB, KEEPER = (f"0x{digit * 40}" for digit in "1234ab")
NOBODY = "0x" + "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """A set as `Parameters.add` takes it, in the order of docs/protocol.md S2.1."""

    operator_bond_wei: int = 10**18
    challenger_bond_wei: int = 4 * 10**16
    window_seconds: int = 30_000
    cycles_per_second: int = 10**8
    clock_seconds: int = 3_600
    rescue_seconds: int = 900
    reveal_seconds: int = 3_600
    arity: int = 64
    lease_penalty_bps: int = 1_000
    release_penalty_bps: int = 100
    winner_share_bps: int = 5_000
    gas_price_cap_wei: int = 10**9

    def but(self, **values: int) -> Values:
        """The same set with other values."""
        return replace(self, **values)

    @property
    def row(self) -> tuple[Any, ...]:
        """The struct as a call takes it."""
        return astuple(self)

    @property
    def fields(self) -> dict[str, int]:
        """The values by their names."""
        return asdict(self)


class Clock:
    """An EVM whose time the test moves."""

    def __init__(self) -> None:
        self.evm = Evm()
        self.now = START_TIME
        self._block = 1
        for account in (DEPLOYER, PROPOSER, GUARDIAN, ALICE, BOB, KEEPER):
            self.evm.chain.set_balance(account, FUNDS_WEI)
        self.evm.chain.set_block_env(pyrevm.BlockEnv(number=1, timestamp=self.now))

    def pass_time(self, seconds: int) -> None:
        """Go to a later block."""
        self.now += seconds
        self._block += 1
        self.evm.chain.set_block_env(pyrevm.BlockEnv(number=self._block, timestamp=self.now))

    def deploy(self, name: str, *arguments: Any) -> EvmContract:
        """Deploy a contract."""
        return self.evm.deploy(name, *arguments, sender=DEPLOYER)

    def timelock(
        self, delay_seconds: int = DAY_SECONDS, guardian_seconds: int = 365 * DAY_SECONDS
    ) -> EvmContract:
        """Deploy a timelock of PROPOSER and GUARDIAN."""
        return self.deploy("Timelock", PROPOSER, GUARDIAN, guardian_seconds, delay_seconds)
