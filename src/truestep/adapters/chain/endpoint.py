"""One node: JSON-RPC 2.0 over HTTP, in batches if the node takes them, or a provider in this process."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol, cast

from pydantic import TypeAdapter
from web3 import Web3
from web3.providers.base import BaseProvider

from truestep.adapters.chain.http_transport import BadStatus, HttpTransport, TooLong
from truestep.adapters.chain.outages import (
    FEW_ATTEMPTS,
    DeadEndpoint,
    NodeError,
    Outage,
    TooMuch,
    node_error,
    shown,
)
from truestep.base.errors import Bug, Rejected, Unavailable

BATCH_LIMIT = 50
"""Providers take 10 to 1,000 calls in one request; a lower limit is detected."""
BATCH_REGROWTH = 200
"""Requests after which a larger batch is tried again, because a refusal may have been temporary."""
FAILED_BATCHES = 4
"""Batches that fail one after the other, for whatever reason, before single calls are tried: on a node that
fails a fifth of all requests, that happens once in 600."""
FAILED_BATCHES_REGROWTH = 20
"""Requests after which batches are tried again then: it may have been chance, and single calls are slow."""
ANSWER_LIMIT_BYTES = 2 << 20
"""The limit per call. A block of a busy chain with ten thousand transaction hashes has 700 KB."""
LOGS_LIMIT_BYTES = 16 << 20
"""The limit for a range of blocks, some ten thousand events. For more, the range must be smaller."""
BATCHES_AT_ONCE = 4
"""Batches that are under way together: 200 calls then take as long as one. Providers allow ten requests a
second and more."""
_LONG_ANSWERS = ("eth_getLogs", "eth_getBlockReceipts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A method and its parameters, as JSON has them."""

    method: str
    parameters: Sequence[Any]


Reply = Any
"""A JSON result, a `NodeError`, or the `Outage` of this one request of a batch."""


