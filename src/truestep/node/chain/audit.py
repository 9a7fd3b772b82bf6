"""Compares the index with the contracts, so that an event that a node leaves out does not cost a bond.

At each new head, in one question:

1. How many programs, jobs and batches there are, now and then: an index that knows fewer misses events.
2. The account's own tasks as they stand, and some others in turn.
3. How many games are open on the account's own claims, and on some others in turn.
4. The account's own games: one of which the contracts keep another hash misses an event.
5. What Quorums, Audits and Lots say of the jobs of the account's own tasks, and of some others in turn.

A difference may be due to a new block, so it counts only if it is still there at a later head. Then
everything since the last event about the subject is read again. If even that does not show the event, it is
reported, and everything since the subject's beginning is read again, ever more rarely: the contracts keep
only hashes of what the event said. What they do say is believed: that somebody has a task, that a task is
free, that a claim has no open game.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from truestep.base.ids import (
    Address,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    claim_of_game,
    job_of_task,
    task_of,
    task_of_claim,
    task_of_game,
)
from truestep.node.chain.indexer import Indexer
from truestep.ports.chain import ChainReader, Counters, Head, Inquiry, Records
from truestep.ports.reporter import Reporter
from truestep.protocol.events import TaskClaimed, TaskTaken
from truestep.protocol.records import GameRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.facts.policy_words import JobPage, page_of, pages_of

COUNT_EACH = 8
"""Heads between two checks of the numbers of programs, jobs and batches."""
OTHERS_EACH_CHECK = 64
"""Tasks and claims of others that are checked at one head, in one request."""
OTHER_PAGES_EACH_CHECK = 4
"""Pages of others' jobs of which policies are asked at one head."""
PAGES_KEPT = 4_096
"""Of so many pages it is known when policies agreed; others are read again from the job's beginning."""
RECENT_CHECKS = 64
"""Heads for which a finished task of the account is still checked: its end may be on another branch."""
LAG_HEADS = 32
"""A node that is further behind is put aside. An end that was undone is believed after so many heads."""
REPORT_EACH = 50
"""Heads after which a hidden event is reported again."""
REREAD_EACH_LIMIT = 64
"""Most heads between two readings in search of a hidden event."""
NEW_IDS_EACH_CHECK = 16
"""Hidden jobs, programs and batches that are looked for at one head."""
LEASE_LIMIT_SECONDS = 30 * 86_400
"""No lease is longer (S3.1): how long a task counts as taken by a batch of which nothing else is known."""

T = TypeVar("T")
Key = tuple[str, int]
"""The subject of a difference: kind and id."""
COUNTED = ("program", "job", "batch")
PAGE_BITS = 32
"""Of the number of a page; those before them are its job's."""


@dataclass(slots=True)
class Suspicion:
    """A difference, and how far it was followed. Block numbers are those of heads."""

    seen_at: int
    reread_at: int | None = None
    reread_each: int = 1
    reported_at: int | None = None


class Span(NamedTuple):
    """Blocks that may have a hidden event: first from the last on, later from the first on."""

    first: int
    last: int


