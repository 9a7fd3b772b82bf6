"""What the contracts themselves say of tasks, games and coins, so that a log that is hidden does not stay so.

They keep words and hashes. A task of the book is corrected by the word of its batch and by the bit that says
whether it is busy. A game of the book counts only if the contract keeps the same hash, and the same split.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from truestep.adapters.chain import record_codec
from truestep.adapters.chain.outages import NodeError
from truestep.adapters.chain.pinned import AtBlock, PinnedReader, given
from truestep.adapters.chain.record_codec import BatchWord, View
from truestep.base.ids import Address, BatchId, Bytes32, ClaimId, GameId, TaskId
from truestep.ports.chain import Balances, Counters, Inquiry, Records
from truestep.protocol.deployment.audits import CONTRACT as AUDITS
from truestep.protocol.deployment.availability import CONTRACTS as DATA_CONTRACTS
from truestep.protocol.deployment.lots import CONTRACT as LOTS
from truestep.protocol.deployment.quorum import CONTRACT as QUORUMS
from truestep.protocol.deployment.validity import CONTRACT as VERIFIERS
from truestep.protocol.records import GameRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.disputes import ROOT_SHIFT
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.facts.policy_words import JobPage, PolicyWord, words_of
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import kept_split, node_of_game, split_of_game
from truestep.protocol.settlement.ids import NATIVE, NOBODY, LeafGameId, LeafId, leaf_of_claim
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.tasks.ids import leaf_game_of, leaf_in_batch, leaf_of
from truestep.protocol.settlement.tasks.records import game_record

UNKNOWN_BATCH = BatchId(0)
"""Of a task that the contracts call busy, by a batch that no log tells of."""


@dataclass(slots=True)
class _Plan:
    """The questions of an inquiry, in the order of the answers."""

    tasks: list[TaskRecord] = field(default_factory=list[TaskRecord])
    leaves: dict[TaskId, LeafId] = field(default_factory=dict[TaskId, LeafId])
    batches: list[BatchId] = field(default_factory=list[BatchId])
    games: dict[GameId, LeafGameId] = field(default_factory=dict[GameId, LeafGameId])
    nodes: dict[GameId, Bytes32] = field(default_factory=dict[GameId, Bytes32])
    claims: dict[ClaimId, LeafId] = field(default_factory=dict[ClaimId, LeafId])
    words: list[tuple[JobPage, PolicyWord]] = field(default_factory=list[tuple[JobPage, PolicyWord]])


class Inquirer:
    """Asks what an inquiry wants to know, with facts of about the same block."""

    def __init__(self, pinned: PinnedReader, facts: Facts, known: Mapping[TaskId, TaskRecord]) -> None:
        """`known` are the inquiry's tasks as the book has them."""
        self._pinned = pinned
        self._facts = facts
        self._known = known

    def questions(self, inquiry: Inquiry) -> list[AtBlock]:
        """What to ask, in the order in which `records` takes the answers."""
        self._inquiry, self._plan = inquiry, self._planned(inquiry)
        plan = self._plan
        views: list[View] = []
        if inquiry.has_counters:
            views.append(record_codec.number("Programs", "program_count"))
            views.append(record_codec.number("Jobs", "job_count"))
            views.append(record_codec.number("Jobs", "batch_count"))
        views += (record_codec.is_busy(task.task_id) for task in plan.tasks)
        views += map(record_codec.batch, plan.batches)
        views += map(record_codec.is_leaf_final, plan.leaves.values())
        views += map(record_codec.game_hash, plan.games.values())
        views += (record_codec.number("Disputes", "splits", node) for node in plan.nodes.values())
        views += map(record_codec.open_game_count, plan.claims.values())
        views += (record_codec.policy_word(word) for _, word in plan.words)
        questions = [self._pinned.view(view) for view in views]
        if inquiry.balances_of is not None:
            questions += balance_questions(self._pinned, inquiry.balances_of, self._facts)
        return questions

    def _planned(self, inquiry: Inquiry) -> _Plan:
        plan = _Plan(tasks=[self._known[task_id] for task_id in inquiry.tasks if task_id in self._known])
        plan.batches = sorted({task.batch_id for task in plan.tasks} - {UNKNOWN_BATCH})
        for task in plan.tasks:
            leaf_id = leaf_in_batch(self._facts, task.batch_id, task.task_id) if task.batch_id else None
            if leaf_id is not None:
                plan.leaves[task.task_id] = leaf_id
        for game_id in inquiry.games:
            leaf_game_id = leaf_game_of(self._facts, game_id)
            game = self._facts.games.get(leaf_game_id) if leaf_game_id is not None else None
            if leaf_game_id is None or game is None:
                continue
            plan.games[game_id] = leaf_game_id
            node = node_of_game(leaf_game_id, game)
            if node is not None:
                plan.nodes[game_id] = node
        found = ((claim_id, leaf_of(self._facts, claim_id)) for claim_id in inquiry.claims)
        plan.claims = {claim_id: leaf_id for claim_id, leaf_id in found if leaf_id is not None}
        plan.words = [(page, word) for page in inquiry.pages for word in words_of(self._facts, page)]
        return plan

    def records(self, answers: Sequence[Any], now: int) -> Records:
        """The answers as records; games as they stand at the second `now`."""
        inquiry, plan, rest = self._inquiry, self._plan, iter(answers)
        counts = [given(next(rest)) for _ in range(3 if inquiry.has_counters else 0)]
        busy = list(islice(rest, len(plan.tasks)))
        words: dict[BatchId, BatchWord] = dict(zip(plan.batches, _all_given(rest, plan.batches), strict=True))
        final: dict[TaskId, bool] = dict(zip(plan.leaves, _all_given(rest, plan.leaves), strict=True))
        hashes: dict[GameId, Bytes32] = dict(zip(plan.games, _all_given(rest, plan.games), strict=True))
        splits: dict[GameId, int] = dict(zip(plan.nodes, _all_given(rest, plan.nodes), strict=True))
        open_counts: list[int] = _all_given(rest, plan.claims)
        agreed: list[bool] = _all_given(rest, plan.words)
        tasks: dict[TaskId, TaskRecord] = {}
        for task, is_busy in zip(plan.tasks, busy, strict=True):
            if not isinstance(is_busy, NodeError):
                word, is_final = words.get(task.batch_id), final.get(task.task_id)
                leaf_id = plan.leaves.get(task.task_id)
                index = leaf_of_claim(leaf_id) if leaf_id is not None else None
                tasks[task.task_id] = _corrected(
                    task, word, index, is_busy=bool(is_busy), is_final=bool(is_final)
                )
        games = {
            game_id: record
            for game_id in plan.games
            if self._is_confirmed(game_id, hashes, splits)
            and (record := game_record(self._facts, game_id, now)) is not None
        }
        return Records(
            tasks=tasks,
            games=games,
            open_game_counts=dict(zip(plan.claims, open_counts, strict=True)),
            balances=balances_of(rest, self._facts, inquiry.balances_of) if inquiry.balances_of else None,
            counters=_counters(counts),
            pages=_pages(plan.words, agreed),
        )

    def _is_confirmed(
        self, game_id: GameId, hashes: Mapping[GameId, Bytes32], splits: Mapping[GameId, int]
    ) -> bool:
        """Whether the contract has the game and the split that the book has."""
        leaf_game_id = self._plan.games[game_id]
        game: GameRecord | Any = self._facts.games[leaf_game_id]
        if hashes[game_id] != hash_struct(game):
            return False
        if game_id not in splits:
            return True
        split = split_of_game(self._facts, leaf_game_id, game)
        kept = kept_split(game, split) if split is not None else None
        return splits[game_id] == (kept.root << ROOT_SHIFT | kept.at if kept is not None else 0)


