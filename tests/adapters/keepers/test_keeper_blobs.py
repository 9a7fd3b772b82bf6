"""Programs, inputs and outputs by their roots, from keepers of whom one lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.keepers.items import KZG, Item, item_of, keepers
from tests.e2e.floats import FLOAT_ELF
from tests.roles.test_keeper import RECORD
from truestep.adapters.keepers.blobs import KeeperBlobs
from truestep.adapters.keepers.service import KeeperServer
from truestep.availability.encoding import Encoder, TreeSource, program_tree, range_tree
from truestep.availability.manifest import Manifest
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.elf import load_elf
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import Facts, KnownItem, KnownKeeper, KnownSeat
from truestep.protocol.availability.ids import ItemId, KeeperId

CONTENT = b"an input" * 100 + b"xyz"
OUTPUT = b"an output" * 1_000
PROGRAM = load_elf(FLOAT_ELF)


@pytest.fixture(scope="module")
def item() -> Item:
    """A program, an input and an output."""
    encoder = Encoder(KZG, hash_many_pairs)
    program = program_tree([(segment.address, segment.content) for segment in PROGRAM.segments])
    trees: list[TreeSource] = [program, range_tree([CONTENT]), range_tree([OUTPUT + bytes(40) + b"more"])]
    extended = tuple(each.extended for each in encoder.blobs(trees) if each.extended)
    return Item(payload=b"", manifest=encoder.manifest(), extended=extended)


def facts_of(item: Item, urls: list[str]) -> Facts:
    manifest = item.manifest
    record = replace(RECORD, parts_hash=manifest.parts_hash, hashes_root=manifest.hashes_root)
    seats = {
        number: KnownSeat(keeper=KeeperId(number), drawn_at=1, acknowledged_at=2)
        for number in range(len(urls))
    }
    known = KnownItem(
        item_id=ItemId(1), record=record, parts=manifest.parts, url="", state=ItemState.KEPT, seats=seats
    )
    account = Address("0x" + "5e" * 20)
    servers = {
        KeeperId(number): KnownKeeper(account=account, url=url, signer=account)
        for number, url in enumerate(urls)
    }
    return Facts(items={ItemId(1): known}, keepers=servers)


def test_what_is_kept_is_found_by_its_root(item: Item, tmp_path: Path) -> None:
    program, content, output = (item.manifest.parts[index].root for index in (0, -2, -1))
    with keepers(tmp_path, item, 2) as servers:
        facts = facts_of(item, [*(server.url for server in servers), "http://127.0.0.1:9", "not a url"])
        blobs = KeeperBlobs(lambda: facts, KZG, may_be_private=True)
        assert blobs.get_input(content, len(CONTENT)) == CONTENT
        assert blobs.get_output(output, len(OUTPUT)) == OUTPUT
        assert blobs.has_output(output, len(OUTPUT)) and not blobs.has_output(content, len(OUTPUT))
        assert program == PROGRAM.root(hash_many_pairs)
        again = load_elf(blobs.get_program(program, PROGRAM.entry))
        assert (again.entry, again.root(hash_many_pairs)) == (PROGRAM.entry, program)
        with pytest.raises(Unavailable, match="no item holds it"):
            blobs.get_input(Bytes32(b"\1" * 32), 5)
        with pytest.raises(Unavailable, match="none of the keepers"):
            KeeperBlobs(lambda: facts, KZG).get_input(content, len(CONTENT))
    for ask in (
        lambda: blobs.put(b""),
        lambda: blobs.put_named("kzg/" + "0" * 64, b""),
        lambda: blobs.put_program(program, 0, b""),
        lambda: blobs.put_input(content, b""),
        lambda: blobs.put_output(content, b""),
        lambda: blobs.get("blob:" + "0" * 64, 5),
        lambda: blobs.get_named("kzg/" + "0" * 64),
    ):
        with pytest.raises(Unavailable, match="keepers"):
            ask()


def test_an_item_that_says_a_root_and_holds_something_else_hides_nothing(item: Item, tmp_path: Path) -> None:
    """Anybody can register one, with a server of his own."""
    content, other = item.manifest.parts[-2].root, item_of(b"something else " * 50)
    part = replace(other.manifest.parts[0], root=content)
    junk = replace(other, manifest=Manifest(parts=(part,), commitments=other.manifest.commitments))
    with keepers(tmp_path / "kept", item, 2) as servers, keepers(tmp_path / "junk", junk, 2) as liars:
        kept = facts_of(item, [server.url for server in servers])
        lie = facts_of(junk, [server.url for server in liars]).items[ItemId(1)]
        seats = {number: replace(seat, keeper=KeeperId(number + 2)) for number, seat in lie.seats.items()}
        lie = replace(lie, item_id=ItemId(2), seats=seats)
        for state in (ItemState.KEPT, ItemState.REGISTERED):
            both = replace(kept, items={ItemId(2): replace(lie, state=state), **kept.items})
            both = replace(both, keepers={**kept.keepers, **lying(liars)})
            blobs = KeeperBlobs(lambda both=both: both, KZG, may_be_private=True)
            assert blobs.get_input(content, len(CONTENT)) == CONTENT


def test_a_leaf_at_the_end_of_a_range_does_not_fill_the_memory(item: Item, tmp_path: Path) -> None:
    """Anybody can have one kept below the root of somebody's input, in blobs of a transaction."""
    content, other = item.manifest.parts[-2].root, item_of(bytes(32))
    far = replace(other.manifest.parts[0], root=content, first_leaf=2**24 - 1)
    junk = replace(other, manifest=Manifest(parts=(far,), commitments=other.manifest.commitments))
    with keepers(tmp_path, junk, 2) as servers:
        facts = facts_of(junk, [server.url for server in servers])
        with pytest.raises(Unavailable, match="no item holds it"):
            KeeperBlobs(lambda: facts, KZG, may_be_private=True).get_input(content, len(CONTENT))


def lying(servers: list[KeeperServer]) -> dict[KeeperId, KnownKeeper]:
    account = Address("0x" + "66" * 20)
    return {
        KeeperId(number + 2): KnownKeeper(account=account, url=server.url, signer=account)
        for number, server in enumerate(servers)
    }
