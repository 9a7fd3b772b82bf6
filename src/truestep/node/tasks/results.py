"""What this node has computed, in the store: never computed twice, never claimed from memory alone."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from json import dumps, loads
from typing import Any

from truestep.base.errors import Bug
from truestep.base.ids import Bytes32
from truestep.machine.state import Status
from truestep.node.tasks.items import Found
from truestep.node.tasks.terms import RunKey
from truestep.ports.store import Change, Store
from truestep.protocol.claims import ClaimedState
from truestep.protocol.state_numbers import run_number_of
from truestep.roles.views import OwnRun, Reveal

RUNS, HASHES, WITNESSES, REVEALS = "runs", "hashes", "witnesses", "reveals"
STATE_TABLES = (HASHES, WITNESSES, REVEALS)


class Results:
    """Ends by first state and maximum; states by first state alone, since no maximum changes them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = {name: _parse_run(row) for name, row in store.rows(RUNS)}
        self._hashes = {
            name: {int(cycle): Bytes32(bytes.fromhex(value)) for cycle, value in loads(row).items()}
            for name, row in store.rows(HASHES)
        }
        self._witnesses = {
            name: {int(cycle): bytes.fromhex(value) for cycle, value in loads(row).items()}
            for name, row in store.rows(WITNESSES)
        }
        self._reveals = {name: _parse_reveals(row) for name, row in store.rows(REVEALS)}

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
        self._store.write([Change(table=RUNS, key=run.end, value=_run_row(own_run))])
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
            rows[HASHES] = dumps({str(cycle): value.hex() for cycle, value in hashes.items()})
        if witnesses:
            rows[WITNESSES] = dumps({str(number): value.hex() for number, value in witnesses.items()})
        if reveals:
            rows[REVEALS] = dumps({str(number): _reveal_row(value) for number, value in reveals.items()})
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


def _reveal_row(reveal: Reveal) -> dict[str, Any]:
    return {
        "after": reveal.after.hex(),
        "cycles": reveal.cycles,
        "memory_root": reveal.memory_root.hex(),
    }


def _parse_reveals(row: str) -> dict[int, Reveal]:
    return {
        int(low): Reveal(
            after=bytes.fromhex(values["after"]),
            cycles=values["cycles"],
            memory_root=Bytes32(bytes.fromhex(values["memory_root"])),
        )
        for low, values in loads(row).items()
    }


def _run_row(own_run: OwnRun) -> str:
    fields = {
        name: value.hex() if isinstance(value, bytes) else int(value)
        for name, value in asdict(own_run.claimed).items()
    }
    running_state = own_run.running_state.hex()
    return dumps({"claimed": fields, "running_state": running_state, "seconds": own_run.seconds})


def _parse_run(row: str) -> OwnRun:
    values = loads(row)
    fields: dict[str, Any] = {
        name: Bytes32(bytes.fromhex(value)) if isinstance(value, str) else value
        for name, value in values["claimed"].items()
    }
    fields["status"] = Status(fields["status"])
    running_state = bytes.fromhex(values["running_state"])
    return OwnRun(claimed=ClaimedState(**fields), running_state=running_state, seconds=values["seconds"])
