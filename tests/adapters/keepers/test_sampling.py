"""Sampling an item whose keepers hold all of it, part of it, or something else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.keepers.items import KZG, NO_LIMITS, Item, item_of, keepers, lay_seat
from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers import standing
from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.sampling import Sampled, sample
from truestep.adapters.keepers.service import KeeperServer
from truestep.adapters.keepers.shelf import Shelf
from truestep.base.ids import Bytes32

DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def item() -> Item:
    return item_of(b"what keepers keep " * 8_000)  # two blobs


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FAILED_WAIT_SECONDS", (0.01, 0.02, 0.04))


def sampled(item: Item, urls: Sequence[str], samples: int = 20, seed: int = 1) -> Sampled:
    async def run() -> Sampled:
        clients = [KeeperClient(url) for url in urls]
        try:
            return await sample(item.manifest, KZG, clients, samples, random.Random(seed))
        finally:
            for client in clients:
                await client.close()

    return asyncio.run(run())


def test_an_item_that_is_kept_has_every_sample(tmp_path: Path, item: Item) -> None:
    with keepers(tmp_path, item, 4) as servers:
        found = sampled(item, [server.url for server in servers])
        assert (found.is_available, found.sample_count, found.blames) == (True, 40, ())
        assert set(found.keepers) == {server.url for server in servers}
        assert sum(tally.given for tally in found.keepers.values()) == 40
        assert all(tally.asked == tally.given for tally in found.keepers.values())
        assert sampled(item, [servers[0].url, servers[2].url, DEAD], 128).is_available
        with pytest.raises(ValueError, match="expected 1 to 128 samples of each blob, got 129"):
            sampled(item, [servers[0].url], 129)


def test_a_blob_that_cannot_be_recovered_is_noticed(tmp_path: Path, item: Item) -> None:
    store = DirectoryCells(tmp_path, limit_bytes=1 << 30)
    shelf = Shelf(store)
    lay_seat(shelf, item, 0, 2)
    lay_seat(shelf, item, 1, 2, blobs=[0])
    server = KeeperServer(shelf, limits=NO_LIMITS)
    for seed in range(5):
        found = sampled(item, [server.url], seed=seed)
        assert not found.is_available
        assert {place.blob for place in found.missing} == {1}
        assert all(place.cell >= 64 for place in found.missing)
    server.close()
    store.close()


class WrongShelf(Shelf):
    """Its keeper flips a bit of every cell."""

    def cells(self, item: Bytes32, places: object) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        found = super().cells(item, places) or []  # pyright: ignore[reportArgumentType]
        return [replace(cell, content=bytes([cell.content[0] ^ 1]) + cell.content[1:]) for cell in found]


def test_what_is_wrong_at_one_is_asked_of_others_and_it_is_named(tmp_path: Path, item: Item) -> None:
    store = DirectoryCells(tmp_path / "liar", limit_bytes=1 << 30)
    shelf = WrongShelf(store)
    for seat in range(2):
        lay_seat(shelf, item, seat, 2)
    liar = KeeperServer(shelf, limits=NO_LIMITS)
    with keepers(tmp_path, item, 2) as servers:
        honest = [server.url for server in servers]
        found = sampled(item, [liar.url, *honest])
        assert found.is_available
        assert [blame.keeper for blame in found.blames] == [liar.url]
        assert found.keepers[liar.url].given == 0
        found = sampled(item, [liar.url, honest[0]])
        assert {place.cell >= 64 for place in found.missing} == {True}
    assert len(sampled(item, [liar.url]).missing) == 40
    assert len(sampled(item, [DEAD]).missing) == 40
    assert len(sampled(item, []).missing) == 40
    liar.close()
    store.close()
