"""Jobs.vy: the life of batches of any shape (docs/protocol.md S3.2, S4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from random import Random

import pytest

from tests.contracts.evm import rejects
from tests.contracts.settings import ALICE, BOB, KEEPER, Values
from tests.contracts.settlement import (
    BOND_WEI,
    LEASE_SECONDS,
    REWARD,
    STAKE_WEI,
    VALUES,
    WINDOW_SECONDS,
    ZERO,
    PostedJob,
    Settlement,
    leaf_for,
    leaf_words,
)
from truestep.base.errors import Reject
from truestep.protocol.settlement.encoding import hash_struct


@pytest.fixture
def net() -> Settlement:
    return Settlement()


# --- any shape ------------------------------------------------------------------------------------


@pytest.mark.parametrize("leaf_count", [1, 2, 3, 31, 32, 33, 255, 256])
def test_a_batch_of_shards_of_one_job(net: Settlement, leaf_count: int) -> None:
    batch = net.settle((net.post(shard_count=leaf_count), 0, leaf_count))
    assert net.credit(ALICE) == leaf_count * REWARD
    assert net.locked() == 0
    assert all(net.jobs.call("is_leaf_final", batch.claim_id(leaf)) for leaf in range(leaf_count))
    assert not net.jobs.call("is_leaf_final", batch.claim_id(0) + leaf_count)


@pytest.mark.parametrize("item_count", [2, 3, 7, 8, 9, 200])
def test_a_batch_of_many_jobs(net: Settlement, item_count: int) -> None:
    jobs = [net.post(shard_count=1, reward=REWARD + number) for number in range(item_count)]
    batch = net.settle(*((job, 0, 1) for job in jobs))
    assert net.credit(ALICE) == sum(REWARD + number for number in range(item_count))
    for leaf in {0, item_count // 2, item_count - 1}:
        net.write_out(batch, leaf)


@pytest.mark.parametrize("seed", range(4))
def test_busy_shards_of_any_job(net: Settlement, seed: int) -> None:
    """Random ranges are taken and given back; every shard is as busy as a set says."""
    rng = Random(seed)
    shard_count = rng.choice((1, 31, 32, 33, 256, 257, 600, 65_535))
    job = net.post(shard_count=shard_count)
    busy: set[int] = set()
    standing = []
    for _ in range(12):
        if standing and rng.random() < 0.4:
            batch, shards = standing.pop(rng.randrange(len(standing)))
            net.on_batch("release", batch)
            busy -= shards
            continue
        first = rng.randrange(shard_count)
        count = rng.randint(1, min(256, shard_count - first))
        shards = set(range(first, first + count))
        if shards & busy:
            with rejects(Reject.TASK_NOT_OPEN):
                net.take((job, first, count))
        else:
            standing.append((net.take((job, first, count)), shards))
            busy |= shards
        edges = {shard + step for shard in (first, first + count) for step in (-1, 0, 1)}
        for shard in edges & set(range(shard_count)):
            assert net.is_busy(job, shard) == (shard in busy)
        kept = sum(1 << shard for shard in busy) if shard_count <= 32 else len(busy)
        assert net.jobs.call("get_job", job.job_id)[0] == kept
    assert net.locked() == sum(len(shards) for _, shards in standing) * BOND_WEI


def test_multiples_and_rewards_add_up(net: Settlement) -> None:
    jobs = [net.post(shard_count=3, bond_multiple=m, reward=r) for m, r in ((1, 5), (255, 2**20), (2, 0))]
    batch = net.take((jobs[0], 1, 2), (jobs[1], 0, 1), (jobs[2], 2, 1))
    assert batch.terms.bond_wei == net.locked() == (2 + 255 + 2) * BOND_WEI
    assert batch.terms.reward == 2 * 5 + 2**20
    assert batch.terms.window_seconds == WINDOW_SECONDS
    assert batch.terms.lease_seconds == LEASE_SECONDS
    assert net.batch(batch.batch_id).terms_hash == hash_struct(batch.terms)


# --- leaves that are held or struck ---------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_held_and_struck_leaves(net: Settlement, seed: int) -> None:
    """Whatever is held, struck before or after, and topped up: every leaf is paid once or struck."""
    rng = Random(seed)
    shapes = [(rng.randint(1, 60), rng.randint(1, 3), rng.randint(0, 9)) for _ in range(rng.randint(1, 4))]
    jobs = [net.post(shard_count=count, bond_multiple=m, reward=r) for count, m, r in shapes]
    batch = net.take(*((job, 0, job.work.shard_count) for job in jobs))
    net.claim(batch)
    leaf_jobs = [job for job in jobs for _ in range(job.work.shard_count)]
    struck, held = _some(rng, batch.leaf_count), _some(rng, batch.leaf_count)
    for leaf in struck:
        net.strike(batch, leaf, _bond(leaf_jobs[leaf]))
        job = leaf_jobs[leaf]
        if net.jobs.call("get_job", job.job_id)[0] == 0:  # nobody can spoil the batch by raising the reward
            net.jobs.transact(
                "top_up", job.job_id, job.digest, 10**6, sender=BOB, value=10**6 * job.work.shard_count
            )
    net.disputes.transact("hold", batch.batch_id, sum(1 << leaf for leaf in held) | 1 << 255)
    net.pass_time(WINDOW_SECONDS + 1)
    paid = [j.reward for leaf, j in enumerate(leaf_jobs) if leaf not in struck | held]
    if batch.leaf_count > 1 or not struck:
        receipt = net.finalize(batch, has_items=True)
        (event,) = receipt.events
        assert event.fields["reward"] == net.credit(ALICE) == sum(paid)
        assert event.fields["held"] == sum(1 << leaf for leaf in held - struck)
    waiting = held - struck
    assert net.locked() == sum(_bond(leaf_jobs[leaf]) for leaf in waiting)
    late = {leaf for leaf in waiting if rng.random() < 0.3}
    for leaf in late:
        net.strike(batch, leaf, _bond(leaf_jobs[leaf]))
    net.disputes.transact("hold", batch.batch_id, 0)
    for leaf in late:
        with rejects(Reject.LEAF_NOT_WAITING if batch.leaf_count > 1 else Reject.BATCH_STAGE):
            net.finalize_leaf(batch, leaf)
    for leaf in waiting - late:
        assert not net.jobs.call("is_leaf_final", batch.claim_id(leaf))
        net.finalize_leaf(batch, leaf)
    paid += [leaf_jobs[leaf].reward for leaf in waiting - late]
    assert net.credit(ALICE) == sum(paid)
    assert net.locked() == 0
    for leaf in range(batch.leaf_count):
        is_struck = leaf in struck | late
        assert net.jobs.call("is_leaf_final", batch.claim_id(leaf)) != is_struck
        task_id = batch.task_id(leaf)
        assert net.jobs.call("is_busy", task_id) != is_struck
    assert net.batch(batch.batch_id).struck == sum(1 << leaf for leaf in struck | late)


def _some(rng: Random, leaf_count: int) -> set[int]:
    share = rng.choice((0.05, 0.3, 1))
    return {leaf for leaf in range(leaf_count) if rng.random() < share}


def _bond(job: PostedJob) -> int:
    return job.terms.bond_multiple * BOND_WEI


def test_a_struck_batch_of_one_leaf_is_over(net: Settlement) -> None:
    job = net.post()
    batch = net.take((job, 0, 1))
    net.claim(batch)
    receipt = net.strike(batch, 0)
    assert receipt.result is None
    found = net.batch(batch.batch_id)
    assert (found.stage, found.struck) == (4, 1)
    net.pass_time(WINDOW_SECONDS + 1)
    with rejects(Reject.BATCH_STAGE):
        net.finalize(batch)
    with rejects(Reject.CLAIM_NOT_STANDING):
        net.strike(batch, 0)
    net.settle((job, 0, 1))
    assert net.credit(ALICE) == REWARD


def test_a_held_batch_of_one_leaf_may_still_be_struck(net: Settlement) -> None:
    batch = net.take((net.post(), 0, 1))
    net.claim(batch)
    net.disputes.transact("hold", batch.batch_id, 1)
    net.pass_time(WINDOW_SECONDS + 1)
    with rejects(Reject.ITEMS_OTHER):
        net.finalize(batch)
    net.finalize(batch, has_items=True)
    assert not net.jobs.call("is_leaf_final", batch.claim_id(0))
    with rejects(Reject.LEAF_HELD):
        net.finalize_leaf(batch, 0)
    net.strike(batch, 0)
    with rejects(Reject.BATCH_STAGE):
        net.finalize_leaf(batch, 0)
    assert (net.credit(ALICE), net.locked()) == (0, 0)


def test_strikes_are_for_disputes_and_for_leaves_that_stand(net: Settlement) -> None:
    batch = net.take((net.post(shard_count=2), 0, 2))
    with rejects(Reject.CLAIM_NOT_STANDING):
        net.strike(batch, 0)  # nothing is claimed yet
    net.claim(batch)
    with rejects(Reject.NOT_DISPUTES):
        net.jobs.transact("strike", batch.claim_id(0), batch.task_id(0), BOND_WEI, sender=ALICE)
    with rejects(Reject.BOND_OTHER_LEAF):
        net.strike(batch, 0, 2 * BOND_WEI)
    for claim_id in (batch.claim_id(2), batch.claim_id(0) + 256):
        with rejects(Reject.CLAIM_NOT_STANDING):
            net.disputes.transact("strike", claim_id, batch.task_id(0), BOND_WEI)
    net.strike(batch, 1)
    with rejects(Reject.CLAIM_NOT_STANDING):
        net.strike(batch, 1)
    net.pass_time(WINDOW_SECONDS + 1)
    net.finalize(batch)
    with rejects(Reject.CLAIM_NOT_STANDING):
        net.strike(batch, 0)
    with rejects(Reject.LEAF_NOT_WAITING):
        net.finalize_leaf(batch, 0)


# --- refusals -------------------------------------------------------------------------------------


def test_take_refuses(net: Settlement) -> None:
    one, two, other = net.post(shard_count=40), net.post(shard_count=3), net.post(window_seconds=40_000)

    def take(items: Sequence[int], reason: Reject, root: bytes = ZERO, min_reward: int = 0) -> None:
        with rejects(reason):
            net.jobs.transact("take", ALICE, items, root, min_reward, 0, sender=ALICE)

    good = net.items((one, 0, 2), (two, 1, 1))
    take([], Reject.BATCH_EMPTY)
    take([good[1]], Reject.ITEM_SHAPE)  # offset
    take([good[0], good[0]], Reject.ITEM_SHAPE)
    take(net.items((one, 0, 0)), Reject.ITEM_SHAPE)
    take(net.items((one, 0, 2), (one, 1, 1)), Reject.TASK_NOT_OPEN)  # twice in one batch
    take(net.items((one, 39, 2)), Reject.SHARD_RANGE)
    take(net.items((two, 3, 1)), Reject.SHARD_RANGE)
    take(net.items((two, 2**32 - 1, 1)), Reject.SHARD_RANGE)
    take(net.items((one, 0, 257)), Reject.BATCH_LIMIT)
    take(net.items((one, 0, 2**16 - 1)), Reject.BATCH_LIMIT)
    take(net.items((one, 0, 2), (other, 0, 1)), Reject.BATCH_MIXED)
    take([9 << 64 | 1 << 16], Reject.JOB_UNKNOWN)
    take([1 << 255 | good[0]], Reject.JOB_UNKNOWN)
    take(good, Reject.TASKS_OTHER)
    take(good, Reject.TASKS_OTHER, net.root(good[::-1]))
    take(good, Reject.REWARD_TOO_SMALL, net.root(good), 3 * REWARD + 1)
    with rejects(Reject.NO_ROLE):
        net.jobs.transact("take", ALICE, good, net.root(good), 0, 0, sender=KEEPER)
    with rejects(Reject.STAKE_TOO_LOW):
        net.jobs.transact("take", KEEPER, good, net.root(good), 0, 0, sender=KEEPER)
    net.jobs.transact("take", ALICE, good, net.root(good), 3 * REWARD, 0, sender=ALICE)


def test_no_job_is_taken_after_its_deadline(net: Settlement) -> None:
    job = net.post(deadline=net.now + 100)
    net.pass_time(99)
    batch = net.take((job, 0, 1))
    assert net.batch(batch.batch_id).until == job_deadline(net, job.job_id)
    net.on_batch("release", batch)
    net.pass_time(1)
    with rejects(Reject.DEADLINE_OVER):
        net.take((job, 0, 1))


def job_deadline(net: Settlement, job_id: int) -> int:
    return net.jobs.call("deadlines", job_id)


def test_a_lease_includes_its_last_second(net: Settlement) -> None:
    job = net.post(shard_count=3)
    early, late = net.take((job, 0, 1)), net.take((job, 1, 1))
    net.pass_time(LEASE_SECONDS)
    with rejects(Reject.LEASE_RUNNING):
        net.on_batch("expire", late, sender=KEEPER)
    net.claim(early)
    net.pass_time(1)
    with rejects(Reject.LEASE_OVER):
        net.claim(late)
    with rejects(Reject.LEASE_OVER):
        net.on_batch("release", late)
    (event,) = net.on_batch("expire", late, sender=KEEPER).events
    penalty_wei = BOND_WEI * VALUES.lease_penalty_bps // 10_000
    assert event.fields == {"batch_id": 2, "operator": ALICE, "penalty_wei": penalty_wei}
    assert net.operators.call("accounts", ALICE) == (STAKE_WEI - penalty_wei, BOND_WEI)
    with rejects(Reject.BATCH_STAGE):
        net.on_batch("expire", late, sender=KEEPER)


def test_a_release_costs_less_than_a_missed_lease(net: Settlement) -> None:
    batch = net.take((net.post(shard_count=40), 0, 40))
    (event,) = net.on_batch("release", batch).events
    penalty_wei = 40 * BOND_WEI * VALUES.release_penalty_bps // 10_000
    assert event.fields["penalty_wei"] == penalty_wei
    assert net.operators.call("accounts", ALICE) == (STAKE_WEI - penalty_wei, 0)
    assert net.operators.call("burned_wei") == penalty_wei


def test_calls_on_a_batch_name_its_terms_and_items(net: Settlement) -> None:
    job = net.post(shard_count=4)
    batch, other = net.take((job, 0, 2)), net.take((job, 2, 2))
    wrong = replace(batch.terms, reward=batch.terms.reward + 1)
    for terms in (wrong, other.terms):
        mixed = replace(batch, terms=terms)
        for function in ("release", "claim"):
            with rejects(Reject.BATCH_TERMS_OTHER):
                net.claim(mixed) if function == "claim" else net.on_batch(function, mixed)
    for items in ([], other.items, batch.items * 2, [batch.items[0] + (1 << 16)]):
        with rejects(Reject.ITEMS_OTHER):
            net.on_batch("release", replace(batch, items=items))
    unknown = replace(batch, batch_id=9)
    with rejects(Reject.BATCH_STAGE):
        net.claim(unknown)


def test_claim_refuses(net: Settlement) -> None:
    batch = net.take((net.post(shard_count=3), 0, 3))
    leaves = [leaf_for(number) for number in range(3)]
    words = [word for leaf in leaves for word in leaf_words(leaf)]
    for wrong in ([], words[:-1], words[:-3], words + words[:3]):
        with rejects(Reject.LEAF_COUNT):
            net.jobs.transact("claim", batch.batch_id, astuple(batch.terms), wrong, sender=ALICE)
    with rejects(Reject.CLAIM_STATUS):
        net.claim(replace(batch), [*leaves[:2], leaf_for(2, status=3)])
    with rejects(Reject.NO_ROLE):
        net.claim(replace(batch), sender=KEEPER)
    net.claim(batch)
    with rejects(Reject.BATCH_STAGE):
        net.claim(replace(batch))


def test_finalize_waits_for_the_window(net: Settlement) -> None:
    batch = net.take((net.post(), 0, 1))
    with rejects(Reject.BATCH_STAGE):
        net.finalize(batch)
    net.claim(batch)
    net.pass_time(WINDOW_SECONDS)
    with rejects(Reject.BATCH_NOT_DUE):
        net.finalize(batch)
    net.pass_time(1)
    net.finalize(batch)
    with rejects(Reject.BATCH_STAGE):
        net.finalize(batch)


def test_delegates_take_claim_and_release(net: Settlement) -> None:
    """Each role lets a delegate do just its own."""
    job = net.post(shard_count=9)
    for roles in range(8):
        net.operators.transact("set_delegate", KEEPER, roles, sender=ALICE)
        if roles & 1:
            taken = net.take((job, 0, 1), sender=KEEPER)
            net.on_batch("release", taken, sender=KEEPER)
        else:
            with rejects(Reject.NO_ROLE):
                net.take((job, 0, 1), sender=KEEPER)
        batch = net.take((job, roles + 1, 1))
        if roles & 2:
            net.claim(batch, sender=KEEPER)
        else:
            with rejects(Reject.NO_ROLE):
                net.claim(batch, sender=KEEPER)
            if not roles & 1:
                with rejects(Reject.NO_ROLE):
                    net.on_batch("release", batch, sender=KEEPER)


def test_jobs_of_two_parameter_sets_do_not_go_together(net: Settlement) -> None:
    old = net.post()
    second = Values(operator_bond_wei=2 * BOND_WEI)
    net.by_owner(net.parameters, "add", second.row, 2)
    new = net.post()
    assert (old.terms.parameters_id, new.terms.parameters_id) == (1, 2)
    with rejects(Reject.BATCH_MIXED):
        net.take((old, 0, 1), (new, 0, 1))
    assert net.take((old, 0, 1)).terms.bond_wei == BOND_WEI
    assert net.take((new, 0, 1)).terms.bond_wei == 2 * BOND_WEI
