"""How coins could be taken, burned or held up through Jobs, and no longer can (docs/protocol.md S3, S4)."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest

from tests.contracts.evm import rejects
from tests.contracts.settings import ALICE, BOB, KEEPER
from tests.contracts.settlement import (
    BOND_WEI,
    LEASE_SECONDS,
    LIFETIME_SECONDS,
    MAX_CYCLES,
    REWARD,
    STAKE_WEI,
    VALUES,
    PostedJob,
    Settlement,
    TakenBatch,
)
from truestep.base.errors import Reject
from truestep.base.ids import ProgramId


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


# --- leases that are over before they begin -------------------------------------------------------


def take(net: Settlement, job: PostedJob, count: int, min_until: int) -> Any:
    """Take the first shards if the lease does not end before `min_until`."""
    items = net.items((job, 0, count))
    return net.jobs.transact("take", ALICE, items, net.root(items), 0, min_until, sender=ALICE)


def test_a_take_that_waited_for_the_last_second_is_refused(net: Settlement) -> None:
    """Else the whole batch is missed at once, and a tenth of its bonds is burned."""
    job = net.post(shard_count=256)
    wanted = net.now + LEASE_SECONDS
    net.pass_time(LIFETIME_SECONDS - 1)
    with rejects(Reject.LEASE_SHORT):
        take(net, job, 256, net.now + LEASE_SECONDS)
    take(net, job, 256, wanted)  # what was wanted then: it ends later
    with rejects(Reject.LEASE_SHORT):
        take(net, net.post(shard_count=2), 2, net.now + LEASE_SECONDS + 1)


def test_take_names_the_deadline_that_it_depends_on() -> None:
    """No digest says when a job ends, so after a reorganisation it may end sooner."""
    seen, stays = Settlement(), Settlement()
    meant = seen.post(shard_count=256, sender=KEEPER)
    again = stays.post(shard_count=256, sender=KEEPER, deadline=stays.now + 13)
    until = seen.now + LEASE_SECONDS
    assert meant.digest == again.digest
    with rejects(Reject.LEASE_SHORT):
        take(stays, again, 256, until)
    take(seen, meant, 256, until)


# --- statements about things that have another number after a reorganisation ------------------------


def test_top_up_reaches_the_job_that_was_meant() -> None:
    """In the chain that stays, the thief's job has the number, and an asset that is dearer."""
    seen = Settlement()
    meant = seen.post(reward=10**6)
    for changes in ({}, {"asset": ""}):
        net = Settlement()
        if changes:
            changes["asset"] = net.token("Plain").address
        theirs = net.post(sender=BOB if changes else KEEPER, reward=1, **changes)
        assert theirs.job_id == meant.job_id
        with rejects(Reject.JOB_OTHER):
            value = 0 if changes else 5
            net.jobs.transact("top_up", meant.job_id, meant.digest, 5, sender=BOB, value=value)
    seen.jobs.transact("top_up", meant.job_id, meant.digest, 5, sender=KEEPER, value=5)


@pytest.mark.parametrize(
    "other", [(b"q" * 32, 0, MAX_CYCLES), (b"p" * 32, 4, MAX_CYCLES), (b"p" * 32, 0, MAX_CYCLES + 1)]
)
def test_an_order_names_the_program_that_it_means(net: Settlement, other: tuple[bytes, int, int]) -> None:
    meant = net.order()
    net.programs.transact("register", *other, 0, bytes(32), "", sender=KEEPER)
    with rejects(Reject.PROGRAM_OTHER):
        net.post_order(replace(meant, program_id=ProgramId(2)))
    net.post_order(meant)


def test_an_order_names_the_parameters_that_it_means(net: Settlement) -> None:
    meant = net.order()
    net.by_owner(net.parameters, "add", VALUES.but(arity=2).row, 2)
    for number in (0, 1, 3):
        with rejects(Reject.PARAMETERS_OLD):
            net.post_order(replace(meant, parameters_id=number))
    net.post_order(replace(meant, parameters_id=2))


def test_a_reducer_names_the_job_that_it_reduces() -> None:
    """Its own digest binds it to the source, and not just to a number."""
    seen, stays = Settlement(), Settlement()
    meant, theirs = seen.post(), stays.post(sender=KEEPER)
    assert meant.job_id == theirs.job_id
    with rejects(Reject.JOB_OTHER):
        stays.post(reducer_of=theirs.job_id << 8, input_root=meant.digest, input_size=0)
    reducers = [
        net.post(reducer_of=1 << 8, input_root=source.digest, input_size=0)
        for net, source in ((seen, meant), (stays, theirs))
    ]
    assert reducers[0].digest != reducers[1].digest


def test_a_reducer_of_one_that_is_not_fed_is_refused(net: Settlement) -> None:
    """Its source's digest would change."""
    source = net.post()
    reducer = net.post(reducer_of=source.job_id << 8, input_root=source.digest, input_size=0)
    with rejects(Reject.JOB_WAITS):
        net.post(reducer_of=reducer.job_id << 8, input_root=reducer.digest, input_size=0)


# --- small things ---------------------------------------------------------------------------------


def test_nothing_is_said_of_shards_that_are_not_there(net: Settlement) -> None:
    """The words of jobs of more than 32 shards lie beside each other."""
    one, _, two = (net.post(shard_count=40) for _ in range(3))
    small = net.post(shard_count=3)
    batch = net.take((two, 5, 1))
    for job, shard in ((one, (2 << 16) + 5), (one, 40), (small, 3), (small, 2**32 - 1)):
        with rejects(Reject.SHARD_RANGE):
            net.is_busy(job, shard)
        net.claim(batch) if not batch.leaves else None
        with rejects(Reject.SHARD_RANGE):
            net.disputes.transact("strike", batch.claim_id(0), job.job_id << 32 | shard, BOND_WEI)


def test_whoever_writes_out_second_spoils_nothing(net: Settlement) -> None:
    """As in a call of many, one of which somebody else has made before."""
    batch = net.settle((net.post(shard_count=2), 0, 2))
    net.write_out(batch, 0)
    assert net.write_out(batch, 0).events == []
    net.write_out(batch, 1)
    assert net.results.call("final_count", 1) == 2
