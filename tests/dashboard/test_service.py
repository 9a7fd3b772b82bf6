"""The pages over HTTP: what they show, what they refuse, and that nobody's text can do anything in them."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from tests.dashboard.stories import GAME, HONEST, LIAR, Places, ToldChain, posted, story
from truestep.adapters.web_server import WebServer
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32, JobId
from truestep.dashboard.reading import Reading
from truestep.dashboard.service import HEADERS, Dashboard
from truestep.protocol.events import LogPosition

PAGES = ("/", "/jobs", "/jobs/1", "/operators", f"/operators/{HONEST}", "/disputes", f"/disputes/{GAME}")


_SERVERS: list[WebServer] = []


@pytest.fixture(autouse=True)
def closed_servers() -> Iterator[None]:
    """No server outlives its test."""
    yield
    while _SERVERS:
        _SERVERS.pop().close()


def opened(chain: ToldChain) -> tuple[Reading, httpx.Client]:
    """A dashboard of a chain, read once."""
    wanted: Any = chain
    reading = Reading(wanted, 1)
    reading.poll()

    def no_call(_: Bytes32) -> bytes:
        raise Unavailable("no such transaction")

    server = WebServer(Dashboard(reading, "a network", no_call).app())
    _SERVERS.append(server)
    return reading, httpx.Client(base_url=server.url)


@pytest.fixture
def client() -> httpx.Client:
    return opened(ToldChain(story()))[1]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there_with_its_headers(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "<script>" not in answer.text and "style=" not in answer.text


def test_a_dispute_narrows_to_one_instruction(client: httpx.Client) -> None:
    text = client.get(f"/disputes/{GAME}").text
    assert "1,048,576 instructions from instruction 1 on" in text
    assert "1 instruction from instruction 1,048,576 on" in text
    assert "the result is not as claimed" in text and "The claim fell." in text


def test_a_job_shows_what_consumers_can_rely_on(client: httpx.Client) -> None:
    text = client.get("/jobs/1").text
    assert "<dt>Final for consumers</dt><dd>1 claim</dd>" in text  # a game is open on the other


def test_operators_show_their_stake_and_what_they_did(client: httpx.Client) -> None:
    text = client.get(f"/operators/{HONEST}").text
    assert "1 ETH" in text and "0.1 ETH" in text
    assert ">1</dd>" in client.get(f"/operators/{LIAR}").text


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/2",
        "/jobs/-1",
        "/jobs/1e3",
        "/jobs/" + "9" * 500,
        "/jobs/٣",
        "/operators/0x00",
        "/operators/%3Cscript%3E",
        "/disputes/0",
        "/static/../service.py",
        "/static/..%2Fservice.py",
        "/nothing",
    ],
)
def test_what_is_not_there_is_said(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "<script>" not in answer.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 30, "99"])
def test_pages_of_lists_that_are_not_there_are_empty(client: httpx.Client, page: str) -> None:
    assert client.get(f"/jobs?page={page}").status_code == 200


def test_nothing_can_be_sent(client: httpx.Client) -> None:
    assert client.post("/jobs").status_code == 405
    assert client.delete("/jobs/1").status_code == 405


def test_a_dead_node_is_said_and_what_was_read_stays() -> None:
    chain = ToldChain(story())
    reading, client = opened(chain)
    chain.is_dead = True
    reading.poll()
    answer = client.get("/jobs/1")
    assert "the node does not answer" in answer.text and "2 final" in answer.text
    assert client.get("/health").status_code == 503
    chain.is_dead = False
    reading.poll()
    assert "the node does not answer" not in client.get("/").text
    assert client.get("/health").status_code == 200


def test_events_that_no_chain_has_are_trouble_and_read_again() -> None:
    """Shards that the job does not have: whoever follows must not be told for ever that all is well."""
    first, *others = story()
    chain = ToldChain([posted(first.at, shard_count=1), *others])
    reading, client = opened(chain)
    assert client.get("/health").status_code == 503
    assert "cannot be true" in client.get("/").text
    chain.told = [first, *others]
    reading.poll()
    assert client.get("/health").status_code == 200
    assert reading.history.event_count == len(chain.told)
    assert "cannot be true" not in client.get("/").text


def test_after_a_reorganisation_the_other_branch_is_shown() -> None:
    chain = ToldChain(story())
    reading, client = opened(chain)
    chain.branch = 1
    chain.told[:] = [posted(Places().next(), shard_count=7)]
    before = reading.version
    reading.poll()
    assert reading.version > before
    assert "7 open" in client.get("/jobs/1").text
    assert client.get(f"/disputes/{GAME}").status_code == 404


def test_ten_thousand_jobs_are_shown_page_by_page() -> None:
    places = Places()
    chain = ToldChain(posted(places.next(), JobId(number)) for number in range(1, 10_001))
    _, client = opened(chain)
    text = client.get("/jobs?page=200").text
    assert "Page 200 of 200" in text and 'href="/jobs/1"' in text
    assert "10,000, 10,000 running" in client.get("/").text


def test_whoever_waits_hears_of_a_change() -> None:
    chain = ToldChain(story())
    reading, _ = opened(chain)
    version = reading.version
    at = LogPosition(block_number=99, log_index=0, transaction_hash=Bytes32(bytes(32)))
    chain.told.append(posted(at, JobId(2)))
    reading.poll()
    assert reading.version > version
    reading.poll()
    assert reading.version == version + 1  # nothing new, nothing said


class _Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.labels: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if values.get("aria-labelledby"):
            self.labels.append(str(values["aria-labelledby"]))
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_an_outline_that_readers_of_screens_can_follow(client: httpx.Client, path: str) -> None:
    outline = _Outline(client.get(path).text)
    assert outline.headings[0] == 1 and outline.headings.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(outline.headings, outline.headings[1:], strict=False))
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.labels) <= set(outline.ids)
