"""Carries out what a watcher of data decides: looks, surveys, checks; remembers what came of them."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.node.loop.backoff import Backoff
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Finished, ShouldStop, Stopped
from truestep.ports.reporter import Reporter
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store, each_row
from truestep.ports.watching import Eyes
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.ids import ItemId, part_of_demand
from truestep.roles.availability.sights import (
    Action,
    CheckRoots,
    ChildPick,
    FindMismatch,
    FindMove,
    FoundLeaf,
    LookAt,
    Mismatch,
    Move,
    Searched,
    Seat,
    SeatSeen,
    Sight,
    Survey,
    SurveyItem,
    Suspicion,
    TellData,
)

CHECKED = "items_compared"
FAILED_WAIT = Backoff(first_seconds=2.0, limit_seconds=300.0)
"""Pauses before work is tried again."""
SURVEY_SECONDS = 600
"""Between two surveys of an item of which nothing more was published: each asks for all of it."""
TOLD_LIMIT = 10_000
"""Reports that are remembered, so that each is made once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A piece of work and whom to ask: the URLs of keepers by their seats."""

    action: LookAt | SurveyItem | CheckRoots | FindMismatch | FindMove
    seats: Mapping[int, Seat]
    keepers: Mapping[int, str]
    at: int
    """The chain's time when it was begun."""


