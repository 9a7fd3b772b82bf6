"""Items that a drill registers itself: data of nobody's job, and lies about data."""

from typing import Any

from truestep.adapters.blobs.addresses import manifest_name
from truestep.adapters.keepers.publishing import publish
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.encoding import program_tree, range_tree
from truestep.availability.manifest import Manifest
from truestep.drills.keepers import Keeper
from truestep.drills.stage import Stage
from truestep.machine.elf import load_elf
from truestep.protocol.availability.contracts.items import ItemState, Register
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId

ITEM_SECONDS = 60 * 86_400
ASSIGN_SECONDS = 121
"""Keepers have seats drawn within two minutes of the chain."""


def published(stage: Stage, payload: bytes) -> Manifest:
    """An item's manifest, once it and its blobs are where keepers fetch them."""
    return publish(stage.blobs, open_kzg(), [range_tree([payload])])


def published_lie(stage: Stage, elf: bytes, content: bytes) -> Manifest:
    """The same for a program and an input, but the blobs have a wrong byte in the input."""
    image = [(each.address, each.content) for each in load_elf(elf).segments]
    true, false = (
        publish(stage.blobs, open_kzg(), [program_tree(image), range_tree([each])])
        for each in (content, bytes([content[0] ^ 1]) + content[1:])
    )
    lie = Manifest(parts=true.parts, commitments=false.commitments)
    stage.blobs.put_named(manifest_name(lie.name), lie.to_json().encode())
    return lie


def kept_item(stage: Stage, key: Any, manifest: Manifest, seat_count: int) -> ItemId:
    """Register an item and wait until all its seats are acknowledged."""
    call = Register(
        parts=manifest.parts,
        nodes=manifest.versioned_hashes,
        seat_count=seat_count,
        until=stage.now() + ITEM_SECONDS,
        fee_wei=0,
        url=stage.store_url,
    )
    stage.send(key, "Items", call, value_wei=stage.rules.registrant_bond_wei)
    [item_id] = [number for number, item in stage.facts().items.items() if item.name == manifest.name]
    wait_for_seats(stage, item_id)
    return item_id


def wait_for_seats(stage: Stage, item_id: ItemId) -> None:
    """Until every seat of an item is acknowledged."""
    stage.skip(ASSIGN_SECONDS)
    stage.until(f"keepers acknowledge all seats of item {item_id}", lambda: not _is_vacant(stage, item_id))


def _is_vacant(stage: Stage, item_id: ItemId) -> bool:
    item = stage.facts().items[item_id]
    signed = sum(1 for seat in item.seats.values() if seat.acknowledged_at)
    return item.state is not ItemState.KEPT or signed < item.record.seat_count


def item_of(stage: Stage, item_id: ItemId) -> KnownItem:
    """An item as the chain knows it now."""
    return stage.facts().items[item_id]


def seats_of(stage: Stage, item_id: ItemId, all_keepers: list[Keeper]) -> dict[int, Keeper]:
    """Who holds the seats of an item."""
    facts = stage.facts()
    by_account = {each.account: each for each in all_keepers}
    return {
        index: by_account[facts.keepers[seat.keeper].account]
        for index, seat in facts.items[item_id].seats.items()
        if seat.acknowledged_at
    }
