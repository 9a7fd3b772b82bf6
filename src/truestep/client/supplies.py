"""What must be kept of a job before it can be taken, and in which items (docs/availability.md A5.1)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from truestep.availability.encoding import TreeSource, program_tree, range_tree
from truestep.availability.parts import (
    BLOB_LIMIT,
    BLOB_PAYLOAD_BYTES,
    BLOB_UNITS,
    PART_LIMIT,
    Layout,
    Part,
)
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.commitments.merkle import LEAF_SIZE_BYTES, StreamedRoot
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.program import Program
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.kept import GAME_CLOCKS, HOLD_LIMIT_SECONDS
from truestep.protocol.availability.registration import WRITTEN_LIMIT_BYTES, WRITTEN_PARTS_LIMIT
from truestep.protocol.records import Parameters
from truestep.protocol.settlement.parameters import BPS


class Availability(StrEnum):
    """Who has to let everybody have the program, the input and the outputs of a job."""

    NONE = "none"
    """Nobody: what is withheld cannot be checked."""
    KEEPERS = "keepers"
    """Keepers with stake: the policy *kept* (docs/availability.md A5)."""
    CALLDATA = "calldata"
    """The same policy; program and input are written to the chain, where they stay."""
    BLOB = "blob"
    """The same policy; program and input are in blobs of transactions, which the chain's nodes keep for a
    while."""


SENT_BLOBS_LIMIT = 6
"""Of one transaction (EIP-7594)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A program or an input: the tree that the chain knows, as parts of an item."""

    name: str
    """For messages: `program` or `input`."""
    tree: TreeSource
    parts: tuple[Part, ...]

    @property
    def payload(self) -> bytes:
        """The leaves of its parts, one after the other."""
        ranges = (b"".join(source.pieces) for source in self.tree.ranges)
        sizes = (part.size_bytes for part in self.parts)
        return b"".join(piece.ljust(size, b"\0") for piece, size in zip(ranges, sizes, strict=True))

    @property
    def key(self) -> tuple[Bytes32, int]:
        """Root and depth, by which a job names it."""
        return self.parts[0].root, self.parts[0].depth

    def index_in(self, parts: Sequence[Part]) -> int | None:
        """The first of these parts that is of this tree: it binds all of it (A1.2)."""
        return next((index for index, part in enumerate(parts) if (part.root, part.depth) == self.key), None)


def program_content(program: Program) -> Content:
    """The image of a program."""
    return _content("program", program_tree((each.address, each.content) for each in program.segments))


def input_content(content: bytes) -> Content:
    """An input."""
    return _content("input", range_tree((content,)))


def _content(name: str, tree: TreeSource) -> Content:
    """Its parts, which the encoder makes too: but here without a commitment."""
    root, counts = StreamedRoot(tree.depth, hash_many_pairs), list[tuple[int, int]]()
    for source in tree.ranges:
        root.seek(source.first_leaf)
        size_bytes = 0
        for piece in source.pieces:
            root.update(piece)
            size_bytes += len(piece)
        counts.append((source.first_leaf, max(1, -(-size_bytes // LEAF_SIZE_BYTES))))
    found = root.finish()
    parts = (
        Part(root=found, depth=tree.depth, first_leaf=first, leaf_count=count) for first, count in counts
    )
    return Content(name=name, tree=tree, parts=tuple(parts))


# --- what a job asks for --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What the items of a job must be."""

    until: int
    """The second before which none may end that keepers keep."""
    blobs_limit: int
    """How many blobs they may have together."""
    deadline: int = 0
    """Of the job."""

    @property
    def until_without_holds(self) -> int:
        """The same for items without seats: nobody waits for their blobs."""
        return self.until - HOLD_LIMIT_SECONDS

    def is_met_by(self, item: KnownItem) -> bool:
        """Whether an item lasts as long as a job may need it."""
        return item.record.until >= (self.until if item.record.seat_count else self.until_without_holds)


def need_of(rules: Rules, job_rules: Parameters, deadline: int) -> Need:
    """What Kept asks of the items of a job with these rules (A5.1)."""
    lost_wei = job_rules.operator_bond_wei * job_rules.winner_share_bps // BPS
    seconds = job_rules.window_seconds + HOLD_LIMIT_SECONDS + GAME_CLOCKS * job_rules.clock_seconds
    limit = lost_wei // rules.blob_bond_wei
    return Need(until=deadline + seconds, blobs_limit=limit, deadline=deadline)


# --- which items ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The items that hold a job's program and input: known ones, and new ones with what is in each."""

    program: KnownItem | None
    """None: it goes into a new item."""
    input: KnownItem | None
    new: tuple[tuple[Content, ...], ...]

    @property
    def new_blobs(self) -> int:
        """That have to be made."""
        return sum(map(blob_count, self.new))

    @property
    def counted_blobs(self) -> int:
        """As Kept counts them: of an item that holds both, twice (A5.1)."""
        return sum(self._blobs_with(name) for name in ("program", "input"))

    def _blobs_with(self, name: str) -> int:
        known: KnownItem | None = getattr(self, name)
        if known is not None:
            return _counted(known)
        return next(blob_count(group) for group in self.new if any(each.name == name for each in group))


