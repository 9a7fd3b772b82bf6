"""How members of a committee reach each other (docs/quorum.md Q11)."""

from collections.abc import Mapping
from typing import Protocol

from truestep.base.ids import Address, BatchId, Bytes32
from truestep.protocol.quorum.words import Word


class Pen(Protocol):
    """Signs with the key of the node's account."""

    def sign(self, batch_id: BatchId, tasks_root: Bytes32, member: Address, commitment: int) -> Word:
        """The commitment with its signature, for the batch with this number and these tasks (Q4.2)."""
        ...


class Board(Protocol):
    """Where others read what this node hands over. What it shows, everybody may see."""

    def show(self, words: Mapping[tuple[BatchId, Address], Word]) -> None:
        """Show these, and nothing else any more."""
        ...


class Members(Protocol):
    """Members of committees, who are strangers: slow, dead or lying."""

    def word(self, batch_id: BatchId, tasks_root: Bytes32, member: Address) -> Word | None:
        """What a member hands over of a batch, its signature recovered; None if it has nothing, or no place.

        Raises `Unavailable` if it cannot be reached, or answers with what no member says.
        """
        ...
