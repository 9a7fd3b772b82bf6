"""What a node can do wrong, one class a kind. A rule says when: for which methods, how often, how long.

Some faults spoil a whole HTTP exchange (`Status`, `Html`, `Close`, `Hang`, `Delay`), others single answers of
a batch (`Answer`, `Error`, `Stale`, `DropLogs`). `tests/lab/proxy.py` applies both.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Request = dict[str, Any]
Ask = Callable[..., Any]
"""Asks the true node: method, then parameters."""

EVERY_METHOD = "*"


# --- faults of a whole exchange -------------------------------------------------------------------


@dataclass(frozen=True)
class Status:
    """An HTTP status instead of an answer, such as 429 or 500."""

    code: int
    retry_after_seconds: int | None = None


@dataclass(frozen=True)
class Html:
    """A page that is meant for a person."""

    text: str = "<html><body>Checking your browser before accessing the node</body></html>"


@dataclass(frozen=True)
class Close:
    """The connection is closed without an answer."""


@dataclass(frozen=True)
class Hang:
    """Silence, then a closed connection; `is_forwarded` if the node has got the request all the same."""

    seconds: float
    is_forwarded: bool = False


@dataclass(frozen=True)
class Delay:
    """The true answer, late."""

    seconds: float


# --- faults of one answer -------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """This result, whatever was asked."""

    result: Any


@dataclass(frozen=True)
class Error:
    """A JSON-RPC error."""

    code: int
    message: str


@dataclass(frozen=True)
class Spoil:
    """The true result, changed by a function."""

    change: Callable[[Any], Any]


@dataclass(frozen=True)
class Stale:
    """The answer of a node that is so many blocks behind."""

    lag_blocks: int

    def answer(self, request: Request, ask: Ask) -> Any:
        """What a node with an older head would say."""
        head = max(int(ask("eth_blockNumber"), 16) - self.lag_blocks, 0)
        method, params = request["method"], list(request.get("params") or [])
        if method == "eth_blockNumber":
            return hex(head)
        if method in _BLOCK_PARAMETER:
            place = _BLOCK_PARAMETER[method]
            block = params[place] if len(params) > place else "latest"
            params = [*params[:place], _at_most(block, head)]
            return ask(method, *params)
        if method == "eth_getBlockByNumber":
            is_known = not _is_number(params[0]) or int(params[0], 16) <= head
            return ask(method, _at_most(params[0], head), *params[1:]) if is_known else None
        if method == "eth_getLogs":
            return [log for log in ask(method, *params) if int(log["blockNumber"], 16) <= head]
        answer = ask(method, *params)
        if method in _NUMBERED and answer and int(answer.get(_NUMBERED[method]) or "0x0", 16) > head:
            return None
        return answer


@dataclass
class DropLogs:
    """Leaves logs out that `is_dropped` says, for so long after the first was seen; None: for ever."""

    is_dropped: Callable[[dict[str, Any]], bool]
    seconds: float | None = None
    dropped: int = 0
    first_seen_seconds: float | None = None

    def change(self, logs: Any) -> Any:
        """The logs that are shown."""
        if not isinstance(logs, list):
            return logs
        hidden = [log for log in logs if self.is_dropped(log)]
        if not hidden:
            return logs
        now = time.monotonic()
        if self.first_seen_seconds is None:
            self.first_seen_seconds = now
        if self.seconds is not None and now - self.first_seen_seconds > self.seconds:
            return logs
        self.dropped += len(hidden)
        return [log for log in logs if log not in hidden]


ExchangeFault = Status | Html | Close | Hang | Delay
AnswerFault = Answer | Error | Spoil | Stale | DropLogs
Fault = ExchangeFault | AnswerFault

_BLOCK_PARAMETER = {
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getTransactionCount": 1,
    "eth_getCode": 1,
}
"""Where each method takes its block."""
_NUMBERED = {
    "eth_getTransactionReceipt": "blockNumber",
    "eth_getTransactionByHash": "blockNumber",
    "eth_getBlockByHash": "number",
}
"""Answers that name a block, and where."""


def _is_number(block: Any) -> bool:
    return isinstance(block, str) and block.startswith("0x")


def _at_most(block: Any, head: int) -> Any:
    """A block no newer than `head`: "latest" and "pending" mean the head."""
    if _is_number(block):
        return hex(min(int(block, 16), head))
    return hex(head) if block in ("latest", "pending", "safe", "finalized") else block


# --- rules ----------------------------------------------------------------------------------------


@dataclass
class Rule:
    """One fault: for these methods, with this probability, from now on until `stop` or `seconds` are over."""

    fault: Fault
    methods: Iterable[str] = (EVERY_METHOD,)
    probability: float = 1.0
    seconds: float | None = None
    limit: int | None = None
    """So many times at most."""
    hits: int = 0
    began_seconds: float = field(default_factory=time.monotonic)
    is_stopped: bool = False

    def __post_init__(self) -> None:
        self.methods = frozenset([self.methods] if isinstance(self.methods, str) else self.methods)

    def stop(self) -> None:
        """Apply no more."""
        self.is_stopped = True

    def is_due(self, methods: Iterable[str]) -> bool:
        """Whether the rule is about one of these methods, and still in force."""
        is_over = self.seconds is not None and time.monotonic() - self.began_seconds > self.seconds
        is_used_up = self.limit is not None and self.hits >= self.limit
        if self.is_stopped or is_over or is_used_up:
            return False
        wanted = frozenset(self.methods)
        return EVERY_METHOD in wanted or any(method in wanted for method in methods)


class Rules:
    """The rules in force, in order; the first that applies is taken. Chance comes from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._mutex = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, fault: Fault, methods: Iterable[str] = (EVERY_METHOD,), **terms: Any) -> Rule:
        """Put a rule into force; the rule, so that it can be stopped and its hits counted."""
        rule = Rule(fault, methods, **terms)
        with self._mutex:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Behave from now on."""
        with self._mutex:
            self._rules.clear()

    def pick(self, methods: Iterable[str], kinds: Any) -> Fault | None:
        """The fault for a request of these methods, if chance wants one."""
        methods = list(methods)
        with self._mutex:
            for rule in self._rules:
                if not isinstance(rule.fault, kinds) or not rule.is_due(methods):
                    continue
                if rule.probability >= 1 or self._random.random() < rule.probability:
                    rule.hits += 1
                    return rule.fault
        return None
