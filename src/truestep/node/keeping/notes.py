"""What a keeper remembers from one start to the next: which items it has checked, and why it keeps runs."""

from dataclasses import dataclass

from truestep.base.ids import Bytes32
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store, each_row
from truestep.protocol.availability.ids import ItemId
from truestep.roles.keeper import KeptFor

CHECKED, REASONS = "items_checked", "runs_kept"


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

    def verified(self) -> frozenset[Bytes32]:
        """The items that are what they say."""
        return frozenset(name for name, checked in self._checked.items() if not checked.refusal)

    def refused(self) -> dict[Bytes32, str]:
        """The items that are not, and why."""
        return {name: checked.refusal for name, checked in self._checked.items() if checked.refusal}

    def reasons(self, runs: set[Run]) -> dict[Run, tuple[KeptFor, ...]]:
        """Why these runs are kept."""
        return {run: tuple(self._reasons.get(run, {}).values()) for run in runs}

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

    def forget(self, run: Run) -> None:
        """Drop the notes of a run that is not kept any more."""
        changes = [
            Change(table=REASONS, key=f"{run[0].hex()}/{run[1]}/{item_id}/{index}", value=None)
            for item_id, index in self._reasons.get(run, {})
        ]
        if not any(other[0] == run[0] for other in self._reasons if other != run):
            changes.append(Change(table=CHECKED, key=run[0].hex(), value=None))
            self._checked.pop(run[0], None)
        self._store.write(changes)
        self._reasons.pop(run, None)

    def _put(self, run: Run, reason: KeptFor) -> None:
        self._reasons.setdefault(run, {})[reason.item_id, reason.index] = reason