def plan(program: Content, content: Content, known: Iterable[KnownItem], need: Need) -> Plan:
    """The plan for keepers with the fewest new items, and of those the one with the fewest blobs.

    `known` are items that are kept. Raises Rejected if the data is too large for the job's bond, or for an
    item.
    """
    lasting = [item for item in known if need.is_met_by(item)]
    plans = list(_plans(program, content, lasting))
    fitting = [each for each in plans if each.counted_blobs <= need.blobs_limit]
    if not fitting:
        least = min(each.counted_blobs for each in plans)
        raise Rejected(
            Reject.DATA_BOND,
            f"program and input take {counted(least, 'blob')} of data, and the bond of one shard covers"
            f" {need.blobs_limit:,}: whoever must have all of it published to find a lie would not be made"
            f" whole. Let workers lock {-(-least // max(need.blobs_limit, 1))} times as much with"
            " --bond-multiple",
        )
    return min(fitting, key=lambda each: (len(each.new), each.new_blobs, each.counted_blobs))


def plan_written(program: Content, content: Content, known: Iterable[KnownItem], need: Need) -> Plan:
    """The plan with the fewest new items in calldata, and of those the one with the fewest bytes.

    Raises Rejected if program or input is larger than an item in calldata may be.
    """
    lasting = [item for item in known if need.is_met_by(item)]
    plans = [each for each in _plans(program, content, lasting) if all(map(_can_be_written, each.new))]
    if not plans:
        sizes = " and ".join(
            f"{counted(_size_bytes([each]), 'byte')} of {each.name}" for each in (program, content)
        )
        raise Rejected(
            Reject.DATA_SIZE,
            f"expected a program and an input of at most {WRITTEN_LIMIT_BYTES:,} bytes each, to write them to"
            f" the chain, got {sizes}; submit with --availability keepers",
        )
    return min(plans, key=lambda each: (len(each.new), sum(map(_size_bytes, each.new))))


def plan_sent(program: Content, content: Content, known: Iterable[KnownItem], need: Need) -> Plan:
    """The plan with the fewest new items in blobs of transactions, and of those the one with fewest blobs.

    Raises Rejected if program or input is larger than the blobs of one transaction.
    """
    lasting = [item for item in known if need.is_met_by(item)]
    plans = [each for each in _plans(program, content, lasting) if all(map(_can_be_sent, each.new))]
    if not plans:
        sizes = " and ".join(f"{blob_count([each]):,} of {each.name}" for each in (program, content))
        raise Rejected(
            Reject.DATA_SIZE,
            f"expected a program and an input of at most {SENT_BLOBS_LIMIT} blobs each (of"
            f" {BLOB_PAYLOAD_BYTES:,} bytes), to send each in one transaction, got {sizes}; submit with"
            " --availability keepers",
        )
    return min(plans, key=lambda each: (len(each.new), each.new_blobs))


def _can_be_sent(contents: Sequence[Content]) -> bool:
    return blob_count(contents) <= SENT_BLOBS_LIMIT


def _can_be_written(contents: Sequence[Content]) -> bool:
    part_count = sum(len(each.parts) for each in contents)
    return part_count <= WRITTEN_PARTS_LIMIT and _size_bytes(contents) <= WRITTEN_LIMIT_BYTES


def _size_bytes(contents: Sequence[Content]) -> int:
    return sum(part.size_bytes for each in contents for part in each.parts)


def blob_count(contents: Sequence[Content]) -> int:
    """The blobs of an item that holds these. Raises Rejected if no item is that large."""
    return Layout(parts=tuple(part for each in contents for part in each.parts)).blob_count


def _plans(program: Content, content: Content, known: Sequence[KnownItem]) -> Iterator[Plan]:
    for chosen in _choices(known, program):
        for other in _choices(known, content):
            missing = ((program,) if chosen is None else ()) + ((content,) if other is None else ())
            yield Plan(program=chosen, input=other, new=tuple((each,) for each in missing))
    if _fit_together(program, content):
        yield Plan(program=None, input=None, new=((program, content),))


def _fit_together(*contents: Content) -> bool:
    """Whether there is an item that holds all of them."""
    parts = [part for each in contents for part in each.parts]
    return len(parts) <= PART_LIMIT and sum(part.unit_count for part in parts) <= BLOB_LIMIT * BLOB_UNITS


def _choices(known: Sequence[KnownItem], content: Content) -> list[KnownItem | None]:
    """A new item, or the known one that counts least: there may be many that others have written."""
    found = [item for item in known if content.index_in(item.parts) is not None]
    least = min(found, key=_counted, default=None)
    return [None] if least is None else [least, None]


def _counted(item: KnownItem) -> int:
    """The blobs of an item, as Kept counts them against a job's bond."""
    return item.record.blob_count if item.record.seat_count else 0
