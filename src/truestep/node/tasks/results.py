"""What this node has computed, in the store: never computed twice, never claimed from memory alone."""

from dataclasses import asdict
from json import dumps, loads
from typing import Any

from truestep.base.errors import Bug
from truestep.base.ids import Bytes32
from truestep.machine.state import Status
from truestep.ports.store import Change, Store
from truestep.protocol.claims import ClaimedState
from truestep.protocol.state_numbers import run_number_of
from truestep.roles.views import OwnRun, Reveal

RUNS, HASHES, WITNESSES, REVEALS = TABLES = "runs", "hashes", "witnesses", "reveals"


class Results:
    """Keyed by run: the hash of its state number 0, which commits to program, input, seed and shard."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = {run: _parse_run(row) for run, row in store.rows(RUNS)}
        self._hashes = {
            run: {int(cycle): Bytes32(bytes.fromhex(value)) for cycle, value in loads(row).items()}
            for run, row in store.rows(HASHES)
        }
        self._witnesses = {
            run: {int(cycle): bytes.fromhex(value) for cycle, value in loads(row).items()}
            for run, row in store.rows(WITNESSES)
        }
        self._reveals = {run: _parse_reveals(row) for run, row in store.rows(REVEALS)}

    def own_run(self, run: str) -> OwnRun | None:
        """The end of a run."""
        return self._runs.get(run)

    def hashes(self, run: str) -> dict[int, Bytes32]:
        """State hashes by state number."""
        return self._hashes.get(run, {})

    def witnesses(self, run: str) -> dict[int, bytes]:
        """Step witnesses by state number."""
        return self._witnesses.get(run, {})

    def reveals(self, run: str) -> dict[int, Reveal]:
        """What float instructions gave, by the number of their micro-run's first state."""
        return self._reveals.get(run, {})

    def keep_run(self, run: str, own_run: OwnRun) -> None:
        """Keep the end of a run. Raises `Bug` if another end was kept: the engine is not deterministic."""
        known = self._runs.get(run)
        if known is not None and known != own_run:
            raise Bug(f"run {run} ended twice, in {known.claimed} and in {own_run.claimed}: claim neither")
        self._write(RUNS, run, _run_row(own_run))
        self._runs[run] = own_run

    def keep_hashes(self, run: str, hashes: dict[int, Bytes32]) -> None:
        """Keep state hashes. Raises `Bug` if one differs from what was kept before."""
        known = self.hashes(run)
        if any(known.get(cycle, value) != value for cycle, value in hashes.items()):
            raise Bug(f"run {run} has two states of one number: this node's engine is not deterministic")
        merged = known | hashes
        self._write(HASHES, run, dumps({str(cycle): value.hex() for cycle, value in merged.items()}))
        self._hashes[run] = merged

    def keep_witness(self, run: str, cycle: int, witness: bytes) -> None:
        """Keep a witness."""
        merged = self.witnesses(run) | {cycle: witness}
        self._store.write([_witness_change(run, merged)])
        self._witnesses[run] = merged

    def keep_reveal(self, run: str, low: int, reveal: Reveal, witness: bytes) -> None:
        """Keep what a float instruction gave, and the witness of its step, both or none.

        Raises `Bug` if it gave something else before.
        """
        if self.reveals(run).get(low, reveal) != reveal:
            raise Bug(
                f"run {run} has two states after one instruction: this node's engine is not deterministic"
            )
        merged = self.reveals(run) | {low: reveal}
        row = dumps({str(number): _reveal_row(each) for number, each in merged.items()})
        witnesses = self.witnesses(run) | {run_number_of(low): witness}
        self._store.write([Change(table=REVEALS, key=run, value=row), _witness_change(run, witnesses)])
        self._reveals[run], self._witnesses[run] = merged, witnesses

    def forget_except(self, runs: set[str]) -> None:
        """Drop what belongs to none of these runs: their tasks are settled."""
        kept = (self._runs, self._hashes, self._witnesses, self._reveals)
        gone = set[str]().union(*kept) - runs
        if gone:
            self._store.write([Change(table=table, key=run, value=None) for run in gone for table in TABLES])
        for run in gone:
            for results in kept:
                results.pop(run, None)

    def _write(self, table: str, run: str, value: str) -> None:
        self._store.write([Change(table=table, key=run, value=value)])


def _witness_change(run: str, witnesses: dict[int, bytes]) -> Change:
    row = dumps({str(number): witness.hex() for number, witness in witnesses.items()})
    return Change(table=WITNESSES, key=run, value=row)


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
