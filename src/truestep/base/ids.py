"""The protocol's ids, and how to compute one from another."""

from typing import NewType

Bytes32 = NewType("Bytes32", bytes)
"""A 32-byte hash, root or leaf."""

Address = NewType("Address", str)
"""A checksummed EVM address, `0x` and 40 hex digits."""

ProgramId = NewType("ProgramId", int)
JobId = NewType("JobId", int)
TaskId = NewType("TaskId", int)
"""job id ‖ shard index (32 bits)."""
BatchId = NewType("BatchId", int)
"""From 1, in the order of taking."""
ClaimId = NewType("ClaimId", int)
"""What a batch claims of a task: task id ‖ batch id (32 bits). The contracts write batch ‖ leaf (S1.6)."""
GameId = NewType("GameId", int)
"""claim id ‖ ordinal of the game on that claim (32 bits)."""

PART_BITS = 32
PART_MASK = 2**PART_BITS - 1


def task_of(job: JobId, shard_index: int) -> TaskId:
    """The task that runs shard `shard_index` of `job`."""
    return TaskId(job << PART_BITS | shard_index)


def claim_of(task: TaskId, batch: BatchId) -> ClaimId:
    """What `batch` claims of `task`."""
    return ClaimId(task << PART_BITS | batch)


def game_of(claim: ClaimId, ordinal: int) -> GameId:
    """Game number `ordinal` (from 1) on `claim`."""
    return GameId(claim << PART_BITS | ordinal)


def job_of_task(task: TaskId) -> JobId:
    """The job that `task` belongs to."""
    return JobId(task >> PART_BITS)


def shard_of_task(task: TaskId) -> int:
    """The shard index of `task`."""
    return task & PART_MASK


def task_of_claim(claim: ClaimId) -> TaskId:
    """The task that `claim` is about."""
    return TaskId(claim >> PART_BITS)


def batch_of_claim(claim: ClaimId) -> BatchId:
    """The batch that `claim` is in."""
    return BatchId(claim & PART_MASK)


def claim_of_game(game: GameId) -> ClaimId:
    """The claim that `game` is about."""
    return ClaimId(game >> PART_BITS)


def task_of_game(game: GameId) -> TaskId:
    """The task whose claim `game` is about."""
    return task_of_claim(claim_of_game(game))


def task_in_words(task: TaskId) -> str:
    """`job 3 shard 0`."""
    return f"job {job_of_task(task)} shard {shard_of_task(task)}"


def game_in_words(game: GameId) -> str:
    """`game 2 on job 3 shard 0`."""
    return f"game {game & PART_MASK} on {task_in_words(task_of_game(game))}"
