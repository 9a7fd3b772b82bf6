from truestep.adapters.store.scoped import Scope, ScopedStore, scopes_in
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Address
from truestep.ports.store import PAGE_ROWS, Change, each_row

HERE = Scope(chain_id=1, jobs=Address("0x" + "Ab" * 20))
THERE = Scope(chain_id=10, jobs=HERE.jobs)


def test_deployments_do_not_see_each_other() -> None:
    whole = SqliteStore()
    here, there = ScopedStore(whole, HERE), ScopedStore(whole, THERE)
    here.write([Change(table="a", key=key, value=f"here {key}") for key in "xyz"])
    there.write([Change(table="a", key="y", value="there"), Change(table="b", key="y", value="there")])
    assert (here.read("a", "y"), there.read("a", "y"), there.read("a", "x")) == ("here y", "there", None)
    assert here.rows("a", key_from="y", limit=1) == [("y", "here y")]
    assert here.rows("b") == []
    assert (here.tables(), there.tables()) == (["a"], ["a", "b"])
    there.write([Change(table="a", key="y", value=None)])
    assert here.rows("a") == [(key, f"here {key}") for key in "xyz"]
    assert scopes_in(whole) == [f"10:0x{'ab' * 20}", f"1:0x{'ab' * 20}"]


def test_no_table_is_named_without_rows() -> None:
    assert SqliteStore().tables() == []


def test_long_tables_are_read_a_page_at_a_time() -> None:
    store = ScopedStore(SqliteStore(), HERE)
    rows = [(f"{number:06d}", str(number)) for number in range(2 * PAGE_ROWS + 1)]
    store.write([Change(table="a", key=key, value=value) for key, value in rows])
    assert list(each_row(store, "a")) == rows
    assert list(each_row(store, "a", key_from="000001", key_until="001001")) == rows[1:1001]
