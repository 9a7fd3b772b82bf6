"""A worker's items are what keepers would accept, and their trees are answered for from content or blobs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.e2e.network import ELF
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.adapters.blobs.server import BlobServer
from truestep.adapters.keepers.delivering import OutputPublisher
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.parts import Part, parts_hash
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.elf import load_elf
from truestep.ports.blobs import OutputKey, never
from truestep.ports.executor import Stopped
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId, demand_of
from truestep.protocol.availability.layout import join
from truestep.protocol.availability.registration import (
    WRITTEN_LIMIT_BYTES,
    WRITTEN_PARTS_LIMIT,
)
from truestep.roles.availability.delivery import (
    FindNodes,
    Source,
    SourceKind,
    fits_written,
    is_cheaper_written,
)

ZERO = Bytes32(bytes(32))
SOMEBODY = Address("0x" + "7" * 40)
LEVELS, ROUND_LEVELS = 24, 6


class Shelf:
    """A store with a server, this node's disk, and a publisher."""

    def __init__(self, folder: Path) -> None:
        self.blobs = DirectoryBlobs(folder / "store")
        self.server = BlobServer(self.blobs)
        self.outputs = OutputDirectory(folder / "outputs")
        self.publisher = self.made(may_be_private=True)

    def made(self, *, may_be_private: bool) -> OutputPublisher:
        url = self.server.url
        return OutputPublisher(self.blobs, self.outputs, open_kzg(), url, may_be_private=may_be_private)

    def keep(self, content: bytes, claimed_bytes: int | None = None) -> OutputKey:
        """An output on this node's disk."""
        size = len(content) if claimed_bytes is None else claimed_bytes
        key = OutputKey(output_root=root_of_bytes(content, LEVELS), size_bytes=size)
        self.outputs.keep(key, [content])
        return key


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_small_outputs_are_leaves_and_large_ones_blobs(shelf: Shelf) -> None:
    keys = [shelf.keep(b"an output"), shelf.keep(b"x" * 70, 40)]
    made = shelf.publisher.publish(keys, never, may_be_written=True)
    assert made.payload == b"an output".ljust(32, b"\0") + (b"x" * 70).ljust(96, b"\0")
    assert [part.leaf_count for part in made.parts] == [1, 3]  # what was written behind the output is proved
    stored = shelf.publisher.publish(keys, never, may_be_written=False)
    assert (stored.payload, stored.blob_count, stored.parts) == (b"", 1, made.parts)
    large = shelf.keep(bytes(range(256)) * 1_000)
    assert shelf.publisher.publish([large], never, may_be_written=True).blob_count == 3


def test_an_output_that_was_dropped_is_taken_from_the_store(shelf: Shelf) -> None:
    content = b"an output" * 9
    key = OutputKey(output_root=root_of_bytes(content, LEVELS), size_bytes=len(content))
    with pytest.raises(Unavailable):
        shelf.publisher.publish([key], never, may_be_written=True)
    shelf.blobs.put_output(key.output_root, content, len(content))
    assert shelf.publisher.publish([key], never, may_be_written=True).payload.startswith(content)


def test_without_keepers_all_is_written_that_the_chain_takes(shelf: Shelf) -> None:
    content = bytes(range(256)) * 80
    key = shelf.keep(content)
    publish = partial(shelf.publisher.publish, [key], never, may_be_written=True)
    assert publish(has_keepers=False).payload == content
    assert publish(has_keepers=True).blob_count == 1


@pytest.mark.parametrize("may_be_written", [True, False])
def test_what_is_damaged_is_not_registered(shelf: Shelf, *, may_be_written: bool) -> None:
    key = shelf.keep(b"an output")
    shelf.outputs.keep(key, [b"another one"])
    with pytest.raises((Unavailable, Rejected)):
        shelf.publisher.publish([key], never, may_be_written=may_be_written)


def test_it_stops_when_asked_to(shelf: Shelf) -> None:
    with pytest.raises(Stopped):
        shelf.publisher.publish([shelf.keep(b"x")], lambda: True, may_be_written=False)


