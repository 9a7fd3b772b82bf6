"""Separates rows by deployment: a state file may serve several, and none sees the rows of another."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from json import loads
from typing import Any

from truestep.base.ids import Address
from truestep.ports.store import PAGE_ROWS, Change, Store, each_row

TRANSACTIONS = "transactions"
RESULTS = "runs", "hashes", "witnesses", "reveals"
"""Tables of facts about runs, which are true in every deployment."""
UNKNOWN = "unknown"
"""The scope of rows of an older release, until it is known for which deployment they were written."""
SEPARATOR = "/"
RLP_SHORT_STRING, RLP_SHORT_LIST_END = 0x80, 0xF7
"""A byte below the first is its own value; above the second, the length's length is what exceeds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A deployment: a chain id and the address of its `Jobs`."""

    chain_id: int
    jobs: Address

    def __str__(self) -> str:
        return f"{self.chain_id}:{self.jobs.lower()}"


def scoped_table(scope: Scope | str, table: str) -> str:
    """The name of a scope's table in the file."""
    return f"{scope}{SEPARATOR}{table}"


class ScopedStore:
    """Satisfies `truestep.ports.store.Store`: the rows of one deployment in a store that may have others."""

    def __init__(self, store: Store, scope: Scope) -> None:
        self._store = store
        self.scope = scope

    def read(self, table: str, key: str) -> str | None:
        """The value at `key`, None if there is none."""
        return self._store.read(scoped_table(self.scope, table), key)

    def rows(
        self, table: str, *, key_from: str = "", key_until: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        """(key, value) pairs with key_from <= key < key_until, in key order; the first `limit` of them."""
        scoped = scoped_table(self.scope, table)
        return self._store.rows(scoped, key_from=key_from, key_until=key_until, limit=limit)

    def tables(self) -> list[str]:
        """The names of the tables that have rows."""
        prefix = scoped_table(self.scope, "")
        return [name.removeprefix(prefix) for name in self._store.tables() if name.startswith(prefix)]

    def write(self, changes: Sequence[Change]) -> None:
        """Make all changes, in order, or none. They are on the medium when this returns."""
        self._store.write(
            [
                Change(table=scoped_table(self.scope, change.table), key=change.key, value=change.value)
                for change in changes
            ]
        )


def open_scope(store: Store, scope: Scope, contracts: Collection[Address]) -> ScopedStore:
    """The rows of a deployment. Rows of an older release join them if they were written for it.

    That is so if transactions among them went to these contracts on this chain; other rows stay `unknown`.
    """
    addresses = {address.lower() for address in contracts}

    def is_ours(row: str) -> bool:
        return _destination(row) in {(scope.chain_id, address) for address in addresses}

    if _move(store, scope, TRANSACTIONS, is_ours):
        for table in RESULTS:
            _move(store, scope, table, lambda _: True)
    return ScopedStore(store, scope)


def scopes_in(store: Store) -> list[str]:
    """The scopes that have rows in a store: a `Scope` as text, or `unknown`."""
    return sorted({name.split(SEPARATOR, maxsplit=1)[0] for name in store.tables() if SEPARATOR in name})


def _move(store: Store, scope: Scope, table: str, is_wanted: Callable[[str], bool]) -> int:
    """Move rows out of the unknown scope, some at a time. An interrupted move goes on at the next start."""
    wanted = (pair for pair in each_row(store, scoped_table(UNKNOWN, table)) if is_wanted(pair[1]))
    count = 0
    while lot := list(islice(wanted, PAGE_ROWS)):
        here = [Change(table=scoped_table(scope, table), key=key, value=row) for key, row in lot]
        there = [Change(table=scoped_table(UNKNOWN, table), key=key, value=None) for key, _ in lot]
        store.write([*here, *there])
        count += len(lot)
    return count


def _destination(row: str) -> tuple[int, str] | None:
    """The chain and address for which a transaction of schema 1 was signed; None if it created a contract."""
    entry: Any = loads(row)
    if not entry.get("to"):
        return None
    return _chain_id(bytes.fromhex(entry["attempts"][-1]["raw"])), str(entry["to"]).lower()


def _chain_id(transaction: bytes) -> int:
    """The first field of a transaction of type 2 (EIP-1559): `02 ‖ rlp([chain_id, ...])`."""
    list_head = transaction[1]
    start = 2 if list_head <= RLP_SHORT_LIST_END else 2 + list_head - RLP_SHORT_LIST_END
    head = transaction[start]
    if head < RLP_SHORT_STRING:
        return head
    size_bytes = head - RLP_SHORT_STRING
    return int.from_bytes(transaction[start + 1 : start + 1 + size_bytes], "big")
