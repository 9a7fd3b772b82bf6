"""Events of a small network, as the chain tells them: a job with an honest claim and a false one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

from tests.roles.views import PARAMETERS
from truestep.base.errors import Unavailable
from truestep.base.ids import (
    Address,
    BatchId,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    claim_of,
    game_of,
    task_of,
)
from truestep.machine.state import Status
from truestep.ports.chain import Blocks, Head
from truestep.protocol import events
from truestep.protocol.calls import NATIVE
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.quorum.state import SILENT
from truestep.protocol.records import GameStage
from truestep.protocol.settlement.games import ChallengedClaim
from truestep.protocol.settlement.ids import Item
from truestep.protocol.settlement.ids import claim_of as leaf_of
from truestep.protocol.settlement.records import BatchStage, Stake

REQUESTER, HONEST, LIAR, CHALLENGER = (Address("0x" + digit * 40) for digit in "1234")
ZEROS = Bytes32(bytes(32))
CYCLES = 1 << 20
JOB = JobId(1)
LIE: ClaimId = claim_of(task_of(JOB, 1), BatchId(2))
GAME: GameId = game_of(LIE, 1)


class Places:
    """Places in the chain, one block after another."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def next(self) -> LogPosition:
        """The next place."""
        number = next(self._numbers)
        return LogPosition(
            block_number=number, log_index=0, transaction_hash=Bytes32(number.to_bytes(32, "big"))
        )


def posted(at: LogPosition, job_id: JobId = JOB, shard_count: int = 2, uri: str = "") -> events.JobPosted:
    """A job."""
    return events.JobPosted(
        at=at,
        job_id=job_id,
        program_id=ProgramId(1),
        requester=REQUESTER,
        input_root=ZEROS,
        input_size=12,
        input_uri=uri,
        seed=ZEROS,
        shard_count=shard_count,
        max_cycles=CYCLES,
        reward=10**16,
        asset=NATIVE,
        lease_seconds=300,
        deadline=10_000,
        policy=1,
        parameters=PARAMETERS,
        reducer_of=None,
        is_ready=True,
    )


def state() -> ClaimedState:
    """A run that has ended well."""
    return ClaimedState(
        status=Status.EXITED,
        code=0,
        cycle=CYCLES,
        output_size=8,
        output_root=ZEROS,
        left_root=ZEROS,
        inner_root=ZEROS,
        running_state=ZEROS,
    )


def story() -> Iterator[ChainEvent]:
    """Shard 0 becomes final; shard 1 is a lie, is struck by one step, and becomes final by somebody else."""
    at = Places().next
    yield posted(at())
    for shard, operator, batch in ((0, HONEST, 1), (1, LIAR, 2)):
        task = task_of(JOB, shard)
        batch_id = BatchId(batch)
        yield events.TaskTaken(at=at(), task_id=task, operator=operator, batch_id=batch_id, until=400)
        claim = claim_of(task, batch_id)
        yield events.TaskClaimed(
            at=at(), task_id=task, operator=operator, claim_id=claim, until=900, claimed=state()
        )
    yield from dispute(at)
    task, batch_id = task_of(JOB, 1), BatchId(3)
    yield events.TaskTaken(at=at(), task_id=task, operator=HONEST, batch_id=batch_id, until=400)
    for shard, batch in ((0, 1), (1, 3)):
        task = task_of(JOB, shard)
        claim = claim_of(task, BatchId(batch))
        yield events.TaskFinalized(
            at=at(), task_id=task, operator=HONEST, claim_id=claim, claimed=state(), is_accepted=True
        )


def dispute(at: Callable[[], LogPosition]) -> Iterator[ChainEvent]:
    """The game about shard 1, to its end."""
    yield events.GameOpened(
        at=at(),
        game_id=GAME,
        claim_id=LIE,
        challenger=CHALLENGER,
        operator=LIAR,
        high=CYCLES,
        low_hash=ZEROS,
        high_hash=ZEROS,
    )
    low, high = 0, CYCLES
    while high - low > 1:
        yield events.GameSplit(at=at(), game_id=GAME, low=low, high=high, hashes=(ZEROS,) * 63)
        low = high - max((high - low) // 64, 1)
        yield events.GamePicked(at=at(), game_id=GAME, low=low, high=high, low_hash=ZEROS, high_hash=ZEROS)
    after = Bytes32(b"\1" * 32)
    yield events.GameStepped(at=at(), game_id=GAME, before=ZEROS, after=after, expected=ZEROS)
    yield events.ClaimStruck(at=at(), task_id=task_of(JOB, 1), operator=LIAR, claim_id=LIE)
    yield events.GameSettled(
        at=at(),
        game_id=GAME,
        claim_id=LIE,
        stage=GameStage.CHALLENGER_WON,
        operator_wei=0,
        challenger_wei=10**16,
        burned_wei=0,
    )


class ToldChain:
    """A chain with these events and one branch, until it is told otherwise."""

    def __init__(self, told: Iterable[ChainEvent]) -> None:
        self.told: list[ChainEvent] = list(told)
        self.branch = 0
        self.is_dead = False

    def head(self) -> Head:
        if self.is_dead:
            raise Unavailable("the node is gone")
        number = max((event.at.block_number for event in self.told), default=1)
        return Head(number=number, hash=self._hash(number), time_seconds=1_000)

    def blocks(self, low: int, high: int) -> Blocks:
        found = tuple(event for event in self.told if low <= event.at.block_number <= high)
        return Blocks(events=found, hashes={high: self._hash(high)})

    def facts(self) -> Any:
        """Both claims of the job are confirmed by a quorum, and a game is open on the second."""
        item = Item(job_id=JOB, offset=0, first_shard=0, count=2)
        batch = SimpleNamespace(stage=BatchStage.CLAIMED, struck=0, items=(item.pack(),))
        disputed = SimpleNamespace(claim=ChallengedClaim(opened=1, open_count=1))
        return SimpleNamespace(
            stakes={HONEST: Stake(stake_wei=10**18, locked_wei=10**17)},
            batches={BatchId(1): SimpleNamespace(batch=batch)},
            sittings={BatchId(1): replace(SILENT, is_proven=True)},
            disputes={leaf_of(BatchId(1), 1): disputed},
            proofs={},
            programs=(),
            program_uris=(),
            stopped_until=0,
        )

    def block_hash(self, number: int) -> Bytes32:
        return self._hash(number)

    def _hash(self, number: int) -> Bytes32:
        return Bytes32(bytes([self.branch]) * 16 + number.to_bytes(16, "big"))
