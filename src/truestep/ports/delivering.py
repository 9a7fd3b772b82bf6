"""What a worker needs to have its outputs kept: items made of them, and answers to who doubts an item."""

from collections.abc import Sequence
from typing import Protocol

from truestep.base.ids import Bytes32
from truestep.ports.blobs import OutputKey
from truestep.ports.executor import ShouldStop
from truestep.roles.availability.delivery import FindNodes, Published


class Publisher(Protocol):
    """Methods raise `Unavailable` if they may succeed later, `Stopped` when asked to stop. For any thread."""

    def publish(
        self,
        outputs: Sequence[OutputKey],
        should_stop: ShouldStop,
        *,
        may_be_written: bool,
        has_keepers: bool = True,
    ) -> Published:
        """One item of these outputs: of their leaves, if they may be written and are few.

        So few that it costs less, or, without keepers, that the chain takes them.
        Else its blobs are where keepers fetch them when this returns.
        Raises `Rejected` if they are no item: they have too many blobs.
        """
        ...

    def nodes(self, find: FindNodes, should_stop: ShouldStop) -> tuple[Bytes32, ...]:
        """The nodes that answer a demand."""
        ...
