"""How coins could be taken, burned or held up through Jobs, and no longer can (docs/settlement.md S3, S4)."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest

from tests.contracts.network import rejects
from tests.contracts.v2.settings import ALICE, BOB, KEEPER
from tests.contracts.v2.settlement import (
    BOND_WEI,
    LEASE_SECONDS,
    LIFETIME_SECONDS,
    REWARD,
    STAKE_WEI,
    VALUES,
    PostedJob,
    Settlement,
    TakenBatch,
)
from truestep.base.errors import Reject


@pytest.fixture
def net() -> Settlement:
    return Settlement()


def on_job(net: Settlement, function: str, job: PostedJob, *more: Any, sender: str = BOB) -> Any:
    """`close` or `cancel`."""
    arguments = (job.job_id, astuple(job.work), astuple(job.terms), *more)
    return net.jobs.transact(function, *arguments, sender=sender)


# --- a shard that is held for ever ----------------------------------------------------------------


def take_again(net: Settlement, batch: TakenBatch, job: PostedJob) -> TakenBatch:
    """Release a lease in its last second and take the shard in the same block, before anybody else."""
    net.pass_time(net.batch(batch.batch_id).until - net.now)
    net.on_batch("release", batch)
    return net.take((job, 0, 1))


def test_a_shard_that_is_taken_again_and_again_costs_each_lease(net: Settlement) -> None:
    job = net.post()
    batch = net.take((job, 0, 1))
    for _ in range(3):
        batch = take_again(net, batch, job)
    stake_wei, _ = net.operators.call("accounts", ALICE)
    assert STAKE_WEI - stake_wei == 3 * BOND_WEI * VALUES.lease_penalty_bps // 10_000


@pytest.mark.parametrize("shard_count", [1, 40])
def test_the_requester_gets_out_after_one_lease(net: Settlement, shard_count: int) -> None:
    job = net.post(shard_count=shard_count, reward=REWARD)
    batch = take_again(net, net.take((job, 0, 1)), job)
    with rejects(Reject.NOTHING_TO_RECLAIM):
        on_job(net, "cancel", job, [0])
    (event,) = on_job(net, "close", job).events
    assert event.fields == {"job_id": job.job_id}
    assert net.jobs.call("deadlines", job.job_id) == net.now
    net.pass_time(net.batch(batch.batch_id).until - net.now)
    net.on_batch("release", batch)
    with rejects(Reject.DEADLINE_OVER):
        net.take((job, 0, 1))
    on_job(net, "cancel", job, list(range(shard_count)), sender=KEEPER)
    assert net.credit(BOB) == shard_count * REWARD


def test_a_batch_that_stands_is_not_touched_by_closing(net: Settlement) -> None:
    job = net.post(shard_count=3)
    taken, claimed = net.take((job, 0, 1)), net.take((job, 1, 1))
    net.claim(claimed)
    until = net.batch(taken.batch_id).until
    net.pass_time(9)
    on_job(net, "close", job)
    assert net.batch(taken.batch_id).until == until
    net.pass_time(1)
    net.claim(taken)
    net.pass_time(taken.terms.window_seconds + 1)
    net.finalize(taken)
    net.finalize(claimed)
    on_job(net, "cancel", job, [0, 1, 2])
    assert (net.credit(ALICE), net.credit(BOB)) == (2 * REWARD, REWARD)


def test_only_the_requester_closes_its_job_and_only_once(net: Settlement) -> None:
    job, other = net.post(), net.post(sender=KEEPER)
    for sender in (ALICE, KEEPER):
        with rejects(Reject.NOT_REQUESTER):
            on_job(net, "close", job, sender=sender)
    with rejects(Reject.JOB_OTHER):
        net.jobs.transact("close", 2, astuple(job.work), astuple(job.terms), sender=BOB)
    with rejects(Reject.JOB_UNKNOWN):
        net.jobs.transact("close", 3, astuple(job.work), astuple(job.terms), sender=BOB)
    on_job(net, "close", job)
    with rejects(Reject.DEADLINE_OVER):
        on_job(net, "close", job)
    net.pass_time(LIFETIME_SECONDS)
    with rejects(Reject.DEADLINE_OVER):
        on_job(net, "close", other, sender=KEEPER)


@pytest.mark.parametrize("count", [1, 7])
def test_the_price_of_a_release_rises_evenly(net: Settlement, count: int) -> None:
    job = net.post(shard_count=count)
    for second in (0, 1, LEASE_SECONDS // 3, LEASE_SECONDS - 1, LEASE_SECONDS):
        batch = net.take((job, 0, count))
        net.pass_time(second)
        (event,) = [e for e in net.on_batch("release", batch).events if e.name == "Released"]
        rise = VALUES.lease_penalty_bps - VALUES.release_penalty_bps
        parts = VALUES.release_penalty_bps * LEASE_SECONDS + rise * second
        assert event.fields["penalty_wei"] == count * BOND_WEI * parts // (10_000 * LEASE_SECONDS)


def test_a_lease_that_the_deadline_cuts_short_costs_the_same_at_its_end(net: Settlement) -> None:
    job = net.post()
    net.pass_time(LIFETIME_SECONDS - 1)
    batch = net.take((job, 0, 1))
    assert batch.terms.lease_seconds == 1
    net.pass_time(1)
    (event,) = [e for e in net.on_batch("release", batch).events if e.name == "Released"]
    assert event.fields["penalty_wei"] == BOND_WEI * VALUES.lease_penalty_bps // 10_000
