"""What the operators of a group sign together: the rows of an epoch, and messages (docs/logs.md L4.3, L5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32
from truestep.commitments.bls import PublicKey
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import climb, parent
from truestep.protocol.logs.contracts.anchors import (
    GROUP_DEPTH,
    GROUP_SIZE,
    Anchor,
    AnchorNumber,
    LogNumber,
)
from truestep.protocol.settlement.encoding import WORD_SIZE_BYTES, encode

NO_ROW = Bytes32(bytes(WORD_SIZE_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one log was in an epoch."""

    number: LogNumber
    size: int
    root: Bytes32

    @property
    def leaf(self) -> Bytes32:
        """The row's leaf in the tree of its group (L5.1)."""
        return keccak256(encode(self.number, self.size, self.root))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a group in one epoch: a tree of 256 leaves, where a log without a row has a zero leaf."""

    by_place: Mapping[int, Row]

    @property
    def root(self) -> Bytes32:
        """What is signed and anchored."""
        return self._levels()[-1][0]

    def path(self, number: LogNumber) -> tuple[Bytes32, ...]:
        """The siblings from the log's row to the root."""
        levels, place = self._levels(), place_of(number)
        return tuple(levels[level][place >> level ^ 1] for level in range(GROUP_DEPTH))

    def _levels(self) -> list[list[Bytes32]]:
        leaves = [row.leaf if (row := self.by_place.get(place)) else NO_ROW for place in range(GROUP_SIZE)]
        levels = [leaves]
        for _ in range(GROUP_DEPTH):
            below = levels[-1]
            levels.append([parent(below[at], below[at + 1]) for at in range(0, len(below), 2)])
        return levels


def rows_of(rows: Iterable[Row]) -> Rows:
    """Rows of one group at their places. Raises ValueError if there are two of one log, or of two groups."""
    found = list(rows)
    by_place = {place_of(row.number): row for row in found}
    if len(by_place) != len(found) or len({group_of(row.number) for row in found}) > 1:
        raise ValueError("expected one row for each log, of one group")
    return Rows(by_place=by_place)


def group_of(number: LogNumber) -> int:
    """The group that a log is in."""
    return number // GROUP_SIZE


def place_of(number: LogNumber) -> int:
    """The bit of a log in its group."""
    return number % GROUP_SIZE


def number_at(group: int, place: int) -> LogNumber:
    """The log at a place of a group."""
    return LogNumber(group * GROUP_SIZE + place)


def root_above(row: Row, path: tuple[Bytes32, ...]) -> Bytes32:
    """The root that a path from a row leads to."""
    return climb(row.leaf, place_of(row.number), path)


def anchor_hash(anchor: Anchor) -> Bytes32:
    """What the contract keeps of an anchor."""
    return keccak256(encode(anchor.group, anchor.epoch, anchor.root, anchor.bitmap))


def is_anchored(anchors: tuple[Anchor, ...], row: Row, at: AnchorNumber, stated: Anchor) -> bool:
    """Whether an anchor of this number is as stated, and attests the row's log."""
    return (
        0 < at <= len(anchors)
        and anchors[at - 1] == stated
        and stated.group == group_of(row.number)
        and bool(stated.bitmap >> place_of(row.number) & 1)
    )


def epoch_message(chain_id: int, anchors: Address, group: int, epoch: int, root: Bytes32) -> Bytes32:
    """What the operators of a group sign (L5.2)."""
    return keccak256(encode(chain_id, anchors, group, epoch, root))


def possession_message(chain_id: int, anchors: Address, operator: Address, key: PublicKey) -> Bytes32:
    """What a key signs to show that this operator has it (L4.3)."""
    words = [key[at : at + WORD_SIZE_BYTES] for at in range(0, len(key), WORD_SIZE_BYTES)]
    return keccak256(encode(chain_id, anchors, operator, *words))
