"""A store in PostgreSQL when its server, its connection or its operator does what it should not."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest

from tests.postgres import PostgresServer, Proxy
from truestep.adapters.store import postgres as postgres_store
from truestep.adapters.store import postgres_connection, postgres_session
from truestep.adapters.store.postgres import PostgresStore
from truestep.adapters.store.postgres_place import parse_place
from truestep.adapters.store.postgres_reading import PostgresReader
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.ports.store import Change


def put(key: str, value: str | None) -> Change:
    return Change(table="t", key=key, value=value)


def opened(uri: str) -> PostgresStore:
    return PostgresStore(parse_place(uri))


@pytest.fixture
def proxy(postgres: PostgresServer) -> Generator[Proxy, None, None]:
    with closing(Proxy(postgres)) as between:
        yield between


def refused(uri: str) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        opened(uri)
    return refusal.value


# --- lost connections ---------------------------------------------------------------------------------------


def test_it_goes_on_after_its_sessions_were_ended(postgres: PostgresServer) -> None:
    with opened(postgres.new_uri()) as store:
        for number in range(3):
            store.write([put(str(number), "kept")])
            assert postgres.end_sessions() == 1
            assert len(store.rows("t")) == number + 1
            assert postgres.end_sessions() == 1


@pytest.mark.parametrize("lose", ["request", "answer", "both ends"])
@pytest.mark.parametrize("word", ["UPDATE", "INSERT", "DELETE"])
def test_a_write_that_is_interrupted_is_not_made(
    postgres: PostgresServer, proxy: Proxy, word: str, lose: str
) -> None:
    with opened(proxy.uri(f"interrupted_{word.lower()}_{lose.replace(' ', '_')}")) as store:
        store.write([put("a", "1")])
        proxy.word, proxy.lose = word.encode(), lose
        with pytest.raises(Unavailable):
            store.write([put("a", None), put("b", "2")])
        assert settled(lambda: store.rows("t")) == [("a", "1")]
        store.write([put("a", None), put("b", "2")])
        assert store.rows("t") == [("b", "2")]


def test_a_lock_that_is_free_by_the_time_its_holder_is_asked_for_is_taken(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine, where a second is over before the server has answered."""
    uri, holder = postgres.new_uri(), postgres_session._holder
    other = opened(uri)

    def late(*arguments: Any) -> Any:
        other.close()
        found = holder(*arguments)
        while found is not None:
            found = holder(*arguments)
        return found

    monkeypatch.setattr(postgres_session, "LOCK_SECONDS", 0.0)
    monkeypatch.setattr(postgres_session, "_holder", late)
    with opened(uri) as store:
        assert store.rows("t") == []


def settled(read: Callable[[], list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """What is read once the server has ended the lost session, which a busy one does later."""
    for _ in range(100):
        with suppress(Unavailable):
            return read()
        time.sleep(0.1)
    return read()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGQUIT])
def test_what_was_written_survives_the_server(postgres: PostgresServer, kind: signal.Signals) -> None:
    with opened(postgres.new_uri()) as store:
        store.write([put("a", "1")])
        postgres.stop(kind)
        with pytest.raises(Unavailable, match="check the server"):
            store.write([put("b", "2")])
        with pytest.raises(Unavailable, match="check the server"):
            store.rows("t")
        postgres.start()
        assert store.rows("t") == [("a", "1")]
        store.write([put("b", "2")])
        assert store.rows("t") == [("a", "1"), ("b", "2")]


def test_a_server_that_does_not_wait_for_its_disk_is_made_to(postgres: PostgresServer) -> None:
    uri = postgres.new_uri()
    store = opened(f"{uri}&options=-c%20synchronous_commit%3Doff")
    with store:
        row = store._session.execute("SHOW synchronous_commit").fetchone()
        assert row == ("on",)


@pytest.mark.parametrize(("lose", "is_made"), [("request", False), ("answer", True), ("both ends", True)])
def test_a_commit_without_an_answer_is_looked_up(
    postgres: PostgresServer, proxy: Proxy, lose: str, is_made: bool
) -> None:
    schema = f"commit_{lose.replace(' ', '_')}"
    with opened(proxy.uri(schema)) as store:
        store.write([put("before", "1")])
        proxy.lose = lose
        if is_made:
            store.write([put("doubtful", "1")])
        else:
            with pytest.raises(Unavailable):
                store.write([put("doubtful", "1")])
        assert proxy.losses == 1
        assert (store.read("t", "doubtful") is not None) == is_made
        store.write([put("after", "1")])
        assert [key for key, _ in store.rows("t")] == ["after", "before", *(["doubtful"] if is_made else [])]


