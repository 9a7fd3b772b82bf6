"""Events as the contracts could have told them, without contracts: for tests of what is made of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from truestep.base.ids import (
    Address,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    claim_of,
    game_of,
    task_of,
)
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.node.chain.event_records import job_record, program_record
from truestep.node.chain.task_state import TaskState, game_of_event, task_of_event, untouched
from truestep.ports.chain import Blocks, Counters, Head, Inquiry, Records
from truestep.protocol import events
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import GameRecord, GameStage, JobRecord, ProgramRecord, TaskRecord

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
EVENTS_EACH_BLOCK = 3
DEADLINE = 10**6


@dataclass
class Story:
    """What happens next is drawn by chance, from what the protocol allows."""

    rng: random.Random
    shard_counts: tuple[int, ...] = (1, 3, 2)
    told: list[ChainEvent] = field(default_factory=list)
    next_block: int = 1
    """Events from now on are in this block or a later one."""
    _stages: dict[TaskId, str] = field(default_factory=dict)
    _attempts: dict[TaskId, int] = field(default_factory=dict)
    _operators: dict[TaskId, Address] = field(default_factory=dict)
    _games: dict[GameId, Address] = field(default_factory=dict)
    _ordinals: dict[ClaimId, int] = field(default_factory=dict)

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
            self._add(events.ProgramRegistered, program_id=ProgramId(number), owner=ACCOUNTS[0],
                      image_root=HASH, entry=4, max_cycles=100, digest=HASH, uri="")  # fmt: skip
            self._add(events.JobPosted, job_id=JobId(number), program_id=ProgramId(number),
                      requester=ACCOUNTS[0], input_root=HASH, input_size=1, input_uri="", seed=HASH,
                      shard_count=shard_count, reward_wei=1, lease_seconds=10, deadline=DEADLINE)  # fmt: skip
            for shard in range(shard_count):
                self._stages[task_of(JobId(number), shard)] = "open"

    def _add(self, kind: Callable[..., ChainEvent], **fields: Any) -> None:
        newest = self.told[-1].at if self.told else None
        if newest is None or newest.block_number < self.next_block:
            block, index = self.next_block, 0
        elif newest.log_index + 1 < EVENTS_EACH_BLOCK:
            block, index = newest.block_number, newest.log_index + 1
        else:
            block, index = newest.block_number + 1, 0
        at = LogPosition(block_number=block, log_index=index, transaction_hash=HASH)
        self.told.append(kind(at=at, **fields))

    def _moves(self) -> list[Callable[[], None]]:
        moves: list[Callable[[], None]] = []
        for task_id, stage in self._stages.items():
            moves += [lambda move=move, task_id=task_id: move(task_id) for move in self._moves_of(stage)]
        for game_id in self._games:
            moves += [
                lambda game_id=game_id: self._split(game_id),
                lambda game_id=game_id: self._settle(game_id),
            ]
        return moves

    def _moves_of(self, stage: str) -> list[Callable[[TaskId], None]]:
        return {
            "open": [self._take, self._take, self._reclaim],
            "taken": [self._claim, self._claim, self._expire],
            "claimed": [self._open_game, self._finalize],
        }.get(stage, [])

    def _claim_id(self, task_id: TaskId) -> ClaimId:
        return claim_of(task_id, self._attempts[task_id])

    def _take(self, task_id: TaskId) -> None:
        self._attempts[task_id] = self._attempts.get(task_id, 0) + 1
        self._operators[task_id] = self.rng.choice(ACCOUNTS)
        self._stages[task_id] = "taken"
        self._add(events.TaskTaken, task_id=task_id, operator=self._operators[task_id],
                  attempt=self._attempts[task_id], until=50)  # fmt: skip

    def _reclaim(self, task_id: TaskId) -> None:
        self._stages[task_id] = "refunded"
        self._add(events.TaskReclaimed, task_id=task_id, requester=ACCOUNTS[0], amount_wei=1)

    def _claim(self, task_id: TaskId) -> None:
        self._stages[task_id] = "claimed"
        self._add(events.TaskClaimed, task_id=task_id, operator=self._operators[task_id],
                  claim_id=self._claim_id(task_id), until=90, claimed=CLAIMED)  # fmt: skip

    def _expire(self, task_id: TaskId) -> None:
        self._stages[task_id] = "open"
        self._add(events.LeaseExpired, task_id=task_id, operator=self._operators[task_id], penalty_wei=1)

    def _open_game(self, task_id: TaskId) -> None:
        claim_id = self._claim_id(task_id)
        ordinal = self._ordinals[claim_id] = self._ordinals.get(claim_id, 0) + 1
        game_id = game_of(claim_id, ordinal)
        self._games[game_id] = self.rng.choice(ACCOUNTS)
        self._add(events.GameOpened, game_id=game_id, claim_id=claim_id, challenger=self._games[game_id],
                  operator=self._operators[task_id], high=5, low_hash=HASH, high_hash=HASH)  # fmt: skip

    def _finalize(self, task_id: TaskId) -> None:
        if any(game_id >> 32 == self._claim_id(task_id) for game_id in self._games):
            return
        self._stages[task_id] = "final"
        self._add(events.TaskFinalized, task_id=task_id, operator=self._operators[task_id],
                  claim_id=self._claim_id(task_id), claimed=CLAIMED, is_accepted=True)  # fmt: skip

    def _split(self, game_id: GameId) -> None:
        kind = self.rng.choice([events.GameSplit, events.GamePicked])
        if kind is events.GameSplit:
            self._add(kind, game_id=game_id, low=0, high=5, hashes=(HASH,))
        else:
            self._add(kind, game_id=game_id, part=0, low=0, high=5, low_hash=HASH, high_hash=HASH)

    def _settle(self, game_id: GameId) -> None:
        claim_id = ClaimId(game_id >> 32)
        task_id = TaskId(claim_id >> 32)
        is_standing = self._stages[task_id] == "claimed" and self._claim_id(task_id) == claim_id
        if is_standing and self.rng.random() < 0.5:
            self._stages[task_id] = "open"
            self._add(
                events.ClaimStruck, task_id=task_id, operator=self._operators[task_id], claim_id=claim_id
            )
            self._add(events.BondSeized, operator=self._operators[task_id], amount_wei=1)
        del self._games[game_id]
        self._add(events.GameSettled, game_id=game_id, claim_id=claim_id, stage=GameStage.OPERATOR_WON,
                  operator_wei=1, challenger_wei=1, burned_wei=1)  # fmt: skip


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

    def job_posted(self, job_id: JobId) -> events.JobPosted | None:
        for event in self.known:
            if isinstance(event, events.JobPosted) and event.job_id == job_id:
                return event
        return None


@dataclass
class StoryChain:
    """Satisfies the reading part of `Chain` that an index needs: contracts that did what a story tells.

    `is_hidden` says which events its node leaves out; the contracts' own answers always tell the truth.
    """

    story: Story
    is_hidden: Callable[[ChainEvent], bool] = lambda _: False
    head_number: int = 0
    requests: list[str] = field(default_factory=list)
    branch: str = ""
    first_block: int = 0
    headers_read_along: int = 32

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
        return tuple(
            event
            for event in self.story.told
            if from_block <= event.at.block_number <= to_block and not self.is_hidden(event)
        )

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        found = self.events(from_block, to_block)
        numbers = range(max(from_block, to_block - self.headers_read_along + 1), to_block + 1)
        return Blocks(events=found, hashes={number: self._hash(number) for number in numbers})

    def records(self, inquiry: Inquiry, block_number: int) -> Records:
        assert block_number == self.head_number
        asked = len(self.requests)
        records = Records(
            tasks=self.tasks(inquiry.tasks),
            games=self.games(inquiry.games),
            open_game_counts=self.open_game_counts(inquiry.claims),
            balances=None,
            counters=self.counters() if inquiry.has_counters else None,
        )
        self.requests[asked:] = ["records"]
        return records

    def counters(self) -> Counters:
        self.requests.append("counters")
        count = len(self.story.shard_counts) if self.story.told else 0
        return Counters(program_count=count, job_count=count)

    def program(self, program_id: ProgramId) -> ProgramRecord:
        event = ListHistory(self.story.told).program_registered(program_id)
        assert event is not None
        return program_record(event)

    def job(self, job_id: JobId) -> JobRecord:
        event = ListHistory(self.story.told).job_posted(job_id)
        assert event is not None
        return job_record(event, self.program(event.program_id).max_cycles)

    def _state(self, task_id: TaskId) -> TaskState:
        state = untouched(task_id)
        for event in ListHistory(self.story.told).events_of_task(task_id):
            state.apply(event)
        return state

    def tasks(self, task_ids: Collection[TaskId]) -> dict[TaskId, TaskRecord]:
        self.requests.append("tasks")
        return {task_id: self._state(task_id).record for task_id in task_ids}

    def games(self, game_ids: Collection[GameId]) -> dict[GameId, GameRecord]:
        self.requests.append("games")
        found = {game_id: self._game(game_id) for game_id in game_ids}
        return {game_id: record for game_id, record in found.items() if record}

    def game(self, game_id: GameId) -> GameRecord:
        record = self._game(game_id)
        assert record is not None
        return record

    def _game(self, game_id: GameId) -> GameRecord | None:
        told = [event for event in self.story.told if game_of_event(event) == game_id]
        if not told:
            return None
        opened = told[0]
        assert isinstance(opened, events.GameOpened)
        is_split = isinstance(told[-1], events.GameSplit)
        stage = GameStage.CHALLENGER_TURN if is_split else GameStage.OPERATOR_TURN
        if isinstance(told[-1], events.GameSettled):
            stage = GameStage.CLOSED
        return GameRecord(
            game_id=game_id,
            stage=stage,
            operator=opened.operator,
            challenger=opened.challenger,
            low=0,
            high=5,
            low_hash=HASH,
            high_hash=HASH,
            split_root=HASH,
            operator_clock_seconds=9,
            challenger_clock_seconds=9,
            moved_at=0,
            rounds=0,
        )

    def open_game_counts(self, claim_ids: Collection[ClaimId]) -> dict[ClaimId, int]:
        self.requests.append("open_game_counts")
        return {
            claim_id: len(self._state(TaskId(claim_id >> 32)).games_on(claim_id)) for claim_id in claim_ids
        }

    def claimed_state(self, claim_id: ClaimId) -> ClaimedState:
        del claim_id
        return CLAIMED

    def split_hashes(self, game_id: GameId) -> tuple[Bytes32, ...]:
        del game_id
        return (HASH,)


def tasks_of_story(story: Story) -> list[TaskId]:
    """Every task, known or not."""
    return [
        task_of(JobId(job), shard)
        for job, shard_count in enumerate(story.shard_counts, 1)
        for shard in range(shard_count)
    ]
