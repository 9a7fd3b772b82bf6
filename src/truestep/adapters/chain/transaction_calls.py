"""The calls of old transactions, for pages that show what was executed."""

from collections.abc import Sequence
from typing import Any

import httpx

from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32

NODE_SECONDS = 10.0
CALL_LIMIT_HEX = 1 << 18
"""Hex digits: a transaction is not larger."""


def call_of(nodes: Sequence[str], name: Bytes32) -> bytes:
    """The call of a transaction, from the first node that has it. Raises Unavailable if none has it."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "eth_getTransactionByHash",
        "params": [f"0x{name.hex()}"],
    }
    for node in nodes:
        try:
            answer = httpx.post(node, json=body, timeout=NODE_SECONDS).json()
            found = _input(answer)
        except (httpx.HTTPError, ValueError):
            continue
        if found is not None:
            return found
    raise Unavailable(f"no node has the transaction 0x{name.hex()}; ask one that keeps old ones")


def _input(answer: Any) -> bytes | None:
    """The call in a node's answer; None if the answer is of another form."""
    try:
        text = answer["result"]["input"]
    except (KeyError, TypeError):
        return None
    if not isinstance(text, str) or not text.startswith("0x") or len(text) > CALL_LIMIT_HEX:
        return None
    return bytes.fromhex(text[2:])
