"""The lab's chain: anvil as a process on a free port, with the contracts of one deployment."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from web3 import Account

from tests.conftest import find_anvil
from tests.lab.node import Node, NodeRefused
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import deploy
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import START_SECONDS
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.settlement import encode_call
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256
from truestep.protocol.calls import Call
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.tasks.calls import prepared_call

COIN_WEI = 10**18
GWEI = 10**9
BLOCK_SECONDS = 1
DEPLOYER = "deployer"
_OPTIONS = ("--hardfork", "osaka", "--enable-tx-gas-limit", "--auto-impersonate", "--silent")
_GAS_LIMIT = 60_000_000
"""Of a block, as on mainnet."""
_QUICKLY = TransactionPolicy(poll_seconds=0.02)
SEEN_SECONDS = 10.0
"""In which a reader has certainly seen a block that was mined before: it takes the head of a moment ago."""
_FEE_CAP_WEI = 20_000 * GWEI
"""Attackers never mind the price of gas."""


def private_key(name: str) -> bytes:
    """The key of an account of the lab: the same in every run."""
    return bytes(keccak256(f"lab/{name}".encode()))


def address_of(name: str) -> Address:
    """Its address."""
    return Address(Account.from_key(private_key(name)).address)


class Anvil:
    """A chain with a block a second. It can be killed and started again with the state that it had."""

    def __init__(self, folder: Path, port: int) -> None:
        program = find_anvil()
        if program is None:
            raise SystemExit("expected anvil: `make anvil` installs it where npm exists")
        self._program = program
        self._folder = folder
        self.port = port
        self.node = Node(f"http://127.0.0.1:{port}")
        self.funded_wei: dict[str, int] = {}
        """Coins given to each account of the lab, by name."""
        self.block_seconds = BLOCK_SECONDS
        self._process = self._start()

    @property
    def url(self) -> str:
        """The chain's own endpoint."""
        return self.node.url

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def ask(self, method: str, *params: Any) -> Any:
        """One request to the node."""
        return self.node.ask(method, *params)

    def number(self) -> int:
        """The newest block's number."""
        return int(self.ask("eth_blockNumber"), 16)

    def time_seconds(self) -> int:
        """The newest block's time."""
        return int(self.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def fund(self, name: str, amount_wei: int) -> Address:
        """Give an account its coins, once."""
        account = address_of(name)
        self.funded_wei[name] = amount_wei
        self.ask("anvil_setBalance", account, hex(amount_wei))
        return account

    def mine_by_the_clock(self) -> None:
        """From now on a block comes by itself, every second."""
        self.ask("evm_setIntervalMining", self.block_seconds)

    def mine(self, count: int = 1) -> None:
        """Blocks at once."""
        self.ask("anvil_mine", hex(count))

    def skip(self, seconds: int) -> None:
        """Let time pass on the chain; only where no honest clock runs."""
        self.ask("evm_increaseTime", seconds)
        self.ask("evm_mine")

    def reorganise(self, depth: int) -> None:
        """Replace the newest blocks by empty ones; their transactions are gone."""
        self.ask("anvil_reorg", depth, [])

    def set_base_fee(self, fee_wei: int) -> None:
        """The base fee of the next block."""
        self.ask("anvil_setNextBlockBaseFeePerGas", hex(fee_wei))

    def stop(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def restart(self, down_seconds: float) -> None:
        """Kill the node, wait, and start it with the same chain. What was pending is lost."""
        state = self.ask("anvil_dumpState", True)
        self.stop()
        time.sleep(down_seconds)
        self._process = self._start()
        self.ask("anvil_loadState", state)
        self.mine_by_the_clock()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [str(self._program), *_OPTIONS, "--port", str(self.port), "--gas-limit", str(_GAS_LIMIT)]
        with (self._folder / "anvil.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.ask("eth_chainId")
                return process
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    process.kill()
                    raise
                time.sleep(0.02)


class Contracts:
    """One deployment on the chain, read without a proxy and called from any account."""

    def __init__(
        self, anvil: Anvil, parameters: Parameters, folder: Path, file: str = "deployment.json"
    ) -> None:
        """Deploy, and write the file that names them."""
        self.anvil = anvil
        if DEPLOYER not in anvil.funded_wei:
            anvil.fund(DEPLOYER, 100 * COIN_WEI)
        signer = Account.from_key(private_key(DEPLOYER))
        self.deployment: Deployment = deploy(
            connect(anvil.url), signer, SqliteStore(), parameters, policy=_QUICKLY
        )
        self.parameters = parameters
        self.file = folder / file
        self.deployment.write(self.file)
        self.reader = Web3Chain(anvil.url, self.deployment, signer, SqliteStore())
        """It sends nothing."""

    def send(self, name: str, call: Call, gas: int | None = None) -> str:
        """Send a call from an account of the lab; its hash. Raises `NodeRefused` if it would be refused."""
        facts, now = self.reader.newest_facts()
        caller = Caller(account=address_of(name), now=now)
        return self.send_prepared(name, prepared_call(facts, caller, call), gas)

    def _see(self, block_number: int) -> None:
        """Wait until the reader has seen a block with an event."""
        stop = time.monotonic() + SEEN_SECONDS
        while time.monotonic() < stop:
            facts, _ = self.reader.newest_facts()
            if facts.at is not None and facts.at.block_number >= block_number:
                return
            time.sleep(0.05)

    def send_prepared(self, name: str, answer: Answer, gas: int | None = None) -> str:
        """Send a call of a contract, or raise `NodeRefused` if there is none."""
        if not isinstance(answer, Ready):
            raise NodeRefused(answer.value)
        message = encode_call(self.deployment, answer)
        request: dict[str, Any] = {
            "from": address_of(name),
            "to": message.to,
            "data": f"0x{message.payload.hex()}",
            "value": hex(message.value_wei),
            "maxFeePerGas": hex(_FEE_CAP_WEI),
            "maxPriorityFeePerGas": hex(GWEI),
        }
        if gas is not None:
            request["gas"] = hex(gas)
        return self.anvil.ask("eth_sendTransaction", request)

    def do(self, name: str, call: Call, seconds: float = 30.0) -> dict[str, Any]:
        """Send and wait for the receipt. Raises `NodeRefused` if it reverts."""
        deadline = time.monotonic() + seconds
        sent = self.send(name, call)
        while time.monotonic() < deadline:
            receipt = self.anvil.ask("eth_getTransactionReceipt", sent)
            if receipt is not None:
                if receipt["status"] != "0x1":
                    raise NodeRefused(f"{type(call).__name__} of {name} was reverted")
                self._see(int(receipt["blockNumber"], 16))
                return receipt
            time.sleep(0.05)
        raise NodeRefused(f"{type(call).__name__} of {name} did not land in {seconds:g} s")
