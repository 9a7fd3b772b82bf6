"""Keepers on a real chain: they take items, answer challenges by themselves, and go on after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.keepers.items import KZG, Item, item_of
from tests.chains import lent_anvil
from tests.e2e.keepers import KeeperNet, facts_of, wait
from truestep.adapters.chain.availability import AvailabilityReader
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.adapters.chain.published import PublishedBlobs
from truestep.adapters.keepers.blobs import KeeperBlobs
from truestep.availability.manifest import Manifest
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ItemId

pytestmark = pytest.mark.anvil


@pytest.fixture
def net(anvil_program: Path, tmp_path: Path) -> Iterator[KeeperNet]:
    with lent_anvil(anvil_program) as devnet:
        opened = KeeperNet(devnet, tmp_path)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def item() -> Item:
    return item_of(b"what keepers keep " * 8_000)  # two blobs


def test_an_item_is_kept_challenged_and_kept(net: KeeperNet, item: Item) -> None:
    net.publish(item)
    with net.keepers(2) as keepers:
        item_id = net.register(item, 2)
        wait(lambda: net.state_of(item_id) is ItemState.KEPT, keepers)
        wait(
            lambda: all(seat.acknowledged_at for seat in facts_of(keepers[0]).items[item_id].seats.values()),
            keepers,
        )
        net.challenge(keepers[0], item_id, 0, 1, 1, 77)
        net.challenge(keepers[0], item_id, 1, 2, 0, 0)
        wait(lambda: all("answer_landed" in keeper.reports.kinds() for keeper in keepers), keepers)
        assert (net.state_of(item_id), net.standing(item_id)["is_contested"]) == (ItemState.KEPT, False)
        assert net.standing(item_id)["published_at"] > 0
        assert published(net, item_id, 0) == b"".join(item.extended[0].cells[:64])
        for keeper in keepers:
            assert not keeper.reports.kinds() & {"challenge_missed", "alarm", "keeps_reverting"}, (
                keeper.reports.said
            )


def published(net: KeeperNet, item_id: ItemId, blob: int) -> bytes:
    """A blob that a transaction has published, as anybody reads it."""
    reader = AvailabilityReader(net.anvil.node, net.contracts)
    blobs = PublishedBlobs(reader, BeaconBlobs([net.anvil.node], KZG), net.folder / "published")
    found = blobs(item_id, blob)
    with pytest.raises(Unavailable, match="no transaction has published blob 1"):
        blobs(item_id, 1)
    offline = PublishedBlobs(reader, BeaconBlobs([], KZG), net.folder / "published")
    assert offline(item_id, blob) == found, "it is kept"
    return found


def test_an_item_in_blobs_is_read_from_the_chain_alone(net: KeeperNet, item: Item) -> None:
    net.register_blobs(item)
    reader = AvailabilityReader(net.anvil.node, net.contracts)
    published = PublishedBlobs(reader, BeaconBlobs([net.anvil.node], KZG), net.folder / "published")
    blobs = KeeperBlobs(reader.facts, KZG, published=published)
    root = item.manifest.parts[0].root
    assert blobs.get_input(root, len(item.payload)) == item.payload


def test_a_keeper_goes_on_after_a_restart_and_mends_what_it_lost(
    net: KeeperNet, item: Item, tmp_path: Path
) -> None:
    """Killed while it fetches; later its disk loses a run, and its registrant is gone."""
    net.publish(item)
    with net.keeper("first") as first, ExitStack() as stack:
        second = stack.enter_context(net.keeper("second"))
        wait(lambda: len(facts_of(first).keepers) == 2, [first, second])
        port = int(second.url.rpartition(":")[2])
        item_id = net.register(item, 2)
        wait(lambda: bool(facts_of(first).items and facts_of(first).items[item_id].seats), [first, second])
        stack.close()
        stack.enter_context(net.keeper("second", port=port))
        wait(lambda: net.state_of(item_id) is ItemState.KEPT, [first])
        stack.close()
        net.store.close()  # the registrant is gone: only the first keeper can help
        [lost] = (tmp_path / "second" / "cells").rglob("0001-*")
        lost.unlink()
        second = stack.enter_context(net.keeper("second", port=port))
        seat = next(index for index, seat in facts_of(first).items[item_id].seats.items() if seat.keeper == 2)
        net.challenge(first, item_id, seat, 1, 1, 4_095)
        wait(lambda: "answer_landed" in second.reports.kinds(), [first, second])
        wait(lost.exists, [first, second])


def test_an_item_that_is_not_what_it_says_is_not_signed_for(net: KeeperNet, item: Item) -> None:
    part = replace(item.manifest.parts[0], root=Bytes32(b"\1" * 32))
    lie = replace(item, manifest=Manifest(parts=(part,), commitments=item.manifest.commitments))
    net.publish(lie)
    with net.keepers(2) as keepers:
        item_id = net.register(lie, 2)
        wait(lambda: all("item_refused" in keeper.reports.kinds() for keeper in keepers), keepers)
        assert net.state_of(item_id) is ItemState.REGISTERED
        assert "part has another root" in dict(keepers[0].reports.said)["item_refused"]
