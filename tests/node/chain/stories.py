"""Events as the contracts could have told them, without contracts: for tests of what is made of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from truestep.base.ids import (
    Address,
    BatchId,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    batch_of_claim,
    claim_of,
    claim_of_game,
    game_of,
    task_of,
    task_of_claim,
)
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.node.chain.task_state import TaskState, task_of_event, untouched
from truestep.ports.chain import Blocks, Counters, Head, Inquiry, Records
from truestep.protocol import events
from truestep.protocol.calls import NATIVE, NOBODY
from truestep.protocol.claims import ClaimedState
from truestep.protocol.event_records import JobEvent
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import GameRecord, GameStage, Parameters, TaskRecord, TaskStage

ACCOUNTS = [Address(f"0x{number:040x}") for number in range(1, 5)]
HASH = Bytes32(b"h" * 32)
CLAIMED = ClaimedState(
    status=Status.EXITED,
    code=0,
    cycle=5,
    output_size=8,
    output_root=HASH,
    left_root=HASH,
    inner_root=HASH,
    running_state=Bytes32(bytes(32)),
)
PARAMETERS = Parameters(
    operator_bond_wei=25,
    challenger_bond_wei=1,
    window_seconds=240,
    clock_seconds=30,
    rescue_seconds=10,
    lease_penalty_bps=1_000,
    release_penalty_bps=10,
    winner_share_bps=5_000,
    gas_price_cap_wei=1,
    arity=16,
)
LOGS_EACH_BLOCK = 3
DEADLINE = 10**6


@dataclass
class Story:
    """What happens next is drawn by chance, from what the protocol allows."""

    rng: random.Random
    shard_counts: tuple[int, ...] = (1, 3, 2)
    company: float = 0.3
    """How likely an open task is taken with another one."""
    told: list[ChainEvent] = field(default_factory=list)
    next_block: int = 1
    """Events from now on are in this block or a later one."""
    _stages: dict[TaskId, str] = field(default_factory=dict)
    _batches: dict[TaskId, BatchId] = field(default_factory=dict)
    """The last one of each task."""
    _tasks: dict[BatchId, list[TaskId]] = field(default_factory=dict)
    """Those that stand in a batch."""
    _operators: dict[TaskId, Address] = field(default_factory=dict)
    _games: dict[GameId, Address] = field(default_factory=dict)
    _settled: list[GameId] = field(default_factory=list)
    """Games that nobody was rewarded for."""
    _ordinals: dict[ClaimId, int] = field(default_factory=dict)
    _rewards: dict[JobId, int] = field(default_factory=dict)

    def tell(self, event_count: int) -> list[ChainEvent]:
        """So many events more; all that were told."""
        if not self.told:
            self._begin()
        until = len(self.told) + event_count
        while len(self.told) < until:
            moves = self._moves()
            if not moves:
                break
            self.rng.choice(moves)()
        return self.told

    def _begin(self) -> None:
        for number, shard_count in enumerate(self.shard_counts, 1):
            job_id = JobId(number)
            self._add([events.ProgramRegistered], program_id=ProgramId(number), owner=ACCOUNTS[0],
                      image_root=HASH, entry=4, max_cycles=100, digest=HASH, uri="")  # fmt: skip
            self._add([events.JobPosted], job_id=job_id, program_id=ProgramId(number), max_cycles=100,
                      requester=ACCOUNTS[0], input_root=HASH, input_size=1, input_uri="", seed=HASH,
                      shard_count=shard_count, reward=1, asset=NATIVE, lease_seconds=10, policy=1,
                      deadline=DEADLINE, parameters=PARAMETERS, reducer_of=None, is_ready=True)  # fmt: skip
            self._rewards[job_id] = 1
            for shard in range(shard_count):
                self._stages[task_of(job_id, shard)] = "open"

    def _add(self, kinds: Sequence[Callable[..., ChainEvent]], **fields: Any) -> None:
        """One log: an event of each kind. A field that is a list has a value for each event."""
        newest = self.told[-1].at if self.told else None
        if newest is None or newest.block_number < self.next_block:
            block, index = self.next_block, 0
        elif newest.log_index + 1 < LOGS_EACH_BLOCK:
            block, index = newest.block_number, newest.log_index + 1
        else:
            block, index = newest.block_number + 1, 0
        for part, kind in enumerate(kinds):
            at = LogPosition(block_number=block, log_index=index, part=part, transaction_hash=HASH)
            values = {
                name: cast(list[Any], value)[part] if isinstance(value, list) else value
                for name, value in fields.items()
            }
            self.told.append(kind(at=at, **values))

    def _moves(self) -> list[Callable[[], None]]:
        moves: list[Callable[[], None]] = []
        for task_id, stage in self._stages.items():
            moves += [partial(move, task_id) for move in self._moves_of(stage)]
        for game_id in self._games:
            moves += [partial(self._split, game_id), partial(self._settle, game_id)]
            moves += [partial(self._adopt, game_id)] if self.rng.random() < 0.2 else []
        moves += [partial(self._reward, game_id) for game_id in self._settled[:1]]
        if any(stage == "open" for stage in self._stages.values()):
            moves.append(partial(self._top_up, self.rng.choice(list(self._rewards))))
        return moves

    def _moves_of(self, stage: str) -> list[Callable[[TaskId], None]]:
        return {
            "open": [self._take, self._take, self._reclaim],
            "taken": [self._claim, self._claim, self._expire],
            "claimed": [self._open_game, self._finalize],
            "held": [self._finalize],
        }.get(stage, [])

    def _top_up(self, job_id: JobId) -> None:
        self._rewards[job_id] += 1
        self._add([events.JobChanged], job_id=job_id, reward=self._rewards[job_id], deadline=DEADLINE,
                  input_root=HASH, input_size=1, is_ready=True)  # fmt: skip

    def _claim_id(self, task_id: TaskId) -> ClaimId:
        return claim_of(task_id, self._batches[task_id])

    def _standing(self, task_id: TaskId) -> list[TaskId]:
        """The tasks of the batch of a task."""
        return self._tasks[self._batches[task_id]]

    def _take(self, task_id: TaskId) -> None:
        """Alone, or with other open tasks."""
        others = [each for each, stage in self._stages.items() if stage == "open" and each != task_id]
        tasks = [task_id, *(each for each in others if self.rng.random() < self.company)]
        batch_id, operator = BatchId(len(self._tasks) + 1), self.rng.choice(ACCOUNTS)
        self._tasks[batch_id] = tasks
        self._batches |= dict.fromkeys(tasks, batch_id)
        self._operators |= dict.fromkeys(tasks, operator)
        self._stages |= dict.fromkeys(tasks, "taken")
        self._add([events.TaskTaken] * len(tasks), task_id=list(tasks), operator=operator, batch_id=batch_id,
                  until=50)  # fmt: skip

    def _reclaim(self, task_id: TaskId) -> None:
        self._stages[task_id] = "refunded"
        self._add([events.TaskReclaimed], task_id=task_id, requester=ACCOUNTS[0], amount_wei=1)

    def _claim(self, task_id: TaskId) -> None:
        tasks = self._standing(task_id)
        self._stages |= dict.fromkeys(tasks, "claimed")
        self._add([events.TaskClaimed] * len(tasks), task_id=list(tasks), operator=self._operators[task_id],
                  claim_id=[self._claim_id(each) for each in tasks], until=90, claimed=CLAIMED)  # fmt: skip

    def _expire(self, task_id: TaskId) -> None:
        tasks = self._standing(task_id)
        self._stages |= dict.fromkeys(tasks, "open")
        self._add([events.LeaseExpired] * len(tasks), task_id=list(tasks), penalty_wei=1,
                  operator=self._operators[task_id])  # fmt: skip

    def _open_game(self, task_id: TaskId) -> None:
        claim_id = self._claim_id(task_id)
        ordinal = self._ordinals[claim_id] = self._ordinals.get(claim_id, 0) + 1
        game_id = game_of(claim_id, ordinal)
        self._games[game_id] = self.rng.choice(ACCOUNTS)
        self._add([events.GameOpened], game_id=game_id, claim_id=claim_id, challenger=self._games[game_id],
                  operator=self._operators[task_id], high=5, low_hash=HASH, high_hash=HASH)  # fmt: skip

    def _finalize(self, task_id: TaskId) -> None:
        """The batch, if it is still claimed, without the leaves that have games; else this leaf."""
        is_held = {claim_of_game(game_id) for game_id in self._games}
        tasks = [task_id] if self._stages[task_id] == "held" else self._standing(task_id)
        final = [each for each in tasks if self._claim_id(each) not in is_held]
        if not final:
            return
        self._stages |= dict.fromkeys(tasks, "held") | dict.fromkeys(final, "final")
        self._add([events.TaskFinalized] * len(final), task_id=list(final), claimed=CLAIMED,
                  operator=self._operators[task_id], is_accepted=True,
                  claim_id=[self._claim_id(each) for each in final])  # fmt: skip

    def _split(self, game_id: GameId) -> None:
        if self.rng.random() < 0.5:
            self._add([events.GameSplit], game_id=game_id, low=0, high=5, hashes=(HASH,))
        else:
            self._add([events.GamePicked], game_id=game_id, low=0, high=5, low_hash=HASH, high_hash=HASH)

    def _adopt(self, game_id: GameId) -> None:
        self._add([events.GameAdopted], game_id=game_id, sponsor=self.rng.choice(ACCOUNTS))

    def _settle(self, game_id: GameId) -> None:
        claim_id = claim_of_game(game_id)
        task_id = task_of_claim(claim_id)
        is_standing = self._stages[task_id] in ("claimed", "held") and self._claim_id(task_id) == claim_id
        if is_standing and self.rng.random() < 0.5:
            self._stages[task_id] = "open"
            self._standing(task_id).remove(task_id)
            self._add([events.ClaimStruck], task_id=task_id, operator=self._operators[task_id],
                      claim_id=claim_id)  # fmt: skip
        del self._games[game_id]
        self._settled.append(game_id)
        self._add([events.GameSettled], game_id=game_id, claim_id=claim_id, stage=GameStage.OPERATOR_WON,
                  operator_wei=1, challenger_wei=1, burned_wei=1)  # fmt: skip

    def _reward(self, game_id: GameId) -> None:
        """At any time, most often when the task is final."""
        self._settled.remove(game_id)
        self._add([events.GameRewarded], game_id=game_id, claim_id=claim_of_game(game_id),
                  challenger=ACCOUNTS[0], amount_wei=1, burned_wei=1)  # fmt: skip


@dataclass
class ListHistory:
    """Satisfies `History`: a list of events."""

    known: list[ChainEvent] = field(default_factory=list)

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        found = [event for event in self.known if task_of_event(event) == task_id]
        return sorted(found, key=lambda event: event.at)

    def program_registered(self, program_id: ProgramId) -> events.ProgramRegistered | None:
        for event in self.known:
            if isinstance(event, events.ProgramRegistered) and event.program_id == program_id:
                return event
        return None

    def events_of_job(self, job_id: JobId) -> list[JobEvent]:
        found = [event for event in self.known if isinstance(event, events.JobPosted | events.JobChanged)]
        return sorted((event for event in found if event.job_id == job_id), key=lambda event: event.at)


@dataclass
class StoryChain:
    """Satisfies the reading part of `Chain` that an index needs: contracts that did what a story tells.

    `is_hidden` says which events its node leaves out, and with them go those that mean nothing without them.
    The contracts' own answers always tell the truth, as far as contracts know it.
    """

    story: Story
    is_hidden: Callable[[ChainEvent], bool] = lambda _: False
    head_number: int = 0
    requests: list[str] = field(default_factory=list)
    branch: str = ""
    first_block: int = 0
    headers_read_along: int = 32
    is_ahead: bool = False
    """Whether the contracts that answer are newer than the events that were given."""
    book: dict[LogPosition, ChainEvent] = field(default_factory=dict)
    """All events that were given."""

    def go_on(self, event_count: int = 0, blocks: int = 1) -> None:
        """Events happen, then so many blocks more."""
        self.story.tell(event_count)
        newest = self.story.told[-1].at.block_number if self.story.told else 0
        self.head_number = max(self.head_number, newest) + blocks
        self.story.next_block = self.head_number + 1

    def head(self) -> Head:
        self.requests.append("head")
        return Head(number=self.head_number, hash=self._hash(self.head_number), time_seconds=self.head_number)

    def block_hash(self, number: int) -> Bytes32 | None:
        self.requests.append("block_hash")
        return self._hash(number) if number <= self.head_number else None

    def _hash(self, number: int) -> Bytes32:
        return keccak256(f"{number}{self.branch}".encode())

    def events(self, from_block: int, to_block: int) -> tuple[ChainEvent, ...]:
        self.requests.append("events")
        found = tuple(
            event
            for event in self.story.told
            if from_block <= event.at.block_number <= to_block and self.is_told(event)
        )
        for position in [at for at in self.book if from_block <= at.block_number <= to_block]:
            del self.book[position]
        self.book |= {event.at: event for event in found}
        return found

    def is_told(self, event: ChainEvent) -> bool:
        """What happens to a batch or a game of which nothing else is known, no event can be made of."""
        if self.is_hidden(event):
            return False
        match event:
            case events.TaskClaimed() | events.TaskFinalized() | events.ClaimStruck():
                return self._is_begun(events.TaskTaken, batch_id=batch_of_claim(event.claim_id))
            case events.GameSplit() | events.GamePicked() | events.GameAdopted() | events.GameSettled():
                return self._is_begun(events.GameOpened, game_id=event.game_id)
            case _:
                return True

    def _is_begun(self, kind: type[ChainEvent], **fields: int) -> bool:
        return any(
            isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in fields.items())
            and not self.is_hidden(event)
            for event in self.story.told
        )

    def forget_after(self, block_number: int) -> None:
        self.book = {at: event for at, event in self.book.items() if at.block_number <= block_number}

    def duties(self, now: int) -> tuple[()]:
        del now
        return ()

    def stopped_until(self) -> int:
        return 0

    def is_claimed(self, batch_id: BatchId) -> bool:
        del batch_id
        return True

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        found = self.events(from_block, to_block)
        numbers = range(max(from_block, to_block - self.headers_read_along + 1), to_block + 1)
        return Blocks(events=found, hashes={number: self._hash(number) for number in numbers})

    def records(self, inquiry: Inquiry, block_number: int) -> Records:
        assert block_number == self.head_number
        self.requests.append("records")
        return Records(
            tasks={task_id: self._task(task_id) for task_id in inquiry.tasks},
            games={game_id: self._game(game_id) for game_id in inquiry.games if self._is_game_known(game_id)},
            open_game_counts={
                claim_id: len(self._state(task_of_claim(claim_id)).games_on(claim_id))
                for claim_id in inquiry.claims
            },
            balances=None,
            counters=self._counters() if inquiry.has_counters else None,
        )

    def _counters(self) -> Counters:
        count = len(self.story.shard_counts) if self.story.told else 0
        batches = {event.batch_id for event in self.story.told if isinstance(event, events.TaskTaken)}
        return Counters(program_count=count, job_count=count, batch_count=len(batches))

    def _state(self, task_id: TaskId) -> TaskState:
        state = untouched(task_id)
        for event in ListHistory(self.story.told).events_of_task(task_id):
            state.apply(event)
        return state

    def _task(self, task_id: TaskId) -> TaskRecord:
        """A contract knows which shards are busy, and what became of a batch that it is asked about."""
        record = self._state(task_id).record
        known = {event.batch_id for event in self.book.values() if isinstance(event, events.TaskTaken)}
        if record.stage in (TaskStage.TAKEN, TaskStage.CLAIMED) and record.batch_id not in known:
            return TaskRecord(
                task_id=task_id, stage=TaskStage.TAKEN, batch_id=BatchId(0), operator=NOBODY, until=0
            )
        return record

    def _is_game_known(self, game_id: GameId) -> bool:
        """Whether the newest record of a game, or its end, is the one that was given."""

        def of_game(found: Iterable[ChainEvent]) -> list[ChainEvent]:
            return [event for event in found if getattr(event, "game_id", None) == game_id]

        told, given = of_game(self.story.told), of_game(self.book.values())
        return (
            not self.is_ahead
            and bool(told)
            and bool(given)
            and told[-1] == max(given, key=lambda event: event.at)
        )

    def _game(self, game_id: GameId) -> GameRecord:
        """The record of each move names the defender, though nobody was told of its adoption."""
        claim_id = claim_of_game(game_id)
        games = self._state(task_of_claim(claim_id)).games_on(claim_id)
        (operator,) = [game.operator for game in games if game.game_id == game_id] or [ACCOUNTS[0]]
        return GameRecord(
            game_id=game_id,
            stage=GameStage.OPERATOR_TURN,
            operator=operator,
            challenger=ACCOUNTS[1],
            low=0,
            high=5,
            low_hash=HASH,
            high_hash=HASH,
            arity=16,
            split_hashes=(),
            last_second=9,
        )


def tasks_of_story(story: Story) -> list[TaskId]:
    """Every task, known or not."""
    return [
        task_of(JobId(job), shard)
        for job, shard_count in enumerate(story.shard_counts, 1)
        for shard in range(shard_count)
    ]
