"""JSON-RPC 2.0 over an in-process eth-tester chain: what a node would answer."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from eth_tester import EthereumTester
from eth_tester.exceptions import TransactionFailed
from pydantic import BaseModel, ValidationError
from web3 import EthereumTesterProvider, Web3

PARSE_ERROR, INVALID_REQUEST, SERVER_ERROR, REVERTED = -32700, -32600, -32000, 3
"""JSON-RPC 2.0, section 5.1; 3 is what nodes answer for a reverted call."""
BATCH_LIMIT = 256
"""Far above what a client batches; one request cannot hold the chain for ever."""

_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_BLOOM_SIZE_BYTES = 256
_REVERTED_PREFIX = "execution reverted: "

Json = Any


class _Request(BaseModel):
    method: str
    params: list[Json] = []
    id: Json = None


class DevnetRpc:
    """Answers requests one at a time. Block time follows the clock, on an idle chain too."""

    def __init__(self, chain: EthereumTester, clock: Callable[[], float] = time.time) -> None:
        self._chain = chain
        self._clock = clock
        self._skipped_seconds = 0
        self._lock = threading.RLock()
        provider = EthereumTesterProvider(chain)
        self._web3 = Web3(provider, middleware=[])
        self._request = provider.request_func(self._web3, self._web3.middleware_onion)
        self._own_methods: dict[str, Callable[[Sequence[Json]], Json]] = {
            "evm_increaseTime": self._increase_time,
            "evm_mine": self._mine,
            "eth_maxPriorityFeePerGas": lambda _: hex(10**9),
            "net_version": lambda _: str(chain.backend.chain.chain_id),
        }

    def answer(self, body: bytes) -> bytes:
        """The response to one request or a batch, as JSON."""
        try:
            request = json.loads(body)
        except ValueError:
            return _encoded(_error(None, PARSE_ERROR, "the request is not JSON"))
        if not isinstance(request, list):
            return _encoded(self._answer_one(request))
        batch = cast("list[Json]", request)
        if not 0 < len(batch) <= BATCH_LIMIT:
            message = f"expected a batch of 1 to {BATCH_LIMIT} requests, got {len(batch)}"
            return _encoded(_error(None, INVALID_REQUEST, message))
        return _encoded([self._answer_one(one) for one in batch])

    def tick(self) -> None:
        """Mine an empty block if the clock has gone on since the latest one."""
        with self._lock:
            if self._chain.get_block_by_number("latest")["timestamp"] < self._now():
                self._follow_clock()
                self._chain.mine_blocks(1)

    def _answer_one(self, request: Json) -> Json:
        try:
            asked = _Request.model_validate(request)
        except ValidationError:
            return _error(None, INVALID_REQUEST, "expected an object with a method and a list of params")
        request_id = asked.id
        try:
            with self._lock:
                return _success(request_id, self._result(asked.method, asked.params))
        except _Refused as refused:
            return _error(request_id, refused.code, str(refused))
        except TransactionFailed as failure:
            return self._reverted(request_id, str(failure))
        except (
            Exception
        ) as error:  # whatever the EVM refuses is the caller's to know, and never ends the server
            return _error(request_id, SERVER_ERROR, f"{error}" or type(error).__name__)

    def _result(self, method: str, params: list[Json]) -> Json:
        own = self._own_methods.get(method)
        if own:
            return own(params)
        if method == "eth_sendRawTransaction":
            self._follow_clock()
        response = self._request(method, params)
        if "error" in response:
            raise _Refused(response["error"]["code"], response["error"]["message"])
        return _wire(response.get("result"))

    def _now(self) -> int:
        return int(self._clock()) + self._skipped_seconds

    def _follow_clock(self) -> None:
        """Give the next block the clock's time, if that is later than its parent's."""
        if self._now() > self._chain.get_block_by_number("pending")["timestamp"]:
            self._chain.time_travel(self._now())

    def _increase_time(self, params: Sequence[Json]) -> Json:
        seconds = int(params[0], 16) if isinstance(params[0], str) else int(params[0])
        if not 0 <= seconds <= 10**9:
            raise ValueError(f"expected 0 to 10^9 seconds, got {seconds}")
        self._skipped_seconds += seconds
        return hex(self._skipped_seconds)

    def _mine(self, _: Sequence[Json]) -> Json:
        self._follow_clock()
        self._chain.mine_blocks(1)
        return "0x0"

    def _reverted(self, request_id: Json, message: str) -> Json:
        """A revert with its reason as `Error(string)`, as nodes send it."""
        response = _error(request_id, REVERTED, message)
        reason = self._web3.codec.encode(["string"], [message.removeprefix(_REVERTED_PREFIX)])
        response["error"]["data"] = f"0x{(_ERROR_SELECTOR + reason).hex()}"
        return response


class _Refused(Exception):
    """The chain answered with an error of its own."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def _wire(value: Json, key: str = "") -> Json:
    """A result as JSON-RPC spells it: quantities and bytes in hex."""
    if key == "logsBloom" and isinstance(value, int):
        return f"0x{value.to_bytes(_BLOOM_SIZE_BYTES, 'big').hex()}"
    if isinstance(value, bool | str | float) or value is None:
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Json]", value)
        return {name: _wire(inner, name) for name, inner in fields.items()}
    return [_wire(inner) for inner in value]


def _success(request_id: Json, result: Json) -> Json:
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def _error(request_id: Json, code: int, message: str) -> Json:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}


def _encoded(response: Json) -> bytes:
    return json.dumps(response).encode()
