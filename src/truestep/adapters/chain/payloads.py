"""The bytes of items in calldata, from the event of the block in which they were registered (A3.7)."""

import threading
from collections.abc import Mapping
from typing import cast

from truestep.adapters.chain.answers import Header, RawLog, logs_within
from truestep.adapters.chain.availability import AvailabilityContracts, availability_types
from truestep.adapters.chain.connection import Node, check_chain, connect, endpoints_of
from truestep.adapters.chain.endpoints import Question
from truestep.adapters.chain.logs import header_question
from truestep.adapters.chain.pinned import given
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.reporter import Reporter
from truestep.protocol.availability.contracts.items import Written
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId

SAME_SECOND_BLOCKS = 64
"""Blocks that may have one time, on chains with several in a second."""
KNOWN_LIMIT = 10_000
"""Blocks that are remembered."""


class Payloads:
    """Reads payloads. For any thread. What it gives is what the node says: check it against its roots."""

    def __init__(
        self, node: Node, contracts: AvailabilityContracts, reporter: Reporter | None = None
    ) -> None:
        """Nothing is asked yet. Raises `Rejected` for what is no URL, or of another chain."""
        web3 = connect(node, reporter)
        check_chain(web3, contracts.chain_id)
        self._endpoints = endpoints_of(web3)
        self._contracts = contracts
        self._lock = threading.Lock()
        self._blocks: dict[ItemId, int] = {}

    def payload(self, item: KnownItem) -> bytes:
        """The leaves of all parts. Raises `Unavailable` if the node does not give them."""
        with self._lock:
            first = self._blocks.pop(item.item_id, None)
        if first is None:
            first = self._first_block(item.record.since)
        for log in self._logs(item.item_id, first):
            with self._lock:
                if len(self._blocks) >= KNOWN_LIMIT:
                    del self._blocks[next(iter(self._blocks))]
                self._blocks[item.item_id] = log.block_number
            return cast(Written, availability_types()["Items"].event(log)).payload
        raise Unavailable(
            f"the node has no payload of item {item.item_id} from block {first} on; it may have dropped old"
            " events: try another node"
        )

    def _logs(self, item_id: ItemId, first: int) -> tuple[RawLog, ...]:
        last = min(first + SAME_SECOND_BLOCKS - 1, self._endpoints.head().number)
        address = self._contracts.items
        topics = (_topic(), item_id.to_bytes(32, "big"))
        request: Mapping[str, object] = {
            "address": address,
            "fromBlock": hex(first),
            "toBlock": hex(max(first, last)),
            "topics": [f"0x{topic.hex()}" for topic in topics],
        }
        parse = logs_within(first, max(first, last), {address.lower()}, topics)
        asked = Question(method="eth_getLogs", parameters=[request], parse=parse)
        return cast("tuple[RawLog, ...]", given(self._endpoints.ask(asked)))

    def _first_block(self, time_seconds: int) -> int:
        """The first block that is not older, by halving."""
        low, high = self._contracts.block_number, self._endpoints.head().number
        while low < high:
            middle = (low + high) // 2
            header = cast(Header, given(self._endpoints.ask(header_question(middle))))
            if header.time_seconds < time_seconds:
                low = middle + 1
            else:
                high = middle
        return low


def _topic() -> Bytes32:
    return availability_types()["Items"].topic_of(Written)
