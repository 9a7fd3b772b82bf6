"""Told events, and what nodes make of them, held against the model at every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.tasks.expected import (
    ExpectedLeaf,
    expected_leaves,
    expected_tasks,
    node_game,
    open_games,
)
from truestep.base.ids import Address, Bytes32, ClaimId, GameId, TaskId
from truestep.node.chain.ledger import Ledger
from truestep.node.chain.task_state import TaskState, task_of_event
from truestep.node.chain.task_state import untouched as untouched_state
from truestep.protocol import events
from truestep.protocol.bisection import split_root
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.contracts.disputes import GameStage
from truestep.protocol.settlement.disputes import ROOT_SHIFT, split_of
from truestep.protocol.settlement.facts.leaves import leaf_at, leaf_of_state
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.tasks.events import told
from truestep.protocol.settlement.tasks.ids import claim_of_leaf, game_of_leaf, leaf_game_of, leaf_of
from truestep.protocol.settlement.tasks.records import known_job_record
from truestep.protocol.settlement.tasks.standing import Standing
from truestep.protocol.settlement.tasks.table import Table
from truestep.protocol.settlement.tasks.telling import fold_told

OPEN, REFUNDED = TaskStage.OPEN, TaskStage.REFUNDED


@dataclass(slots=True)
class Watch:
    """A node that reads every event."""

    facts: Facts
    table: Table = field(default_factory=Table)
    ledger: Ledger = field(default_factory=Ledger)
    states: dict[TaskId, TaskState] = field(default_factory=dict)
    splits: dict[GameId, events.GameSplit] = field(default_factory=dict)
    """The last one of each game, if nobody has moved since."""
    leaves: dict[int, bytes] = field(default_factory=dict)
    """What batches claimed."""
    settled: dict[GameId, events.GameSettled] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)

    def read(self, logs: Sequence[Logged]) -> None:
        """Take in what happened."""
        folded = fold_told(self.facts, logs)
        assert not folded.gaps
        for logged, found in zip(logs, folded.told, strict=True):
            assert [event.at.part for event in found] == [*range(len(found))]
            assert all(event.at.log_index == logged.at.log_index for event in found)
            if isinstance(logged.event, jobs.Claimed):
                self.leaves[logged.event.batch_id] = b"".join(logged.event.leaves)
        if logs:
            assert folded.told[0] == told(self.facts, logs[0])
        self.facts = folded.facts
        for event in (event for found in folded.told for event in found):
            self._apply(event)

    def _apply(self, event: ChainEvent) -> None:
        self.tally[type(event).__name__] += 1
        self.table.apply(event)
        self.ledger.apply(event)
        task_id = task_of_event(event)
        if task_id is not None:
            self.states.setdefault(task_id, untouched_state(task_id)).apply(event)
        match event:
            case events.GameSplit():
                self.splits[event.game_id] = event
            case events.GamePicked() | events.GameDescended() | events.GameRevealed() | events.GameAdopted():
                self.splits.pop(event.game_id, None)
            case events.GameSettled():
                self.splits.pop(event.game_id, None)
                self.settled[event.game_id] = event
            case _:
                pass

    # --- against the model ------------------------------------------------------------------------

    def check(self, chain: ModelChain) -> None:
        """Everything that nodes can look up is what the model has."""
        self._check_tasks(chain)
        self._check_claims(chain)
        self._check_jobs(chain)
        self._check_games(chain)
        self._check_splits(chain)

    def _check_tasks(self, chain: ModelChain) -> None:
        standing = Standing(self.facts)
        for task_id, expected in expected_tasks(chain).items():
            assert self.table.task(task_id) == expected
            if task_id in self.states:
                assert self.states[task_id].record == expected
            if not self.ledger.is_finished(task_id):
                assert self.ledger.task(task_id) == expected
            else:
                assert expected.stage in (TaskStage.FINAL, TaskStage.REFUNDED)
            known = standing.task(task_id)
            if known is not None and known.batch_id and known.stage not in (OPEN, REFUNDED):
                assert known == expected
            elif known is not None:
                assert known.stage is expected.stage
                assert known.batch_id <= expected.batch_id

    def _check_claims(self, chain: ModelChain) -> None:
        struck: dict[ClaimId, Address] = {}
        for leaf in expected_leaves(chain):
            if leaf.is_struck:
                struck[leaf.claim_id] = leaf.operator
            self._check_claim(leaf)
        found = {
            claim_id: of for job in chain.life.jobs for claim_id, of in self.table.struck_of(job).items()
        }
        assert found == struck
        assert {claim: of for state in self.states.values() for claim, of in state.struck.items()} == struck
        for operator in set(struck.values()):
            theirs = {claim_id for claim_id, of in struck.items() if of == operator}
            assert set(self.table.struck_by_operator(operator)) == theirs

    def _check_claim(self, leaf: ExpectedLeaf) -> None:
        leaf_id = leaf_of(self.facts, leaf.claim_id)
        assert leaf_id in (None, leaf.leaf_id)
        assert claim_of_leaf(leaf.task_id, leaf.leaf_id) == leaf.claim_id
        if batch_of_claim(leaf.leaf_id) in self.facts.batches:
            assert leaf_id == leaf.leaf_id
        claimed, packed = self.table.claim(leaf.claim_id), self.leaves.get(batch_of_claim(leaf.leaf_id))
        assert (claimed is None) == (packed is None)
        if claimed is not None and packed is not None:
            assert claimed.operator == leaf.operator
            said = leaf_at(packed, leaf_of_claim(leaf.leaf_id))
            assert claimed.is_malformed or leaf_of_state(claimed.claimed) == said
        final = self.table.final(leaf.task_id)
        if leaf.stage is TaskStage.FINAL:
            assert final is not None
            assert claimed is not None
            assert (final.claim_id, final.operator) == (leaf.claim_id, leaf.operator)
            assert final.claimed == claimed.claimed
            assert final.is_accepted == (claimed.claimed.is_accepted and not claimed.is_malformed)
        elif final is not None:
            assert final.claim_id != leaf.claim_id

    def _check_jobs(self, chain: ModelChain) -> None:
        for job_id, job in chain.life.jobs.items():
            record = self.table.job(job_id)
            assert record is not None
            known = self.facts.jobs.get(job_id)
            if known is not None:
                assert record == known_job_record(self.facts, job_id, known)
                assert (record.reward, record.deadline, record.is_ready) == (
                    job.reward,
                    job.deadline,
                    job.is_ready,
                )
                assert record.input_root == job.work.input_root

    def _check_games(self, chain: ModelChain) -> None:
        expected = open_games(chain)
        states = self.states.values()
        found = {game.game_id: game for state in states for game in state.games.values()}
        assert {game_id: (each.operator, each.challenger) for game_id, each in found.items()} == expected
        live = {game_id: (each.operator, each.challenger) for game_id, each in self.ledger.games.items()}
        assert live == expected
        for game_id, game in chain.disputes.games.items():
            named = node_game(game_id, game)
            assert game_of_leaf(game.task_id, game_id) == named
            if game_id in self.facts.games:
                assert leaf_game_of(self.facts, named) == game_id
            if game.stage in (GameStage.CLOSED, GameStage.SHOWN):
                assert named in self.settled

    def _check_splits(self, chain: ModelChain) -> None:
        expected: dict[GameId, int] = {}
        for game_id, game in chain.disputes.games.items():
            split = split_of(chain.disputes, game_id, game)
            if split is not None:
                expected[node_game(game_id, game)] = split.root
        found = {game_id: self._root(chain, game_id, event) for game_id, event in self.splits.items()}
        assert found == expected

    def _root(self, chain: ModelChain, game_id: GameId, event: events.GameSplit) -> int:
        """What the contract keeps of the split that was told."""
        leaf_game_id = leaf_game_of(self.facts, game_id)
        assert leaf_game_id is not None
        game = chain.disputes.games[leaf_game_id]
        assert (event.low, event.high) == (game.low, game.high)
        hashes = [game.low_hash, *event.hashes, game.high_hash]
        root = split_root([Bytes32(each) for each in hashes], games.arity_of(game))
        return int.from_bytes(root, "big") >> ROOT_SHIFT