@pytest.mark.parametrize(("lose", "is_made"), [("request", False), ("answer", True)])
def test_what_was_said_to_have_failed_is_never_found_made(
    postgres: PostgresServer, proxy: Proxy, lose: str, is_made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_store, "SETTLE_SECONDS", 0.0)
    schema = f"doubt_{lose}"
    with opened(proxy.uri(schema)) as store:
        proxy.lose, proxy.is_refusing = lose, True
        with pytest.raises(Unavailable):
            store.write([put("doubtful", "1")])
        with pytest.raises(Unavailable):
            store.read("t", "doubtful")
        proxy.is_refusing = False
        if not is_made:
            assert store.read("t", "doubtful") is None
            store.write([put("after", "1")])
        for _ in range(2 * is_made):
            with pytest.raises(Rejected, match="start it again") as refusal:
                store.read("t", "doubtful")
            assert refusal.value.reason is Reject.STATE_OF_OTHER
    with opened(postgres.uri(schema)) as again:
        assert [key for key, _ in again.rows("t")] == ["doubtful" if is_made else "after"]


@pytest.mark.parametrize("word", ["BEGIN", "UPDATE", "COMMIT", "SELECT value"])
def test_an_answer_is_not_waited_for_forever(
    postgres: PostgresServer, proxy: Proxy, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network takes what is sent, and delivers nothing."""
    monkeypatch.setattr(postgres_connection, "ANSWER_SECONDS", 0.5)
    with opened(proxy.uri(f"stalled_{word[:6].strip().lower()}")) as store:
        store.write([put("a", "1")])
        proxy.word, proxy.lose = word.encode(), "patience"
        if word in ("BEGIN", "SELECT value"):  # asked once more, through another connection
            store.write([put("a", "2")])
            assert store.read("t", "a") == "2"
        else:
            with pytest.raises(Unavailable, match="no answer within"):
                store.write([put("a", "2")])
            assert store.read("t", "a") == "1"
        assert proxy.losses == 1


def test_what_the_server_refuses_is_an_answer(postgres: PostgresServer) -> None:
    with opened(postgres.new_uri()) as store:
        backend = store._session.backend
        with pytest.raises(Unavailable, match="index row"):
            store.write([put("".join(map(chr, range(256, 9_000))), "1")])
        assert store.rows("t") == []
        assert store._session.backend == backend


def test_a_former_session_that_does_not_end_is_not_waited_for_forever(
    postgres: PostgresServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the server hangs on its disk."""
    monkeypatch.setattr(postgres_session, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(postgres_session, "END_MILLISECONDS", 300)
    with opened(proxy.uri("unending")) as store:
        store.write([put("a", "1")])
        pid = store._session.backend.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            proxy.cut()
            with pytest.raises(Unavailable, match="does not end"):
                store.read("t", "a")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert store.read("t", "a") == "1"


def test_a_commit_that_no_standby_has_is_not_said_to_be_made(
    postgres: PostgresServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To end a session that waits for its standby makes its commit visible, although it may still be lost."""
    with opened(proxy.uri("alone")) as store:
        store.write([put("a", "1")])
        monkeypatch.setattr(postgres_connection, "ANSWER_SECONDS", 0.5)
        postgres.set("synchronous_standby_names", "nobody")
        try:
            with pytest.raises(Unavailable, match="no answer within"):
                store.write([put("b", "2")])
        finally:
            postgres.set("synchronous_standby_names", "")
        with pytest.raises(Rejected, match="start it again"):
            store.read("t", "b")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_the_encoding_of_a_database_does_not_matter(postgres: PostgresServer, encoding: str) -> None:
    name = f"of_{encoding.lower()}"
    postgres.ask(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    uri = postgres.new_uri().replace("/postgres?", f"/{name}?")
    for _ in range(2):
        with opened(uri) as store:
            store.write([put("\0ä\U0001f600", "€")])
            assert store.rows("t") == [("\0ä\U0001f600", "€")]
            assert isinstance(store.store_id, str)
    with PostgresReader(parse_place(f"{uri}&client_encoding=SQL_ASCII")) as reader:
        assert reader.rows("t") == [("\0ä\U0001f600", "€")]


# --- one process at a time ----------------------------------------------------------------------------------


def test_whoever_lost_the_store_to_another_process_never_writes_again(
    postgres: PostgresServer, proxy: Proxy
) -> None:
    uri = postgres.uri("taken_over")
    with opened(proxy.uri("taken_over")) as first:
        first.write([put("a", "first")])
        proxy.is_refusing = True
        proxy.cut()
        with opened(uri) as second:
            second.write([put("a", "second")])
            proxy.is_refusing = False
            for _ in range(2):
                with pytest.raises(Rejected) as refusal:
                    first.write([put("a", "again")])
                assert refusal.value.reason is Reject.STORE_IN_USE
        with pytest.raises(Rejected, match="belongs to"):  # also when the other one has ended
            first.read("t", "a")
    with opened(uri) as third:
        assert third.read("t", "a") == "second"


def test_one_that_was_opened_and_closed_meanwhile_is_lost_too(postgres: PostgresServer, proxy: Proxy) -> None:
    with opened(proxy.uri("opened_meanwhile")) as first:
        proxy.cut()
        postgres.end_sessions()
        opened(postgres.uri("opened_meanwhile")).close()
        with pytest.raises(Rejected, match="only one of them") as refusal:
            first.write([put("a", "1")])
        assert refusal.value.reason is Reject.STORE_IN_USE


def test_stores_of_one_database_do_not_meet(postgres: PostgresServer) -> None:
    with opened(postgres.new_uri()) as one, opened(postgres.new_uri()) as other:
        one.write([put("a", "1")])
        assert other.rows("t") == []
        assert one.store_id != other.store_id


def test_an_older_copy_of_the_database_is_noticed(postgres: PostgresServer) -> None:
    with opened(postgres.uri("gone_back")) as store:
        store.write([put("a", "1")])
        postgres.ask("UPDATE gone_back.store SET writes = writes - 1")
        with pytest.raises(Rejected, match="an older copy"):
            store.write([put("a", "2")])
        with pytest.raises(Rejected, match="an older copy"):
            store.read("t", "a")


def test_a_store_that_was_dropped_is_noticed(postgres: PostgresServer) -> None:
    with opened(postgres.uri("dropped")) as store:
        postgres.ask("DROP SCHEMA dropped CASCADE")
        postgres.end_sessions()
        with pytest.raises(Rejected, match="dropped or replaced"):
            store.read("t", "a")


# --- places, rights and versions ----------------------------------------------------------------------------


def test_passwords_are_never_shown(postgres: PostgresServer) -> None:
    secret = "hunter2secret"
    uri = f"postgresql://somebody:{secret}@/postgres?host={postgres.folder}"
    keyed = f"postgresql://somebody@/postgres?password={secret}"
    nested = f"postgresql://somebody@/?dbname={uri}"
    token = f"postgresql://somebody@/postgres?oauth_client_secret={secret}"
    for wrong in (uri, keyed, nested, token, f"{uri}&no_such={secret}", uri.replace("postgresql", "mysql")):
        with pytest.raises(Rejected) as refusal:
            parse_place(wrong)
        assert refusal.value.reason is Reject.STORE_FILE
        assert secret not in str(refusal.value)


def test_a_password_comes_from_the_usual_places(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.ask("CREATE ROLE guarded LOGIN PASSWORD 'open sesame'")
    postgres.ask("GRANT CREATE ON DATABASE postgres TO guarded")
    rules = postgres.content / "pg_hba.conf"
    rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
    postgres.ask("SELECT pg_reload_conf()")
    uri = postgres.uri("guarded", user="guarded")
    with pytest.raises(Unavailable, match="PGPASSWORD"):
        opened(uri)
    file = postgres.folder / "passwords"
    file.write_text("*:*:*:guarded:open sesame\n")
    file.chmod(0o600)
    opened(f"{uri}&passfile={file}").close()
    monkeypatch.setenv("PGPASSWORD", "open sesame")
    opened(uri).close()


def test_a_user_without_rights_is_told(postgres: PostgresServer) -> None:
    postgres.ask("CREATE ROLE powerless LOGIN")
    said = refused(postgres.uri("forbidden", user="powerless"))
    assert said.reason is Reject.STORE_FILE
    assert "permission denied" in str(said) and "give the user its schema" in str(said)


def test_other_tables_and_newer_stores_are_left_alone(postgres: PostgresServer) -> None:
    postgres.ask("CREATE SCHEMA letters")
    postgres.ask("CREATE TABLE letters.letter (content text)")
    assert refused(postgres.uri("letters")).reason is Reject.STORE_FILE
    opened(postgres.uri("newer")).close()
    postgres.ask("UPDATE newer.store SET version = 99")
    assert "newer release" in str(refused(postgres.uri("newer")))
    with pytest.raises(Rejected, match="got 99"):
        PostgresReader(parse_place(postgres.uri("newer")))


def test_an_older_store_is_copied_and_migrated_or_left_unchanged(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(postgres.uri("older")) as store:
        store.write([put("a", "1")])

    def breaks(connection: psycopg.Connection[object], schema: str) -> None:
        connection.execute("DELETE FROM older.entry")
        connection.execute("SELECT 1 / 0")

    def grows(connection: psycopg.Connection[object], schema: str) -> None:
        connection.execute("UPDATE older.entry SET value = value || 'grown'::bytea")

    monkeypatch.setattr(postgres_session, "MIGRATIONS", (breaks,))
    assert "division by zero" in str(refused(postgres.uri("older")))
    monkeypatch.setattr(postgres_session, "MIGRATIONS", (grows,))
    with opened(postgres.uri("older")) as store:
        assert store.rows("t") == [("a", "1grown")]
    copy = postgres_session.backup_schema("older", 1)
    assert postgres.ask(f"SELECT value FROM {copy}.entry") == [(b"1",)]
    assert postgres.ask("SELECT version FROM older.store") == [(2,)]
