"""Where a drill plays: a chain with all contracts, its blob store, and the people on it."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from web3 import Account, Web3

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.availability import availability_of, availability_types
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import deploy
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.fees import GWEI, TransactionPolicy
from truestep.adapters.keepers.workers import KzgProcesses
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.base.ids import Address
from truestep.devnet.network import devnet_availability, devnet_parameters
from truestep.devnet.rpc import DevnetRpc
from truestep.devnet.server import serving
from truestep.drills.annals import Annals
from truestep.drills.purses import Purse, Purses, changes
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import Facts

COIN_WEI = 10**18
WALLET_WEI = 1_000 * COIN_WEI
WINDOW_SECONDS = 86_400
"""The window of a real network; a drill moves the chain's clock instead of waiting."""
HOUR_SECONDS = 3_600
"""For an answer and for an acknowledgement: nothing is late because the computer is slow."""
POLICY = TransactionPolicy(poll_seconds=0.05)
PATIENCE_SECONDS = 180.0
"""For one thing to happen; twenty times what it usually takes."""
LOOK_SECONDS = 0.1
STEP_SECONDS = 1.0
"""Between two steps of the chain's time: daemons act in between."""
POLL_SECONDS = 0.2
"""Interval at which daemons look at the chain."""
FEE_CAP_WEI, TIP_WEI = 100 * GWEI, GWEI
"""Of transactions that a drill sends itself: far above the chain's base fee, which falls from one gwei."""
GAS_LIMIT = 5_000_000
"""More than any call of a drill takes, below the limit of a transaction."""


class NotSo(Exception):
    """A drill came to no end: what it waited for did not happen."""


def drill_rules() -> Rules:
    """The rules of availability: those of a devnet, with an hour for everything."""
    return replace(devnet_availability(), answer_seconds=HOUR_SECONDS, acknowledge_seconds=HOUR_SECONDS)


@dataclass(slots=True, kw_only=True)
class Line:
    """A node's RPC for one daemon, which can be cut."""

    url: str
    _open: Callable[[int], Any]
    _server: ExitStack = field(default_factory=ExitStack)

    def cut(self) -> None:
        """The node answers no more."""
        self._server.close()

    def mend(self) -> None:
        """It answers again, where it did before."""
        self._server = ExitStack()
        self._server.enter_context(self._open(int(self.url.rpartition(":")[2])))


