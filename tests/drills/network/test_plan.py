"""What a drill of the network does follows from its seed."""

from __future__ import annotations

import pytest

from truestep.drills.network.plan import LIARS_LIMIT, REQUESTERS_LIMIT, Terms, planned


def terms(*, jobs: int = 40, share: float = 0.05, seed: int = 1) -> Terms:
    return Terms(jobs=jobs, workers=3, liar_share=share, seed=seed)


def test_a_seed_gives_the_same_jobs_and_lies() -> None:
    assert planned(terms()) == planned(terms())
    assert planned(terms()) != planned(terms(seed=2))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.05, 1 / 3])
def test_as_many_tasks_are_lied_about_as_the_share_says(share: float) -> None:
    plan = planned(terms(share=share))
    expected = max(round(share * plan.task_count), 1) if share else 0
    assert len(plan.lies) == expected
    assert plan.liars == min(expected, LIARS_LIMIT)
    for job in plan.lies:
        assert job.lie is not None
        assert job.lie.shard_index < job.shard_count
        assert job.lie.liar < plan.liars


def test_jobs_are_told_apart_and_dealt_out_to_requesters() -> None:
    plan = planned(terms())
    assert len({job.seed for job in plan.jobs}) == 40
    assert [job.requester for job in plan.jobs[:10]] == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    assert plan.requesters == REQUESTERS_LIMIT
    assert planned(terms(jobs=2, share=0.0)).requesters == 2
