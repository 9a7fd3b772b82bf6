"""What the pages are made of: the events of a network, put together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.dashboard.stories import CYCLES, GAME, HONEST, JOB, LIAR, story
from truestep.dashboard.history import History, ShardStage
from truestep.protocol import events


def test_a_story_is_put_together() -> None:
    history = History()
    history.add(story())
    job = history.jobs[JOB]
    assert [shard.stage for shard in job.shards] == [ShardStage.FINAL] * 2 and job.is_over
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
        shard = history.jobs[JOB].shards[1]
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
    assert history.jobs[JOB].shards[1].stage is ShardStage.CLAIMED


@given(st.data())
def test_any_part_of_the_events_can_be_missing(data: st.DataObject) -> None:
    """A node that leaves something out makes pages poorer, and breaks nothing."""
    told = [event for event in story() if data.draw(st.booleans())]
    history = History()
    history.add(told)
    assert history.event_count == len(told)
