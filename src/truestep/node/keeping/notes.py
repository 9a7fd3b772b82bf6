"""What a keeper remembers from one start to the next: which items it has checked, and why it keeps runs."""

from dataclasses import dataclass

from truestep.base.ids import Bytes32
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store, each_row
from truestep.protocol.availability.ids import ItemId
from truestep.roles.keeper import KeptFor

CHECKED, REASONS, LEAVING = "items_checked", "runs_kept", "runs_leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The outcome of a check."""

    refusal: str = ""
    """Why the item is not what it says; empty if it is."""


_CHECKED = RowCodec[Checked]({"Checked": Checked})
_REASONS = RowCodec[KeptFor]({"KeptFor": KeptFor})

Run = tuple[Bytes32, int]


class Notes:
    """In the store, and in memory. For one thread; every change raises `Unavailable` if the disk fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        rows = each_row(store, CHECKED)
        self._checked = {Bytes32(bytes.fromhex(key)): _CHECKED.from_row(row) for key, row in rows}
        self._reasons: dict[Run, dict[tuple[ItemId, int], KeptFor]] = {}
        for key, row in each_row(store, REASONS):
            name, first_cell, _, _ = key.split("/")
            self._put((Bytes32(bytes.fromhex(name)), int(first_cell)), _REASONS.from_row(row))
        self._leaving: set[Run] = set()
        for key, _ in each_row(store, LEAVING):
            name, first_cell = key.split("/")
            self._leaving.add((Bytes32(bytes.fromhex(name)), int(first_cell)))

    def verified(self) -> frozenset[Bytes32]:
        """The items that are what they say."""
        return frozenset(name for name, checked in self._checked.items() if not checked.refusal)

    def refused(self) -> dict[Bytes32, str]:
        """The items that are not, and why."""
        return {name: checked.refusal for name, checked in self._checked.items() if checked.refusal}

    def reasons(self, runs: set[Run]) -> dict[Run, tuple[KeptFor, ...]]:
        """Why these runs are kept, and those that are being dropped."""
        return {run: self.reasons_of(run) for run in runs | self._leaving}

    def reasons_of(self, run: Run) -> tuple[KeptFor, ...]:
        """Why a run is kept."""
        return tuple(self._reasons.get(run, {}).values())

    def first_cells(self, name: Bytes32) -> set[int]:
        """Where the runs of an item begin that are kept, or shall be."""
        return {first_cell for known, first_cell in self._reasons if known == name}

    def check(self, name: Bytes32, refusal: str = "") -> None:
        """Note what a check has shown."""
        checked = Checked(refusal=refusal)
        self._store.write([Change(table=CHECKED, key=name.hex(), value=_CHECKED.to_row(checked))])
        self._checked[name] = checked

    def keep(self, run: Run, reason: KeptFor) -> None:
        """Note why a run is kept, before anything of it is stored."""
        if (reason.item_id, reason.index) not in self._reasons.get(run, {}):
            key = f"{run[0].hex()}/{run[1]}/{reason.item_id}/{reason.index}"
            self._store.write([Change(table=REASONS, key=key, value=_REASONS.to_row(reason))])
            self._put(run, reason)

    def leave(self, run: Run) -> None:
        """Note that a run is being dropped, before any of it is: `forget` is still owed."""
        if run not in self._leaving:
            self._store.write([Change(table=LEAVING, key=_key(run), value="1")])
            self._leaving.add(run)

    def forget(self, run: Run) -> None:
        """Drop the notes of a run that is not kept any more."""
        changes = [
            Change(table=REASONS, key=f"{run[0].hex()}/{run[1]}/{item_id}/{index}", value=None)
            for item_id, index in self._reasons.get(run, {})
        ]
        changes.append(Change(table=LEAVING, key=_key(run), value=None))
        if not any(other[0] == run[0] for other in self._reasons if other != run):
            changes.append(Change(table=CHECKED, key=run[0].hex(), value=None))
            self._checked.pop(run[0], None)
        self._store.write(changes)
        self._reasons.pop(run, None)
        self._leaving.discard(run)

    def _put(self, run: Run, reason: KeptFor) -> None:
        self._reasons.setdefault(run, {})[reason.item_id, reason.index] = reason


def _key(run: Run) -> str:
    return f"{run[0].hex()}/{run[1]}"
