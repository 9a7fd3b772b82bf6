"""What a node needs to answer for items in blobs: readers of blobs, and the price of gas."""

from typing import Protocol

from truestep.base.ids import Bytes32
from truestep.ports.executor import ShouldStop
from truestep.roles.availability.answering import FindAnswer


class Answerer(Protocol):
    """For any thread. Methods raise `Unavailable` if they may succeed later."""

    def nodes(self, find: FindAnswer, should_stop: ShouldStop) -> tuple[Bytes32, ...]:
        """The nodes that answer a demand; none if the item's blobs hold another tree than it says."""
        ...

    def gas_price_wei(self) -> int:
        """What a unit of gas costs now, tip included."""
        ...
