"""Events as rows of the store: their codec, and the keys that order them."""

from typing import get_args

from truestep.ports.rows import RowCodec, by_name
from truestep.protocol.events import ChainEvent

_CODEC: RowCodec[ChainEvent] = RowCodec(by_name(*get_args(ChainEvent)))


def event_key(event: ChainEvent) -> str:
    """Orders events as the chain does, and names each once."""
    return f"{block_key(event.at.block_number)}/{event.at.log_index:08d}"


def block_key(number: int) -> str:
    """Orders blocks."""
    return f"{number:012d}"


def to_row(event: ChainEvent) -> str:
    """The row of an event. Raises `Bug` for one that `from_row` would refuse."""
    return _CODEC.to_row(event)


def from_row(row: str) -> ChainEvent:
    """The event of a row. Raises `Rejected` if it is damaged, or of a newer release."""
    return _CODEC.from_row(row)
