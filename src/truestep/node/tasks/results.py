"""What this node has computed, in the store: never computed twice, never claimed from memory alone."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from truestep.base.errors import Bug
from truestep.base.ids import Bytes32, ClaimId
from truestep.node.tasks.items import Found
from truestep.node.tasks.terms import MaterialKey, RunKey
from truestep.ports.rows import RowCodec, by_name
from truestep.ports.store import Change, Store, each_row
from truestep.protocol.state_numbers import run_number_of
from truestep.roles.views import OwnRun, Reveal

RUNS, HASHES, WITNESSES, REVEALS, AGREED = "runs", "hashes", "witnesses", "reveals", "agreed"
HALTED = "halted"
TURNS, SLOW, SIZES = "turns", "slow", "output_sizes"
SIZES_LIMIT = 10_000
"""Programs and inputs of which the size of outputs is remembered."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """A claim that was found to be true: the next start need not compute even the hashes that show it."""

    mark: str
    """Names everything that the claim says, and the run it is about."""
    states: str
    """The run, as `RunKey.states` names it."""


def _prefixed(value: Any) -> Any:
    """A value of release 0.1.0: its rows had no version, and bytes were hex without `0x`."""
    if isinstance(value, dict):
        return {key: _prefixed(part) for key, part in cast(dict[str, Any], value).items()}
    return f"0x{value}" if isinstance(value, str) else value


_RUN_ROWS = RowCodec[OwnRun](by_name(OwnRun), unversioned=_prefixed)
_HASH_ROWS = RowCodec[dict[int, Bytes32]]({"hashes": dict[int, Bytes32]}, unversioned=_prefixed)
_WITNESS_ROWS = RowCodec[dict[int, bytes]]({"witnesses": dict[int, bytes]}, unversioned=_prefixed)
_REVEAL_ROWS = RowCodec[dict[int, Reveal]]({"reveals": dict[int, Reveal]}, unversioned=_prefixed)


_HALTED_ROWS = RowCodec[bytes]({"state": bytes})
_AGREED_ROWS = RowCodec[Agreed](by_name(Agreed))
_TURN_ROWS = RowCodec[float]({"seconds": float})
_LEASE_ROWS = RowCodec[int]({"lease_seconds": int})
_SIZE_ROWS = RowCodec[int]({"size_bytes": int})


class _Table(Generic[Value]):
    """The rows of one table: their names, and the values that were asked for."""

    def __init__(self, store: Store, table: str, codec: RowCodec[Value], nothing: Value) -> None:
        self._store, self._table, self._codec, self._nothing = store, table, codec, nothing
        self._names = {name for name, _ in each_row(store, table)}
        self._values: dict[str, Value] = {}

    def get(self, name: str) -> Value:
        """A value, or nothing."""
        if name not in self._values:
            row = self._store.read(self._table, name) if name in self._names else None
            if row is None:
                return self._nothing
            self._values[name] = self._codec.from_row(row)
        return self._values[name]

    def change(self, name: str, value: Value) -> Change:
        """What writes a value."""
        return Change(table=self._table, key=name, value=self._codec.to_row(value))

    def written(self, name: str, value: Value) -> None:
        """It is on the medium."""
        self._names.add(name)
        self._values[name] = value

    def removals(self, kept: Collection[str]) -> list[Change]:
        """What removes all others."""
        return [Change(table=self._table, key=name, value=None) for name in self._names - set(kept)]

    def removed(self, kept: Collection[str], used: Collection[str]) -> None:
        """They are not on the medium any more; of the rest, only what is used stays in memory."""
        self._names &= set(kept)
        self._values = {name: value for name, value in self._values.items() if name in used}


class Results:
    """Ends by first state and maximum; states by first state alone, since no maximum changes them.

    Rows are read when they are asked for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs = _Table[OwnRun | None](store, RUNS, cast(RowCodec[OwnRun | None], _RUN_ROWS), None)
        self._hashes = _Table[dict[int, Bytes32]](store, HASHES, _HASH_ROWS, {})
        self._witnesses = _Table[dict[int, bytes]](store, WITNESSES, _WITNESS_ROWS, {})
        self._reveals = _Table[dict[int, Reveal]](store, REVEALS, _REVEAL_ROWS, {})
        self._halted = _Table[bytes](store, HALTED, _HALTED_ROWS, b"")
        self._agreed = {
            ClaimId(int(name)): _AGREED_ROWS.from_row(row) for name, row in each_row(store, AGREED)
        }
        self._new_agreed: dict[ClaimId, Agreed] = {}
        self.used_seconds = {name: _TURN_ROWS.from_row(row) for name, row in each_row(store, TURNS)}
        """What checks without a result have used, by `RunKey.end`: after a restart it counts as before."""
        self.slow_leases = {
            Bytes32(bytes.fromhex(name)): _LEASE_ROWS.from_row(row) for name, row in each_row(store, SLOW)
        }
        """The longest lease that a run of a program has outlasted here, by the root of its image."""
        self._sizes = {name: _SIZE_ROWS.from_row(row) for name, row in each_row(store, SIZES)}

    def own_run(self, run: RunKey) -> OwnRun | None:
        """The end of a run."""
        return self._runs.get(run.end)

    def hashes(self, run: RunKey) -> dict[int, Bytes32]:
        """State hashes by state number."""
        return self._hashes.get(run.states)

    def witnesses(self, run: RunKey) -> dict[int, bytes]:
        """Step witnesses by state number."""
        return self._witnesses.get(run.states)

    def reveals(self, run: RunKey) -> dict[int, Reveal]:
        """What float instructions gave, by the number of their micro-run's first state."""
        return self._reveals.get(run.states)

    def halted_state(self, run: RunKey) -> bytes:
        """The packed final state, if one of the known hashes is that of a halted state."""
        return self._halted.get(run.states)

    def agreed_mark(self, claim_id: ClaimId) -> str:
        """The mark of a claim that was found to be true; empty if none was."""
        agreed = self._agreed.get(claim_id)
        return agreed.mark if agreed is not None else ""

    def agree(self, claim_id: ClaimId, mark: str, run: RunKey) -> None:
        """A claim is true. That is stored at the next `forget_except`; it can be found out again."""
        self._agreed[claim_id] = self._new_agreed[claim_id] = Agreed(mark=mark, states=run.states)

    def keep_used(self, run: RunKey, seconds: float) -> None:
        """A check has used so much, and has no result yet."""
        self.used_seconds[run.end] = seconds
        self._store.write([Change(table=TURNS, key=run.end, value=_TURN_ROWS.to_row(seconds))])

    def keep_slow(self, image_root: Bytes32, lease_seconds: int) -> None:
        """A run of a program outlasted its lease, which costs a penalty each time."""
        if lease_seconds <= self.slow_leases.get(image_root, 0):
            return
        self.slow_leases[image_root] = lease_seconds
        self._store.write([Change(table=SLOW, key=image_root.hex(), value=_LEASE_ROWS.to_row(lease_seconds))])

    def output_bytes(self, material: MaterialKey) -> int | None:
        """The largest output of a program and an input that was seen here; None if none was."""
        return self._sizes.get(_of_material(material))

    def keep_size(self, material: MaterialKey, size_bytes: int) -> None:
        """An output was so large: without keepers, it costs to find that out (availability A5.2)."""
        name = _of_material(material)
        if size_bytes <= self._sizes.get(name, -1):
            return
        self._sizes[name] = size_bytes
        changes = [Change(table=SIZES, key=name, value=_SIZE_ROWS.to_row(size_bytes))]
        if len(self._sizes) > SIZES_LIMIT:
            first = next(iter(self._sizes))
            del self._sizes[first]
            changes.append(Change(table=SIZES, key=first, value=None))
        self._store.write(changes)

    def keep_run(self, run: RunKey, own_run: OwnRun) -> None:
        """Keep the end of a run. Raises `Bug` if another end was kept: the engine is not deterministic."""
        known = self.own_run(run)
        if known is not None and known != own_run:
            raise Bug(
                f"run {run.end} ended twice, in {known.claimed} and in {own_run.claimed}: claim neither"
            )
        self._store.write([self._runs.change(run.end, own_run)])
        self._runs.written(run.end, own_run)

    def keep(self, run: RunKey, found: Found) -> None:
        """Keep what was found in a run, all or nothing.

        Raises `Bug` if something contradicts what was kept before: the engine is not deterministic.
        """
        reveals = {low: each.reveal for low, each in found.reveals.items()}
        shown = {run_number_of(low): each.witness for low, each in found.reveals.items()}
        witnesses = {**found.witnesses, **shown}
        _check_same(run, self.hashes(run), found.hashes)
        _check_same(run, self.reveals(run), reveals)
        if found.halted_state:
            end = max(found.hashes)
            _check_same(run, {end: self.halted_state(run) or found.halted_state}, {end: found.halted_state})
        hashes = self.hashes(run) | dict(found.hashes)
        witnesses = self.witnesses(run) | witnesses
        reveals = self.reveals(run) | reveals
        name = run.states
        changes = [self._hashes.change(name, hashes)] if hashes else []
        changes += [self._witnesses.change(name, witnesses)] if witnesses else []
        changes += [self._reveals.change(name, reveals)] if reveals else []
        changes += [self._halted.change(name, found.halted_state)] if found.halted_state else []
        self._store.write(changes)
        self._hashes.written(name, hashes)
        self._witnesses.written(name, witnesses)
        self._reveals.written(name, reveals)
        if found.halted_state:
            self._halted.written(name, found.halted_state)

    def forget_except(self, runs: Iterable[RunKey], agreed: Iterable[ClaimId] = ()) -> None:
        """Drop what belongs to none of these runs or claims: their tasks are settled."""
        used = list(runs)
        ends, states = {run.end for run in used}, {run.states for run in used}
        kept_agreed = {claim_id: self._agreed[claim_id] for claim_id in agreed if claim_id in self._agreed}
        kept_states = states | {each.states for each in kept_agreed.values()}
        tables = (self._hashes, self._witnesses, self._reveals, self._halted)
        changes = self._runs.removals(ends)
        for table in tables:
            changes += table.removals(kept_states)
        changes += [
            Change(table=AGREED, key=str(claim_id), value=None)
            for claim_id in self._agreed.keys() - kept_agreed.keys()
        ]
        changes += [
            Change(table=AGREED, key=str(claim_id), value=_AGREED_ROWS.to_row(each))
            for claim_id, each in self._new_agreed.items()
            if claim_id in kept_agreed
        ]
        changes += [Change(table=TURNS, key=name, value=None) for name in self.used_seconds.keys() - ends]
        if changes:
            self._store.write(changes)
        self.used_seconds = {name: used for name, used in self.used_seconds.items() if name in ends}
        self._runs.removed(ends, ends)
        for table in tables:
            table.removed(kept_states, states)
        self._agreed, self._new_agreed = kept_agreed, {}


def _check_same(run: RunKey, known: Mapping[int, object], found: Mapping[int, object]) -> None:
    for number, value in found.items():
        if known.get(number, value) != value:
            raise Bug(
                f"run {run.states} gave two results for state {number}: this node's engine is not"
                " deterministic; nothing more is claimed or disputed by it"
            )


def _of_material(material: MaterialKey) -> str:
    return f"{material.image_root.hex()}-{material.input_root.hex()}"