def test_what_keepers_cannot_fetch_is_not_registered(shelf: Shelf) -> None:
    shelf.server.close()
    with pytest.raises(Unavailable, match="cannot"):
        shelf.publisher.publish([shelf.keep(b"x")], never, may_be_written=False)


def test_whether_keepers_could_fetch_is_known_before_a_job_is_taken(shelf: Shelf) -> None:
    shelf.publisher.check()
    with pytest.raises(Unavailable, match="cannot"):
        shelf.made(may_be_private=False).check()  # on a network of strangers they connect to no such address
    shelf.server.close()
    with pytest.raises(Unavailable, match="cannot"):
        shelf.publisher.check()


def test_the_limits_of_the_contract_are_below_what_is_cheaper() -> None:
    assert fits_written([24_576]) and fits_written([1] * 64) and fits_written([384] * 64)
    assert not fits_written([24_577]) and not fits_written([1] * 65) and not fits_written([385] * 64)
    assert is_cheaper_written([8_000]) and not is_cheaper_written([10_000])
    assert is_cheaper_written([32] * 20) and not is_cheaper_written([32] * 32)
    assert not is_cheaper_written([1] * (WRITTEN_PARTS_LIMIT + 1))
    assert not is_cheaper_written([WRITTEN_LIMIT_BYTES + 1])


# --- whoever doubts an item -----------------------------------------------------------------------


def descend(shelf: Shelf, item: KnownItem, source: Source | None, depth: int, rng: Random) -> None:
    """Answer down to the leaves, wherever the challenger goes: each answer hashes up to what it asked for."""
    level, index, node = depth, 0, item.parts[0].root
    while level:
        demand = Demand(
            challenger=SOMEBODY,
            record_hash=ZERO,
            keeper=SOMEBODY,
            node=node,
            level=level,
            index=index,
            is_answered=False,
            answer_wei=1,
            left_wei=1,
            moved_at=1,
        )
        move = demand_of(ItemId(1), 0, SOMEBODY), 1
        find = FindNodes(item=item, move=move, demand=demand, source=source)
        nodes = shelf.publisher.nodes(find, never)
        down = min(level, ROUND_LEVELS)
        assert len(nodes) == 1 << down
        assert join(nodes, 0) == node
        child = rng.choice((0, 1, rng.randrange(len(nodes))))
        level, index, node = level - down, index << down | child, nodes[child]


def known(parts: tuple[Part, ...], hashes_root: Bytes32, hashed_parts: Bytes32) -> KnownItem:
    """As facts have it."""
    record = Record(
        registrant=SOMEBODY,
        parts_hash=hashed_parts,
        hashes_root=hashes_root,
        blob_count=1,
        seat_count=2,
        since=0,
        until=1,
        fee_wei=0,
        bond_wei=1,
    )
    return KnownItem(item_id=ItemId(1), record=record, parts=parts, url="")


@pytest.mark.parametrize("seed", range(4))
def test_trees_are_answered_for_from_blobs_and_from_content(shelf: Shelf, seed: int) -> None:
    rng = Random(seed)
    content = rng.randbytes(rng.choice((1, 31, 64, 5_000, 200_000)))
    key = shelf.keep(content)
    made = shelf.publisher.publish([key], never, may_be_written=False)
    part = Part(root=key.output_root, depth=24, first_leaf=0, leaf_count=1)
    item = known(made.parts, join(made.hashes or made.nodes, 0), parts_hash(made.parts))
    output = Source(kind=SourceKind.OUTPUT, root=part.root, number=len(content))
    shelf.blobs.put_input(part.root, content)
    given = Source(kind=SourceKind.INPUT, root=part.root, number=len(content))
    for source in (None, output, given):
        descend(shelf, item, source, 24, Random(seed))


def test_the_tree_of_a_program_is_answered_for(shelf: Shelf) -> None:
    program = load_elf(ELF)
    shelf.blobs.put_program(program.root(), program.entry, ELF)
    part = Part(root=program.root(), depth=26, first_leaf=0, leaf_count=1)
    source = Source(kind=SourceKind.PROGRAM, root=part.root, number=program.entry)
    for seed in range(5):
        descend(shelf, known((part,), ZERO, ZERO), source, 26, Random(seed))
