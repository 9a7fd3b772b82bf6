"""Events of one contract in many blocks: many nodes take less than all of them at once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from truestep.adapters.chain.answers import RawLog, logs_within
from truestep.adapters.chain.endpoints import Endpoints, Question
from truestep.adapters.chain.outages import TooMuch
from truestep.adapters.chain.pinned import given
from truestep.base.errors import Unavailable
from truestep.base.ids import Address


def search_logs(
    endpoints: Endpoints, address: Address, topics: Sequence[bytes], first: int, last: int
) -> Iterator[RawLog]:
    """What the contract emitted with these first topics, the oldest first. Raises `Unavailable`."""
    if first > last:
        return
    try:
        found = logs_of(endpoints, address, topics, first, last)
    except TooMuch as error:
        if first == last:
            raise Unavailable(f"the node refuses the events of block {first}: {error}") from None
        middle = (first + last) // 2
        yield from search_logs(endpoints, address, topics, first, middle)
        yield from search_logs(endpoints, address, topics, middle + 1, last)
        return
    yield from found


def logs_of(
    endpoints: Endpoints, address: Address, topics: Sequence[bytes], first: int, last: int
) -> tuple[RawLog, ...]:
    """The same in one request. Raises `TooMuch` if the node wants fewer blocks, or `Unavailable`."""
    request: Mapping[str, object] = {
        "address": address,
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "topics": [f"0x{topic.hex()}" for topic in topics],
    }
    parse = logs_within(first, last, {address.lower()}, topics)
    asked = Question(method="eth_getLogs", parameters=[request], parse=parse)
    return cast("tuple[RawLog, ...]", given(endpoints.ask(asked)))
