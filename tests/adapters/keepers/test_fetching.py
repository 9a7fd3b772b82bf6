"""Fetching from keepers of which some are slow, gone or lying."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.keepers.items import KZG, NO_LIMITS, Item, item_of, lay_seat
from truestep.adapters.blobs.addresses import kzg_name, manifest_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers import standing
from truestep.adapters.keepers.client import Busy, KeeperClient
from truestep.adapters.keepers.fetching import ItemFetcher, first_manifest
from truestep.adapters.keepers.service import KeeperServer, ServiceLimits
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.keepers.standing import Blame
from truestep.adapters.keepers.wire import CellPlace
from truestep.adapters.web_server import WebServer
from truestep.availability.blobs import payload_of
from truestep.availability.cells import Cell
from truestep.availability.recovery import NotEnoughCells
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32

SEATS = 4
DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def item() -> Item:
    return item_of(b"what keepers keep " * 8_000)  # two blobs


class OddShelf(Shelf):
    """A shelf whose keeper does something to the cells that it gives, and counts."""

    def __init__(self, store: DirectoryCells, odd: Callable[[Cell], Cell | None] = lambda cell: cell) -> None:
        super().__init__(store)
        self.odd = odd
        self.asked = 0
        self.pause = threading.Event()
        self.pause.set()

    def cells(self, item: Bytes32, places: Iterable[CellPlace]) -> list[Cell] | None:
        self.asked += 1
        self.pause.wait(20)
        found = super().cells(item, places)
        return found and [changed for cell in found if (changed := self.odd(cell))]


@pytest.fixture(scope="session")
def shelves(tmp_path_factory: pytest.TempPathFactory, item: Item) -> Iterator[list[OddShelf]]:
    """One in each seat."""
    with ExitStack() as stack:
        shelves: list[OddShelf] = []
        for seat in range(SEATS):
            store = DirectoryCells(tmp_path_factory.mktemp("seat"), limit_bytes=1 << 30)
            stack.callback(store.close)
            shelves.append(OddShelf(store))
            lay_seat(shelves[-1], item, seat, SEATS)
        yield shelves


@pytest.fixture(scope="session")
def urls(shelves: list[OddShelf]) -> Iterator[list[str]]:
    with ExitStack() as stack:
        servers = [KeeperServer(shelf, limits=NO_LIMITS) for shelf in shelves]
        for server in servers:
            stack.callback(server.close)
        yield [server.url for server in servers]


@pytest.fixture(autouse=True)
def honest(shelves: list[OddShelf], monkeypatch: pytest.MonkeyPatch) -> None:
    """All begin as honest ones, and nobody waits long for those that are gone."""
    monkeypatch.setattr(standing, "FAILED_WAIT_SECONDS", (0.01, 0.02, 0.04))
    for shelf in shelves:
        shelf.odd, shelf.asked = lambda cell: cell, 0
        shelf.pause.set()


def wrong(cell: Cell) -> Cell:
    """With one bit flipped in its content."""
    return replace(cell, content=cell.content[:-1] + bytes([cell.content[-1] ^ 1]))


def fetched(
    item: Item, urls: Sequence[str], when_blamed: Callable[[], None] = lambda: None
) -> tuple[bytes, list[Blame]]:
    """The payload, and who was blamed."""
    blames: list[Blame] = []

    def blame(found: Blame) -> None:
        blames.append(found)
        when_blamed()

    async def fetch() -> bytes:
        clients = [KeeperClient(url) for url in urls]
        try:
            async with ItemFetcher(item.manifest, KZG, clients, blame) as fetcher:
                found = {blob: content async for blob, content in fetcher.blobs(range(len(item.extended)))}
        finally:
            for client in clients:
                await client.close()
        payload = b"".join(payload_of(found[blob], blob) for blob in sorted(found))
        return payload[: len(item.payload)]

    return asyncio.run(fetch()), blames


def test_any_two_of_four_keepers_are_enough(item: Item, urls: list[str]) -> None:
    for lost in ((), (0, 1), (2, 3), (0, 2)):
        asked = [DEAD if seat in lost else url for seat, url in enumerate(urls)]
        assert fetched(item, asked) == (item.payload, [])


@given(
    behaviours=st.lists(
        st.sampled_from(["honest", "wrong", "some wrong", "gone", "empty"]), min_size=4, max_size=4
    )
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_honest_keeper_is_enough_and_each_liar_is_named(
    item: Item, urls: list[str], shelves: list[OddShelf], behaviours: list[str]
) -> None:
    odd: dict[str, Callable[[Cell], Cell | None]] = {
        "wrong": wrong,
        "some wrong": lambda cell: wrong(cell) if cell.cell % 32 == 31 else cell,
        "empty": lambda _: None,
    }
    for shelf, behaviour in zip(shelves, behaviours, strict=True):
        shelf.odd, shelf.asked = odd.get(behaviour, lambda cell: cell), 0
    asked = [DEAD if each == "gone" else url for url, each in zip(urls, behaviours, strict=True)]
    liars = {url for url, each in zip(urls, behaviours, strict=True) if each in ("wrong", "some wrong")}
    if "honest" in behaviours:
        payload, blames = fetched(item, asked)
        assert payload == item.payload
        assert {blame.keeper for blame in blames} <= liars
        assert all("content and proof are not of the committed blob" in blame.reason for blame in blames)
        return
    with pytest.raises(NotEnoughCells, match="ask other keepers"):
        fetched(item, asked)


def test_a_liar_is_not_asked_again(item: Item, urls: list[str], shelves: list[OddShelf]) -> None:
    def others_answer() -> None:
        for shelf in shelves[1:]:
            shelf.pause.set()

    shelves[0].odd = wrong  # whose seat is the blobs themselves: the first that is asked
    for shelf in shelves[1:]:
        shelf.pause.clear()  # or they give all that is needed while its answer is on its way
    payload, blames = fetched(item, urls, others_answer)
    assert payload == item.payload
    assert [blame.keeper for blame in blames] == [urls[0]]
    assert "of blob" in blames[0].reason and urls[0] in blames[0].reason
    assert shelves[0].asked <= len(item.extended)  # those that were under way


def test_a_slow_keeper_is_overtaken(item: Item, urls: list[str], shelves: list[OddShelf]) -> None:
    shelves[0].pause.clear()
    assert fetched(item, urls) == (item.payload, [])
    shelves[0].pause.set()


def test_half_the_cells_wrong_and_the_rest_scattered_is_still_enough(
    item: Item, urls: list[str], shelves: list[OddShelf]
) -> None:
    for seat, shelf in enumerate(shelves):  # each gives 16 of its 64: together all but no spare one
        shelf.odd = lambda cell, first=32 * seat: cell if (cell.cell - first) % 128 < 16 else None
    assert fetched(item, urls) == (item.payload, [])


def test_a_busy_keeper_is_left_alone_and_asked_later(item: Item, shelves: list[OddShelf]) -> None:
    server = KeeperServer(shelves[0], limits=ServiceLimits(requests=1.0, bytes=1e9))
    assert fetched(item, [server.url]) == (item.payload, [])
    server.close()


def test_a_keeper_that_is_always_busy_is_given_up(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "BUSY_LIMIT", 3)
    with answering(b"", 429, [(b"Retry-After", b"0")]) as url, pytest.raises(NotEnoughCells):
        fetched(item, [url])


@contextmanager
def answering(body: bytes, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()) -> Iterator[str]:
    """A server that gives the same answer to everything."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})

    server = WebServer(app)
    yield server.url
    server.close()


