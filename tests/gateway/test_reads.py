"""What everybody may read, and what is refused, on a chain that is told."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from typing import Any

import httpx
import pytest

from tests.composition.test_network import OTHER as DEPLOYMENT
from tests.dashboard.stories import (
    CHALLENGER,
    GAME,
    HONEST,
    LIAR,
    REQUESTER,
    Places,
    ToldChain,
    posted,
    story,
)
from tests.gateway.conftest import MANY_PER_SECOND, Serve, reads_of
from truestep.base.errors import Unavailable
from truestep.base.ids import JobId, claim_of, task_of
from truestep.dashboard import reading as reading_module
from truestep.dashboard.reading import Reading
from truestep.gateway.problems import HEADERS, PROBLEM_TYPE
from truestep.gateway.progress import Streams
from truestep.gateway.reads import Reads
from truestep.gateway.results import Results
from truestep.gateway.service import Gateway

READS = (
    "/health",
    "/openapi.json",
    "/v1/network",
    "/v1/jobs",
    "/v1/jobs/1",
    "/v1/jobs/1/shards",
    "/v1/jobs/1/shards/1",
    "/v1/jobs/1/claims",
    "/v1/jobs/1/events",
    "/v1/operators",
    f"/v1/operators/{HONEST}",
    "/v1/disputes",
    f"/v1/disputes/{GAME}",
)


def told(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(client: httpx.Client, path: str, method: str = "GET") -> dict[str, Any]:
    """What a refusal says; it is the same in form whatever refuses."""
    answer = client.request(method, path)
    assert answer.headers["Content-Type"] == PROBLEM_TYPE, answer.text
    found = answer.json()
    assert found["status"] == answer.status_code and found["title"] and found["detail"] and found["type"]
    return found


@pytest.mark.parametrize("path", READS)
def test_every_read_answers_with_its_headers(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert client.head(path).status_code == 200


def test_a_job_is_told_with_its_terms(client: httpx.Client) -> None:
    found = told(client, "/v1/jobs/1")
    assert found["requester"] == REQUESTER and found["reward"] == str(10**16)
    assert found["counts"] == {
        "open": 0,
        "running": 0,
        "claimed": 0,
        "disputed": 0,
        "final": 2,
        "refunded": 0,
    }
    assert found["is_over"] and found["final_for_consumers"] == 1
    assert found["disputes"] == [str(GAME)] and found["dispute_count"] == 1
    assert told(client, "/v1/jobs")["jobs"] == [
        {name: found[name] for name in told(client, "/v1/jobs")["jobs"][0]}
    ]


def test_shards_and_claims_say_who_claimed_what_and_what_became_of_it(client: httpx.Client) -> None:
    shards = told(client, "/v1/jobs/1/shards")
    assert [(each["stage"], each["operator"]) for each in shards["shards"]] == [("final", HONEST)] * 2
    assert shards["next"] is None
    assert told(client, "/v1/jobs/1/shards/1") == shards["shards"][1]
    claims = told(client, "/v1/jobs/1/claims")["claims"]
    assert [(each["operator"], each["outcome"]) for each in claims] == [(LIAR, "struck"), (HONEST, "final")]
    assert claims[0]["claim_id"] == str(claim_of(task_of(JobId(1), 1), 2))  # pyright: ignore[reportArgumentType]


def test_operators_are_told_with_their_stake(client: httpx.Client) -> None:
    assert [each["address"] for each in told(client, "/v1/operators")["operators"]] == [HONEST, LIAR]
    found = told(client, f"/v1/operators/{HONEST.upper().replace('X', 'x')}")
    assert found["stake_wei"] == str(10**18) and found["final"] == 2 and len(found["tasks"]) == 2
    behind = told(client, f"/v1/operators?after={HONEST}&limit=1")
    assert [each["address"] for each in behind["operators"]] == [LIAR] and behind["next"] is None


def test_a_dispute_narrows_to_one_instruction(client: httpx.Client) -> None:
    found = told(client, f"/v1/disputes/{GAME}")
    last = found["intervals"][-1]
    assert int(last["high"]) - int(last["low"]) == 1 and found["instructions"] == "1"
    assert found["outcome"] == "fell" and found["challenger"] == CHALLENGER
    assert found["executed"]["after"] != found["executed"]["expected"]
    summary = told(client, "/v1/disputes")["disputes"][0]
    assert summary == {name: found[name] for name in summary}


def test_the_network_counts(client: httpx.Client) -> None:
    found = told(client, "/v1/network")
    assert (found["jobs"], found["operators"], found["disputes"], found["open_disputes"]) == (1, 2, 1, 0)
    assert found["is_current"] and found["orders_to"] is None


def test_pages_follow_each_other_without_gaps(serve: Serve) -> None:
    places = Places()
    _, reads = reads_of(ToldChain(posted(places.next(), JobId(number)) for number in range(1, 451)))
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    seen: list[int] = []
    path = "/v1/jobs?limit=200"
    while True:
        page = told(client, path)
        seen += [each["job_id"] for each in page["jobs"]]
        if page["next"] is None:
            break
        path = f"/v1/jobs?limit=200&before={page['next']}"
    assert seen == list(range(450, 0, -1))
    assert told(client, f"/v1/jobs?requester={LIAR}") == {"jobs": [], "next": None}


def test_shards_of_a_large_job_come_in_pages(serve: Serve) -> None:
    _, reads = reads_of(ToldChain([posted(Places().next(), shard_count=65_535)]))
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    last = told(client, "/v1/jobs/1/shards?from=65500&limit=200")
    assert len(last["shards"]) == 35 and last["next"] is None
    assert len(told(client, "/v1/jobs/1/shards")["shards"]) == 50


@pytest.mark.parametrize(
    "path",
    [
        "/v1/jobs/2",
        "/v1/jobs/0",
        "/v1/jobs/-1",
        "/v1/jobs/01",
        "/v1/jobs/1e3",
        "/v1/jobs/" + "9" * 300,
        "/v1/jobs/٣",
        "/v1/jobs/1%00",
        "/v1/jobs/1%0A",
        "/v1/jobs/..%2F..%2Fetc%2Fpasswd",
        "/v1/jobs/1/shards/2",
        "/v1/jobs/1/shards/2/result",
        "/v1/jobs/2/receipt",
        "/v1/jobs/2/events",
        "/v1/jobs/1/shards/65535",
        "/v1/operators/0x00",
        f"/v1/operators/{CHALLENGER}",
        "/v1/operators/%3Cscript%3E",
        "/v1/disputes/1",
        "/v1/disputes/" + "9" * 60,
        "/v1/../health/..",
        "/nothing",
    ],
)
def test_what_is_not_there_is_said(client: httpx.Client, path: str) -> None:
    assert refusal(client, path)["status"] == 404


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=",
        "limit=1&limit=2",
        "limit=%2B1",
        "before=0",
        "page=1",
        "limit=1e2",
        "a=%0A",
    ],
)
def test_parameters_that_are_not_well_formed_are_refused_with_what_was_expected(
    client: httpx.Client, query: str
) -> None:
    found = refusal(client, f"/v1/jobs?{query}")
    assert found["status"] == 400 and "expected" in found["detail"]


def test_long_paths_and_queries_are_refused(client: httpx.Client) -> None:
    assert refusal(client, "/v1/jobs/" + "9" * 600)["status"] == 400
    assert refusal(client, "/v1/jobs?limit=" + "1" * 2_000)["status"] == 400


def test_nothing_can_be_changed(client: httpx.Client) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
        answer = client.request(method, "/v1/jobs", content=b"x" * 100)
        assert answer.status_code == 405 and answer.headers["Allow"]
    assert refusal(client, "/v1/orders")["status"] == 404


def test_outputs_without_a_store_are_refused_with_what_to_do(client: httpx.Client) -> None:
    assert "--blobs" in refusal(client, "/v1/jobs/1/receipt")["detail"]


def test_a_client_that_asks_too_much_waits_and_others_do_not(serve: Serve) -> None:
    _, reads = reads_of(ToldChain(story()))
    now = [0.0]
    client = serve(Gateway(reads.operations(), requests_per_second=5.0, clock=lambda: now[0]))
    assert [client.get("/health").status_code for _ in range(12)] == [200] * 10 + [429] * 2
    assert refusal(client, "/health")["status"] == 429
    assert client.get("/health").headers["Retry-After"] == "1"
    now[0] += 1.0
    assert client.get("/health").status_code == 200


def test_costly_answers_count_more(serve: Serve) -> None:
    _, reads = reads_of(ToldChain(story()))
    client = serve(Gateway(reads.operations(), requests_per_second=5.0, clock=lambda: 0.0))
    client.get("/v1/jobs/1/receipt")
    assert int(client.get("/health").headers["Retry-After"]) >= 2


def test_a_dead_node_is_said_and_what_was_read_stays(serve: Serve) -> None:
    chain = ToldChain(story())
    reading, reads = reads_of(chain)
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    chain.is_dead = True
    reading.poll()
    assert refusal(client, "/health")["status"] == 503
    assert not told(client, "/v1/network")["is_current"]
    assert told(client, "/v1/jobs/1")["job_id"] == 1


def test_before_the_first_reading_nothing_is_claimed(serve: Serve) -> None:
    chain = ToldChain(story())
    chain.is_dead = True
    _, reads = reads_of(chain)
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    paths = ("network", "jobs", "jobs/1", "jobs/1/shards", "programs/1", "operators")
    for path in (f"/v1/{each}" for each in paths):
        assert refusal(client, path)["status"] == 503


def test_while_another_branch_is_read_what_is_on_both_stays_and_nothing_is_said_to_be_missing(
    serve: Serve,
) -> None:
    class InterruptedChain(ToldChain):
        """After a reorganisation, a node that fails in the middle of the second reading."""

        is_interrupted = False

        def blocks(self, low: int, high: int) -> Any:
            if self.is_interrupted:
                raise Unavailable("the node is gone")
            return super().blocks(low, high)

    chain = InterruptedChain(story())
    reading, reads = reads_of(chain)
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    chain.branch, chain.is_interrupted = 1, True
    reading.poll()
    assert refusal(client, "/health")["status"] == 503
    assert told(client, "/v1/jobs/1")["is_over"]
    assert refusal(client, "/v1/jobs/2")["status"] == 503
    assert refusal(client, "/v1/jobs/2/shards")["status"] == 503
    chain.is_interrupted = False
    reading.poll()
    assert told(client, "/v1/network")["is_current"] and reading.history.event_count == len(chain.told)
    assert refusal(client, "/v1/jobs/2")["status"] == 404


def test_an_error_of_ours_ends_no_reading_and_is_no_health(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OddChain(ToldChain):
        """Gives what the reading cannot take."""

        is_odd = True

        def blocks(self, low: int, high: int) -> Any:
            if self.is_odd:
                raise KeyError("secret")
            return super().blocks(low, high)

    monkeypatch.setattr(reading_module, "POLL_SECONDS", 0.01)
    chain: Any = OddChain(story())
    reading = Reading(chain, 1)
    reads = Reads(reading, Results(chain, DEPLOYMENT, None), DEPLOYMENT, "a network")
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    reading.start()
    while "KeyError" not in reading.trouble:
        threading.Event().wait(0.01)
    assert refusal(client, "/health")["status"] == 503
    assert "secret" not in reading.trouble
    chain.is_odd = False
    while client.get("/health").status_code != 200:
        threading.Event().wait(0.01)
    reading.close()
    assert told(client, "/v1/jobs/1")["is_over"]


def test_nobody_is_sent_to_where_a_client_says_that_the_gateway_is(client: httpx.Client) -> None:
    answer = client.get("/v1/jobs/", headers={"Host": "evil.example"})
    assert answer.status_code == 404 and "Location" not in answer.headers


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Server-sent events, as a browser reads them."""
    found: list[tuple[str, dict[str, Any]]] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_stream_of_a_job_that_is_over_ends(client: httpx.Client) -> None:
    answer = client.get("/v1/jobs/1/events")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    said = events_of(answer.text)
    assert [name for name, _ in said] == ["progress", "over"]
    assert said[1][1]["counts"]["final"] == 2


