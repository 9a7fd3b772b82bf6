"""What a watcher sees of keepers that give, lack, lie or are silent, and of items that are false."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.keepers.items import KZG, NO_LIMITS, Item, item_of, keepers, lay_seat
from tests.e2e.keepers import Reports
from tests.roles.test_keeper import RECORD
from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers.eyes import KeeperEyes
from truestep.adapters.keepers.nodes import nodes_below
from truestep.adapters.keepers.service import KeeperServer
from truestep.adapters.keepers.shelf import Shelf
from truestep.availability.manifest import Manifest
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import Extended, versioned_hash
from truestep.commitments.merkle import climb
from truestep.protocol.availability import layout
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId
from truestep.roles.availability.sights import ChildPick, FoundLeaf, SeatSeen, Sight

SEATS = 3
ITEM = item_of(b"seen by watchers " * 9_000)


def known(item: Item, **changes: Any) -> KnownItem:
    record = replace(
        RECORD,
        parts_hash=item.manifest.parts_hash,
        hashes_root=item.manifest.hashes_root,
        blob_count=len(item.extended),
        seat_count=SEATS,
    )
    fields: dict[str, Any] = {
        "item_id": ItemId(1),
        "record": record,
        "parts": item.manifest.parts,
        "url": "",
    }
    return KnownItem(**(fields | changes))


def eyes(seed: int = 1) -> KeeperEyes:
    return KeeperEyes(KZG, Reports(), may_be_private=True, chance=random.Random(seed))


def urls(servers: list[KeeperServer]) -> dict[int, str]:
    return {seat: server.url for seat, server in enumerate(servers)}


def never() -> bool:
    return False


def sights(seen: Mapping[int, SeatSeen]) -> list[Sight]:
    return [seen[seat].sight for seat in sorted(seen)]


def test_what_keepers_do_is_seen(tmp_path: Path) -> None:
    """Of three keepers one lacks a blob, one lies; then one is gone."""
    with keepers(tmp_path, ITEM, SEATS) as servers, lying(tmp_path / "liar") as liar:
        assert sights(eyes().look(known(ITEM), urls(servers), never)) == [Sight.GIVES] * SEATS
        [lost] = (tmp_path / "1").rglob("0001-*")
        lost.unlink()
        named = urls(servers) | {2: liar.url}
        seen = eyes().look(known(ITEM), named, never)
        assert sights(seen) == [Sight.GIVES, Sight.LACKS, Sight.WRONG]
        assert seen[1].blob == 1 and "of blob 1" in seen[1].why and "cell" in seen[2].why
        servers[0].close()
        assert sights(eyes().look(known(ITEM), named, never))[0] is Sight.SILENT
        assert sights(eyes().look(known(ITEM), named | {0: "no url"}, never))[0] is Sight.SILENT


@contextmanager
def lying(folder: Path) -> Iterator[KeeperServer]:
    """A keeper that gives cells of another item in the place of those of its seat, the last."""
    other = item_of(b"not what was committed " * 9_000)
    store = DirectoryCells(folder, limit_bytes=1 << 40)
    shelf = Shelf(store)
    lay_seat(shelf, replace(ITEM, extended=other.extended[: len(ITEM.extended)]), 2, SEATS)
    server = KeeperServer(shelf, limits=NO_LIMITS)
    try:
        yield server
    finally:
        server.close()
        store.close()


def test_without_a_manifest_everybody_is_silent(tmp_path: Path) -> None:
    with keepers(tmp_path, ITEM, SEATS) as servers:
        other = known(item_of(b"another"))
        assert sights(eyes().look(other, urls(servers), never)) == [Sight.SILENT] * SEATS
        assert eyes().survey(other, urls(servers), never) == (0,)
        with pytest.raises(Unavailable, match="item 1 gives its manifest"):
            eyes().check(other, urls(servers), never)


def test_a_survey_names_the_blobs_that_nobody_gives(tmp_path: Path) -> None:
    with keepers(tmp_path, ITEM, SEATS) as servers:
        assert eyes().survey(known(ITEM), urls(servers), never) == ()
        for seat in range(SEATS):
            [lost] = (tmp_path / str(seat)).rglob("0001-*")
            lost.unlink()
        assert eyes().survey(known(ITEM), urls(servers), never) == (1,)


# --- false items ----------------------------------------------------------------------------------


def lied(root: Bytes32, item: Item = ITEM) -> Item:
    part = replace(item.manifest.parts[0], root=root)
    return replace(item, manifest=Manifest(parts=(part,), commitments=item.manifest.commitments))


def test_roots_are_compared_with_what_the_blobs_hold(tmp_path: Path) -> None:
    with keepers(tmp_path / "right", ITEM, SEATS) as servers:
        assert eyes().check(known(ITEM), urls(servers), never) == ()
    lie = lied(Bytes32(b"m" * 32))
    with keepers(tmp_path / "false", lie, SEATS) as servers:
        assert eyes().check(known(lie), urls(servers), never) == (0,)


def test_a_descent_ends_at_a_leaf_that_the_blobs_do_not_hold(tmp_path: Path) -> None:
    """Through the tree of a payload that differs in one leaf, far behind the first blob."""
    changed = bytearray(ITEM.payload)
    changed[130_000] ^= 1
    other = item_of(bytes(changed))
    lie = lied(other.manifest.parts[0].root)
    with keepers(tmp_path, lie, SEATS) as servers:
        found = descend(eyes(), lie, other, urls(servers))
        assert found.leaf == changed[130_000 // 32 * 32 :][:32] and found.part_index == 0
        opening = found.opening
        blob, element, slot = layout.place_of(lie.manifest.parts, 0, 130_000 // 32)
        hashes_root = climb(versioned_hash(opening.commitment), blob, opening.path)
        assert (blob, hashes_root) == (1, lie.manifest.hashes_root)
        held = layout.leaf_in(opening.first, opening.second, slot).to_bytes(32, "big")
        assert held == ITEM.payload[130_000 // 32 * 32 :][:32] and element
        agreeing = asyncio.run(nodes_below(ITEM.manifest, ITEM.manifest.parts[0], 24, 0, blob_of(ITEM)))
        with pytest.raises(Rejected) as refused:
            eyes().next_move(known(lie), 0, (24, 0), agreeing, urls(servers), never)
        assert refused.value.reason is Reject.LEAF_AGREES


def test_a_leaf_that_no_part_holds_needs_no_opening(tmp_path: Path) -> None:
    other = item_of(ITEM.payload + bytes(64) + b"more")
    part = replace(ITEM.manifest.parts[0], root=other.manifest.parts[0].root)
    lie = lied(part.root)
    with keepers(tmp_path, lie, SEATS) as servers:
        found = descend(eyes(), lie, other, urls(servers))
        assert b"more" in found.leaf and found.opening.commitment == b""


def test_a_leaf_of_a_tree_that_another_item_holds_strikes_without_a_demand(tmp_path: Path) -> None:
    """Those that name the tree and hold something else, or give nothing, are passed over."""
    changed = bytearray(ITEM.payload)
    changed[130_000] ^= 1
    other = item_of(bytes(changed))
    [part] = other.manifest.parts
    lie, leaf_index = lied(part.root), 130_000 // 32
    whole = bytes(changed).ljust(part.size_bytes, b"\0")[: part.size_bytes]
    record = replace(known(other).record, seat_count=0, blob_count=0)
    written = known(other, item_id=ItemId(4), record=record)
    silent = known(lied(part.root), item_id=ItemId(2)), ["http://127.0.0.1:9"]
    with keepers(tmp_path / "lie", lie, SEATS) as servers, keepers(tmp_path / "true", other, SEATS) as honest:
        stored = known(other, item_id=ItemId(3)), [server.url for server in honest]
        like_lie = known(lie, item_id=ItemId(5)), [server.url for server in servers]
        for others in ([silent, like_lie, stored], [(written, [""])]):
            seeing = KeeperEyes(KZG, Reports(), may_be_private=True, payload=lambda _: whole)
            found = seeing.mismatch(known(lie), 0, others, urls(servers), never)
            assert found is not None and (found.part_index, found.leaf_index) == (0, leaf_index)
            assert found.leaf == changed[leaf_index * 32 :][:32]
            assert climb(found.leaf, leaf_index, found.path) == part.root and len(found.path) == part.depth
            _, _, slot = layout.place_of(lie.manifest.parts, 0, leaf_index)
            held = layout.leaf_in(found.opening.first, found.opening.second, slot).to_bytes(32, "big")
            assert held == ITEM.payload[leaf_index * 32 :][:32]
        hasty = KeeperEyes(KZG, Reports(), may_be_private=True, search_seconds=0.0)
        assert hasty.mismatch(known(lie), 0, [stored], urls(servers), never) is None
        for nobody in ([], [silent], [like_lie], [(written, [""])]):
            assert eyes().mismatch(known(lie), 0, nobody, urls(servers), never) is None


def test_what_is_no_payload_never_agrees_with_a_root(tmp_path: Path) -> None:
    """An element of 2^248 or more: whatever root its item names, the leaf in it is found."""
    blob = bytearray(b"".join(ITEM.extended[0].cells[:64]))
    blob[32 * 40] = 1
    commitment = KZG.commit(bytes(blob))
    made = KZG.extend(bytes(blob))
    manifest = Manifest(parts=ITEM.manifest.parts, commitments=(commitment, *ITEM.manifest.commitments[1:]))
    lie = replace(
        ITEM, manifest=manifest, extended=(Extended(cells=made.cells, proofs=made.proofs), *ITEM.extended[1:])
    )
    with keepers(tmp_path, lie, SEATS) as servers:
        assert eyes().check(known(lie), urls(servers), never) == (0,)
        found = descend(eyes(), lie, ITEM, urls(servers))
        assert max(found.opening.first, found.opening.second) >= layout.ELEMENT_END


def test_blobs_that_were_published_are_enough() -> None:
    """Nobody gives a manifest or a cell: what transactions have published shows the lie all the same."""
    changed = bytearray(ITEM.payload)
    changed[130_000] ^= 1
    other = item_of(bytes(changed))
    lie = lied(other.manifest.parts[0].root)
    silent = known(lie, published=(0, 1))
    seen = KeeperEyes(
        KZG,
        Reports(),
        may_be_private=True,
        published=lambda _, number: b"".join(ITEM.extended[number].cells[:64]),
    )
    assert seen.survey(silent, {}, never) == () and seen.check(silent, {}, never) == (0,)
    found = descend(seen, lie, other, {}, published=(0, 1))
    hashes_root = climb(versioned_hash(found.opening.commitment), 1, found.opening.path)
    assert hashes_root == lie.manifest.hashes_root
    assert seen.survey(known(lie), {}, never) == (0, 1), "not before they are published"


def blob_of(item: Item) -> Any:
    async def blob(number: int) -> bytes:
        return b"".join(item.extended[number].cells[:64])

    return blob


def descend(watcher: KeeperEyes, lie: Item, told: Item, named: dict[int, str], **changes: Any) -> FoundLeaf:
    """Ask for the tree of `told` until a leaf is found; each step must follow from the one before."""
    level, index, node = 24, 0, told.manifest.parts[0].root
    [part] = told.manifest.parts
    while True:
        nodes = asyncio.run(nodes_below(told.manifest, part, level, index, blob_of(told)))
        found = watcher.next_move(known(lie, **changes), 0, (level, index), nodes, named, never)
        above = found.node if isinstance(found, ChildPick) else found.leaf
        assert climb(above, found.child, found.siblings) == node
        if isinstance(found, FoundLeaf):
            assert level <= 6
            return found
        level, index, node = level - 6, (index << 6) + found.child, found.node
