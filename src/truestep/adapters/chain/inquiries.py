"""Turns an `Inquiry` into questions that fit one request, and the answers into `Records`."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from truestep.adapters.chain import record_codec
from truestep.adapters.chain.pinned import AtBlock, PinnedReader, given
from truestep.base.ids import Address, job_of_task
from truestep.ports.chain import Balances, Counters, Inquiry, Records
from truestep.protocol.records import GameRecord, TaskRecord


def questions_of(pinned: PinnedReader, inquiry: Inquiry) -> list[AtBlock]:
    """What to ask, in the order in which `records_of` takes the answers."""
    views: list[record_codec.View] = []
    if inquiry.has_counters:
        views.append(record_codec.number("Programs", "program_count"))
    if inquiry.has_counters or inquiry.tasks:
        views.append(record_codec.number("Jobs", "job_count"))
    views += map(record_codec.task, inquiry.tasks)
    views += map(record_codec.game, inquiry.games)
    views += map(record_codec.open_games, inquiry.claims)
    questions = [pinned.view(view) for view in views]
    if inquiry.balances_of is not None:
        questions += balance_questions(pinned, inquiry.balances_of)
    return questions


def balance_questions(pinned: PinnedReader, account: Address) -> list[AtBlock]:
    """What an account has."""
    return [
        pinned.balance(account),
        pinned.view(record_codec.numbers("Operators", "accounts", account)),
        pinned.view(record_codec.number("Jobs", "credits", account)),
        pinned.view(record_codec.number("Disputes", "credits", account)),
    ]


def records_of(inquiry: Inquiry, answers: Sequence[Any]) -> Records:
    """The answers as records. Raises `Rejected` if a contract refuses something else than an unknown game."""
    rest = iter(answers)
    program_count = given(next(rest)) if inquiry.has_counters else 0
    job_count = given(next(rest)) if inquiry.has_counters or inquiry.tasks else 0
    tasks: list[TaskRecord] = [given(answer) for answer in islice(rest, len(inquiry.tasks))]
    games = zip(inquiry.games, list(islice(rest, len(inquiry.games))), strict=True)
    counts = zip(inquiry.claims, list(islice(rest, len(inquiry.claims))), strict=True)
    return Records(
        tasks={task.task_id: task for task in tasks if 1 <= job_of_task(task.task_id) <= job_count},
        games={game_id: game for game_id, game in games if isinstance(game, GameRecord)},
        open_game_counts={claim_id: given(count) for claim_id, count in counts},
        balances=balances_of(rest) if inquiry.balances_of is not None else None,
        counters=Counters(program_count=program_count, job_count=job_count) if inquiry.has_counters else None,
    )


def balances_of(answers: Iterable[Any]) -> Balances:
    """The answers to `balance_questions`."""
    wallet_wei, (stake_wei, locked_wei), rewards_wei, winnings_wei = map(given, answers)
    return Balances(
        wallet_wei=wallet_wei,
        stake_wei=stake_wei,
        locked_wei=locked_wei,
        rewards_wei=rewards_wei,
        winnings_wei=winnings_wei,
    )