class Stage:
    """One network for one drill. Everybody's daemons run in threads of this process."""

    def __init__(self, folder: Path, kzg: KzgProcesses, say: Callable[[str], None]) -> None:
        """Start the chain and deploy the contracts; `say` hears what happens.

        `kzg` computes for all keepers, of this drill and of the next: each process takes seconds to start.
        """
        self.folder = folder
        self.say = say
        self.rules = drill_rules()
        self._stack = ExitStack()
        chain = self._chain = EmbeddedDevnet()
        self._rpc = DevnetRpc(chain)
        self.blobs = DirectoryBlobs(folder / "blobs")
        self.url = self._stack.enter_context(serving(self._rpc, self.blobs, 0))
        self.web3 = connect(chain.node)
        self.kzg = kzg
        deployer: Any = Account.create()
        self._chain.fund(Address(deployer.address), WALLET_WEI)
        self.deployment = deploy(
            self.web3,
            deployer,
            SqliteStore(),
            devnet_parameters(WINDOW_SECONDS),
            kept_by=self.rules,
            policy=POLICY,
        )
        self.contracts = availability_of(self.deployment)
        self.annals = Annals(self.web3, self.contracts)
        self._purses = Purses(self.web3, self.deployment)
        self.accounts: dict[str, Address] = {}
        self._keys: dict[str, Any] = {}

    def close(self) -> None:
        """End everything that was started here, the last first."""
        self._stack.close()

    @property
    def store_url(self) -> str:
        """The blob store's."""
        return f"{self.url}/blobs"

    def facts(self) -> Facts:
        """What the chain says about items and keepers now."""
        return self.annals.facts()

    # --- time ---------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The time of the newest block."""
        return int(self.web3.eth.get_block("latest").get("timestamp", 0))

    def base_fee_wei(self, number: int) -> int:
        """The price of gas in a block, before tips."""
        return int(self.web3.eth.get_block(number).get("baseFeePerGas", 0))

    def skip(self, seconds: int) -> None:
        """Move the chain's clock on: the newest block is so much later than the one before."""
        target = self.now() + seconds
        while (missing := target - self.now()) > 0:
            for method, parameters in (("evm_increaseTime", [missing]), ("evm_mine", [])):
                self._rpc.answer(json.dumps({"id": 1, "method": method, "params": parameters}).encode())

    def until(self, words: str, is_so: Callable[[], bool], *, step_seconds: int = 0) -> None:
        """Wait for something, and let the chain's time run ahead by `step_seconds` each second meanwhile.

        Raises `NotSo` if it does not happen.
        """
        began = stepped = time.monotonic()
        while not is_so():
            now = time.monotonic()
            if now > began + PATIENCE_SECONDS:
                raise NotSo(f"expected that {words}, but after {PATIENCE_SECONDS:.0f} s it is not so")
            if step_seconds and now > stepped + STEP_SECONDS:
                self.skip(step_seconds)
                stepped = now
            time.sleep(LOOK_SECONDS)

    # --- people -------------------------------------------------------------------------------------------

    def key(self, name: str) -> Any:
        """The account of this name, new and with coins when it is first asked for."""
        if name in self._keys:
            return self._keys[name]
        key = self._keys[name] = Account.create()
        self._chain.fund(Address(key.address), WALLET_WEI)
        self.accounts[name] = Address(key.address)
        return key

    def keys(self, *names: str) -> None:
        """Make these accounts now, so that their purses can be looked into before they do anything."""
        for name in names:
            self.key(name)

    def lose_store(self) -> None:
        """Whoever runs the store that requesters use deletes all of it."""
        shutil.rmtree(self.folder / "blobs")

    @contextmanager
    def running(self, run: Callable[[Callable[[], bool]], None]) -> Generator[None]:
        """A daemon's loop in a thread, until the block ends."""
        stopping = threading.Event()
        thread = threading.Thread(target=run, args=(stopping.is_set,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(PATIENCE_SECONDS)

    def stay(self, context: Any) -> Any:
        """Enter a context that lasts as long as the stage."""
        return self._stack.enter_context(context)

    def line(self) -> Line:
        """A node of somebody's own."""
        server = ExitStack()
        url = server.enter_context(self._served(0))
        line = Line(url=url, _open=self._served, _server=server)
        self._stack.callback(line.cut)
        return line

    def _served(self, port: int) -> Any:
        return serving(self._rpc, self.blobs, port)

    # --- coins --------------------------------------------------------------------------------------------

    def purses(self) -> dict[str, Purse]:
        """What everybody owns."""
        newest = self.web3.eth.block_number
        return self._purses.look(self.accounts, newest, self.annals.facts(newest))

    def changes_since(self, before: dict[str, Purse]) -> dict[str, int]:
        """What everybody has gained or lost, gas counted apart."""
        return changes(before, self.purses())

    def send(self, key: Any, contract: str, call: object, *, value_wei: int = 0) -> None:
        """A transaction of somebody whom no daemon serves. Raises `Unavailable` if it is reverted."""
        request: dict[str, Any] = {
            "chainId": self.contracts.chain_id,
            "nonce": self.web3.eth.get_transaction_count(key.address),
            "to": Web3.to_checksum_address(self.contracts.address(contract)),
            "data": availability_types()[contract].payload(call),
            "value": value_wei,
            "gas": GAS_LIMIT,
            "maxFeePerGas": FEE_CAP_WEI,
            "maxPriorityFeePerGas": TIP_WEI,
        }
        sent = self.web3.eth.send_raw_transaction(key.sign_transaction(request).raw_transaction)
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=LOOK_SECONDS)
        if not receipt.get("status"):
            raise Unavailable(f"{type(call).__name__} of {key.address} was reverted")
