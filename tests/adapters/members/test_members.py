"""What members hand to each other over HTTP; those that are asked may be slow, dead or lying."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from web3 import Account

from tests.adapters.hostile_server import read_head, serving_raw
from truestep.adapters.members import asking, serving
from truestep.adapters.members.asking import PublishedMembers
from truestep.adapters.members.serving import WordServer
from truestep.adapters.members.wire import AccountPen, Court, parse_word, word_bytes
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.protocol.quorum.words import Word

KEY = Account.from_key(b"\x01" * 32)
MEMBER = Address(KEY.address)
COURT = Court(chain_id=31337, quorums=Address("0x" + "aB" * 20))
BATCH = BatchId(7)
TASKS = Bytes32(b"t" * 32)
COMMITMENT = 0xABC
SALT = Bytes32(b"s" * 32)


@pytest.fixture
def word() -> Word:
    return AccountPen(KEY, COURT).sign(BATCH, TASKS, MEMBER, COMMITMENT)


@pytest.fixture
def server() -> Iterator[WordServer]:
    with closing(WordServer(COURT)) as opened:
        yield opened


def asked(*endpoints: str, may_be_private: bool = True) -> Word | None:
    members = PublishedMembers(lambda _: endpoints, COURT, may_be_private=may_be_private)
    return members.word(BATCH, TASKS, MEMBER)


def test_a_word_comes_back_with_the_account_that_has_signed_it(word: Word, server: WordServer) -> None:
    assert asked(server.url) is None
    server.show({(BATCH, MEMBER): word})
    assert asked(server.url) == word and word.signer == MEMBER
    with_salt = Word(commitment=COMMITMENT, signature=word.signature, signer=MEMBER, salt=SALT)
    server.show({(BATCH, MEMBER): with_salt})
    assert asked(server.url) == with_salt
    server.show({})
    assert asked(server.url) is None


def test_what_was_signed_for_another_batch_member_or_court_is_of_somebody_else(word: Word) -> None:
    content = word_bytes(word)
    assert parse_word(content, COURT, BATCH, TASKS, MEMBER).signer == MEMBER
    other_court = Court(chain_id=1, quorums=COURT.quorums)
    other_member = Address("0x" + "12" * 20)
    for court, batch_id, tasks_root, member in (
        (other_court, BATCH, TASKS, MEMBER),
        (COURT, BatchId(8), TASKS, MEMBER),
        (COURT, BATCH, Bytes32(b"after a reorganisation".ljust(32)), MEMBER),
        (COURT, BATCH, TASKS, other_member),
    ):
        assert parse_word(content, court, batch_id, tasks_root, member).signer not in (MEMBER, other_member)


@pytest.mark.parametrize(
    "changes",
    [
        {"commitment": "00" * 16},
        {"commitment": "0x" + "00" * 15},
        {"commitment": "ab" * 17},
        {"signature": "00" * 65},
        {"signature": "11" * 64 + "1d"},
        {"signature": "ff" * 64 + "1b"},
        {"signature": None},
        {"salt": "ab"},
        {"salt": 5},
        {"version": 2},
    ],
)
def test_what_is_no_word_is_refused(word: Word, changes: dict[str, Any]) -> None:
    said = json.loads(word_bytes(word)) | changes
    with pytest.raises(Unavailable):
        parse_word(json.dumps(said).encode(), COURT, BATCH, TASKS, MEMBER)


def test_recovery_ids_that_the_chain_does_not_take_are_refused(word: Word) -> None:
    """eth_account takes 0 and 1 too; the contract would refuse the words of everybody with such a one."""
    said = json.loads(word_bytes(word))
    said["signature"] = said["signature"][:-2] + f"{word.signature[-1] - 27:02x}"
    with pytest.raises(Unavailable, match="signature"):
        parse_word(json.dumps(said).encode(), COURT, BATCH, TASKS, MEMBER)


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000, b"\xff", b"{}", b"null", b"1"])
def test_junk_is_refused(content: bytes) -> None:
    with pytest.raises(Unavailable):
        parse_word(content, COURT, BATCH, TASKS, MEMBER)


def test_endpoints_that_fail_are_passed_over(word: Word, server: WordServer) -> None:
    server.show({(BATCH, MEMBER): word})
    assert asked("http://127.0.0.1:9", server.url) == word
    assert asked("no url", f"{server.url}/") == word
    assert asked() is None
    with pytest.raises(Unavailable):
        asked("http://127.0.0.1:9")
    dead = ["http://127.0.0.1:9"] * asking.ENDPOINTS_LIMIT
    with pytest.raises(Unavailable):
        asked(*dead, server.url)


def test_a_member_is_not_asked_in_our_own_network(word: Word, server: WordServer) -> None:
    server.show({(BATCH, MEMBER): word})
    with pytest.raises(Unavailable, match="public internet"):
        asked(server.url, may_be_private=False)


def test_members_that_stall_or_flood_cost_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ASK_SECONDS", 0.3)

    def stall(connection: Any) -> None:
        read_head(connection)
        connection.recv(1)

    with serving_raw(stall) as url, pytest.raises(Unavailable, match="slow"):
        asked(url)
    flood = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000

    def answer(connection: Any) -> None:
        read_head(connection)
        connection.sendall(flood)

    with serving_raw(answer) as url, pytest.raises(Unavailable, match="more than"):
        asked(url)


@pytest.mark.parametrize(
    "endless", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_interim_answers_without_end_are_not_read_on(endless: bytes) -> None:
    def behave(connection: Any) -> None:
        read_head(connection)
        while True:
            connection.sendall(1_000 * endless)

    with serving_raw(behave) as url, pytest.raises(Unavailable, match="far more than"):
        asked(url)


def test_a_body_in_ever_smaller_chunks_is_not_read_on() -> None:
    def behave(connection: Any) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1;" + b"x" * 10_000 + b"\r\na\r\n")

    with serving_raw(behave) as url, pytest.raises(Unavailable, match="far more than"):
        asked(url)


def test_a_word_may_come_after_early_hints(word: Word) -> None:
    body = word_bytes(word)
    final = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def behave(connection: Any) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + final)

    with serving_raw(behave) as url:
        assert asked(url) == word


def test_where_a_member_is_is_looked_up_now_and_then() -> None:
    looked: list[Address] = []

    def endpoints_of(member: Address) -> tuple[str, ...]:
        looked.append(member)
        raise Rejected(Reject.OPERATOR_RECORD, "junk")

    members = PublishedMembers(endpoints_of, COURT, may_be_private=True)
    assert [members.word(BATCH, TASKS, MEMBER) for _ in range(3)] == [None] * 3
    assert looked == [MEMBER]


def test_the_server_shows_nothing_else_and_takes_nothing(word: Word, server: WordServer) -> None:
    server.show({(BATCH, MEMBER): word})
    place = f"{server.url}/{COURT.path(BATCH, MEMBER)}"
    assert httpx.get(place).json()["salt"] is None
    assert httpx.get(place).headers["Cache-Control"] == "no-store"
    assert httpx.post(place, content=b"x").status_code == 405
    for path in ("", "checkpoint", "../../etc/passwd", COURT.path(BatchId(8), MEMBER)):
        assert httpx.get(f"{server.url}/{path}").status_code == 404


def test_one_client_cannot_ask_without_end(word: Word, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "REQUESTS_PER_SECOND", 0.1)
    with closing(WordServer(COURT)) as server:
        answer = httpx.get(server.url)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "9")
