"""Where the leaves of an item's parts lie in its blobs (docs/availability.md A1.1 to A1.3).

```
unit    ├── 31 leaves of 32 bytes ── = ── 32 elements of 31 bytes ──┤   992 bytes
leaf j  of a unit: its first 31 - j bytes end element j, its last j + 1 bytes begin element j + 1
blob    ├── 128 units ──┤   126,976 bytes of payload
part    ├── leaves first_leaf … first_leaf + leaf_count - 1 ──┤ zeros up to the next unit
item    ├── part ──┼── part ──┼ … ┤ zeros up to the end of the last blob
```
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.kzg import ELEMENTS_PER_BLOB
from truestep.commitments.merkle import LEAF_SIZE_BYTES

ELEMENT_PAYLOAD_BYTES = 31
"""Of the 32 bytes of a field element: a first byte of 0 keeps it below the modulus."""
UNIT_LEAVES = 31
UNIT_ELEMENTS = 32
UNIT_SIZE_BYTES = UNIT_LEAVES * LEAF_SIZE_BYTES
BLOB_UNITS = ELEMENTS_PER_BLOB // UNIT_ELEMENTS
BLOB_PAYLOAD_BYTES = BLOB_UNITS * UNIT_SIZE_BYTES

PART_LIMIT = 256
"""A batch has 256 tasks, and the outputs of all of them are one item."""
BLOB_LIMIT = 4352
"""An input of 512 MiB has 4,229 blobs."""
DEPTH_LIMIT = 27
"""The depth of the machine's memory tree (M3.2)."""

_WORD_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Leaves `first_leaf` … `first_leaf + leaf_count - 1` of the tree of this root and depth (A1.2)."""

    root: Bytes32
    depth: int
    first_leaf: int
    leaf_count: int

    def __post_init__(self) -> None:
        """Refuse a part that no tree has."""
        if len(self.root) != _WORD_BYTES:
            raise _refused(f"expected a root of 32 bytes, got {len(self.root)}")
        if not 0 <= self.depth <= DEPTH_LIMIT:
            raise _refused(f"expected a depth of 0 to {DEPTH_LIMIT}, got {self.depth}")
        if self.leaf_count < 1 or not 0 <= self.first_leaf <= (1 << self.depth) - self.leaf_count:
            raise _refused(
                f"expected at least one leaf, all of them below {1 << self.depth}, got {self.leaf_count}"
                f" from leaf {self.first_leaf}"
            )

    @property
    def end_leaf(self) -> int:
        """The first leaf behind the part."""
        return self.first_leaf + self.leaf_count

    @property
    def size_bytes(self) -> int:
        """The size of its leaves."""
        return self.leaf_count * LEAF_SIZE_BYTES

    @property
    def unit_count(self) -> int:
        """How many units it takes."""
        return -(-self.leaf_count // UNIT_LEAVES)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafPiece:
    """Bytes `leaf_start` … of a leaf are bytes `element_start` … of the 31 of an element of a blob."""

    blob: int
    element: int
    element_start: int
    leaf_start: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The parts of an item in order, and where they lie (A1.3)."""

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        """Refuse parts that no item has."""
        if not 1 <= len(self.parts) <= PART_LIMIT:
            raise _refused(f"expected 1 to {PART_LIMIT} parts, got {len(self.parts)}; make several items")
        if self.blob_count > BLOB_LIMIT:
            raise _refused(f"expected at most {BLOB_LIMIT} blobs, got {self.blob_count}; make several items")
        trees = [(part.root, part.depth) for part in self.parts]
        for number, part in enumerate(self.parts):
            before = self.parts[number - 1] if number and trees[number - 1] == trees[number] else None
            if before is None and trees[number] in trees[:number]:
                raise _refused(
                    f"expected parts of one root one after another, part {number} has that of another"
                )
            if before is not None and part.first_leaf < before.end_leaf:
                raise _refused(
                    f"expected part {number} to begin at leaf {before.end_leaf} or later, behind the part"
                    f" before it of the same root, got {part.first_leaf}"
                )

    @property
    def unit_count(self) -> int:
        """The units of all parts."""
        return sum(part.unit_count for part in self.parts)

    @property
    def blob_count(self) -> int:
        """How many blobs the item has."""
        return -(-self.unit_count // BLOB_UNITS)

    def unit_starts(self) -> tuple[int, ...]:
        """The first unit of each part."""
        return tuple(accumulate((part.unit_count for part in self.parts[:-1]), initial=0))

    def pieces_of_leaf(self, part_index: int, leaf_index: int) -> tuple[LeafPiece, LeafPiece]:
        """Where a leaf of a part lies, `leaf_index` counted in the tree: in two elements of one blob."""
        part = self.parts[part_index]
        if not part.first_leaf <= leaf_index < part.end_leaf:
            raise ValueError(
                f"expected a leaf from {part.first_leaf} to {part.end_leaf - 1} of part {part_index},"
                f" got {leaf_index}"
            )
        unit, place = divmod(leaf_index - part.first_leaf, UNIT_LEAVES)
        blob, unit = divmod(self.unit_starts()[part_index] + unit, BLOB_UNITS)
        element, split = unit * UNIT_ELEMENTS + place, ELEMENT_PAYLOAD_BYTES - place
        return (
            LeafPiece(blob=blob, element=element, element_start=place, leaf_start=0, size_bytes=split),
            LeafPiece(
                blob=blob,
                element=element + 1,
                element_start=0,
                leaf_start=split,
                size_bytes=LEAF_SIZE_BYTES - split,
            ),
        )


def parts_hash(parts: Sequence[Part]) -> Bytes32:
    """keccak256(abi.encode(parts)), an array of tuples of four words (A1.4)."""
    words = [_WORD_BYTES, len(parts)]
    for part in parts:
        words += [int.from_bytes(part.root, "big"), part.depth, part.first_leaf, part.leaf_count]
    return keccak256(b"".join(word.to_bytes(_WORD_BYTES, "big") for word in words))


def _refused(message: str) -> Rejected:
    return Rejected(Reject.ITEM_LAYOUT, message)