def test_a_stream_tells_progress_until_the_job_is_over(serve: Serve) -> None:
    whole = list(story())
    chain = ToldChain(whole[:1])
    reading, reads = reads_of(chain)
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    text = ""
    with client.stream("GET", "/v1/jobs/1/events") as answer:
        for piece in answer.iter_text():
            if not text:
                chain.told = whole
                reading.poll()
            text += piece
    said = events_of(text)
    assert [name for name, _ in said] == ["progress", "progress", "over"]
    assert said[0][1]["counts"]["open"] == 2 and said[-1][1]["is_over"]


def test_a_client_cannot_open_all_streams(serve: Serve) -> None:
    _, reads = reads_of(ToldChain([posted(Places().next())]))
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    opened = [client.stream("GET", "/v1/jobs/1/events") for _ in range(8)]
    texts = [stream.__enter__().iter_text() for stream in opened]
    assert all("progress" in next(text) for text in texts)
    assert refusal(client, "/v1/jobs/1/events")["status"] == 503
    for stream in opened:
        stream.__exit__(None, None, None)


def test_streams_that_are_asked_for_at_the_same_time_are_counted_too() -> None:
    reading, _ = reads_of(ToldChain([posted(Places().next())]))

    async def opened() -> int:
        streams = Streams(reading)
        assert streams.has_room("a")
        events: list[Any] = [streams.of_job("a", JobId(1)) for _ in range(32)]
        first = [await anext(each, None) for each in events]
        for each in events:
            await each.aclose()
        assert streams.has_room("a")
        return sum(each is not None for each in first)

    assert asyncio.run(opened()) == 8


def test_a_request_that_is_no_http_breaks_nothing(client: httpx.Client) -> None:
    for junk in (b"\x00" * 64, b"GET /v1/jobs HTTP/9.9\r\n\r\n", b"GET " + b"/" * 100_000):
        with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as connection:
            connection.settimeout(5.0)
            connection.sendall(junk)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
    assert client.get("/health").status_code == 200


def test_a_strangers_words_stay_words(serve: Serve) -> None:
    hostile = "\n\nevent: over\ndata: {}\n\n</script>\x00"
    _, reads = reads_of(ToldChain([posted(Places().next(), uri=hostile)]))
    client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
    assert told(client, "/v1/jobs/1")["input_uri"] == hostile
    assert "\n" not in client.get("/v1/jobs/1").text
