"""Chains for development: in this process (eth-tester), or in an anvil process."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial, wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from web3 import EthereumTesterProvider, Web3
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from truestep.adapters.chain.connection import ERROR_SELECTOR, connect
from truestep.adapters.chain.embedded_blobs import take_blobs, with_hashes
from truestep.adapters.chain.embedded_index import ChainIndex
from truestep.adapters.trusted_setup import trusted_setup
from truestep.base.errors import Unavailable
from truestep.base.ids import Address

START_SECONDS = 20.0
"""anvil starts in well under a second, but a loaded computer may need longer."""
STOP_SECONDS = 5.0
RICH_COINS = 10**6
"""Of each of anvil's own accounts: stakes for thousands of tasks."""
KEPT_RESULTS = 4_096
"""Of operations on curves; a proof of a circuit takes some seventy."""
_REVERTED = re.compile("execution reverted(?:: (.*))?", re.DOTALL)


class Devnet(Protocol):
    """A chain with rich accounts whose time can be moved forward."""

    @property
    def node(self) -> str | BaseProvider:
        """What `connect` takes."""
        ...

    def advance(self, seconds: int) -> None:
        """Mine a block that is `seconds` later than the newest one."""
        ...

    def fund(self, account: Address, amount_wei: int) -> None:
        """Give coins to an account."""
        ...

    def stop(self) -> None:
        """End the chain. Its content is lost."""
        ...


_ETH_TESTER_FORMATS: Any = import_module("web3.providers.eth_tester.middleware").ethereum_tester_middleware
_SENDING = ("eth_call", "eth_estimateGas", "eth_sendTransaction")
"""Requests that eth-tester refuses without a sender."""
_BLOCKS = ("eth_getBlockByNumber", "eth_getBlockByHash")
_BLOB_HASHES = ("blobVersionedHashes", "blob_versioned_hashes")
"""The name that nodes know, and what web3 makes of it for eth-tester."""


