"""Compares the index with the contracts, so that an event that a node leaves out does not cost a bond.

At each new head, in one question:

1. How many programs and jobs there are, now and then: an index that knows fewer misses events.
2. The account's own tasks as they stand, and some others in turn.
3. How many games are open on the account's own claims, and on some others in turn. If there are more than
   are known, their numbers are tried (docs/protocol.md P1.5), and they count at once.
4. The account's own games: one that is closed, or split otherwise than is known, misses an event.

A difference may be due to a new block, so it counts only if it is still there at a later head. Then
everything since the last event about the subject is read again. If even that does not show the event, it is
reported, and the contract's record is used.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

from truestep.base.errors import Rejected
from truestep.base.ids import (
    Address,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    game_of,
    job_of_task,
    task_of,
    task_of_game,
)
from truestep.node.chain.indexer import Indexer
from truestep.node.chain.task_state import OpenGame
from truestep.ports.chain import ChainReader, Counters, Head, Inquiry, Records
from truestep.ports.reporter import Reporter
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.events import GameOpened, GameSplit, LogPosition, TaskClaimed
from truestep.protocol.game_course import is_past
from truestep.protocol.records import GameRecord, GameStage, TaskRecord, TaskStage

COUNT_EACH = 8
"""Heads between two checks of the numbers of programs and jobs."""
OTHERS_EACH_CHECK = 64
"""Tasks and claims of others that are checked at one head, in one request."""
RECENT_CHECKS = 64
"""Heads for which a finished task of the account is still checked: its end may be on another branch."""
LAG_HEADS = 32
"""A node that is further behind is put aside. An end that was undone is believed after so many heads."""
ORDINALS_EACH_QUESTION = 64
REPORT_EACH = 50
"""Heads after which a hidden event is reported again."""
NEW_IDS_EACH_CHECK = 16
"""Hidden jobs and programs that are read from the contracts at one head."""

T = TypeVar("T")
Key = tuple[str, int]
"""The subject of a difference: kind and id."""


@dataclass(slots=True)
class Suspicion:
    """A difference, and how far it was followed. Block numbers are those of heads."""

    seen_at: int
    reread_at: int | None = None
    reported_at: int | None = None


class Audit:
    """Call `check`, or `read` and `compare`, after every `Indexer.sync`. Each head is compared once.

    It changes the ledger (`Ledger.drain_changes` tells what), asks the indexer to read again, and reports
    `log_hidden` and `log_found`.
    """

    def __init__(self, chain: ChainReader, indexer: Indexer, reporter: Reporter, account: Address) -> None:
        self._chain = chain
        self._indexer = indexer
        self._reporter = reporter
        self._account = account
        self._checked: Bytes32 | None = None
        self._check_count = 0
        self._head_number = 0
        self._suspicions: dict[Key, Suspicion] = {}
        self._own: set[TaskId] = set()
        self._recent: dict[TaskId, int] = {}
        self._other_tasks = Turn(self._all_tasks)
        self._other_claims = Turn(lambda: list(indexer.ledger.claims))

    def check(self, head: Head) -> None:
        """Compare once for each head. Raises `Unavailable` if a node does not answer; then check again."""
        records = self.read(head)
        if records is not None:
            self.compare(head, records)

    def read(
        self, head: Head, claims: Collection[ClaimId] = (), balances_of: Address | None = None
    ) -> Records | None:
        """What there is to compare; None if this head was compared already. Raises `Unavailable`.

        `claims` are asked about each time besides the account's own: those that it sent an `open` for, whose
        game is not in the ledger yet. Balances are read along for whoever needs them.
        """
        if head.hash == self._checked:
            return None
        inquiry = Inquiry(
            tasks=self._tasks_to_check(),
            games=[game.game_id for game in self._indexer.ledger.games_of(self._account)],
            claims=self._claims_to_check(claims),
            balances_of=balances_of,
            has_counters=self._check_count % COUNT_EACH == 0
            or any(kind in ("job", "program") for kind, _ in self._suspicions),
        )
        return self._chain.records(inquiry, head.number)

    def compare(self, head: Head, records: Records) -> None:
        """Compare with what was read. Raises `Unavailable` if it has to ask more and gets no answer."""
        self._head_number = head.number
        self._check_games(records.open_game_counts)
        self._check_openings()
        self._check_own_games(records.games)
        self._check_tasks(records.tasks)
        if records.counters is not None:
            self._check_counts(records.counters)
        self._checked = head.hash
        self._check_count += 1

    # --- games --------------------------------------------------------------------------------------------

    def _claims_to_check(self, claims: Collection[ClaimId]) -> set[ClaimId]:
        own = [claim.claim_id for claim in self._own_claims()]
        played = [game.claim_id for game in self._indexer.ledger.games_of(self._account)]
        return {*own, *played, *claims, *self._other_claims.take(OTHERS_EACH_CHECK)}

    def _check_games(self, counts: Mapping[ClaimId, int]) -> None:
        """Games count as soon as a contract has them: an unknown one can be lost on time."""
        ledger = self._indexer.ledger
        perhaps_closed: list[GameId] = []
        for claim_id, count in counts.items():
            known = ledger.games_on(claim_id)
            if count > len(known):
                self._find_games(claim_id)
            elif count < len(known):
                perhaps_closed += [game.game_id for game in known]
        self._check_closings(perhaps_closed)

    def _check_closings(self, games: list[GameId]) -> None:
        """Games that a contract may have closed: one that a node only does not know yet is not among them."""
        suspected = {GameId(number) for kind, number in self._suspicions if kind == "closing of game"}
        records = self._chain.games(games) if games else {}
        closed = {game_id for game_id, record in records.items() if record.stage is GameStage.CLOSED}
        self._clear("closing of game", suspected - closed)
        for game_id in closed:
            adopt = partial(self._drop, game_id)
            self._differs(("closing of game", game_id), self._block_of_game(game_id), adopt)

    def _own_claims(self) -> Iterable[TaskClaimed]:
        ledger = self._indexer.ledger
        tasks = {task.task_id for task in ledger.tasks_of(self._account)}
        for task_id in tasks | ledger.disputed_tasks(operator=self._account):
            yield from (
                claim for claim in ledger.claims_in_question(task_id) if claim.operator == self._account
            )

    def _find_games(self, claim_id: ClaimId) -> None:
        ledger = self._indexer.ledger
        for first in range(1, 2**32, ORDINALS_EACH_QUESTION):
            ids = [game_of(claim_id, ordinal) for ordinal in range(first, first + ORDINALS_EACH_QUESTION)]
            found = self._chain.games(ids)
            for game_id, record in found.items():
                if record.stage is not GameStage.CLOSED and game_id not in ledger.games:
                    self._adopt_game(game_id, record)
            if len(found) < ORDINALS_EACH_QUESTION:
                return

    def _adopt_game(self, game_id: GameId, record: GameRecord) -> None:
        self._indexer.ledger.adopt_game(
            OpenGame(game_id=game_id, operator=record.operator, challenger=record.challenger)
        )
        self._suspicions.setdefault(("opening of game", game_id), Suspicion(seen_at=self._head_number))

    def _check_openings(self) -> None:
        """Games that count by a contract's word: their events may have come by now."""
        for game_id in [GameId(number) for kind, number in self._suspicions if kind == "opening of game"]:
            events = self._indexer.history.events_of_task(task_of_game(game_id))
            is_known = any(isinstance(event, GameOpened) and event.game_id == game_id for event in events)
            if is_known or game_id not in self._indexer.ledger.games:
                self._clear("opening of game", [game_id])
            else:
                self._differs(("opening of game", game_id), self._block_of_game(game_id), _nothing)

    def _check_own_games(self, records: Mapping[GameId, GameRecord]) -> None:
        """A game that is closed, or whose split is not the one that is known."""
        ledger = self._indexer.ledger
        own = {game.game_id for game in ledger.games_of(self._account)}
        suspected = {GameId(number) for kind, number in self._suspicions if kind == "game"}
        for game_id in own:
            record = records.get(game_id)
            if record is None:
                continue  # just found, or its node answers from before it was opened
            if record.stage is GameStage.CLOSED:
                self._differs_in_game(game_id, self._drop)
            elif self._lacks_split(record):
                self._differs_in_game(game_id, self._adopt_split)
            else:
                self._clear("game", [game_id])
        self._clear("game", suspected - own)

    def _lacks_split(self, record: GameRecord) -> bool:
        split = self._indexer.ledger.splits.get(record.game_id)
        if split is None:
            return record.stage is GameStage.CHALLENGER_TURN
        is_known = (split.low, split.high) == (record.low, record.high)
        is_late = is_past(record, split.low, split.high)
        return record.stage is GameStage.CHALLENGER_TURN and not is_known and not is_late

    def _differs_in_game(self, game_id: GameId, adopt: Callable[[GameId], None]) -> None:
        self._differs(("game", game_id), self._block_of_game(game_id), lambda: adopt(game_id))

    def _block_of_game(self, game_id: GameId) -> int:
        return self._last_block_of(task_of_game(game_id))

    def _drop(self, game_id: GameId) -> None:
        if game_id in self._indexer.ledger.games:
            self._indexer.ledger.drop_game(game_id)

    def _adopt_split(self, game_id: GameId) -> None:
        """A contract keeps only the root of a split; another question may find the event."""
        hashes = self._chain.split_hashes(game_id)
        record = self._chain.game(game_id)
        if hashes and game_id in self._indexer.ledger.games:
            at = self._position()
            split = GameSplit(at=at, game_id=game_id, low=record.low, high=record.high, hashes=hashes)
            self._indexer.ledger.adopt_split(split)

    def _position(self) -> LogPosition:
        """Where an event is put that no node gives."""
        return LogPosition(block_number=self._head_number, log_index=0, transaction_hash=ZERO_HASH)

    # --- tasks --------------------------------------------------------------------------------------------

    def _tasks_to_check(self) -> set[TaskId]:
        own = {task.task_id for task in self._indexer.ledger.tasks_of(self._account)}
        self._recent.update(dict.fromkeys(self._own - own, RECENT_CHECKS))
        self._own = own
        suspected = {TaskId(number) for kind, number in self._suspicions if kind == "task"}
        return {*own, *self._recent, *suspected, *self._other_tasks.take(OTHERS_EACH_CHECK)}

    def _check_tasks(self, records: Mapping[TaskId, TaskRecord]) -> None:
        for task_id, record in records.items():
            self._compare(task_id, record)
        self._recent = {task_id: left - 1 for task_id, left in self._recent.items() if left > 1}

    def _compare(self, task_id: TaskId, record: TaskRecord) -> None:
        known = self._indexer.ledger.task(task_id)
        is_busy = record.stage in (TaskStage.TAKEN, TaskStage.CLAIMED)
        is_same = (known.stage, known.attempt) == (record.stage, record.attempt)
        if is_same and (not is_busy or known.operator == record.operator):
            self._clear("task", [task_id])
        elif _progress(record) < _progress(known) and self._is_fresh(("task", task_id)):
            return  # most likely a node answers from an older block, and its word would undo what happened
        else:
            self._differs(("task", task_id), self._last_block_of(task_id), lambda: self._adopt_task(record))

    def _is_fresh(self, key: Key) -> bool:
        """Whether a difference has not lasted as long as a node may lag."""
        suspicion = self._suspicions.setdefault(key, Suspicion(seen_at=self._head_number))
        return self._head_number - suspicion.seen_at < LAG_HEADS

    def _adopt_task(self, record: TaskRecord) -> None:
        claimed = None
        if record.stage is TaskStage.CLAIMED:
            with suppress(Rejected):
                claimed = TaskClaimed(
                    at=self._position(),
                    task_id=record.task_id,
                    operator=record.operator,
                    claim_id=record.claim_id,
                    until=record.until,
                    claimed=self._chain.claimed_state(record.claim_id),
                )
        self._indexer.ledger.adopt_task(record, claimed)

    def _all_tasks(self) -> Iterator[TaskId]:
        for task in self._indexer.ledger.busy_tasks():
            yield task.task_id
        for job in self._indexer.ledger.live_jobs():
            for shard in range(job.shard_count):
                task_id = task_of(job.job_id, shard)
                if not self._indexer.ledger.is_finished(task_id):
                    yield task_id

    # --- programs and jobs --------------------------------------------------------------------------------

    def _check_counts(self, counters: Counters) -> None:
        history = self._indexer.history
        for kind, known, count in (
            ("program", history.programs, counters.program_count),
            ("job", history.jobs, counters.job_count),
        ):
            gaps = known.gaps(1, count + 1)
            missing = [number for gap in gaps for number in islice(range(*gap), NEW_IDS_EACH_CHECK)]
            self._clear(kind, {number for each, number in self._suspicions if each == kind} - set(missing))
            for number in missing[:NEW_IDS_EACH_CHECK]:
                self._differs((kind, number), self._block_before(kind, number), self._adopter(kind, number))

    def _adopter(self, kind: str, number: int) -> Callable[[], None]:
        if kind == "program":
            return lambda: self._adopt_program(ProgramId(number))
        return lambda: self._adopt_job(JobId(number))

    def _adopt_program(self, program_id: ProgramId) -> None:
        if program_id not in self._indexer.ledger.programs:
            self._indexer.ledger.adopt_program(self._chain.program(program_id))

    def _adopt_job(self, job_id: JobId) -> None:
        if not self._indexer.ledger.knows_job(job_id):
            job = self._chain.job(job_id)
            self._adopt_program(job.program_id)
            self._indexer.ledger.adopt_job(job)

    def _block_before(self, kind: str, number: int) -> int:
        """The block of the program or job before this one."""
        history = self._indexer.history
        if kind == "program":
            event = history.program_registered(ProgramId(number - 1))
        else:
            event = history.job_posted(JobId(number - 1))
        return event.at.block_number if event is not None else 0

    # --- differences --------------------------------------------------------------------------------------

    def _last_block_of(self, task_id: TaskId) -> int:
        """The block of the last event that is known of a task, or of its job; 0 if there is none."""
        found = self._indexer.history.events_of_task(task_id)
        if found:
            return found[-1].at.block_number
        posted = self._indexer.history.job_posted(job_of_task(task_id))
        return posted.at.block_number if posted is not None else 0

    def _differs(self, key: Key, from_block: int, adopt: Callable[[], None]) -> None:
        """Take the next step about a difference."""
        suspicion = self._suspicions.setdefault(key, Suspicion(seen_at=self._head_number))
        if self._head_number <= suspicion.seen_at:
            return
        if suspicion.reread_at is None:
            suspicion.reread_at = self._head_number
            self._indexer.reread_from(from_block)
        elif self._head_number > suspicion.reread_at and not self._indexer.is_rereading:
            self._report_hidden(key, suspicion)
            with suppress(Rejected):  # a lagging node was asked
                adopt()

    def _report_hidden(self, key: Key, suspicion: Suspicion) -> None:
        last = suspicion.reported_at
        if last is None or self._head_number - last >= REPORT_EACH:
            suspicion.reported_at = self._head_number
            kind, number = key
            self._reporter.report(
                "log_hidden",
                f"the node leaves out events of {kind} {number}: the contracts differ from its events, even"
                " after reading them again; add another node with --rpc",
                what=kind,
                number=number,
            )

    def _clear(self, kind: str, numbers: Iterable[int]) -> None:
        for number in numbers:
            suspicion = self._suspicions.pop((kind, number), None)
            if suspicion is not None and suspicion.reread_at is not None and suspicion.reported_at is None:
                self._reporter.report(
                    "log_found",
                    f"the node had left out events of {kind} {number}; they were found by reading again",
                    what=kind,
                    number=number,
                )


def _nothing() -> None:
    """Do nothing: there is no record to use, because only the event has what is missing."""


class Turn(Generic[T]):
    """Things that are taken some at a time, in turn."""

    def __init__(self, all_of_them: Callable[[], Iterable[T]]) -> None:
        self._all = all_of_them
        self._rest: Iterator[T] = iter(())

    def take(self, count: int) -> list[T]:
        """The next ones; at the end it begins again, once."""
        taken = list(islice(self._rest, count))
        if len(taken) < count:
            self._rest = iter(self._all())
            taken += islice(self._rest, count - len(taken))
        return taken


def _progress(task: TaskRecord) -> tuple[int, int]:
    """Grows as a task goes on: an attempt is taken, claimed, and ends."""
    stages = (TaskStage.TAKEN, TaskStage.CLAIMED)
    return task.attempt, stages.index(task.stage) if task.stage in stages else len(stages)