class WatchBench:
    """Performs a watcher's work. For any thread."""

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """Do one piece of work."""
        if not isinstance(item, Asked):
            raise Bug(f"expected work of a watcher, got {type(item)}")
        match item.action:
            case LookAt(item=known):
                return self._eyes.look(known, item.keepers, should_stop)
            case SurveyItem(item=known):
                return self._eyes.survey(known, item.keepers, should_stop)
            case CheckRoots(item=known):
                return self._eyes.check(known, item.keepers, should_stop)
            case FindMismatch(item=known, part_index=part_index, others=others):
                return self._eyes.mismatch(known, part_index, others, item.keepers, should_stop)
            case FindMove() as find:
                part_index, place = part_of_demand(find.move[0]), (find.level, find.index)
                return self._eyes.next_move(
                    find.item, part_index, place, find.nodes, item.keepers, should_stop
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """The parts of an item that have other roots than its blobs."""

    wrong_parts: tuple[int, ...] = ()


_ROWS = RowCodec[_Compared]({"Compared": _Compared})


class WatchDesk:
    """For one thread. `executor` performs a `WatchBench`."""

    def __init__(self, executor: Executor, store: Store, clock: Clock, reporter: Reporter) -> None:
        self._executor = executor
        self._store = store
        self._clock = clock
        self._reporter = reporter
        self._under_way: dict[Hashable, Asked] = {}
        self._failures: dict[Hashable, int] = {}
        self._free_at: dict[Hashable, float] = {}
        self._told: dict[tuple[str, str], None] = {}
        self.looked_at: dict[ItemId, int] = {}
        self.suspicions: dict[Seat, Suspicion] = {}
        self.surveys: dict[ItemId, Survey] = {}
        self.moves: dict[Move, ChildPick | FoundLeaf] = {}
        self.mismatches: dict[Searched, Mismatch | None] = {}
        self.served_at: int | None = None
        self.checked = {
            Bytes32(bytes.fromhex(key)): _ROWS.from_row(row).wrong_parts
            for key, row in each_row(store, CHECKED)
        }

    def collect(self) -> bool:
        """Take in what ended in the background."""
        finished = self._executor.collect()
        for each in finished:
            self._take_in(each)
        return bool(finished)

    def forget(self, facts: Facts) -> None:
        """Drop what is about items and seats that are no more."""
        live = facts.items
        self.looked_at = {each: at for each, at in self.looked_at.items() if each in live}
        self.surveys = {each: found for each, found in self.surveys.items() if each in live}
        self.moves = {
            move: found
            for move, found in self.moves.items()
            if move[0] in facts.demands and facts.demands[move[0]].moved_at == move[1]
        }
        self.mismatches = {each: found for each, found in self.mismatches.items() if each[0] in live}
        self.suspicions = {seat: found for seat, found in self.suspicions.items() if _is_held(facts, seat)}
        names = {item.name for item in live.values()}
        gone = [name for name in self.checked if name not in names]
        if not gone:
            return
        self._store.write([Change(table=CHECKED, key=name.hex(), value=None) for name in gone])
        for name in gone:
            del self.checked[name]

    def act(self, action: Action, facts: Facts, now: int) -> None:
        """Begin a piece of work, or say something."""
        match action:
            case LookAt(item=item):
                self._start(("look", item.item_id), action, item, facts, now)
            case CheckRoots(item=item):
                self._start(("check", item.item_id), action, item, facts, now)
            case SurveyItem(item=item):
                if self._is_to_survey(item, now):
                    self._start(("survey", item.item_id), action, item, facts, now)
            case FindMismatch(item=item, part_index=part_index):
                self._start(("mismatch", item.item_id, part_index), action, item, facts, now)
            case FindMove(item=item, move=move):
                self._start(("move", move), action, item, facts, now)
            case TellData(kind=kind, message=message):
                self.tell(kind, message)
            case _:
                pass

    def tell(self, kind: str, message: str) -> None:
        """Report, once."""
        if (kind, message) not in self._told:
            self._told[kind, message] = None
            if len(self._told) > TOLD_LIMIT:
                del self._told[next(iter(self._told))]
            self._reporter.report(kind, message)

    def stop(self, seconds: float) -> None:
        """Ask background work to end."""
        self._executor.stop(seconds)

    # --- work ---------------------------------------------------------------------------------------------

    def _start(
        self,
        key: Hashable,
        action: LookAt | SurveyItem | CheckRoots | FindMismatch | FindMove,
        item: KnownItem,
        facts: Facts,
        now: int,
    ) -> None:
        if self._clock.monotonic_seconds() < self._free_at.get(key, 0.0) or self._is_full(action):
            return
        held = {index: seat for index, seat in item.seats.items() if seat.acknowledged_at}
        known = {index: facts.keepers.get(seat.keeper) for index, seat in held.items()}
        asked = Asked(
            action=action,
            seats={index: (item.item_id, index, seat.acknowledged_at) for index, seat in held.items()},
            keepers={index: keeper.url if keeper else "" for index, keeper in known.items()},
            at=now,
        )
        if self._executor.start(key, asked):
            self._under_way[key] = asked

    def _is_to_survey(self, item: KnownItem, now: int) -> bool:
        """Whether another survey may find something: time has passed, or more was published."""
        last = self.surveys.get(item.item_id)
        return last is None or now >= last.at + SURVEY_SECONDS or len(item.published) != last.published

    def _is_full(self, action: object) -> bool:
        """Whether work of a long kind is under way: looks and moves must not wait for it."""
        is_long = isinstance(action, SurveyItem | CheckRoots | FindMismatch)
        return is_long and any(type(each.action) is type(action) for each in self._under_way.values())

    def _take_in(self, finished: Finished) -> None:
        asked, error = self._under_way.pop(finished.key), finished.error
        if isinstance(error, Stopped):
            return
        if error is not None:
            self._put_off(finished.key, asked, error)
            return
        self._failures.pop(finished.key, None)
        self._free_at.pop(finished.key, None)
        value: object = finished.value
        match asked.action:
            case LookAt(item=item):
                self._see(item.item_id, asked, value)  # pyright: ignore[reportArgumentType]
            case SurveyItem(item=item):
                self.surveys[item.item_id] = Survey(
                    at=asked.at,
                    missing=value,  # pyright: ignore[reportArgumentType]
                    published=len(item.published),
                )
            case CheckRoots(item=item):
                self._compare(item, value)  # pyright: ignore[reportArgumentType]
            case FindMismatch(item=item, part_index=part_index):
                self.mismatches[item.item_id, part_index] = value  # pyright: ignore[reportArgumentType]
            case FindMove(move=move):
                self.moves[move] = value  # pyright: ignore[reportArgumentType]

    def _see(self, item_id: ItemId, asked: Asked, seen: Mapping[int, SeatSeen]) -> None:
        self.looked_at[item_id] = asked.at
        for index, found in seen.items():
            seat = asked.seats[index]
            if found.sight is Sight.GIVES:
                self.served_at = max(asked.at, self.served_at or 0)
                self.suspicions.pop(seat, None)
                continue
            before = self.suspicions.get(seat)
            self.suspicions[seat] = Suspicion(
                since=before.since if before else asked.at,
                looks=before.looks + 1 if before else 1,
                last=found,
            )
            if before is None:
                self.tell("keeper_suspected", f"{asked.keepers[index]}, item {item_id}: {found.why}")

    def _compare(self, item: KnownItem, wrong_parts: tuple[int, ...]) -> None:
        row = _ROWS.to_row(_Compared(wrong_parts=wrong_parts))
        self._store.write([Change(table=CHECKED, key=item.name.hex(), value=row)])
        self.checked[item.name] = wrong_parts
        if wrong_parts:
            message = f"item {item.item_id} holds other bytes than its part {wrong_parts[0]} says"
            self.tell("item_false", message)

    def _put_off(self, key: Hashable, asked: Asked, error: Exception) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        wait_seconds = FAILED_WAIT.seconds(failures)
        self._free_at[key] = self._clock.monotonic_seconds() + wait_seconds
        said = str(error) if isinstance(error, Unavailable | Rejected) else repr(error)
        self.tell("unavailable", f"item {asked.action.item.item_id}: {said}; it is tried again")


def _is_held(facts: Facts, seat: Seat) -> bool:
    item = facts.items.get(seat[0])
    known = item.seats.get(seat[1]) if item else None
    return known is not None and known.acknowledged_at == seat[2]