def asked(url: str, ask: Callable[[KeeperClient], Any]) -> Any:
    async def once() -> Any:
        client = KeeperClient(url)
        try:
            return await ask(client)
        finally:
            await client.close()

    return asyncio.run(once())


def test_what_no_keeper_sends_is_its_fault(item: Item) -> None:
    places = [CellPlace(blob=0, cell=0)]
    asks: list[tuple[str, Callable[[KeeperClient], Any]]] = [
        ("held", lambda client: client.held(item.name)),
        ("health", lambda client: client.health()),
        ("manifest", lambda client: client.manifest(item.name)),
        ("cells", lambda client: client.cells(item.name, places)),
    ]
    other = item_of(b"another item").manifest.to_json().encode()
    for body in (
        b"junk",
        b'{"runs": [{"first_cell": 200, "blobs": []}]}',
        b"[" * 100_000,
        b"x" * (2 << 20),
        other,
    ):
        with answering(body) as url:
            for name, ask in asks:
                with pytest.raises(Rejected) as refusal:
                    asked(url, ask)
                assert refusal.value.reason is Reject.KEEPER_ANSWER, (name, body[:10])
    with (
        answering(b"", headers=[(b"content-encoding", b"gzip")]) as url,
        pytest.raises(Rejected, match="compresses"),
    ):
        asked(url, asks[0][1])