def _pages(words: Iterable[tuple[JobPage, PolicyWord]], agreed: Iterable[bool]) -> dict[JobPage, bool]:
    """Whether every word of a page is as it should be."""
    pages: dict[JobPage, bool] = {}
    for (page, _), agrees in zip(words, agreed, strict=True):
        pages[page] = pages.get(page, True) and agrees
    return pages


def _counters(counts: Sequence[int]) -> Counters | None:
    if not counts:
        return None
    program_count, job_count, batch_count = counts
    return Counters(program_count=program_count, job_count=job_count, batch_count=batch_count)


def _corrected(
    task: TaskRecord, word: BatchWord | None, leaf_index: int | None, *, is_busy: bool, is_final: bool
) -> TaskRecord:
    """A task of the book as the contracts have it."""
    if not is_busy:
        return replace(task, stage=TaskStage.OPEN, operator=NOBODY, until=0)
    is_struck = word is not None and leaf_index is not None and bool(word.struck >> leaf_index & 1)
    if word is not None and not is_struck:
        standing = {
            BatchStage.TAKEN: TaskStage.TAKEN,
            BatchStage.CLAIMED: TaskStage.CLAIMED,
            BatchStage.FINAL: TaskStage.FINAL if is_final or leaf_index is None else TaskStage.CLAIMED,
        }
        stage = standing.get(word.stage)
        if stage is not None:
            until = 0 if stage is TaskStage.FINAL else word.until
            return replace(task, stage=stage, operator=word.operator, until=until)
    if task.stage in (TaskStage.REFUNDED, TaskStage.FINAL):
        return task  # nothing that the contracts keep says otherwise
    return replace(task, stage=TaskStage.TAKEN, batch_id=UNKNOWN_BATCH, operator=NOBODY, until=0)