class EmbeddedProvider(EthereumTesterProvider):
    """eth-tester with the answers of a node: refusals are JSON-RPC errors. One request at a time."""

    # web3's own list has one more: it asks for all accounts, on every call, to find a sender.
    _middleware: tuple[Any, ...] = (_ETH_TESTER_FORMATS,)

    def __init__(self) -> None:
        super().__init__()
        self._mutex = threading.RLock()
        self.blob_hashes: list[bytes] = []
        """Those that the request names which is being answered: eth-tester refuses to hear of them."""
        tester: Any = self.ethereum_tester
        self._rich: str = tester.get_accounts()[0]
        ChainIndex(tester).install()

    def next_block_at(self, time_seconds: int) -> None:
        """Give the next block this time, if that is later than its parent's."""
        tester: Any = self.ethereum_tester
        with self._mutex:
            chain = tester.backend.chain
            if time_seconds > self.newest_block_seconds():
                chain.header = chain.header.copy(timestamp=time_seconds)

    def newest_block_seconds(self) -> int:
        """The time of the newest block."""
        tester: Any = self.ethereum_tester
        with self._mutex:
            chain = tester.backend.chain
            return chain.get_canonical_block_header_by_number(chain.header.block_number - 1).timestamp

    def mine(self) -> None:
        """Mine a block."""
        tester: Any = self.ethereum_tester
        with self._mutex:
            tester.mine_block()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One JSON-RPC request."""
        from eth_tester.exceptions import TransactionFailed
        from eth_tester.exceptions import ValidationError as RequestError

        chain_error: Any = import_module("eth_utils.exceptions").ValidationError
        named: list[bytes] = []
        if method in _SENDING and isinstance(params[0], dict):
            call = cast("dict[str, Any]", params[0])
            payload = {"data": call["input"]} if "input" in call else {}  # nodes know both names
            named = [Web3.to_bytes(hexstr=each) for key in _BLOB_HASHES for each in call.get(key, [])]
            plain = {key: value for key, value in call.items() if key not in ("input", *_BLOB_HASHES)}
            params = [{"from": self._rich, **plain, **payload}, *params[1:]]
        with self._mutex:
            if method == "eth_blobBaseFee":
                tester: Any = self.ethereum_tester  # which does not know the method
                price_wei: int = tester.backend.chain.get_vm().state.blob_base_fee
                return {"jsonrpc": "2.0", "id": 0, "result": hex(price_wei)}
            self.blob_hashes = named
            try:
                return _without_beacon(method, super().make_request(method, params))
            except TransactionFailed as error:
                return _error_response(3, str(error), _revert_output(str(error)))
            except (chain_error, RequestError) as error:
                return _error_response(-32000, str(error), "0x")


def _estimate_gas(provider: EmbeddedProvider, state: Any, transaction: Any) -> int:
    """A gas limit that suffices, in two executions where eth-tester's own search takes twelve."""
    spoof: Any = import_module("eth.vm.spoof").SpoofTransaction
    # An estimate asks what a call takes, not whether the sender can pay for it.
    free = {"gas_price": 0, "max_fee_per_gas": 0, "max_priority_fee_per_gas": 0}
    free |= with_hashes(provider.blob_hashes, state.blob_base_fee)

    def gas_left(gas_limit: int) -> int | None:
        snapshot = state.snapshot()
        try:
            computation = state.apply_transaction(spoof(transaction, gas=gas_limit, **free))
            return None if computation.is_error else computation.get_gas_remaining()
        finally:
            state.revert(snapshot)

    most = state.gas_limit
    left = gas_left(most)
    if left is not None:
        # EIP-150 keeps a 64th of the gas back from each inner call; ours nest twice.
        limit = (most - left) * 33 // 32 + 5_000
        if gas_left(limit) is not None:
            return limit
    return int(import_module("eth.estimators.gas").binary_gas_search_intrinsic_tolerance(state, transaction))


def _keep_setup() -> None:
    """Let the point evaluation use this process's setup: py-evm takes seconds to load one for each call."""

    def load_trusted_setup(_path: str, _precompute_level: int) -> object:
        return trusted_setup()

    vars(import_module("eth.precompiles.point_evaluation"))["load_trusted_setup"] = load_trusted_setup


def _remember_curves() -> None:
    """Let products and pairings on BN254 be computed once: py-evm takes a second for those of one proof.

    A proof is tried, estimated and sent, and each of these executes the whole verifier.
    """
    for name, function in (("ecmul", "_ecmull"), ("ecpairing", "_ecpairing")):
        module = vars(import_module(f"eth.precompiles.{name}"))
        if not hasattr(module[function], "cache_info"):
            module[function] = _remembered(module[function])