def test_trouble_is_nobodys_fault(item: Item) -> None:
    for status in (301, 400, 500, 204):
        with (
            answering(b"", status, [(b"location", b"http://127.0.0.1:1/")]) as url,
            pytest.raises(Unavailable, match=f"answers {status}"),
        ):
            asked(url, lambda client: client.held(item.name))
    with answering(b"", 429, [(b"Retry-After", b"9999999")]) as url:
        with pytest.raises(Busy) as busy:
            asked(url, lambda client: client.held(item.name))
        assert busy.value.retry_after_seconds <= 30
    with pytest.raises(Unavailable, match="failed"):
        asked(DEAD, lambda client: client.health())
    with answering(b"", 404) as url:
        assert asked(url, lambda client: client.manifest(item.name)) is None
        assert asked(url, lambda client: client.cells(item.name, [CellPlace(blob=0, cell=0)])) == []


def test_a_stranger_cannot_send_us_into_our_own_network(urls: list[str]) -> None:
    async def ask(url: str) -> None:
        client = KeeperClient(url, is_stranger=True)
        try:
            await client.health()
        finally:
            await client.close()

    for url in (
        urls[0],
        urls[0].replace("127.0.0.1", "localhost"),
        "http://[::1]:80",
        "http://169.254.169.254",
        "http://[64:ff9b::a9fe:a9fe]",
        "http://[2002:7f00:1::]",
        "http://224.0.0.1",
    ):
        with pytest.raises(Unavailable, match="not in the public internet; --allow-private allows it"):
            asyncio.run(ask(url))
    for url in ("ftp://x", "http://", "http://user@x", "http://x?y", "http://x#y", "keeper", "http://x:0"):
        with pytest.raises(ValueError, match="expected an http or https URL without"):
            KeeperClient(url)


def test_the_manifest_comes_from_whoever_has_it(item: Item, urls: list[str]) -> None:
    async def first(name: Bytes32, urls: Sequence[str]) -> object:
        clients = [KeeperClient(url) for url in urls]
        try:
            return await first_manifest(name, clients)
        finally:
            for client in clients:
                await client.close()

    with answering(item_of(b"another item").manifest.to_json().encode()) as liar:
        assert asyncio.run(first(item.name, [liar, DEAD, urls[2]])) == item.manifest
        assert asyncio.run(first(item.name, [liar, DEAD])) is None


def test_a_plain_store_has_manifests_and_blobs_by_what_proves_them(item: Item, tmp_path: Path) -> None:
    blob = b"".join(item.extended[0].cells[:64])
    versioned_hash = item.manifest.versioned_hashes[0]
    server = BlobServer(DirectoryBlobs(tmp_path))
    store = HttpBlobs(server.url)
    store.put_named(manifest_name(item.name), item.manifest.to_json().encode())
    store.put_named(kzg_name(versioned_hash), blob)
    assert store.get_named(kzg_name(versioned_hash)) == blob
    assert asked(server.url, lambda client: client.stored_manifest(item.name)) == item.manifest
    assert asked(server.url, lambda client: client.stored_blob(versioned_hash)) == blob
    assert asked(server.url, lambda client: client.stored_blob(item.name)) is None
    for name, content in (
        (kzg_name(item.name), blob),
        (kzg_name(versioned_hash), blob[:-1] + b"x"),
        (kzg_name(versioned_hash), blob[:-1]),
        (kzg_name(versioned_hash), b"\xff" * len(blob)),
        (manifest_name(versioned_hash), item.manifest.to_json().encode()),
        (manifest_name(item.name), b"junk"),
    ):
        with pytest.raises(Unavailable, match="it answers 4"):
            store.put_named(name, content)
    for name in ("kzg/x", f"kzg/{'0' * 63}", f"../{'0' * 64}"):
        with pytest.raises(Rejected):
            store.put_named(name, b"")
    server.close()


def test_a_fetch_that_is_given_up_leaves_nothing_behind(item: Item, urls: list[str]) -> None:
    async def begin() -> None:
        clients = [KeeperClient(url) for url in urls]
        async with ItemFetcher(item.manifest, KZG, clients, lambda _: None) as fetcher:
            async for _ in fetcher.blobs(range(2)):
                break
        for client in clients:
            await client.close()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= 2

    began = time.monotonic()
    asyncio.run(begin())
    assert time.monotonic() >= began
