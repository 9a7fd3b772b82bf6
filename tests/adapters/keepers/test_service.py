"""The service of a keeper: what it answers, and what no client can make it do."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.adapters.keepers.items import NO_LIMITS, Item, item_of, lay_seat
from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers import service
from truestep.adapters.keepers.rates import CLIENTS_LIMIT, Rates, client_of
from truestep.adapters.keepers.service import KeeperServer, ServiceLimits, keeper_app
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.keepers.wire import PACKED_SIZE_BYTES, CellPlace, pack, unpack
from truestep.adapters.web_server import WebServer
from truestep.availability.cells import Cell
from truestep.availability.manifest import parse_manifest
from truestep.base.errors import Rejected, Unavailable
from truestep.ports.cells import RunKey


@pytest.fixture(scope="session")
def item() -> Item:
    return item_of(b"what keepers keep " * 8_000)  # two blobs


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectoryCells]:
    opened = DirectoryCells(tmp_path / "cells", limit_bytes=1 << 30)
    yield opened
    opened.close()


@pytest.fixture
def shelf(store: DirectoryCells, item: Item) -> Shelf:
    shelf = Shelf(store)
    lay_seat(shelf, item, 1, 4)  # cells 32 to 95
    return shelf


@pytest.fixture
def client(shelf: Shelf) -> Iterator[httpx.Client]:
    server = KeeperServer(shelf, limits=NO_LIMITS, keeper="0xkeeper")
    with httpx.Client(base_url=server.url) as client:
        yield client
    server.close()


def cells_in(item: Item, body: bytes) -> list[tuple[int, int]]:
    """Blob and number of each cell in an answer; each is the item's."""
    wanted = [CellPlace(blob=blob, cell=cell) for blob in range(len(item.extended)) for cell in range(128)]
    cells = unpack(body, wanted, "")
    for cell in cells:
        extended = item.extended[cell.blob]
        assert (cell.content, cell.proof) == (extended.cells[cell.cell], extended.proofs[cell.cell])
    return [(cell.blob, cell.cell) for cell in cells]


def test_it_says_how_it_is(client: httpx.Client) -> None:
    said = client.get("/v1/health").json()
    assert (said["version"], said["status"], said["items"], said["keeper"]) == (1, "ok", 1, "0xkeeper")
    assert said["used_bytes"] > 2 * 64 * 2_096


def test_it_gives_what_it_holds(client: httpx.Client, item: Item) -> None:
    base = f"/v1/items/{item.name.hex()}"
    assert parse_manifest(client.get(f"{base}/manifest").text).name == item.name
    assert client.get(f"{base}/held").json() == {"runs": [{"first_cell": 32, "blobs": [[0, 2]]}]}
    for path, expected in {
        "/cells/1": [(1, cell) for cell in range(32, 96)],
        "/cells/0?first=90&count=10": [(0, cell) for cell in range(90, 96)],
        "/cells/0?first=120&count=60": [(0, cell) for cell in range(32, 52)],
        "/cells/7": [],
        "/cells?at=1.40,0.95,1.33,0.31,9.33,1.33": [(0, 95), (1, 33), (1, 40)],
    }.items():
        answer = client.get(base + path)
        assert (answer.status_code, sorted(cells_in(item, answer.content))) == (200, expected), path
        assert answer.headers["Content-Type"] == "application/vnd.truestep.cells"


