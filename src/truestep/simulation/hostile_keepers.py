"""What hostile keepers have in place of honest hands and stores."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from truestep.adapters.cells.records import ENTRY_SIZE_BYTES, RECORD_SIZE_BYTES, stored_run
from truestep.availability.cells import seat_cells
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32
from truestep.ports.cells import CellStore, RunKey
from truestep.ports.executor import ShouldStop
from truestep.ports.keeping import Hands
from truestep.protocol.availability.facts import KnownItem
from truestep.roles.keeper import Answer, Place, Question


class CarelessHands:
    """Satisfies `truestep.ports.keeping.Hands`: says that it has checked and stored what it never fetched.

    So its keeper signs for whatever it is drawn for.
    """

    def __init__(self, honest: Hands) -> None:
        self._honest = honest
        self._claimed: dict[tuple[Bytes32, int], int] = {}

    def keep(self, place: Place, urls: Sequence[str], should_stop: ShouldStop) -> None:
        """Fetch nothing."""
        record = place.item.record
        first_cell = seat_cells(place.index, record.seat_count)[0]
        self._claimed[place.item.name, first_cell] = record.blob_count

    def answer(
        self, item: KnownItem, question: Question, asked: object, urls: Sequence[str], should_stop: ShouldStop
    ) -> Answer:
        """As the honest one does, which has nothing of its own."""
        return self._honest.answer(item, question, asked, urls, should_stop)

    def runs(self) -> Mapping[tuple[Bytes32, int], int]:
        """Everything that it was asked to keep."""
        return self._claimed

    def forget(self, name: Bytes32, first_cell: int) -> None:
        """Claim it no more."""
        self._claimed.pop((name, first_cell), None)


class UncheckingHands:
    """Satisfies `truestep.ports.keeping.Hands`: stores what is not what it says, and finds it good."""

    def __init__(self, honest: Hands) -> None:
        self._honest = honest

    def keep(self, place: Place, urls: Sequence[str], should_stop: ShouldStop) -> None:
        """Store the cells, whatever comes out of the checks."""
        with suppress(Rejected):
            self._honest.keep(place, urls, should_stop)

    def answer(
        self, item: KnownItem, question: Question, asked: object, urls: Sequence[str], should_stop: ShouldStop
    ) -> Answer:
        """As the honest one does."""
        return self._honest.answer(item, question, asked, urls, should_stop)

    def runs(self) -> Mapping[tuple[Bytes32, int], int]:
        """As the honest one does."""
        return self._honest.runs()

    def forget(self, name: Bytes32, first_cell: int) -> None:
        """As the honest one does."""
        self._honest.forget(name, first_cell)


class FalseCells:
    """Satisfies `truestep.ports.cells.CellStore`: every cell has one wrong byte, and a sum that hides it."""

    def __init__(self, honest: CellStore) -> None:
        self._honest = honest

    @property
    def used_bytes(self) -> int:
        """As the honest one has."""
        return self._honest.used_bytes

    def put_manifest(self, item: Bytes32, manifest: bytes) -> None:
        """As the honest one does."""
        self._honest.put_manifest(item, manifest)

    def manifest(self, item: Bytes32) -> bytes | None:
        """As the honest one does."""
        return self._honest.manifest(item)

    def put_run(self, run: RunKey, content: bytes) -> None:
        """Keep something else."""
        entries = [
            content[start : start + ENTRY_SIZE_BYTES] for start in range(0, len(content), RECORD_SIZE_BYTES)
        ]
        self._honest.put_run(run, stored_run(run, [_wrong(entry) for entry in entries]))

    def read_run(self, run: RunKey, wanted: range) -> bytes | None:
        """As the honest one does."""
        return self._honest.read_run(run, wanted)

    def items(self) -> list[Bytes32]:
        """As the honest one does."""
        return self._honest.items()

    def runs(self, item: Bytes32) -> list[RunKey]:
        """As the honest one does."""
        return self._honest.runs(item)

    def remove_run(self, run: RunKey) -> None:
        """As the honest one does."""
        self._honest.remove_run(run)

    def remove(self, item: Bytes32) -> None:
        """As the honest one does."""
        self._honest.remove(item)


def _wrong(entry: bytes) -> bytes:
    """The last byte of a field element: still below the modulus."""
    return entry[:31] + bytes([entry[31] ^ 1]) + entry[32:]