class Audit:
    """Call `check`, or `read` and `compare`, after every `Indexer.sync`. Each head is compared once.

    It changes the ledger (`Ledger.drain_changes` tells what), asks the indexer to read again, and reports
    `log_hidden` and `log_found`.
    """

    def __init__(
        self,
        chain: ChainReader,
        indexer: Indexer,
        reporter: Reporter,
        account: Address,
        operator: Address | None = None,
    ) -> None:
        """`operator`: whom the account acts for, if not for itself."""
        self._chain = chain
        self._indexer = indexer
        self._reporter = reporter
        self._operator = operator or account
        self._accounts = {account, self._operator}
        self._checked: Bytes32 | None = None
        self._check_count = 0
        self._head = Head(number=0, hash=Bytes32(bytes(32)), time_seconds=0)
        self._counted_at = 0
        """The head at which the last numbers were right."""
        self._suspicions: dict[Key, Suspicion] = {}
        self._own: set[TaskId] = set()
        self._asked_games: set[GameId] = set()
        self._recent: dict[TaskId, int] = {}
        self._other_tasks = Turn(self._all_tasks)
        self._other_claims = Turn(lambda: list(indexer.ledger.claims))
        self._other_pages = Turn(self._all_pages)
        self._pages_agreed_at: dict[int, int] = {}
        """The newest heads at which policies said of a page of a job what is known."""

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
        self._asked_games = set(self._own_games())
        inquiry = Inquiry(
            tasks=self._tasks_to_check(),
            games=self._asked_games,
            claims=self._claims_to_check(claims),
            pages=self._pages_to_check(),
            balances_of=balances_of,
            has_counters=self._check_count % COUNT_EACH == 0
            or any(kind in COUNTED for kind, _ in self._suspicions),
        )
        return self._chain.records(inquiry, head.number)

    def compare(self, head: Head, records: Records) -> None:
        """Compare with what was read."""
        self._head = head
        self._check_counts_of_games(records.open_game_counts)
        self._check_own_games(records)
        self._check_tasks(records.tasks)
        self._check_pages(records.pages)
        if records.counters is not None:
            self._check_counters(records.counters)
        self._checked = head.hash
        self._check_count += 1

    # --- games --------------------------------------------------------------------------------------------

    def _own_games(self) -> Iterator[GameId]:
        for account in self._accounts:
            yield from (game.game_id for game in self._indexer.ledger.games_of(account))

    def _claims_to_check(self, claims: Collection[ClaimId]) -> set[ClaimId]:
        own = [claim.claim_id for claim in self._own_claims()]
        played = [claim_of_game(game_id) for game_id in self._asked_games]
        suspected = [ClaimId(number) for kind, number in self._suspicions if kind == "claim"]
        others = self._other_claims.take(OTHERS_EACH_CHECK)
        return {*own, *played, *claims, *suspected, *others}

    def _own_claims(self) -> Iterable[TaskClaimed]:
        ledger = self._indexer.ledger
        tasks = {task.task_id for task in ledger.tasks_of(self._operator)}
        for task_id in tasks | ledger.disputed_tasks(operator=self._operator):
            yield from (
                claim for claim in ledger.claims_in_question(task_id) if claim.operator == self._operator
            )

    def _check_counts_of_games(self, counts: Mapping[ClaimId, int]) -> None:
        """A game that is not known can be lost on time; one that is over must not be waited for."""
        ledger = self._indexer.ledger
        for claim_id, count in counts.items():
            known = ledger.games_on(claim_id)
            if count == len(known):
                self._clear("claim", [claim_id])
                continue
            # A node that lags knows no game yet either: its word would end one that is being played.
            is_over = count == 0 and not self._is_fresh(("claim", claim_id))
            over = [game.game_id for game in known] if is_over else []
            span = self._span_of(task_of_claim(claim_id))
            self._differs(("claim", claim_id), span, lambda over=over: self._drop(over))
        suspected = {ClaimId(number) for kind, number in self._suspicions if kind == "claim"}
        self._clear("claim", [each for each in suspected - counts.keys() if each not in ledger.claims])

    def _check_own_games(self, records: Records) -> None:
        """A game of which the contracts keep another hash has gone on. A sponsor may defend it by now.

        Each move's record names the defender, so it is right though the event of an adoption is missing.
        """
        suspected = {GameId(number) for kind, number in self._suspicions if kind == "game"}
        own, known = self._asked_games & set(self._own_games()), self._indexer.ledger.games
        hidden = own - records.games.keys()
        adopted = {each for each in own - hidden if records.games[each].operator != known[each].operator}
        self._clear("game", suspected - hidden - adopted)
        for game_id in hidden:
            self._differs(("game", game_id), self._span_of(task_of_game(game_id)), _nothing)
        for game_id in adopted:
            self._differs(
                ("game", game_id),
                self._span_of(task_of_game(game_id)),
                lambda game_id=game_id: self._adopt_game(records.games[game_id]),
            )

    def _adopt_game(self, record: GameRecord) -> None:
        self._indexer.ledger.adopt_game(record.game_id, record.operator)

    def _drop(self, games: Iterable[GameId]) -> None:
        for game_id in games:
            if game_id in self._indexer.ledger.games:
                self._indexer.ledger.drop_game(game_id)

    # --- tasks --------------------------------------------------------------------------------------------

    def _tasks_to_check(self) -> set[TaskId]:
        own = {task.task_id for task in self._indexer.ledger.tasks_of(self._operator)}
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
        is_heard = record.stage is not TaskStage.CLAIMED or record.claim_id in self._indexer.ledger.claims
        if _agrees(record, known) and is_heard:
            self._clear("task", [task_id])
        elif _goes_back(record, known) and self._is_fresh(("task", task_id)):
            return  # most likely a node answers from an older block, and its word would undo what happened
        else:
            self._differs(("task", task_id), self._span_of(task_id), lambda: self._adopt_task(record))

    def _is_fresh(self, key: Key) -> bool:
        """Whether a difference has not lasted as long as a node may lag."""
        suspicion = self._suspicions.setdefault(key, Suspicion(seen_at=self._head.number))
        return self._head.number - suspicion.seen_at < LAG_HEADS

    def _adopt_task(self, record: TaskRecord) -> None:
        is_unknown = _is_of_unknown_batch(record)
        until = self._head.time_seconds + LEASE_LIMIT_SECONDS if is_unknown else record.until
        self._indexer.ledger.adopt_task(replace(record, until=until))

    def _all_tasks(self) -> Iterator[TaskId]:
        for task in self._indexer.ledger.busy_tasks():
            yield task.task_id
        for job in self._indexer.ledger.live_jobs():
            for shard in range(job.shard_count):
                task_id = task_of(job.job_id, shard)
                if not self._indexer.ledger.is_finished(task_id):
                    yield task_id

    # --- what policies keep -------------------------------------------------------------------------------

    def _all_pages(self) -> Iterator[JobPage]:
        for job in self._indexer.ledger.live_jobs():
            yield from pages_of(job.job_id, job.shard_count)

    def _pages_to_check(self) -> set[JobPage]:
        own = {page_of(task_id) for task_id in (*self._own, *self._recent)}
        suspected = {_page(number) for kind, number in self._suspicions if kind == "policy"}
        return {*own, *suspected, *self._other_pages.take(OTHER_PAGES_EACH_CHECK)}

    def _check_pages(self, pages: Mapping[JobPage, bool]) -> None:
        """Only events have what is missing. A job that is over has no page any more, and no suspicion."""
        suspected = {number for kind, number in self._suspicions if kind == "policy"}
        numbers = {page.job_id << PAGE_BITS | page.number: agrees for page, agrees in pages.items()}
        self._clear("policy", (suspected - numbers.keys()) | {each for each in numbers if numbers[each]})
        self._pages_agreed_at |= {each: self._head.number for each, agrees in numbers.items() if agrees}
        while len(self._pages_agreed_at) > PAGES_KEPT:
            del self._pages_agreed_at[next(iter(self._pages_agreed_at))]
        for number in (each for each, agrees in numbers.items() if not agrees):
            posted = self._indexer.history.events_of_job(_page(number).job_id)
            first = posted[0].at.block_number if posted else 0
            self._differs(("policy", number), Span(first, self._pages_agreed_at.get(number, first)), _nothing)

    # --- programs, jobs, batches --------------------------------------------------------------------------

    def _check_counters(self, counters: Counters) -> None:
        history, is_right = self._indexer.history, True
        counts = (counters.program_count, counters.job_count, counters.batch_count)
        for kind, known, count in zip(
            COUNTED, (history.programs, history.jobs, history.batches), counts, strict=True
        ):
            gaps = known.gaps(1, count + 1)
            missing = [number for gap in gaps for number in islice(range(*gap), NEW_IDS_EACH_CHECK)]
            self._clear(kind, {number for each, number in self._suspicions if each == kind} - set(missing))
            for number in missing[:NEW_IDS_EACH_CHECK]:
                block = self._block_before(kind, number)
                self._differs((kind, number), Span(block, block), _nothing)
            is_right = is_right and not missing
        if is_right:
            self._counted_at = self._head.number

    def _block_before(self, kind: str, number: int) -> int:
        """A block that is no newer than the one with this program, job or batch."""
        history = self._indexer.history
        if kind == "program":
            registered = history.program_registered(ProgramId(number - 1))
            return registered.at.block_number if registered is not None else 0
        if kind == "job":
            posted = history.events_of_job(JobId(number - 1))
            return posted[0].at.block_number if posted else 0
        return self._counted_at

    # --- differences --------------------------------------------------------------------------------------

    def _span_of(self, task_id: TaskId) -> Span:
        """From where its last batch, or else its job, begins, up to the last event of a task."""
        posted = self._indexer.history.events_of_job(job_of_task(task_id))
        found = self._indexer.history.events_of_task(task_id)
        begins = [*posted[:1], *(event for event in found if isinstance(event, TaskTaken))]
        first = begins[-1].at.block_number if begins else 0
        return Span(first, found[-1].at.block_number if found else first)

    def _differs(self, key: Key, span: Span, adopt: Callable[[], None]) -> None:
        """Take the next step about a difference."""
        head_number = self._head.number
        suspicion = self._suspicions.setdefault(key, Suspicion(seen_at=head_number))
        if suspicion.reread_at is None and suspicion.seen_at < span.last:
            suspicion.seen_at = head_number  # its event has come since, and this is another difference
        if head_number <= suspicion.seen_at:
            return
        if suspicion.reread_at is None:
            self._reread(suspicion, span.last)
        elif head_number > suspicion.reread_at and not self._indexer.is_rereading:
            self._report_hidden(key, suspicion)
            adopt()
            if head_number - suspicion.reread_at >= suspicion.reread_each:
                suspicion.reread_each = min(2 * suspicion.reread_each, REREAD_EACH_LIMIT)
                self._reread(suspicion, span.first)

    def _reread(self, suspicion: Suspicion, from_block: int) -> None:
        suspicion.reread_at = self._head.number
        self._indexer.reread_from(from_block)

    def _report_hidden(self, key: Key, suspicion: Suspicion) -> None:
        last = suspicion.reported_at
        if last is None or self._head.number - last >= REPORT_EACH:
            suspicion.reported_at = self._head.number
            kind, number = _in_words(key)
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
                what, of_number = _in_words((kind, number))
                self._reporter.report(
                    "log_found",
                    f"the node had left out events of {what} {of_number}; they were found by reading again",
                    what=what,
                    number=of_number,
                )


