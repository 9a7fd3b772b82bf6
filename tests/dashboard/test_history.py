"""What the pages are made of: the events of a network, put together."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.dashboard.stories import CYCLES, GAME, HONEST, JOB, LIAR, Places, posted, story
from truestep.base.ids import JobId
from truestep.dashboard.history import History, Shard, ShardStage
from truestep.dashboard.views import _runs
from truestep.protocol import events


def test_a_story_is_put_together() -> None:
    history = History()
    history.add(story())
    job = history.jobs[JOB]
    assert [job.shard(index).stage for index in range(2)] == [ShardStage.FINAL] * 2 and job.is_over
    assert (history.final_count, history.struck_count) == (2, 1)
    assert history.operators[LIAR].struck == 1 and history.operators[HONEST].final == 2
    dispute = history.disputes[GAME]
    assert not dispute.is_open and dispute.outcome == "the claim fell"
    lengths = [high - low for low, high in dispute.intervals]
    assert lengths == sorted(lengths, reverse=True) and lengths[-1] == 1
    assert dispute.opened.high == CYCLES


def test_a_shard_is_disputed_while_a_game_is_open() -> None:
    history, stages = History(), set[ShardStage]()
    for event in story():
        history.add([event])
        shard = history.jobs[JOB].shard(1)
        stages.add(shard.stage)
        assert (shard.stage is ShardStage.DISPUTED) <= bool(history.open_disputes())
    assert ShardStage.DISPUTED in stages
    assert history.open_disputes() == []


def test_a_claim_that_was_defended_is_claimed_again() -> None:
    history = History()
    for event in story():
        if isinstance(event, events.ClaimStruck):
            continue
        history.add([event])
        if isinstance(event, events.GameSettled):
            break
    assert history.jobs[JOB].shard(1).stage is ShardStage.CLAIMED


@given(st.data())
def test_any_part_of_the_events_can_be_missing(data: st.DataObject) -> None:
    """A node that leaves something out makes pages poorer, and breaks nothing."""
    told = [event for event in story() if data.draw(st.booleans())]
    history = History()
    history.add(told)
    assert history.event_count == len(told)


def test_a_huge_job_takes_no_memory_before_something_happens_to_it() -> None:
    history, places = History(), Places()
    history.add(posted(places.next(), JobId(number), shard_count=65_535) for number in range(1, 101))
    assert all(job.touched == {} and job.counts[ShardStage.OPEN] == 65_535 for job in history.jobs.values())


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(list(ShardStage))), max_size=30))
def test_rows_and_counts_are_those_of_the_shards(changes: list[tuple[int, ShardStage]]) -> None:
    history = History()
    history.add([posted(Places().next(), shard_count=12)])
    job = history.jobs[JOB]
    for index, stage in changes:
        job.put(index, Shard(stage=stage))
    stages = [job.shard(index).stage for index in range(12)]
    assert {stage: count for stage, count in job.counts.items() if count} == Counter(stages)
    runs = list(_runs(job))
    assert [shard.stage for first, last, shard in runs for _ in range(first, last + 1)] == stages
    assert [first for first, _, _ in runs[1:]] == [last + 1 for _, last, _ in runs[:-1]]
    assert all(one[2] != other[2] for one, other in pairwise(runs))
