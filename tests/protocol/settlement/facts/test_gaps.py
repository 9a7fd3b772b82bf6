"""Missing events are found, harm nothing, and nothing is found where none is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from tests.protocol.settlement.facts.chains import log_at
from tests.protocol.settlement.facts.echoes import Echo
from tests.protocol.settlement.facts.episodes import play
from tests.protocol.settlement.facts.finished_tasks import standing_batches
from tests.protocol.settlement.world import DEPLOYMENT, KEEPER, OPERATORS, REQUESTERS, START_TIME
from truestep.base.ids import Address, BatchId, JobId, TaskId, job_of_task
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts import disputes, jobs, results
from truestep.protocol.settlement.facts.due import due, owed
from truestep.protocol.settlement.facts.fold import fold, fold_with_gaps
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.views import claim_view, game_view
from truestep.protocol.settlement.ids import Item, claim_of, unpack_item
from truestep.protocol.settlement.tasks.duties import duties
from truestep.protocol.settlement.tasks.events import told
from truestep.protocol.settlement.tasks.records import job_record

NOTHING = Facts(deployment=DEPLOYMENT)
Subject = tuple[str, int]


@cache
def stories() -> tuple[tuple[Logged, ...], ...]:
    """The events of schedules with and without real runs."""
    echo = Echo(5)
    for _ in range(500):
        echo.play()
    return (tuple(play(7, 150).logs), tuple(play(8, 150).logs), tuple(echo.logs))


def some_of(rng: Random, logs: Sequence[Logged], part: float) -> list[Logged]:
    """Those that were not lost."""
    return [logged for logged in logs if rng.random() >= part]


def made_by(event: object) -> Subject | None:
    """What an event is the first to tell of, if nothing can be known of it without the event."""
    match event:
        case jobs.Posted():
            return "job", event.job_id
        case jobs.Taken():
            return "batch", event.batch_id
        case jobs.Claimed():
            return "claims", event.batch_id
        case disputes.Opened():
            return "game", event.game_id
        case _:
            return None


def named_by(event: object) -> Iterator[Subject]:
    """What an event cannot be understood without."""
    match event:
        case jobs.ToppedUp() | jobs.Cancelled():
            yield "job", event.job_id
        case jobs.Taken():
            yield from (("job", unpack_item(packed).job_id) for packed in event.items)
        case jobs.Claimed() | jobs.Expired() | jobs.Released():
            yield "batch", event.batch_id
        case jobs.Finalized():
            yield from (("batch", event.batch_id), ("claims", event.batch_id))
        case jobs.LeafFinalized() | jobs.Struck() | disputes.Opened():
            yield from (("batch", event.claim_id >> 8), ("claims", event.claim_id >> 8))
        case disputes.Moved() | disputes.Adopted() | disputes.Settled() | disputes.Shown():
            yield "game", event.game_id
        case disputes.Rewarded():
            yield "game", event.game_id
        case _:
            pass


@pytest.mark.parametrize("keeps", [None, frozenset(REQUESTERS[:1]), frozenset()], ids=["all", "one", "none"])
def test_nothing_is_found_where_nothing_is_missing(keeps: frozenset[Address] | None) -> None:
    for logs in stories():
        _, gaps = fold_with_gaps(replace(NOTHING, keeps=keeps), logs)
        assert gaps == ()


@pytest.mark.parametrize("seed", range(60))
def test_missing_events_are_found_and_do_no_harm(seed: int) -> None:
    rng = Random(seed)
    logs = stories()[seed % 3]
    left = some_of(rng, logs, rng.choice((0.01, 0.05, 0.3)))
    keeps = rng.choice((None, frozenset[Address]()))
    facts, gaps = fold_with_gaps(replace(NOTHING, keeps=keeps), left)
    lost = {subject for each in set(logs) - set(left) if (subject := made_by(each.event)) is not None}
    if any(subject in lost for each in left for subject in named_by(each.event)):
        assert gaps
    check_consistent(facts)
    check_answers(facts, START_TIME + rng.randrange(10**6))


@pytest.mark.parametrize("seed", range(20))
def test_what_does_not_fit_changes_nothing(seed: int) -> None:
    rng = Random(seed)
    logs = stories()[seed % 3]
    facts = NOTHING
    for logged in some_of(rng, logs, 0.03):
        after, gaps = fold_with_gaps(facts, [logged])
        if gaps and not told(facts, logged):
            is_kept = type(logged.event) in (jobs.Withdrawn, disputes.Withdrawn)
            assert is_kept or replace(after, at=facts.at) == facts
        facts = after


@pytest.mark.parametrize("kind", [jobs.Posted, jobs.Taken, disputes.Opened])
def test_a_number_that_is_left_out_is_found_by_the_next(kind: type) -> None:
    for logs in stories():
        places = [index for index, logged in enumerate(logs) if type(logged.event) is kind]
        gone, following = places[-2:]
        if kind is disputes.Opened and not _is_same_claim(logs[gone], logs[following]):
            continue
        _, gaps = fold_with_gaps(NOTHING, [*logs[:gone], *logs[gone + 1 : following + 1]])
        assert gaps


def _is_same_claim(first: Logged, second: Logged) -> bool:
    events = first.event, second.event
    return (
        all(isinstance(event, disputes.Opened) for event in events)
        and len({event.claim_id for event in events if isinstance(event, disputes.Opened)}) == 1
    )


def test_shards_that_a_job_does_not_have_change_nothing() -> None:
    """No contract emits this; whoever forges it must not fill a node's memory with a bit for each shard."""
    facts = fold(NOTHING, standing_batches(1, 4))
    beyond = Item(job_id=JobId(1), first_shard=3, count=2, offset=0).pack()
    known = facts.batches[BatchId(1)].batch
    forged: list[object] = [
        jobs.Cancelled(job_id=JobId(1), requester=REQUESTERS[0], shards=(4,), refund=0),
        jobs.Cancelled(job_id=JobId(1), requester=REQUESTERS[0], shards=(2**40,), refund=0),
        jobs.Taken(batch_id=BatchId(2), operator=OPERATORS[0], until=1, terms=known.terms, items=(beyond,)),
    ]
    for event in forged:
        logged = log_at(100, 0, event, START_TIME)  # type: ignore[arg-type]
        after, gaps = fold_with_gaps(facts, [logged])
        assert (replace(after, at=facts.at), gaps) == (facts, (logged,))


