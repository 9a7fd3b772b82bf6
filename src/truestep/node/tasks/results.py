"""What this node has computed, in the store: never computed twice, never claimed from memory alone."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from truestep.base.errors import Bug
from truestep.base.ids import Bytes32
from truestep.node.tasks.items import Found
from truestep.node.tasks.terms import RunKey
from truestep.ports.rows import RowCodec, by_name
from truestep.ports.store import Change, Store
from truestep.protocol.state_numbers import run_number_of
from truestep.roles.views import OwnRun, Reveal

RUNS, HASHES, WITNESSES, REVEALS = "runs", "hashes", "witnesses", "reveals"
STATE_TABLES = (HASHES, WITNESSES, REVEALS)


def _prefixed(value: Any) -> Any:
    """A value of release 0.1.0: its rows had no version, and bytes were hex without `0x`."""
    if isinstance(value, dict):
        return {key: _prefixed(part) for key, part in cast(dict[str, Any], value).items()}
    return f"0x{value}" if isinstance(value, str) else value


_RUN_ROWS = RowCodec[OwnRun](by_name(OwnRun), unversioned=_prefixed)
_HASH_ROWS = RowCodec[dict[int, Bytes32]]({"hashes": dict[int, Bytes32]}, unversioned=_prefixed)
_WITNESS_ROWS = RowCodec[dict[int, bytes]]({"witnesses": dict[int, bytes]}, unversioned=_prefixed)
_REVEAL_ROWS = RowCodec[dict[int, Reveal]]({"reveals": dict[int, Reveal]}, unversioned=_prefixed)


class Results:
    """Ends by first state and maximum; states by first state alone, since no maximum changes them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = {name: _RUN_ROWS.from_row(row) for name, row in store.rows(RUNS)}
        self._hashes = {name: _HASH_ROWS.from_row(row) for name, row in store.rows(HASHES)}
        self._witnesses = {name: _WITNESS_ROWS.from_row(row) for name, row in store.rows(WITNESSES)}
        self._reveals = {name: _REVEAL_ROWS.from_row(row) for name, row in store.rows(REVEALS)}

    def own_run(self, run: RunKey) -> OwnRun | None:
        """The end of a run."""
        return self._runs.get(run.end)

    def hashes(self, run: RunKey) -> dict[int, Bytes32]:
        """State hashes by state number."""
        return self._hashes.get(run.states, {})

    def witnesses(self, run: RunKey) -> dict[int, bytes]:
        """Step witnesses by state number."""
        return self._witnesses.get(run.states, {})

    def reveals(self, run: RunKey) -> dict[int, Reveal]:
        """What float instructions gave, by the number of their micro-run's first state."""
        return self._reveals.get(run.states, {})

    def keep_run(self, run: RunKey, own_run: OwnRun) -> None:
        """Keep the end of a run. Raises `Bug` if another end was kept: the engine is not deterministic."""
        known = self._runs.get(run.end)
        if known is not None and known != own_run:
            raise Bug(
                f"run {run.end} ended twice, in {known.claimed} and in {own_run.claimed}: claim neither"
            )
        self._store.write([Change(table=RUNS, key=run.end, value=_RUN_ROWS.to_row(own_run))])
        self._runs[run.end] = own_run

    def keep(self, run: RunKey, found: Found) -> None:
        """Keep what was found in a run, all or nothing.

        Raises `Bug` if something contradicts what was kept before: the engine is not deterministic.
        """
        reveals = {low: each.reveal for low, each in found.reveals.items()}
        shown = {run_number_of(low): each.witness for low, each in found.reveals.items()}
        witnesses = {**found.witnesses, **shown}
        _check_same(run, self.hashes(run), found.hashes)
        _check_same(run, self.reveals(run), reveals)
        hashes = self.hashes(run) | dict(found.hashes)
        witnesses = self.witnesses(run) | witnesses
        reveals = self.reveals(run) | reveals
        name, rows = run.states, dict[str, str]()
        if hashes:
            rows[HASHES] = _HASH_ROWS.to_row(hashes)
        if witnesses:
            rows[WITNESSES] = _WITNESS_ROWS.to_row(witnesses)
        if reveals:
            rows[REVEALS] = _REVEAL_ROWS.to_row(reveals)
        self._store.write([Change(table=table, key=name, value=row) for table, row in rows.items()])
        self._hashes[name], self._witnesses[name], self._reveals[name] = hashes, witnesses, reveals

    def forget_except(self, runs: Iterable[RunKey]) -> None:
        """Drop what belongs to none of these runs: their tasks are settled."""
        kept = list(runs)
        ends, states = {run.end for run in kept}, {run.states for run in kept}
        gone_ends = self._runs.keys() - ends
        gone_states = set[str]().union(self._hashes, self._witnesses, self._reveals) - states
        changes = [Change(table=RUNS, key=name, value=None) for name in gone_ends]
        changes += [
            Change(table=table, key=name, value=None) for name in gone_states for table in STATE_TABLES
        ]
        if not changes:
            return
        self._store.write(changes)
        for name in gone_ends:
            del self._runs[name]
        for name in gone_states:
            for results in (self._hashes, self._witnesses, self._reveals):
                results.pop(name, None)


def _check_same(run: RunKey, known: Mapping[int, object], found: Mapping[int, object]) -> None:
    for number, value in found.items():
        if known.get(number, value) != value:
            raise Bug(
                f"run {run.states} gave two results for state {number}: this node's engine is not"
                " deterministic; nothing more is claimed or disputed by it"
            )
