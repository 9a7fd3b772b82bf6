"""Checks the answers of nodes where they enter. An answer that fails a check is `Junk`."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from web3 import Web3

from truestep.adapters.chain.outages import StaleEndpoint
from truestep.base.ids import Bytes32

NUMBER_LIMIT = 2**63
"""The limit of block numbers and times. No chain comes near it, and every database can store it."""
LOG_INDEX_LIMIT = 2**31
TOPICS_LIMIT = 4
BLOOM_SIZE_BYTES = 256
CALL_OUTPUT_LIMIT_BYTES = 1 << 20
SHOWN_CHARACTERS = 60
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_OCTETS = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class Junk(Exception):
    """A working node would not give this answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header fields that are needed."""

    number: int
    hash: Bytes32
    parent_hash: Bytes32
    time_seconds: int
    logs_bloom: int
    """The 2048 bits as a number; 0 if the node leaves them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLog:
    """A log that is not decoded yet. `address` is in lower case."""

    address: str
    topics: tuple[Bytes32, ...]
    payload: bytes
    block_number: int
    block_hash: Bytes32
    log_index: int
    transaction_hash: Bytes32


# --- the pieces ------------------------------------------------------------------------------------------


def quantity(value: Any, below: int = 2**256) -> int:
    """A number in hex."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise Junk(f"expected a number such as 0x1f, got {_shown(value)}")
    number = int(value, 16)
    if number >= below:
        raise Junk(f"expected a number below {below:#x}, got {_shown(value)}")
    return number


def octets(value: Any, *, limit_bytes: int = CALL_OUTPUT_LIMIT_BYTES) -> bytes:
    """Bytes in hex."""
    if not isinstance(value, str) or len(value) > 2 + 2 * limit_bytes or not _OCTETS.fullmatch(value):
        raise Junk(f"expected up to {limit_bytes} bytes in hex, got {_shown(value)}")
    return bytes.fromhex(value[2:])


def word(value: Any) -> Bytes32:
    """Thirty-two bytes in hex."""
    if not isinstance(value, str) or len(value) != 66 or not _OCTETS.fullmatch(value):
        raise Junk(f"expected 32 bytes in hex, got {_shown(value)}")
    return Bytes32(bytes.fromhex(value[2:]))


def address(value: Any) -> str:
    """An address in lower case."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise Junk(f"expected an address, got {_shown(value)}")
    return value.lower()


def fields(value: Any) -> Mapping[str, Any]:
    """An object with names."""
    if not isinstance(value, dict):
        raise Junk(f"expected an object, got {_shown(value)}")
    return cast("Mapping[str, Any]", value)


def items(value: Any) -> Sequence[Any]:
    """A list."""
    if not isinstance(value, list):
        raise Junk(f"expected a list, got {_shown(value)}")
    return cast("Sequence[Any]", value)


def header(value: Any) -> Header:
    """A block's header."""
    found = fields(value)
    bloom = found.get("logsBloom")
    bits = octets(bloom, limit_bytes=BLOOM_SIZE_BYTES) if bloom is not None else b""
    if len(bits) not in (0, BLOOM_SIZE_BYTES):
        raise Junk(f"expected a bloom of {BLOOM_SIZE_BYTES} bytes, got {_shown(bloom)}")
    return Header(
        number=quantity(found.get("number"), NUMBER_LIMIT),
        hash=word(found.get("hash")),
        parent_hash=word(found.get("parentHash")),
        time_seconds=quantity(found.get("timestamp"), NUMBER_LIMIT),
        logs_bloom=int.from_bytes(bits, "big"),
    )


def header_at(number: int) -> Callable[[Any], Header]:
    """The header of block `number`, which the chain must have."""

    def parse(value: Any) -> Header:
        if value is None:
            raise StaleEndpoint(f"block {number} is not known")
        found = header(value)
        if found.number != number:
            raise Junk(f"expected block {number}, got block {found.number}")
        return found

    return parse


def raw_log(value: Any) -> RawLog:
    """One log."""
    found = fields(value)
    if found.get("removed", False) is not False:
        raise Junk("expected logs of the current chain, got a removed one")
    topics = tuple(word(topic) for topic in items(found.get("topics")))
    if len(topics) > TOPICS_LIMIT:
        raise Junk(f"expected up to {TOPICS_LIMIT} topics, got {len(topics)}")
    return RawLog(
        address=address(found.get("address")),
        topics=topics,
        payload=octets(found.get("data")),
        block_number=quantity(found.get("blockNumber"), NUMBER_LIMIT),
        block_hash=word(found.get("blockHash")),
        log_index=quantity(found.get("logIndex"), LOG_INDEX_LIMIT),
        transaction_hash=word(found.get("transactionHash")),
    )


