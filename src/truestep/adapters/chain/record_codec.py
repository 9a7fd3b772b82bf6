"""What the contracts' reading functions return, as values. Raises for what is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from web3 import Web3

from truestep.adapters.chain.answers import octets
from truestep.adapters.chain.codec import decode_output
from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.ports.chain import TaskResult
from truestep.protocol.availability.contracts.keepers import Keeper
from truestep.protocol.availability.ids import KeeperId
from truestep.protocol.settlement.facts.policy_words import PolicyWord
from truestep.protocol.settlement.ids import LeafGameId, LeafId
from truestep.protocol.settlement.records import BatchStage


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWord:
    """What Jobs keeps of a batch besides hashes (S4.2). All zero if there is none."""

    stage: BatchStage
    leaf_count: int
    until: int
    operator: Address
    struck: int
    """A bit for each leaf that was struck."""


def batch(batch_id: BatchId) -> View:
    """A batch."""

    def build(values: Any) -> BatchWord:
        stage, leaf_count, until, operator, _, _, _, struck = values
        return BatchWord(
            stage=BatchStage(stage),
            leaf_count=leaf_count,
            until=until,
            operator=checksummed(operator),
            struck=struck,
        )

    return View(contract="Jobs", function="get_batch", arguments=(batch_id,), build=build)


def is_busy(task_id: TaskId) -> View:
    """Whether a task is in a standing batch, final or refunded. Refuses one of an unknown job (S3.2)."""
    return View(contract="Jobs", function="is_busy", arguments=(task_id,), build=bool)


def is_leaf_final(leaf_id: LeafId) -> View:
    """Whether a claim is final (S4.8)."""
    return View(contract="Jobs", function="is_leaf_final", arguments=(leaf_id,), build=bool)


def result(task_id: TaskId) -> View:
    """A task's result, once it is written out; all zero before (S4.8)."""
    return View(contract="Results", function="result", arguments=(task_id,), build=_task_result)


def checked_leaf(*evidence: Any) -> View:
    """The result that a claim, its terms and a proof show. Refuses a leaf that is not final (S4.8)."""
    return View(
        contract="Results",
        function="check_leaf",
        arguments=evidence,
        build=lambda values: _task_result(values[1]),
    )


def keeper(number: KeeperId) -> View:
    """A keeper and its shares; all zero if there is none (A2.1)."""

    def build(values: Any) -> Keeper:
        account, signer, shares, locked, listed = values
        return Keeper(
            account=checksummed(account),
            signer=checksummed(signer),
            shares=shares,
            locked=locked,
            listed=listed,
        )

    return View(contract="Keepers", function="get", arguments=(number,), build=build)


def _task_result(values: Any) -> TaskResult:
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


def game_hash(game_id: LeafGameId) -> View:
    """The hash of a game's record; zero if it is over, or was never opened (S6.1)."""
    return word("Disputes", "games", game_id)


def open_game_count(leaf_id: LeafId) -> View:
    """How many games may still go against a claim; of one that is struck, 0."""

    def build(values: Any) -> int:
        struck_at, _, open_count, *_ = values
        return 0 if struck_at else open_count

    return View(contract="Disputes", function="get_claim", arguments=(leaf_id,), build=build)


def policy_word(word: PolicyWord) -> View:
    """Whether a policy's contract says what it should."""

    def build(values: Any) -> bool:
        found = cast(tuple[Any, ...], values) if isinstance(values, tuple) else (values,)
        pairs = zip(word.values, found[: len(word.values)], strict=True)
        return all(expected is None or _is_same(expected, actual) for expected, actual in pairs)

    return View(contract=word.contract, function=word.function, arguments=word.arguments, build=build)


def _is_same(expected: Any, actual: Any) -> bool:
    return checksummed(actual) == expected if isinstance(actual, str) else actual == expected


ADDRESSES_LIMIT = 4_096
"""Cached accounts, more than take part at the same time."""


@lru_cache(maxsize=ADDRESSES_LIMIT)
def checksummed(text: str) -> Address:
    """An address as people write it. Kept, since each costs a hash."""
    return Address(Web3.to_checksum_address(text))


def _same(value: Any) -> Any:
    return value
