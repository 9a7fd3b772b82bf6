"""The ledger against a search through all events: in order, late, undone, finished and forgotten."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.node.chain.stories import ACCOUNTS, DEADLINE, ListHistory, Story, tasks_of_story
from truestep.base.ids import Address, JobId, TaskId, job_of_task, shard_of_task, task_of_game
from truestep.node.chain.ledger import Ledger
from truestep.node.chain.task_state import TaskState, task_of_event, untouched
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import TaskStage

NOW = 60
"""Before the deadline of every job."""


def answers(ledger: Ledger, story: Story) -> dict[str, Any]:
    """All that a ledger can be asked."""
    return {
        "jobs": {job_id: job.reward for job_id, job in ledger.jobs.items()},
        "live": [job.job_id for job in sorted(ledger.live_jobs(), key=lambda job: job.job_id)],
        "tasks": {task_id: ledger.task(task_id) for task_id in tasks_of_story(story)},
        "claims": ledger.claims,
        "games": ledger.games,
        "struck": ledger.struck,
        "busy": {task.task_id: task for task in ledger.busy_tasks()},
        "claimed": {task.task_id for task in ledger.claimed_tasks()},
        "own": {account: {task.task_id for task in ledger.tasks_of(account)} for account in ACCOUNTS},
        "disputed": [
            (ledger.disputed_tasks(operator=account), ledger.disputed_tasks(challenger=account))
            for account in ACCOUNTS
        ],
        "in question": {
            task_id: {claim.claim_id for claim in ledger.claims_in_question(task_id)}
            for task_id in tasks_of_story(story)
        },
        "games on": {
            claim_id: {game.game_id for game in ledger.games_on(claim_id)} for claim_id in ledger.claims
        },
        "open": {
            job.job_id: {task.task_id for task in ledger.open_tasks(job, 1 % job.shard_count)}
            for job in ledger.jobs.values()
        },
        "has open": {job.job_id: ledger.has_open_task(job, NOW) for job in ledger.jobs.values()},
    }


@dataclass
class Search:
    """Everything that happened, looked through for each question."""

    known: list[ChainEvent]
    story: Story

    def __post_init__(self) -> None:
        self.states = {task_id: untouched(task_id) for task_id in tasks_of_story(self.story)}
        for event in sorted(self.known, key=later):
            if (task_id := task_of_event(event)) is not None:
                self.states[task_id].apply(event)
        programs = {event.program_id for event in self.known if isinstance(event, events.ProgramRegistered)}
        unfinished = {job_of_task(task_id) for task_id, state in self.states.items() if not state.is_finished}
        rewards = {
            event.job_id: event.reward
            for event in sorted(self.known, key=later)
            if isinstance(event, events.JobPosted | events.JobChanged)
        }
        self.jobs = {
            event.job_id: rewards[event.job_id]
            for event in self.known
            if isinstance(event, events.JobPosted)
            and event.program_id in programs
            and event.job_id in unfinished
        }
        self.games = {
            game_id: game for state in self.states.values() for game_id, game in state.games.items()
        }

    def tasks_where(self, is_wanted: Callable[[TaskState], bool]) -> set[TaskId]:
        found = {task_id for task_id, state in self.states.items() if is_wanted(state)}
        return {task_id for task_id in found if job_of_task(task_id) in self.jobs}

    def tasks_of(self, account: Address) -> set[TaskId]:
        return self.tasks_where(lambda state: state.is_busy and state.record.operator == account)

    def disputed_by(self, account: Address) -> tuple[set[TaskId], set[TaskId]]:
        return (
            self.tasks_where(lambda state: any(game.operator == account for game in state.games.values())),
            self.tasks_where(lambda state: any(game.challenger == account for game in state.games.values())),
        )

    def open_tasks(self, job_id: JobId) -> set[TaskId]:
        return {
            task_id
            for task_id, state in self.states.items()
            if job_of_task(task_id) == job_id and state.record.stage is TaskStage.OPEN
        }


def searched(known: list[ChainEvent], story: Story) -> dict[str, Any]:
    """The same answers, found by looking at everything."""
    search = Search(known, story)
    states, games = search.states, search.games
    busy = search.tasks_where(lambda state: state.is_busy)
    return {
        "jobs": search.jobs,
        "live": sorted(search.jobs),
        "tasks": {task_id: state.record for task_id, state in states.items()},
        "claims": {key: claim for state in states.values() for key, claim in state.claims.items()},
        "games": games,
        "struck": {key: operator for state in states.values() for key, operator in state.struck.items()},
        "busy": {task_id: states[task_id].record for task_id in busy},
        "claimed": search.tasks_where(lambda state: state.record.stage is TaskStage.CLAIMED),
        "own": {account: search.tasks_of(account) for account in ACCOUNTS},
        "disputed": [search.disputed_by(account) for account in ACCOUNTS],
        "in question": {
            task_id: {claim.claim_id for claim in state.claims_in_question()}
            for task_id, state in states.items()
        },
        "games on": {
            claim_id: {game_id for game_id, game in games.items() if game.claim_id == claim_id}
            for state in states.values()
            for claim_id in state.claims
        },
        "open": {job_id: search.open_tasks(job_id) for job_id in search.jobs},
        "has open": {job_id: bool(search.open_tasks(job_id)) for job_id in search.jobs},
    }


def later(event: ChainEvent) -> Any:
    return event.at


@given(seed=st.integers(0, 2**32), event_count=st.integers(0, 60))
@settings(max_examples=60)
def test_the_ledger_answers_as_a_search_would(seed: int, event_count: int) -> None:
    story = Story(random.Random(seed))
    history = ListHistory(story.tell(event_count))
    ledger = Ledger(history)
    for event in history.known:
        ledger.apply(event)
    assert answers(ledger, story) == searched(history.known, story)


@given(seed=st.integers(0, 2**32), event_count=st.integers(0, 80))
@settings(max_examples=150)
def test_events_may_come_late_and_be_undone(seed: int, event_count: int) -> None:
    """A node withholds events and gives them later; blocks are undone and come back, or do not."""
    rng = random.Random(seed)
    story = Story(rng)
    history = ListHistory()
    ledger = Ledger(history)
    waiting = list(story.tell(event_count))
    while waiting:
        count = rng.randint(1, len(waiting))
        batch = sorted(rng.sample(waiting, count), key=later) if rng.random() < 0.5 else waiting[:count]
        waiting = [event for event in waiting if event not in batch]
        history.known = history.known + batch
        ledger.learn(batch)
        assert answers(ledger, story) == searched(history.known, story)
        if rng.random() < 0.3:
            block = rng.choice(history.known).at.block_number
            undone = [event for event in history.known if event.at.block_number >= block]
            history.known = [event for event in history.known if event.at.block_number < block]
            waiting = sorted(waiting + undone, key=later) if rng.random() < 0.8 else waiting
            ledger.unlearn(undone)
            assert answers(ledger, story) == searched(history.known, story)


@given(seed=st.integers(0, 2**32), event_count=st.integers(10, 60), step=st.integers(1, 5))
@settings(max_examples=40)
def test_changes_name_every_task_and_job_that_differs(seed: int, event_count: int, step: int) -> None:
    story = Story(random.Random(seed))
    told = story.tell(event_count)
    history = ListHistory()
    ledger = Ledger(history)
    before = answers(ledger, story)
    for start in range(0, len(told), step):
        history.known = told[: start + step]
        ledger.learn(told[start : start + step])
        now, changes = answers(ledger, story), ledger.drain_changes()
        assert {key for key in now["tasks"] if now["tasks"][key] != before["tasks"][key]} <= changes.tasks
        games = {key for key in now["games"] if now["games"][key] != before["games"].get(key)}
        assert {task_of_game(game_id) for game_id in games} <= changes.tasks
        assert {job_id for job_id, _ in now["jobs"].items() ^ before["jobs"].items()} <= changes.jobs
        before = now
    changes = ledger.drain_changes()
    assert (changes.tasks, changes.jobs) == (frozenset(), frozenset())


@given(seed=st.integers(0, 2**32), event_count=st.integers(10, 60))
@settings(max_examples=40)
def test_every_change_has_a_revision_of_its_own(seed: int, event_count: int) -> None:
    """Events in any order, and undone: whoever sees the same revision again has missed nothing."""
    rng = random.Random(seed)
    story = Story(rng)
    history = ListHistory()
    ledger = Ledger(history)
    events_told = list(story.tell(event_count))
    rng.shuffle(events_told)
    before, revision = answers(ledger, story), ledger.revision
    for event in events_told:
        history.known = sorted([*history.known, event], key=later)
        for change in (ledger.learn, ledger.unlearn) if rng.random() < 0.2 else (ledger.learn,):
            if change == ledger.unlearn:
                history.known = [known for known in history.known if known != event]
            change([event])
            now = answers(ledger, story)
            assert now == before or ledger.revision != revision
            before, revision = now, ledger.revision
    ledger.learn([])
    assert ledger.revision == revision


def test_finished_work_leaves_memory() -> None:
    story = Story(random.Random(1), shard_counts=(8,) * 10)
    history = ListHistory()
    ledger = Ledger(history)
    for event in story.tell(10_000):
        ledger.apply(event)
    assert (ledger.jobs, ledger._states, ledger._shards, ledger._busy_of) == ({}, {}, {}, {})
    assert list(ledger._over) == [(1, 11)]


def test_programs_without_a_job_are_bounded_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truestep.node.chain.programs.IDLE_PROGRAMS_LIMIT", 1)
    history = ListHistory(Story(random.Random(1), shard_counts=(1,) * 3).tell(0))
    posted = [event for event in history.known if isinstance(event, events.JobPosted)]
    ledger = Ledger(history)
    for event in history.known:
        if event not in posted:
            ledger.apply(event)
    assert set(ledger.programs) == {3}
    ledger.apply(posted[0])
    assert (set(ledger.programs), set(ledger.jobs)) == ({1}, {1})


def test_a_job_that_cannot_be_taken_any_more_is_dropped_unless_its_tasks_are_busy() -> None:
    story = Story(random.Random(1), shard_counts=(3,), company=0)
    history = ListHistory(story.tell(0))
    ledger = Ledger(history)
    ledger.learn(history.known)
    story._take(TaskId(1 << 32))
    ledger.learn(story.told[-1:])
    assert not ledger.retire(JobId(1))
    story._expire(TaskId(1 << 32))
    ledger.learn(story.told[-1:])
    assert ledger.retire(JobId(1))
    assert (ledger.jobs, ledger.live_jobs(), ledger.busy_tasks()) == ({}, [], [])
    story._take(TaskId(1 << 32 | 1))
    ledger.learn(story.told[-1:])
    assert [shard_of_task(task.task_id) for task in ledger.busy_tasks()] == [1]
    assert ledger.jobs[JobId(1)].deadline == DEADLINE