def test_what_a_client_has_is_not_sent_again(client: httpx.Client, item: Item, shelf: Shelf) -> None:
    base = f"/v1/items/{item.name.hex()}"
    for path in ("/manifest", "/held", "/cells/0?first=40&count=2"):
        first = client.get(base + path)
        tag = first.headers["ETag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = client.get(base + path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert client.get(base + path, headers={"If-None-Match": '"other"'}).content == first.content
        assert client.head(base + path).content == b""
    tag = client.get(f"{base}/held").headers["ETag"]
    shelf.drop_run(item.name, 32)
    gone = client.get(f"{base}/held", headers={"If-None-Match": tag})
    assert (gone.status_code, gone.json()) == (
        404,
        {"error": f"this keeper has nothing of item {item.name.hex()}"},
    )


def test_a_request_that_makes_no_sense_is_told_why(client: httpx.Client, item: Item) -> None:
    base = f"/v1/items/{item.name.hex()}"
    for path, status, why in (
        ("/v1/items/xyz/held", 400, "expected the name of an item"),
        (f"/v1/items/{'0' * 64}/manifest", 404, "nothing of item"),
        (f"{base}/cells/4352", 400, "a blob to be a number of at most 4351"),
        (f"{base}/cells/-1", 400, "a blob"),
        (f"{base}/cells/0?first=128", 400, "first to be a number of at most 127"),
        (f"{base}/cells/0?count=129", 400, "count"),
        (f"{base}/cells/0?count=1e2", 400, "count"),
        (f"{base}/cells", 400, "a blob"),
        (f"{base}/cells?at=1", 400, "a cell"),
        (f"{base}/cells?at=1.2.3", 400, "a cell"),
        (f"{base}/cells?at={','.join(['0.1'] * 129)}", 400, "expected at most 128 cells, got 129"),
        (f"{base}/cells?at={'0' * 3_000}", 414, "expected a query of at most 2048 characters"),
    ):
        answer = client.get(path)
        assert answer.status_code == status and why in answer.json()["error"], path
    assert client.get(f"{base}/cells/0/1").status_code == 404
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert client.request(method, f"{base}/held", content=b"x" * 1_000).status_code == 405


def test_a_client_that_asks_for_too_much_must_wait(shelf: Shelf, item: Item) -> None:
    now = 0.0
    limits = ServiceLimits(requests=10.0, bytes=100_000.0)
    server = WebServer(keeper_app(shelf, limits=limits, clock=lambda: now))
    greedy, other = (
        httpx.Client(base_url=server.url, transport=httpx.HTTPTransport(local_address=address))
        for address in ("127.0.0.1", "127.0.0.2")
    )
    assert [greedy.get("/v1/health").status_code for _ in range(25)] == [200] * 20 + [429] * 5
    assert greedy.get("/v1/health").headers["Retry-After"] == "1"
    assert other.get("/v1/health").status_code == 200
    now = 1.0
    assert [greedy.get("/v1/health").status_code for _ in range(11)] == [200] * 10 + [429]
    now = 100.0
    whole = f"/v1/items/{item.name.hex()}/cells/0"  # 134 kB of the 200 kB that a client may have at once
    assert [greedy.get(whole).status_code for _ in range(3)] == [200, 200, 429]
    now += 0.68
    assert greedy.get("/v1/health").status_code == 429
    now += 0.02
    assert greedy.get("/v1/health").status_code == 200
    greedy.close()
    other.close()
    server.close()


def test_clients_are_counted_by_what_addresses_cost() -> None:
    assert client_of("2001:db8:1:2::5") == client_of("2001:db8:1:2:ffff::6") != client_of("2001:db8:1:3::5")
    assert client_of("::ffff:192.0.2.1") == "192.0.2.1" == client_of("192.0.2.1")
    rates = Rates(1.0, lambda: 0.0)
    for number in range(2 * CLIENTS_LIMIT):
        rates.take(str(number), 5.0)
    assert len(rates._buckets) == CLIENTS_LIMIT


def test_a_rotten_record_is_never_served(
    client: httpx.Client, shelf: Shelf, store: DirectoryCells, item: Item, tmp_path: Path
) -> None:
    [path] = tmp_path.rglob("0001-032")
    rotten = bytearray(path.read_bytes())
    rotten[5] ^= 1
    path.write_bytes(rotten[:-1])  # the first record is wrong, the last one cut
    answer = client.get(f"/v1/items/{item.name.hex()}/cells/1")
    assert cells_in(item, answer.content) == [(1, cell) for cell in range(33, 95)]
    assert shelf.missing(item.name, 32, range(2)) == [1]
    lay_seat(shelf, item, 1, 4, blobs=shelf.missing(item.name, 32, range(2)))
    assert shelf.missing(item.name, 32, range(2)) == []
    assert len(cells_in(item, client.get(f"/v1/items/{item.name.hex()}/cells/1").content)) == 64


def test_a_shelf_is_the_same_after_a_restart(shelf: Shelf, store: DirectoryCells, item: Item) -> None:
    lay_seat(shelf, item, 2, 4, blobs=[1])
    reopened = Shelf(store)
    assert (reopened.items(), reopened.held(item.name)) == ([item.name], shelf.held(item.name))
    assert reopened.missing(item.name, 64, range(2)) == [0]
    reopened.drop_run(item.name, 64)
    assert store.runs(item.name) == [RunKey(item=item.name, blob=blob, first_cell=32) for blob in range(2)]
    reopened.drop_run(item.name, 32)
    assert (store.items(), store.used_bytes, reopened.items()) == ([], 0, [])
    lay_seat(reopened, item, 0, 2, blobs=[])
    assert reopened.has(item.name) and not shelf.has(bytes(32))  # pyright: ignore[reportArgumentType]


def test_a_run_that_comes_after_its_item_was_dropped_is_dropped_too(
    shelf: Shelf, store: DirectoryCells, item: Item
) -> None:
    shelf.drop_run(item.name, 32)
    shelf.put(RunKey(item=item.name, blob=0, first_cell=32), [(b"c" * 2_048, b"p" * 48)] * 64)
    assert (store.items(), store.used_bytes, shelf.items()) == ([], 0, [])


def test_a_failing_store_is_said_to_fail(
    client: httpx.Client, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("the disk is gone")

    monkeypatch.setattr(DirectoryCells, "read_run", fail)
    answer = client.get(f"/v1/items/{item.name.hex()}/cells/0")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "disk" not in answer.text.replace("the keeper's store", "")


def test_one_client_cannot_have_all_connections(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "CONNECTIONS_PER_CLIENT", 3)
    server = KeeperServer(shelf, limits=NO_LIMITS)
    opened = [http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20) for _ in range(4)]
    for connection in opened[:3]:
        connection.request("GET", "/v1/health")
        assert json.loads(connection.getresponse().read())["status"] == "ok"
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        opened[3].request("GET", "/v1/health")
        opened[3].getresponse()
    for connection in opened:
        connection.close()
    server.close()


def test_an_answer_has_only_what_was_asked_for() -> None:
    cell = Cell(blob=1, cell=2, content=b"c" * 2_048, proof=b"p" * 48)
    place, other = CellPlace(blob=1, cell=2), CellPlace(blob=1, cell=3)
    [found] = unpack(pack(cell), [place, other], "somebody")
    assert (found.blob, found.cell, found.content, found.proof, found.source) == (
        1, 2, cell.content, cell.proof, "somebody",
    )  # fmt: skip
    assert unpack(b"", [place], "") == []
    for body, wanted in (
        (pack(cell), [other]),
        (pack(cell) * 2, [place]),
        (pack(cell)[:-1], [place]),
        (pack(cell) + b"x", [place]),
    ):
        with pytest.raises(Rejected, match="expected"):
            unpack(body, wanted, "")
    assert len(pack(cell)) == PACKED_SIZE_BYTES