def _remembered(compute: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """A function of bytes, or of a view of them, whose results are kept."""
    kept = lru_cache(KEPT_RESULTS)(compute)

    @wraps(compute)
    def of(content: bytes) -> Any:
        return kept(bytes(content))

    of.__dict__["cache_info"] = kept.cache_info
    return of


def _without_beacon(method: str, response: RPCResponse) -> RPCResponse:
    """A block without the root of a consensus chain, which there is none of: eth-tester makes one up."""
    block: Any = response.get("result")
    if method in _BLOCKS and block:
        response["result"] = {**block, "parent_beacon_block_root": f"0x{bytes(32).hex()}"}
    return response


def _error_response(code: int, message: str, output: str) -> RPCResponse:
    return {"jsonrpc": "2.0", "id": 0, "error": {"code": code, "message": message, "data": output}}


def _revert_output(message: str) -> str:
    """Error(string) in hex, as a node returns it beside its message."""
    matched = _REVERTED.fullmatch(message)
    if matched is None or not matched[1]:
        return "0x"
    text = matched[1].encode()
    words = (32).to_bytes(32, "big") + len(text).to_bytes(32, "big") + text + bytes(-len(text) % 32)
    return "0x" + (ERROR_SELECTOR + words).hex()


class EmbeddedDevnet:
    """A chain inside this process; needs the `devnet` extra. Satisfies `Devnet`."""

    def __init__(self) -> None:
        try:
            self._provider = EmbeddedProvider()
        except ImportError as error:
            raise Unavailable(
                "the embedded devnet needs eth-tester: pip install 'truestep[devnet]'"
            ) from error
        self._web3 = connect(self._provider)
        tester: Any = self._provider.ethereum_tester
        tester.backend.chain.gas_estimator = partial(_estimate_gas, self._provider)
        self.blobs = take_blobs(tester)
        """What a consensus node of the chain would give."""
        _keep_setup()
        _remember_curves()

    @property
    def node(self) -> EmbeddedProvider:
        """What `connect` takes."""
        return self._provider

    def advance(self, seconds: int) -> None:
        """Mine a block that is `seconds` later than the newest one."""
        self._provider.next_block_at(self._provider.newest_block_seconds() + seconds)
        self._provider.mine()

    def fund(self, account: Address, amount_wei: int) -> None:
        """Give coins to an account, from the first rich one."""
        _fund(self._web3, account, amount_wei)

    def stop(self) -> None:
        """Nothing to end."""


def installed_anvil(*folders: Path) -> Path | None:
    """The anvil program that `make anvil` installed in one of these folders, else the one on PATH."""
    # The package of the platform holds the program itself; `anvil` is only a wrapper that needs node.
    places = (folder / ".anvil" / "node_modules" / "@foundry-rs" for folder in folders)
    installed = [program for place in places for program in sorted(place.glob("anvil-*/bin/anvil"))]
    on_path = shutil.which("anvil")
    return installed[0] if installed else Path(on_path) if on_path else None


class AnvilDevnet:
    """An anvil process under the rules of Osaka on a free port. Satisfies `Devnet`."""

    def __init__(self, program: Path, *, chain_id: int = 31337, port: int | None = None) -> None:
        """Start `program`. Raises `Unavailable` if it does not answer in time."""
        self.port = port or free_port()
        options = ["--hardfork", "osaka", "--enable-tx-gas-limit", "--silent", "--order", "fifo"]
        options += ["--balance", f"{RICH_COINS}"]
        command = [str(program), *options, "--port", str(self.port), "--chain-id", str(chain_id)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._web3 = connect(self.node)
        deadline = time.monotonic() + START_SECONDS
        while not self._web3.is_connected():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise Unavailable(f"anvil at {program} does not answer on port {self.port}; try another port")
            time.sleep(0.02)

    @property
    def node(self) -> str:
        """What `connect` takes: its URL."""
        return f"http://127.0.0.1:{self.port}"

    def advance(self, seconds: int) -> None:
        """Mine a block so much later than now."""
        self._request("evm_increaseTime", [seconds])
        self._request("evm_mine", [])

    def mine_by_the_clock(self, block_seconds: int) -> None:
        """From now on a block comes every so many seconds, whatever is sent, and none in between."""
        self._request("evm_setIntervalMining", [block_seconds])

    def fund(self, account: Address, amount_wei: int) -> None:
        """Give coins to an account, from the first rich one."""
        _fund(self._web3, account, amount_wei)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _request(self, method: str, parameters: list[int]) -> None:
        self._web3.provider.make_request(RPCEndpoint(method), parameters)


def _fund(web3: Web3, account: Address, amount_wei: int) -> None:
    rich = web3.eth.accounts[0]
    sent = web3.eth.send_transaction(
        {"from": rich, "to": Web3.to_checksum_address(account), "value": Web3.to_wei(amount_wei, "wei")}
    )
    web3.eth.wait_for_transaction_receipt(sent, timeout=START_SECONDS, poll_latency=0.05)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
