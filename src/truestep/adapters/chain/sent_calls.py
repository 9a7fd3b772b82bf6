"""The calls of transactions that were sent long ago, and the bytes in their arguments."""

import re
from collections.abc import Mapping
from typing import Any, cast

from truestep.adapters.chain.abi import SELECTOR_SIZE_BYTES, selector_of
from truestep.adapters.chain.answers import Junk, octets
from truestep.adapters.chain.codec import type_name
from truestep.adapters.chain.connection import refused
from truestep.adapters.chain.endpoints import Endpoints, Question
from truestep.adapters.chain.outages import NodeError
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.contracts.artifacts import AbiEntry, load_artifact

CALL_LIMIT_BYTES = 1 << 17
"""A transaction is not larger."""
_WORD_BYTES = 32


def read_call(endpoints: Endpoints, name: Bytes32) -> tuple[str, bytes]:
    """Whom a transaction calls, and with what. Raises `Unavailable` if the node has it not."""
    hexadecimal = f"0x{name.hex()}"
    question = Question(method="eth_getTransactionByHash", parameters=[hexadecimal], parse=_call)
    answer: Any = endpoints.ask(question)
    if isinstance(answer, NodeError):
        raise refused(answer)
    if answer is None:
        raise Unavailable(f"the node has no transaction {hexadecimal}; ask one that keeps old ones")
    return cast("tuple[str, bytes]", answer)


def bytes_in(payload: bytes, contract: str, argument: str) -> bytes:
    """The argument of this name in a call of a contract, read as the contract reads it; empty if it has none.

    Not by the codec, which refuses what the contract takes: whoever copies a call may send dirty padding.
    Raises `Junk` if the call ends before the argument does.
    """
    for entry in load_artifact(contract).abi:
        inputs = entry.get("inputs", ())
        names = [parameter["name"] for parameter in inputs]
        is_function = entry["type"] == "function"
        if is_function and argument in names and payload[:SELECTOR_SIZE_BYTES] == selector_of(entry):
            before = sum(map(_words, inputs[: names.index(argument)]))
            return _bytes_at(payload[SELECTOR_SIZE_BYTES:], before)
    return b""


def _call(value: Any) -> tuple[str, bytes] | None:
    if value is None:
        return None
    fields: Mapping[str, Any] = cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
    to = fields.get("to")
    return to if isinstance(to, str) else "", octets(fields.get("input"), limit_bytes=CALL_LIMIT_BYTES)


def _words(parameter: AbiEntry) -> int:
    """How many words of a call's head an argument takes: one, if it lies behind the head."""
    types = type_name(parameter)
    return 1 if re.search(r"\[\]|bytes\b|string", types) else types.count(",") + 1


def _bytes_at(arguments: bytes, word: int) -> bytes:
    """The bytes to which this word of the head leads. Raises `Junk` if they are not there."""

    def number_at(place: int) -> int:
        return int.from_bytes(arguments[place : place + _WORD_BYTES], "big")

    start = number_at(word * _WORD_BYTES) + _WORD_BYTES
    size = number_at(start - _WORD_BYTES) if start <= len(arguments) else len(arguments)
    if start + size > len(arguments):
        raise Junk("expected a call with these bytes, got one that ends before them")
    return arguments[start : start + size]