@pytest.mark.parametrize("changed", [{"task_id": TaskId(0)}, {"challenger": OPERATORS[0]}, {"rules": 0}])
def test_a_game_never_becomes_one_about_something_else(changed: dict[str, object]) -> None:
    """No contract says so; what asks about the job of such a game would not find it."""
    logs = stories()[0]
    place = next(index for index, logged in enumerate(logs) if type(logged.event) is disputes.Moved)
    facts, logged = fold(NOTHING, logs[:place]), logs[place]
    assert isinstance(logged.event, disputes.Moved)
    forged = replace(logged, event=replace(logged.event, game=replace(logged.event.game, **changed)))
    after, gaps = fold_with_gaps(facts, [forged])
    assert (replace(after, at=facts.at), gaps) == (facts, (forged,))


def test_what_comes_after_the_end_is_no_gap() -> None:
    """Of a job that is over, whatever the protocol still allows."""
    facts = fold(replace(NOTHING, keeps=frozenset()), stories()[0])
    assert facts.job_count
    assert JobId(1) not in facts.jobs
    place = stories()[0][-1].at
    late: list[object] = [
        jobs.Closed(job_id=JobId(1)),
        results.CalledBack(job_id=JobId(1), consumer=KEEPER, is_success=True),
    ]
    for number, event in enumerate(late, 1):
        at = replace(place, block_number=place.block_number + number)
        logged = Logged(event=event, at=at, time=START_TIME)  # type: ignore[arg-type]
        assert fold_with_gaps(facts, [logged])[1] == ()
        assert told(facts, logged) == ()


def check_consistent(facts: Facts) -> None:
    """Whatever is in the facts has what it needs there."""
    for known in facts.batches.values():
        assert all(unpack_item(item).job_id in facts.jobs for item in known.batch.items)
    assert all(games.claim_of_game_id(game_id) in facts.disputes for game_id in facts.games)
    assert all(job_of_task(dispute.task_id) in facts.jobs for dispute in facts.disputes.values())
    assert all(known.needed_by >= 0 for known in facts.jobs.values())
    assert all(0 <= stake.locked_wei <= stake.stake_wei for stake in facts.stakes.values())
    assert all(claim_id >> 8 in facts.batches for claim_id in facts.results.values())
    assert all(dispute.claim.pot_wei >= 0 for dispute in facts.disputes.values())


def check_answers(facts: Facts, now: int) -> None:
    """Whatever one asks, there is an answer."""
    for account in (KEEPER, *OPERATORS, *REQUESTERS):
        due(facts, account, now)
        duties(facts, account, now)
        owed(facts, account)
    for game_id in facts.games:
        game_view(facts, game_id, now)
    for batch_id, known in facts.batches.items():
        for leaf_index in range(known.batch.leaf_count):
            claim_view(facts, claim_of(batch_id, leaf_index))
    for job_id in facts.jobs:
        assert job_record(facts, job_id) is not None
