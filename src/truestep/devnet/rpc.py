"""JSON-RPC 2.0 for the in-process chain, with the answers of a node."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from web3 import Web3
from web3.types import RPCEndpoint, RPCResponse

from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.devnet.block_times import empty_block_seconds

PARSE_ERROR, INVALID_REQUEST, SERVER_ERROR = -32700, -32600, -32000
"""JSON-RPC 2.0, section 5.1."""
BATCH_LIMIT = 256
"""Far more than a client batches. One request cannot block the chain for long."""
SKIP_LIMIT_SECONDS = 10**9

_BLOOM_SIZE_BYTES = 256
_HASH_DIGITS = 66
_SENDING = ("eth_sendRawTransaction", "eth_sendTransaction")
_ABOUT_A_STATE = ("eth_call", "eth_estimateGas", "eth_getBalance", "eth_getCode", "eth_getTransactionCount")

_BLOCK_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)

Json = Any
_JSON: TypeAdapter[Json] = TypeAdapter(Any)
"""Refuses deep nesting: py-evm raises the recursion limit, and `json` would overflow the stack."""


class _Request(BaseModel):
    method: str
    params: list[Json] = []
    id: Json = None


class DevnetRpc:
    """Answers one request at a time. Block time follows the clock, even on an idle chain.

    A transaction gets a block at once; `tick` mines the empty ones.
    """

    def __init__(self, devnet: EmbeddedDevnet, clock: Callable[[], float] = time.time) -> None:
        provider, self._blobs = devnet.node, devnet.blobs
        self._chain = provider
        self._clock = clock
        self._skipped_seconds = 0
        self._sent_seconds = clock()
        self._lock = threading.RLock()
        web3 = Web3(provider, middleware=[])
        self._request: Callable[[RPCEndpoint, Json], RPCResponse] = provider.request_func(
            web3, web3.middleware_onion
        )
        self._own_methods: dict[str, Callable[[Sequence[Json]], Json]] = {
            "evm_increaseTime": self._increase_time,
            "evm_mine": self._mine,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_maxPriorityFeePerGas": lambda _: hex(10**9),
            "net_version": lambda _: str(web3.eth.chain_id),
        }

    def answer(self, body: bytes) -> bytes:
        """The response to one request or a batch, as JSON."""
        try:
            request = _JSON.validate_json(body)
        except ValueError:
            return _encoded(_error(None, PARSE_ERROR, "the request is not JSON"))
        if not isinstance(request, list):
            return _encoded(self._answer_one(request))
        batch = cast("list[Json]", request)
        if not 0 < len(batch) <= BATCH_LIMIT:
            message = f"expected a batch of 1 to {BATCH_LIMIT} requests, got {len(batch)}"
            return _encoded(_error(None, INVALID_REQUEST, message))
        return _encoded([self._answer_one(one) for one in batch])

    def blobs(self, block_id: str, hashes: Sequence[bytes] = ()) -> list[bytes] | None:
        """The blobs of a block, or those with these hashes, as a consensus node gives them.

        None for what is no number of a block: there are no other names of blocks here.
        """
        if not _BLOCK_NUMBER.fullmatch(block_id):
            return None
        with self._lock:
            return self._blobs.of_block(int(block_id), hashes)

    def tick(self) -> None:
        """Mine an empty block if the clock has gone on for long enough since the latest one."""
        with self._lock:
            wait_seconds = empty_block_seconds(self._clock() - self._sent_seconds)
            if self._now() - self._chain.newest_block_seconds() >= wait_seconds:
                self._mine([])

    def _answer_one(self, request: Json) -> Json:
        try:
            asked = _Request.model_validate(request)
        except ValidationError:
            return _error(None, INVALID_REQUEST, "expected an object with a method and a list of params")
        try:
            with self._lock:
                return {"jsonrpc": "2.0", "id": asked.id} | self._outcome(asked.method, asked.params)
        except Exception as error:  # the caller must know about any refusal of the EVM
            return _error(asked.id, SERVER_ERROR, f"{error}" or type(error).__name__)

    def _outcome(self, method: str, params: list[Json]) -> dict[str, Json]:
        """`result` or `error`, as the response has it."""
        own = self._own_methods.get(method)
        if own:
            return {"result": own(params)}
        if method in _SENDING:
            self._sent_seconds = self._clock()
        if method in (*_SENDING, "eth_estimateGas"):
            self._chain.next_block_at(self._now())
        if method in _ABOUT_A_STATE and params[1:] == ["pending"]:
            params = [params[0], "latest"]  # every transaction has its block: nothing is pending
        response = self._request(RPCEndpoint(method), params)
        if "error" in response:
            return {"error": response["error"]}
        return {"result": _wire(response.get("result"))}

    def _now(self) -> int:
        return int(self._clock()) + self._skipped_seconds

    def _increase_time(self, params: Sequence[Json]) -> Json:
        seconds = int(params[0], 16) if isinstance(params[0], str) else int(params[0])
        if not 0 <= seconds <= SKIP_LIMIT_SECONDS:
            raise ValueError(f"expected 0 to {SKIP_LIMIT_SECONDS} seconds, got {seconds}")
        self._skipped_seconds += seconds
        return hex(self._skipped_seconds)

    def _mine(self, _: Sequence[Json]) -> Json:
        self._chain.next_block_at(self._now())
        self._chain.mine()
        return "0x0"

    def _block_receipts(self, params: Sequence[Json]) -> Json:
        """Every receipt of a block; null if there is no such block."""
        is_hash = len(str(params[0])) == _HASH_DIGITS
        block = self._outcome("eth_getBlockByHash" if is_hash else "eth_getBlockByNumber", [params[0], False])
        if block.get("result") is None:
            return None
        hashes = block["result"]["transactions"]
        return [self._outcome("eth_getTransactionReceipt", [each])["result"] for each in hashes]


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


def _error(request_id: Json, code: int, message: str) -> Json:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}


def _encoded(response: Json) -> bytes:
    return json.dumps(response).encode()
