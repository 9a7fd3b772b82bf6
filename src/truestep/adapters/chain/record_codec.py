"""What the contracts' reading functions return, as records (docs/protocol.md P7). Raises for what is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from web3 import Web3

from truestep.adapters.chain.answers import Junk, octets
from truestep.adapters.chain.codec import decode_output
from truestep.base.ids import Address, Bytes32, ClaimId, GameId, JobId, ProgramId, TaskId
from truestep.ports.chain import TaskResult
from truestep.protocol.records import (
    GameRecord,
    GameStage,
    JobRecord,
    ProgramRecord,
    TaskRecord,
    TaskStage,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A contract's reading function, its arguments, and how what it returns becomes a value."""

    contract: str
    function: str
    arguments: Sequence[Any] = ()
    build: Callable[[Any], Any]


def view_parser(web3: Web3, view: View) -> Callable[[Any], Any]:
    """From the result of `eth_call` to the view's value."""
    return lambda result: view.build(decode_output(web3, view.contract, view.function, octets(result)))


def number(contract: str, function: str, *arguments: Any) -> View:
    """A function that returns one number."""
    return View(contract=contract, function=function, arguments=arguments, build=_same)


def numbers(contract: str, function: str, *arguments: Any) -> View:
    """A function that returns several numbers."""
    return View(contract=contract, function=function, arguments=arguments, build=tuple)


def word(contract: str, function: str, *arguments: Any) -> View:
    """A function that returns 32 bytes."""
    return View(contract=contract, function=function, arguments=arguments, build=Bytes32)


def address(contract: str, function: str, *arguments: Any) -> View:
    """A function that returns one address."""
    return View(contract=contract, function=function, arguments=arguments, build=checksummed)


def program(program_id: ProgramId) -> View:
    """A program, without its URI."""

    def build(values: Any) -> ProgramRecord:
        image_root, entry, max_cycles, digest, owner = values
        return ProgramRecord(
            program_id=program_id,
            image_root=Bytes32(image_root),
            entry=entry,
            max_cycles=max_cycles,
            digest=Bytes32(digest),
            owner=checksummed(owner),
            uri="",
        )

    return View(contract="Programs", function="get", arguments=(program_id,), build=build)


def job(job_id: JobId) -> View:
    """A job, without its input's URI."""

    def build(values: Any) -> JobRecord:
        (program_id, input_root, input_size, seed, shard_count, reward_wei, lease_seconds, deadline,
         max_cycles, requester, final_count) = values  # fmt: skip
        if shard_count == 0:
            raise Junk("expected a job with shards, got one without")
        return JobRecord(
            job_id=job_id,
            program_id=ProgramId(program_id),
            input_root=Bytes32(input_root),
            input_size=input_size,
            input_uri="",
            seed=Bytes32(seed),
            shard_count=shard_count,
            reward_wei=reward_wei,
            lease_seconds=lease_seconds,
            deadline=deadline,
            max_cycles=max_cycles,
            requester=checksummed(requester),
            final_count=final_count,
        )

    return View(contract="Jobs", function="get_job", arguments=(job_id,), build=build)


def task(task_id: TaskId) -> View:
    """A task; one of an unknown job looks open."""

    def build(values: Any) -> TaskRecord:
        state, attempt, operator, until, claim_hash = values
        return TaskRecord(
            task_id=task_id,
            stage=TaskStage(state),
            attempt=attempt,
            operator=checksummed(operator),
            until=until,
            claim_hash=Bytes32(claim_hash),
        )

    return View(contract="Jobs", function="get_task", arguments=(task_id,), build=build)


def result(task_id: TaskId) -> View:
    """A task's result."""

    def build(values: Any) -> TaskResult:
        is_final, is_accepted, status, code, cycle, output_size, output_root = values
        return TaskResult(
            is_final=is_final,
            is_accepted=is_accepted,
            status=status,
            code=code,
            cycle=cycle,
            output_size=output_size,
            output_root=Bytes32(output_root),
        )

    return View(contract="Jobs", function="result", arguments=(task_id,), build=build)


def game(game_id: GameId) -> View:
    """A game; None if there is none."""

    def build(values: Any) -> GameRecord | None:
        (stage, operator, challenger, low, high, low_hash, high_hash, root, operator_clock_seconds,
         challenger_clock_seconds, moved_at, rounds) = values  # fmt: skip
        if stage == GameStage.NONE:
            return None
        return GameRecord(
            game_id=game_id,
            stage=GameStage(stage),
            operator=checksummed(operator),
            challenger=checksummed(challenger),
            low=low,
            high=high,
            low_hash=Bytes32(low_hash),
            high_hash=Bytes32(high_hash),
            split_root=Bytes32(root),
            operator_clock_seconds=operator_clock_seconds,
            challenger_clock_seconds=challenger_clock_seconds,
            moved_at=moved_at,
            rounds=rounds,
        )

    return View(contract="Disputes", function="get_game", arguments=(game_id,), build=build)


def open_games(claim_id: ClaimId) -> View:
    """How many games on a claim are not closed."""
    return number("Disputes", "open_games", claim_id)


ADDRESSES_LIMIT = 4_096
"""Cached accounts, more than take part at the same time."""


@lru_cache(maxsize=ADDRESSES_LIMIT)
def checksummed(text: str) -> Address:
    """An address as people write it. Kept, since each costs a hash."""
    return Address(Web3.to_checksum_address(text))


def _same(value: Any) -> Any:
    return value
