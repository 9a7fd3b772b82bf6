"""What a node leaves out of its events is found in the contracts, read again, and else said aloud."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.e2e.network import Log
from tests.node.chain.stories import ACCOUNTS, CLAIMED, Story, StoryChain, tasks_of_story
from tests.node.chain.test_ledger import answers, searched
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import JobId, TaskId, game_of, task_of
from truestep.node.chain.audit import COUNT_EACH, LAG_HEADS, REREAD_EACH_LIMIT, Audit
from truestep.node.chain.indexer import REREAD_BLOCKS, Indexer
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import TaskStage

TASK = task_of(JobId(1), 0)
SETTLING = 3 * COUNT_EACH
"""Heads after which everything was looked at, suspected, read again and taken from the contracts."""


class Scene:
    """A story with one job, an index of it for the operator of its only task, and the audit."""

    def __init__(self, *hidden: type[ChainEvent]) -> None:
        self.hidden = hidden
        self.story = Story(random.Random(1), shard_counts=(1,))
        self.chain = StoryChain(self.story, is_hidden=lambda event: isinstance(event, self.hidden))
        self.log = Log()
        self.chain.go_on()
        self.story._take(TASK)
        self.operator = self.story._operators[TASK]
        self.indexer = Indexer(cast(Any, self.chain), SqliteStore())
        self.audit = Audit(cast(Any, self.chain), self.indexer, self.log, self.operator)

    def heads(self, count: int) -> None:
        for _ in range(count):
            self.chain.go_on()
            self.audit.check(self.indexer.sync())

    @property
    def ledger(self) -> Any:
        return self.indexer.ledger


def test_a_game_that_no_event_tells_of_is_missed_and_looked_for_again_and_again() -> None:
    """The contracts say how many games there are, and nothing else of them."""
    scene = Scene(events.GameOpened)
    scene.story._claim(TASK)
    scene.heads(1)
    scene.story._open_game(TASK)
    scene.heads(4)
    assert (scene.log.kinds(), scene.ledger.games) == (["log_hidden"], {})
    assert "another node with --rpc" in scene.log.lines[0][1]
    scene.heads(3 * REREAD_EACH_LIMIT)
    scene.hidden = ()
    scene.heads(REREAD_EACH_LIMIT + 1)
    assert set(scene.ledger.games) == {game_of(scene.story._claim_id(TASK), 1)}
    scene.chain.requests.clear()
    scene.heads(REREAD_EACH_LIMIT)
    assert scene.chain.requests.count("events") == REREAD_EACH_LIMIT, "nothing is read again any more"


def test_a_sponsor_of_which_no_event_tells_is_known_by_the_record_of_the_game() -> None:
    scene = Scene(events.GameAdopted)
    scene.story._claim(TASK)
    scene.story._open_game(TASK)
    game_id = game_of(scene.story._claim_id(TASK), 1)
    scene.heads(1)
    sponsor = next(each for each in ACCOUNTS if each != scene.operator)
    scene.story._add([events.GameAdopted], game_id=game_id, sponsor=sponsor)
    scene.story._split(game_id)
    scene.heads(1)
    assert scene.ledger.games[game_id].operator == scene.operator, "it may have been read too early"
    scene.heads(4)
    assert scene.ledger.games[game_id].operator == sponsor
    assert game_id in {game.game_id for game in scene.ledger.games_of(sponsor)}
    assert scene.log.kinds() == ["log_hidden"]


def test_what_was_left_out_for_a_while_is_read_again_from_the_last_known_event() -> None:
    scene = Scene(events.GameOpened)
    scene.story._claim(TASK)
    scene.heads(1)
    scene.story._open_game(TASK)
    scene.chain.go_on(blocks=5 * REREAD_BLOCKS)
    scene.audit.check(scene.indexer.sync())
    scene.hidden = ()
    scene.heads(3)
    kinds = [type(event) for event in scene.indexer.history.events_of_task(TASK)]
    assert kinds == [events.TaskTaken, events.TaskClaimed, events.GameOpened]
    assert scene.log.kinds() == ["log_found"]


@pytest.mark.parametrize("kind", [events.TaskClaimed, events.TaskFinalized])
def test_a_task_is_taken_from_the_contract_in_the_end(kind: type[ChainEvent]) -> None:
    scene = Scene(kind)
    scene.heads(1)
    scene.story._claim(TASK)
    scene.heads(SETTLING)
    assert scene.ledger.task(TASK).stage is TaskStage.CLAIMED
    is_heard = kind is not events.TaskClaimed
    assert [claim.claimed for claim in scene.ledger.claims_in_question(TASK)] == [CLAIMED] * is_heard
    scene.story._finalize(TASK)
    scene.heads(SETTLING)
    assert (scene.ledger.busy_tasks(), scene.ledger.live_jobs()) == ([], [])
    assert scene.log.kinds() == ["log_hidden"]


def test_a_claim_that_was_left_out_is_looked_for_even_if_the_contract_is_believed() -> None:
    scene = Scene(events.TaskClaimed)
    scene.heads(1)
    scene.story._claim(TASK)
    scene.heads(SETTLING)
    scene.hidden = ()
    scene.heads(REREAD_EACH_LIMIT)
    assert [claim.claimed for claim in scene.ledger.claims_in_question(TASK)] == [CLAIMED]


def test_a_task_of_a_hidden_batch_is_nobodys_to_take() -> None:
    """That a shard is busy is all that the contract can say."""
    scene = Scene(events.TaskTaken)
    scene.heads(SETTLING)
    (job,) = scene.ledger.live_jobs()
    assert (list(scene.ledger.open_tasks(job, 0)), scene.ledger.tasks_of(scene.operator)) == ([], [])
    assert [line for kind, line in scene.log.lines if kind == "log_hidden" and "batch 1" in line]
    scene.hidden = ()
    scene.heads(REREAD_EACH_LIMIT)
    assert [task.task_id for task in scene.ledger.tasks_of(scene.operator)] == [TASK]


@pytest.mark.parametrize("kind", [events.ProgramRegistered, events.JobPosted])
def test_a_hidden_job_is_looked_for(kind: type[ChainEvent]) -> None:
    scene = Scene(kind)
    scene.heads(SETTLING)
    assert scene.ledger.live_jobs() == []
    assert "log_hidden" in scene.log.kinds()
    scene.hidden = ()
    scene.heads(REREAD_EACH_LIMIT)
    assert [job.job_id for job in scene.ledger.live_jobs()] == [1]
    assert "log_found" not in scene.log.kinds(), "it was said to be hidden"


def test_an_own_game_that_has_gone_on_in_silence_is_read_again() -> None:
    scene = Scene(events.GameSplit)
    scene.story._claim(TASK)
    scene.story._open_game(TASK)
    game_id = game_of(scene.story._claim_id(TASK), 1)
    scene.heads(1)
    while not any(isinstance(event, events.GameSplit) for event in scene.story.told):
        scene.story._split(game_id)
    scene.chain.go_on(blocks=5 * REREAD_BLOCKS)
    scene.heads(1)
    scene.hidden = ()
    scene.heads(2)
    found = scene.indexer.history.events_of_task(TASK)
    assert any(isinstance(event, events.GameSplit) for event in found)
    assert scene.log.kinds() == ["log_found"]


def test_a_game_that_is_over_in_silence_is_waited_for_no_more() -> None:
    scene = Scene(events.GameSettled)
    scene.story._claim(TASK)
    scene.story._open_game(TASK)
    scene.heads(1)
    scene.story._settle(game_of(scene.story._claim_id(TASK), 1))
    scene.heads(LAG_HEADS + 5)
    assert (scene.ledger.games, "log_hidden" in scene.log.kinds()) == ({}, True)


def test_a_node_that_lags_ends_no_game() -> None:
    """It answers from before the game was opened; whoever believed it would lose on time."""
    scene = Scene()
    scene.story._claim(TASK)
    scene.story._open_game(TASK)
    scene.heads(1)
    (game_id,) = scene.ledger.games
    records: Any = scene.chain.records

    def late(inquiry: Any, block_number: int) -> Any:
        return replace(records(inquiry, block_number), open_game_counts=dict.fromkeys(inquiry.claims, 0))

    cast(Any, scene.chain).records = late
    scene.heads(LAG_HEADS - 2)
    assert set(scene.ledger.games) == {game_id}


def test_a_game_that_moves_at_every_block_is_not_suspected() -> None:
    """A node that is ahead with its contracts is one event ahead each time."""
    scene = Scene()
    scene.story._claim(TASK)
    scene.story._open_game(TASK)
    scene.heads(1)
    scene.chain.is_ahead = True
    for _ in range(4):
        scene.story._split(game_of(scene.story._claim_id(TASK), 1))
        scene.heads(1)
    assert scene.log.kinds() == []


def test_an_end_of_another_branch_is_taken_back() -> None:
    """An index that took a claim for final would not defend it."""
    scene = Scene()
    scene.story._claim(TASK)
    scene.heads(1)
    scene.story._finalize(TASK)
    scene.heads(1)
    assert scene.ledger.busy_tasks() == []
    scene.story.told.pop()
    scene.story._stages[TASK] = "claimed"
    scene.heads(6)
    assert scene.ledger.busy_tasks() == [], "a node that lags is not believed at once"
    scene.heads(LAG_HEADS)
    assert [task.task_id for task in scene.ledger.tasks_of(scene.operator)] == [TASK]


def test_an_index_that_is_whole_is_not_read_again_and_costs_few_questions() -> None:
    scene = Scene()
    scene.story._claim(TASK)
    scene.heads(2)
    scene.chain.requests.clear()
    scene.heads(10 * COUNT_EACH)
    asked = scene.chain.requests
    assert {name: asked.count(name) for name in asked} == {
        "head": 10 * COUNT_EACH,
        "events": 10 * COUNT_EACH,
        "records": 10 * COUNT_EACH,
    }
    assert scene.log.kinds() == []
    scene.audit.check(scene.indexer.sync())
    assert asked[-1] == "head"


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_whatever_is_hidden_for_a_while_the_index_becomes_whole(seed: int) -> None:
    """An operator's own tasks and games are right in the end, whichever events its node left out."""
    rng = random.Random(seed)
    story = Story(rng, shard_counts=(1, 2))
    hidden = {rng.randrange(60) for _ in range(rng.randrange(12))}

    def is_hidden(event: ChainEvent) -> bool:
        """A sponsor knows of its adoption; nobody else asks about a game in which it has no part."""
        is_own = isinstance(event, events.GameAdopted) and event.sponsor == ACCOUNTS[0]
        return story.told.index(event) in hidden and not is_own

    chain = StoryChain(story, is_hidden=is_hidden)
    account = ACCOUNTS[0]
    indexer = Indexer(cast(Any, chain), SqliteStore())
    audit = Audit(cast(Any, chain), indexer, Log(), account)
    for _ in range(8):
        chain.go_on(rng.randrange(8))
        audit.check(indexer.sync())
    for _ in range(rng.randrange(SETTLING)):
        chain.go_on()
        audit.check(indexer.sync())
    hidden.clear()
    for _ in range(SETTLING + REREAD_EACH_LIMIT):
        chain.go_on()
        audit.check(indexer.sync())
    ledger, truth = indexer.ledger, searched(story.told, story)
    assert {task.task_id for task in ledger.tasks_of(account)} == truth["own"][account]
    own_games = {key for key, game in truth["games"].items() if account in (game.operator, game.challenger)}
    assert {game.game_id for game in ledger.games_of(account)} == own_games
    assert {job.job_id for job in ledger.live_jobs()} == set(truth["jobs"])
    for task_id in tasks_of_story(story):
        assert ledger.task(task_id).stage == truth["tasks"][task_id].stage or ledger.is_finished(task_id)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_a_restart_at_any_moment_reads_only_what_is_live_and_knows_the_same(seed: int) -> None:
    rng = random.Random(seed)
    story = Story(rng)
    chain, store = StoryChain(story), SqliteStore()
    indexer = Indexer(cast(Any, chain), store)
    for _ in range(6):
        chain.go_on(rng.randrange(20), blocks=rng.randrange(1, 3))
        indexer.sync()
        indexer.history.mark_finished(*indexer.ledger.drain_finished())
        if rng.random() < 0.3:
            chain.branch += "x"
            chain.head_number += 1
            indexer.sync()
        assert answers(indexer.ledger, story) == searched(story.told, story)
        again = Indexer(cast(Any, chain), store)
        assert answers(again.ledger, story) == searched(story.told, story)
        indexer = again if rng.random() < 0.5 else indexer
    assert TaskId(0) not in indexer.history.finished