def _all_given(answers: Iterable[Any], asked: Iterable[object]) -> list[Any]:
    return [given(answer) for _, answer in zip(asked, answers, strict=False)]


# --- coins ------------------------------------------------------------------------------------------------


def balance_questions(pinned: PinnedReader, account: Address, facts: Facts) -> list[AtBlock]:
    """What an account has."""
    return [
        pinned.balance(account),
        pinned.view(record_codec.numbers("Operators", "accounts", account)),
        pinned.view(record_codec.number("Operators", "room_wei", account)),
        pinned.view(record_codec.number("Jobs", "credits", NATIVE, account)),
        pinned.view(record_codec.number("Disputes", "credits", account)),
        *(
            pinned.view(record_codec.number("Jobs", "credits", asset, account))
            for asset in _tokens_of(account, facts)
        ),
        *(
            pinned.view(record_codec.number(contract, "credits", account))
            for contract in _data_contracts(facts)
        ),
    ]


def balances_of(answers: Iterable[Any], facts: Facts, account: Address) -> Balances:
    """The answers to `balance_questions`."""
    wallet_wei, (stake_wei, locked_wei), room_wei, rewards_wei, winnings_wei, *others = map(given, answers)
    tokens = _tokens_of(account, facts)
    owed = zip(tokens, others, strict=False)
    owed_for_data = zip(_data_contracts(facts), others[len(tokens) :], strict=True)
    return Balances(
        wallet_wei=wallet_wei,
        stake_wei=stake_wei,
        locked_wei=locked_wei,
        room_wei=room_wei,
        rewards_wei=rewards_wei,
        winnings_wei=winnings_wei,
        tokens={asset: amount for asset, amount in owed if amount},
        for_data={contract: amount for contract, amount in owed_for_data if amount},
    )


def _data_contracts(facts: Facts) -> tuple[str, ...]:
    """The contracts besides Jobs and Disputes that may owe an account coins."""
    keeping = DATA_CONTRACTS if facts.keeping is not None else ()
    proving = (VERIFIERS,) if facts.proving is not None else ()
    quorums = (QUORUMS,) if facts.seating is not None else ()
    lots = (LOTS,) if facts.dealing is not None else ()
    return (*keeping, *proving, *quorums, *((AUDITS,) if facts.auditing is not None else ()), *lots)


def _tokens_of(account: Address, facts: Facts) -> list[Address]:
    """The tokens that Jobs owes an account, as far as is known."""
    return sorted(asset for asset, owed in facts.credits if owed == account and asset != NATIVE)