class Endpoint(Protocol):
    """A place to send requests to."""

    @property
    def name(self) -> str:
        """Its name in logs."""
        ...

    def exchange(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """A reply for each request. Raises `Outage` if there are none, `TooMuch` if they are too long."""
        ...

    def scrubbed(self, text: str) -> str:
        """`text` without the secret parts of the endpoint's address."""
        ...


class HttpEndpoint:
    """A node behind a URL. Satisfies `Endpoint`."""

    def __init__(self, url: str) -> None:
        """Raises `Rejected` for an invalid URL."""
        self._transport = HttpTransport(url)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._batch_limit = BATCH_LIMIT
        self._until_regrowth = 0
        self._failed_batches = 0

    @property
    def name(self) -> str:
        """Its host and port. The rest of a URL often contains a key."""
        return self._transport.host

    def scrubbed(self, text: str) -> str:
        """Nodes may repeat the request with its key in their answer."""
        for secret in self._transport.secrets:
            text = text.replace(secret, "…")
        return text

    def exchange(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """Send the requests in batches that the node accepts, some of them at once."""
        size = self._next_limit()
        parts = [requests[start : start + size] for start in range(0, len(requests), size)]
        if len(parts) < 2:
            replies = self._exchange_in_turn(requests, timeout_seconds)
        else:
            with ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="rpc-batch") as threads:
                found = threads.map(self._exchange_in_turn, parts, repeat(timeout_seconds))
                replies = [reply for part in found for reply in part]
        if requests and all(isinstance(reply, Outage) for reply in replies):
            raise replies[0]
        return replies

    def _next_limit(self) -> int:
        with self._lock:
            return BATCH_LIMIT if self._until_regrowth <= 1 else self._batch_limit

    def _exchange_in_turn(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """One batch after the other: there are several if the node refuses one of this size."""
        replies: list[Reply] = []
        while len(replies) < len(requests):
            some = requests[len(replies) : len(replies) + self._batch_size()]
            try:
                replies += self._exchange_one(some, timeout_seconds)
            except _BatchRefused:
                self._shrink(len(some))
            except Outage as outage:
                if self._is_likely_the_batch(len(some), outage):
                    self._shrink(1, FAILED_BATCHES_REGROWTH)
                    continue
                # What was answered counts, and the rest is still asked, unless that takes time for each.
                left = len(requests) - len(replies)
                replies += [outage] * (left if outage.is_silent else len(some))
        return replies

    def _batch_size(self) -> int:
        with self._lock:
            self._until_regrowth -= 1
            if self._until_regrowth <= 0:
                self._batch_limit = BATCH_LIMIT
                self._until_regrowth = BATCH_REGROWTH
            return self._batch_limit

    def _is_likely_the_batch(self, size: int, outage: Outage) -> bool:
        """Some servers break off at a batch, or fail inside: after some failures single calls are tried."""
        with self._lock:
            is_busy = isinstance(outage, BadStatus) and outage.status == 429
            if size == 1 or outage.is_silent or is_busy:
                return False
            self._failed_batches += 1
            return self._failed_batches >= FAILED_BATCHES

    def _shrink(self, refused: int, until_regrowth: int = BATCH_REGROWTH) -> None:
        with self._lock:
            self._batch_limit = max(min(self._batch_limit, refused // 2), 1)
            self._until_regrowth = until_regrowth

    def _exchange_one(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """One POST."""
        ids = [next(self._ids) for _ in requests]
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": request.method, "params": list(request.parameters)}
            for number, request in zip(ids, requests, strict=True)
        ]
        body = _encoded(calls if len(calls) > 1 else calls[0])
        limit_bytes = _limit_bytes(requests)
        try:
            content = self._transport.post(body, timeout_seconds=timeout_seconds, limit_bytes=limit_bytes)
        except TooLong as error:
            if any(request.method in _LONG_ANSWERS for request in requests):
                raise TooMuch(str(error)) from None
            raise
        except BadStatus as error:
            return self._refused(error, ids)
        replies = self._replies(_parsed(content), ids)
        if len(ids) > 1:
            self._failed_batches = 0
        return replies

    def _refused(self, error: BadStatus, ids: Sequence[int]) -> list[Reply]:
        """Some servers give a complete answer with a status other than 200; some refuse batches with one."""
        if error.status == 429:
            raise error
        try:
            return self._replies(_parsed(error.body), ids)
        except _BatchRefused:
            if error.status >= 500:  # whatever was asked: most of these have an error in their body
                raise error from None
            raise
        except Outage:
            if len(ids) > 1 and 400 <= error.status < 500 and error.status not in (401, 403, 408, 425):
                raise _BatchRefused from None
            raise error from None

    def _replies(self, content: Any, ids: Sequence[int]) -> list[Reply]:
        """Replies in the order of the requests, whatever order the node chose."""
        if len(ids) == 1:
            response = cast("list[Any]", content)[0] if _is_list_of_one(content) else content
            return [self._reply(response, ids[0])]
        if isinstance(content, dict) and "error" in content:
            error = node_error(cast("dict[str, Any]", content)["error"])
            if error.code in (429, -32005):
                raise Outage(f"error {error.code} {self.scrubbed(error.message)}")
            raise _BatchRefused
        if not isinstance(content, list):
            raise Outage("no list for a batch of requests")
        found = {_id(response): response for response in reversed(cast("list[Any]", content))}
        return [self._reply_or_outage(found.get(number), number) for number in ids]

    def _reply_or_outage(self, response: Any, number: int) -> Reply:
        try:
            return self._reply(response, number)
        except Outage as error:
            return error

    def _reply(self, response: Any, number: int) -> Reply:
        if not isinstance(response, dict):
            raise Outage("no answer to one of the requests" if response is None else "no JSON-RPC response")
        fields = cast("dict[str, Any]", response)
        if fields.get("error") is not None:
            # A request that was not understood has no id to answer with (JSON-RPC 2.0, section 5).
            if _id(fields) not in (number, None):
                raise Outage("an answer to another request")
            error = node_error(fields["error"])
            message = self.scrubbed(error.message)
            return NodeError(code=error.code, message=message, output=error.output)
        if _id(fields) != number:
            raise Outage("an answer to another request")
        if "result" not in fields:
            raise Outage("a response with neither result nor error")
        return fields["result"]


class LocalEndpoint:
    """A provider in this process, such as the embedded devnet's. Satisfies `Endpoint`."""

    name = "the node in this process"

    def __init__(self, provider: BaseProvider) -> None:
        web3 = Web3(provider, middleware=[])
        self._request: Callable[[Any, Any], Any] = provider.request_func(web3, web3.middleware_onion)

    def scrubbed(self, text: str) -> str:
        """The text unchanged: there is no address."""
        return text

    def exchange(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """Send one request after another: a batch would not save anything."""
        del timeout_seconds
        return [self._ask(request) for request in requests]

    def _ask(self, request: Request) -> Reply:
        try:
            response = self._request(request.method, request.parameters)
        except (Outage, Rejected, Unavailable, Bug):
            raise
        except OSError as error:
            raise DeadEndpoint(shown(str(error)), attempts=FEW_ATTEMPTS) from error
        except Exception as error:  # anything that a chain in this process cannot do
            return NodeError(code=-32000, message=shown(str(error) or type(error).__name__))
        if not isinstance(response, Mapping):
            raise Outage("no JSON-RPC response")
        fields = cast("Mapping[str, Any]", response)
        if fields.get("error") is not None:
            return node_error(fields["error"])
        if "result" not in fields:
            raise Outage("a response with neither result nor error")
        return wire_form(fields["result"])


_BLOOM_SIZE_BYTES = 256


def wire_form(value: Any, key: str = "") -> Any:
    """A result as JSON-RPC spells it: quantities and bytes in hex."""
    if isinstance(value, bool | str | float) or value is None:
        return value
    if isinstance(value, int):
        width = 2 * _BLOOM_SIZE_BYTES if key == "logsBloom" and value >= 0 else 0
        return f"0x{value:0{width}x}" if value >= 0 else f"-{-value:#x}"
    if isinstance(value, bytes | bytearray):
        return f"0x{bytes(value).hex()}"
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {str(name): wire_form(inner, str(name)) for name, inner in fields.items()}
    if isinstance(value, list | tuple):
        return [wire_form(inner) for inner in cast("Sequence[Any]", value)]
    return repr(value)


class _BatchRefused(Exception):
    """The node does not accept this many requests at once."""


def _limit_bytes(requests: Sequence[Request]) -> int:
    if any(request.method in _LONG_ANSWERS for request in requests):
        return LOGS_LIMIT_BYTES
    return min(ANSWER_LIMIT_BYTES * len(requests), LOGS_LIMIT_BYTES)


_JSON: TypeAdapter[Any] = TypeAdapter(Any)
"""Refuses deep nesting, with which `json` overflows the stack if the recursion limit was raised."""


def _encoded(calls: Any) -> bytes:
    """JSON; bytes among the parameters, as web3 gives them, in hex."""
    return Web3.to_json(calls).encode()


def _parsed(content: bytes) -> Any:
    try:
        return _JSON.validate_json(content)
    except ValueError:
        raise Outage(f"no JSON but {shown(content[:40])}") from None


def _id(response: Any) -> Any:
    """The response's id; None if there is none or it is not a number."""
    number: Any = cast("dict[str, Any]", response).get("id") if isinstance(response, dict) else None
    return number if type(number) is int else None


def _is_list_of_one(content: Any) -> bool:
    return isinstance(content, list) and len(cast("list[Any]", content)) == 1