def _nothing() -> None:
    """Do nothing: only the event has what is missing."""


def _page(number: int) -> JobPage:
    return JobPage(JobId(number >> PAGE_BITS), number & (1 << PAGE_BITS) - 1)


def _in_words(key: Key) -> Key:
    """What and which number is reported."""
    kind, number = key
    return (kind, number) if kind != "policy" else ("the policy of job", _page(number).job_id)


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


def _is_of_unknown_batch(record: TaskRecord) -> bool:
    """Whether contracts say only that a shard cannot be taken, as they do of final ones too (S3.2)."""
    return record.stage is TaskStage.TAKEN and not record.batch_id


def _agrees(record: TaskRecord, known: TaskRecord) -> bool:
    """Whether what contracts say of a task is what is known of it."""
    if _is_of_unknown_batch(record) and known.stage in (TaskStage.FINAL, TaskStage.REFUNDED):
        return True
    is_busy = record.stage in (TaskStage.TAKEN, TaskStage.CLAIMED)
    is_same_batch = (known.batch_id, known.operator) == (record.batch_id, record.operator)
    return known.stage is record.stage and (is_same_batch or not is_busy)


def _goes_back(record: TaskRecord, known: TaskRecord) -> bool:
    """Whether contracts say what was so before what is known."""
    return not _is_of_unknown_batch(record) and _progress(record) < _progress(known)


def _progress(task: TaskRecord) -> tuple[int, int]:
    """Grows as a task goes on: batches are numbered as they are taken, and each is claimed, and ends."""
    stages = (TaskStage.TAKEN, TaskStage.CLAIMED)
    return task.batch_id, stages.index(task.stage) if task.stage in stages else len(stages)