def logs_within(
    first: int, last: int, addresses: Collection[str], topics: Sequence[bytes]
) -> Callable[[Any], tuple[RawLog, ...]]:
    """Logs of these blocks, contracts and first topics, in the chain's order, each once."""

    def parse(value: Any) -> tuple[RawLog, ...]:
        found = {(log.block_number, log.log_index): log for log in map(raw_log, items(value))}
        for log in found.values():
            if not first <= log.block_number <= last:
                raise Junk(f"expected logs of blocks {first} to {last}, got one of block {log.block_number}")
            if log.address not in addresses or log.topics[: len(topics)] != tuple(topics):
                raise Junk(f"expected logs that match the filter, got one of {log.address}")
        return tuple(found[at] for at in sorted(found))

    return parse


# --- whole answers, for those who read them through web3 --------------------------------------------------


def check_answer(method: str, parameters: Sequence[Any], result: Any) -> None:
    """Raise `Junk` (or `StaleEndpoint`) if `result` cannot be the answer; methods without a rule pass."""
    check = _CHECKS.get(method)
    if check is not None:
        check(parameters, result)


def _receipt(parameters: Sequence[Any], result: Any) -> None:
    if result is None:
        return
    found = fields(result)
    if word(found.get("transactionHash")) != word(parameters[0]):
        raise Junk("expected the receipt of the requested transaction, got that of another")
    word(found.get("blockHash"))
    quantity(found.get("blockNumber"), NUMBER_LIMIT)
    quantity(found.get("status"), 2)
    quantity(found.get("gasUsed"), NUMBER_LIMIT)
    quantity(found.get("effectiveGasPrice"))
    for log in items(found.get("logs")):
        raw_log(log)
    if found.get("contractAddress") is not None:
        address(found["contractAddress"])


def _transaction(parameters: Sequence[Any], result: Any) -> None:
    if result is None:
        return
    found = fields(result)
    if word(found.get("hash")) != word(parameters[0]):
        raise Junk("expected the requested transaction, got another")
    address(found.get("from"))
    quantity(found.get("nonce"), NUMBER_LIMIT)
    if found.get("blockNumber") is not None:
        quantity(found["blockNumber"], NUMBER_LIMIT)


def _block(parameters: Sequence[Any], result: Any) -> None:
    asked = parameters[0] if parameters else None
    if isinstance(asked, str) and _QUANTITY.fullmatch(asked):
        if result is not None:
            header_at(int(asked, 16))(result)
    elif asked in ("latest", "safe", "finalized") or result is not None:
        found = fields(result)
        if asked != "pending":  # a pending block has no hash, and some nodes give it no number
            header(found)
    if result is not None:
        _block_details(fields(result))


def _block_details(found: Mapping[str, Any]) -> None:
    if found.get("baseFeePerGas") is not None:
        quantity(found["baseFeePerGas"])
    for transaction in items(found.get("transactions", [])):
        if isinstance(transaction, str):
            word(transaction)
        else:
            transaction_fields = fields(transaction)
            word(transaction_fields.get("hash"))
            address(transaction_fields.get("from"))
            quantity(transaction_fields.get("nonce"), NUMBER_LIMIT)


def _sent(parameters: Sequence[Any], result: Any) -> None:
    raw = parameters[0]
    expected = bytes(Web3.keccak(hexstr=raw) if isinstance(raw, str) else Web3.keccak(bytes(raw)))
    if word(result) != expected:
        raise Junk("expected the hash of the sent transaction, got another")


def _fee_history(_: Sequence[Any], result: Any) -> None:
    found = fields(result)
    quantity(found.get("oldestBlock"), NUMBER_LIMIT)
    for fee in items(found.get("baseFeePerGas")):
        quantity(fee)
    for row in items(found.get("reward") or []):
        for fee in items(row):
            quantity(fee)


def _below(limit: int) -> Callable[[Sequence[Any], Any], None]:
    def check(_: Sequence[Any], result: Any) -> None:
        quantity(result, limit)

    return check


def _logs(_: Sequence[Any], result: Any) -> None:
    for log in items(result):
        raw_log(log)


_CHECKS: dict[str, Callable[[Sequence[Any], Any], Any]] = {
    "eth_chainId": _below(NUMBER_LIMIT),
    "eth_blockNumber": _below(NUMBER_LIMIT),
    "eth_getTransactionCount": _below(NUMBER_LIMIT),
    "eth_estimateGas": _below(NUMBER_LIMIT),
    "eth_gasPrice": _below(2**256),
    "eth_maxPriorityFeePerGas": _below(2**256),
    "eth_getBalance": _below(2**256),
    "eth_getCode": lambda _, result: octets(result),
    "eth_call": lambda _, result: octets(result),
    "eth_getTransactionReceipt": _receipt,
    "eth_getTransactionByHash": _transaction,
    "eth_getBlockByNumber": _block,
    "eth_sendRawTransaction": _sent,
    "eth_feeHistory": _fee_history,
    "eth_getLogs": _logs,
}


def _shown(value: Any) -> str:
    """The beginning of an answer; `repr` makes control characters harmless."""
    if isinstance(value, str):
        return repr(value[:SHOWN_CHARACTERS])
    return repr(value)[:SHOWN_CHARACTERS] if isinstance(value, int | float | None) else type(value).__name__
