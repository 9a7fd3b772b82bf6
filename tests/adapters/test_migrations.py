"""Store files that older releases wrote, opened by this one."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from json import loads
from pathlib import Path

import pytest
from web3 import Account

from truestep.adapters.chain.journal import Journal
from truestep.adapters.store import migrations
from truestep.adapters.store.migrations import SCHEMA_VERSION
from truestep.adapters.store.scoped import UNKNOWN, Scope, open_scope, scoped_table, scopes_in
from truestep.adapters.store.sqlite import SqliteStore, backup_path
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import RunKey

FILES = Path(__file__).parent / "files" / "schema_1"
DEPLOYMENT = loads((FILES / "deployment.json").read_text())
"""The file of a network whose contracts are no longer used; what was sent to them is still kept."""
SCOPE = Scope(chain_id=DEPLOYMENT["chain_id"], jobs=Address(DEPLOYMENT["addresses"]["jobs"]))
CONTRACTS = [Address(DEPLOYMENT["addresses"][name]) for name in ("operators", "programs", "jobs", "disputes")]
NAMES = ("worker", "liar", "challenger")
PENDING = {
    "worker": ["take/17179869184/1#0"],
    "liar": ["take/17179869184/1#0", "split/237684487542793012784926818305/1#0"],
    "challenger": [],
}
RESULT_TABLES = ("hashes", "witnesses", "reveals")


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    """What a file holds, without our code."""
    with closing(sqlite3.connect(path)) as connection:
        tables: dict[str, dict[str, str]] = {}
        for table, key, value in connection.execute("SELECT * FROM entry"):
            tables.setdefault(table, {})[key] = value
        return tables


def schema_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def path(name: str, tmp_path: Path) -> Path:
    """A copy of a file of schema 1."""
    return Path(shutil.copy(FILES / f"{name}.sqlite", tmp_path / "state.sqlite"))


def test_transactions_and_results_outlive_the_schema(name: str, path: Path) -> None:
    before = rows_of(path)
    with SqliteStore(path) as whole:
        assert scopes_in(whole) == [UNKNOWN]
        store = open_scope(whole, SCOPE, CONTRACTS)
        assert scopes_in(whole) == [str(SCOPE)]
        assert dict(store.rows("transactions")) == before["transactions"]
        for table in RESULT_TABLES:
            assert dict(store.rows(table)) == before.get(table, {})
        runs = {f"{run}-10000": row for run, row in before.get("runs", {}).items()}
        assert dict(store.rows("runs")) == runs
        assert set(store.tables()) <= {"transactions", "runs", *RESULT_TABLES}
    assert schema_of(path) == SCHEMA_VERSION


def test_pending_transactions_are_looked_after(name: str, path: Path) -> None:
    with SqliteStore(path) as whole:
        store = open_scope(whole, SCOPE, CONTRACTS)
        account = Address(Account.from_key(keccak256(name.encode())).address)
        journal = Journal(store, account)
        pending = journal.pending()
    assert [entry.intent for entry in pending] == PENDING[name]
    before = {
        loads(row)["intent"]: loads(row) for row in rows_of(FILES / f"{name}.sqlite")["transactions"].values()
    }
    for entry in pending:
        known = before[entry.intent]
        assert (entry.nonce, entry.to, entry.payload) == (known["nonce"], known["to"], known["payload"])
        assert [attempt.raw for attempt in entry.attempts] == [each["raw"] for each in known["attempts"]]


def test_results_are_read_as_they_were_written(name: str, path: Path) -> None:
    before = rows_of(path)
    with SqliteStore(path) as whole:
        results = Results(open_scope(whole, SCOPE, CONTRACTS))
        for run, row in before.get("runs", {}).items():
            own_run = results.own_run(RunKey(initial_hash=Bytes32(bytes.fromhex(run)), max_cycles=10_000))
            assert own_run is not None
            kept = loads(row)
            assert own_run.claimed.output_root.hex() == kept["claimed"]["output_root"]
            assert (own_run.claimed.cycle, own_run.seconds) == (kept["claimed"]["cycle"], kept["seconds"])
        for run, row in before.get("hashes", {}).items():
            hashes = results.hashes(RunKey(initial_hash=Bytes32(bytes.fromhex(run)), max_cycles=1))
            assert {str(number): value.hex() for number, value in hashes.items()} == loads(row)


def test_the_file_as_it_was_is_kept_beside(path: Path) -> None:
    before = rows_of(path)
    kept = backup_path(path, 1)
    SqliteStore(path).close()
    assert (rows_of(kept), schema_of(kept)) == (before, 1)
    assert backup_path(path, 1) != kept


@pytest.mark.parametrize("name", ["worker"])
def test_a_file_opened_again_stays_as_it_is(path: Path) -> None:
    with SqliteStore(path) as whole:
        open_scope(whole, SCOPE, CONTRACTS)
    rows = rows_of(path)
    with SqliteStore(path) as whole:
        open_scope(whole, SCOPE, CONTRACTS)
    assert rows_of(path) == rows
    assert sorted(place.name for place in path.parent.glob("*.schema-*")) == ["state.sqlite.schema-1"]


@pytest.mark.parametrize("name", ["liar"])
@pytest.mark.parametrize(
    ("scope", "contracts"),
    [
        (SCOPE, [Address("0x" + "ab" * 20)]),
        (Scope(chain_id=SCOPE.chain_id + 1, jobs=SCOPE.jobs), CONTRACTS),
    ],
    ids=["other contracts", "other chain"],
)
def test_rows_of_another_deployment_wait(path: Path, scope: Scope, contracts: list[Address]) -> None:
    before = rows_of(path)["transactions"]
    with SqliteStore(path) as whole:
        store = open_scope(whole, scope, contracts)
        assert store.tables() == []
        assert scopes_in(whole) == [UNKNOWN]
        assert dict(whole.rows(scoped_table(UNKNOWN, "transactions"))) == before
        assert dict(open_scope(whole, SCOPE, CONTRACTS).rows("transactions")) == before


@pytest.mark.parametrize("name", ["liar"])
def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM entry")
        raise KeyError("kind")

    before = rows_of(path)
    monkeypatch.setattr(migrations, "MIGRATIONS", (half,))
    with pytest.raises(Rejected, match="Nothing was changed"):
        SqliteStore(path)
    assert (rows_of(path), schema_of(path)) == (before, 1)
    monkeypatch.undo()
    SqliteStore(path).close()
    assert schema_of(path) == SCHEMA_VERSION


@pytest.mark.parametrize("name", ["liar"])
def test_without_room_for_a_copy_nothing_is_changed(path: Path) -> None:
    path.with_name("state.sqlite.schema-1.partial").mkdir()
    with pytest.raises(Unavailable, match="before its schema changes"):
        SqliteStore(path)
    assert schema_of(path) == 1


@pytest.mark.parametrize("name", ["worker"])
def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    content = path.read_bytes()
    with pytest.raises(Rejected, match=r"newer release.*Install that release again") as refusal:
        SqliteStore(path)
    assert refusal.value.reason is Reject.STORE_FILE
    assert path.read_bytes() == content
