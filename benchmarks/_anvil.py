"""A fresh anvil under Osaka rules, and the contracts on it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web3 import HTTPProvider, Web3
from web3.contract import Contract

from truestep.contracts.artifacts import load_artifact

REPOSITORY = Path(__file__).resolve().parent.parent
START_SECONDS = 20
GENESIS_TIME = 1_700_000_000
"""Fixed, so that every run sends the same bytes."""

OPERATOR_BOND_WEI = 10**18
CHALLENGER_BOND_WEI = 10**17
WINDOW_SECONDS = 7200
CLOCK_SECONDS = 3600
LEASE_PENALTY_BPS = 1000
WINNER_SHARE_BPS = 5000
GAS_PRICE_CAP_WEI = 100 * 10**9


def find_anvil() -> Path | None:
    """The anvil that `make anvil` installed, else the one on PATH."""
    installed = sorted((REPOSITORY / ".anvil" / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    on_path = shutil.which("anvil")
    return installed[0] if installed else Path(on_path) if on_path else None


@contextmanager
def running_anvil(program: Path) -> Generator[Web3]:
    """An anvil of its own on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(program), "--port", str(port), "--hardfork", "osaka", "--enable-tx-gas-limit", "--silent"]
    command += ["--timestamp", str(GENESIS_TIME)]
    process = subprocess.Popen(command)
    try:
        web3 = Web3(HTTPProvider(f"http://127.0.0.1:{port}"))
        stop = time.monotonic() + START_SECONDS
        while not web3.is_connected():
            if process.poll() is not None or time.monotonic() > stop:
                raise RuntimeError(f"anvil did not answer within {START_SECONDS} s")
            time.sleep(0.05)
        yield web3
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The contracts, and the accounts that play: anvil's own, unlocked and rich."""

    web3: Web3
    step: Contract
    operators: Contract
    programs: Contract
    jobs: Contract
    disputes: Contract

    def account(self, number: int) -> str:
        """0 deploys and requests, the others play."""
        return self.web3.eth.accounts[number]

    def gas(self, call: Any, sender: int, value_wei: int = 0) -> int:
        """Send a call as a transaction; the gas that it used. Raises if it reverts."""
        return self.receipt(call, sender, value_wei)["gasUsed"]

    def receipt(self, call: Any, sender: int, value_wei: int = 0) -> Any:
        """Send a call as a transaction. Raises if it reverts."""
        transaction = call.transact({"from": self.account(sender), "value": value_wei, "gas": 16_000_000})
        receipt = self.web3.eth.wait_for_transaction_receipt(transaction, poll_latency=0.01)
        if receipt["status"] != 1:
            raise RuntimeError(f"{call.fn_name} reverted")
        return receipt

    def pass_time(self, seconds: int) -> None:
        """Let the chain's clock jump."""
        self.web3.provider.make_request("evm_increaseTime", [seconds])  # type: ignore[arg-type]
        self.web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]


def deploy_network(web3: Web3, arity: int) -> Network:
    """Deploy and connect the five contracts, in the order of docs/protocol.md S9.4."""

    def deploy(name: str, *arguments: Any) -> Contract:
        artifact = load_artifact(name)
        factory = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        sent = factory.constructor(*arguments).transact({"from": web3.eth.accounts[0], "gas": 16_000_000})
        address = web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)["contractAddress"]
        return web3.eth.contract(abi=artifact.abi)(address)

    step, programs, operators = deploy("Step"), deploy("Programs"), deploy("Operators")
    jobs = deploy(
        "Jobs", operators.address, programs.address, OPERATOR_BOND_WEI, WINDOW_SECONDS, LEASE_PENALTY_BPS
    )
    disputes = deploy(
        "Disputes",
        operators.address,
        jobs.address,
        step.address,
        CHALLENGER_BOND_WEI,
        CLOCK_SECONDS,
        arity,
        WINNER_SHARE_BPS,
        GAS_PRICE_CAP_WEI,
    )
    network = Network(
        web3=web3, step=step, operators=operators, programs=programs, jobs=jobs, disputes=disputes
    )
    network.gas(operators.functions.connect(jobs.address, disputes.address), 0)
    network.gas(jobs.functions.connect(disputes.address), 0)
    return network
