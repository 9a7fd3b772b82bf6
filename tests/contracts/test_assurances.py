"""Assurances.vy: policies by number, and the guardian's stop (docs/protocol.md S2.4, S8)."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest

from tests.contracts.compiled import message_of
from tests.contracts.evm import EvmContract, Receipt, rejects
from tests.contracts.settings import ALICE, BOB, DAY_SECONDS, DEPLOYER, GUARDIAN
from tests.contracts.settlement import BOND_WEI, WINDOW_SECONDS, PostedJob, Settlement, TakenBatch
from truestep.base.errors import Reject

WAITS, ASSIGNS = 4, 8
"""Flags of jobs (docs/protocol.md S3.2)."""


@pytest.fixture
def net() -> Settlement:
    return Settlement()


def added(net: Settlement) -> EvmContract:
    """A contract that is policy 2 from now on."""
    policy = net.double("QuorumDouble")
    policy.transact("wait")
    net.by_owner(net.assurances, "add", policy.address, 2)
    return policy


def by_policy(net: Settlement, policy: EvmContract, function: str, *arguments: Any) -> Receipt:
    """A policy's contract calls Assurances."""
    message = message_of(net.assurances, function, *arguments)
    return policy.transact("forward", net.assurances.address, message)


def supply(net: Settlement, policy: EvmContract, job: PostedJob) -> Receipt:
    """The policy lets a job be taken."""
    return by_policy(net, policy, "supply", job.job_id, job.digest)


def strike(
    net: Settlement, policy: EvmContract, batch: TakenBatch, leaf_index: int, *, is_seized: bool
) -> Receipt:
    """The policy strikes a leaf."""
    proof = astuple(batch.proof(leaf_index, net.posted))
    claim_id, terms = batch.claim_id(leaf_index), astuple(batch.terms)
    return by_policy(net, policy, "strike", claim_id, terms, proof, is_seized)


def test_the_owner_adds_policies_for_ever(net: Settlement) -> None:
    policy = net.double("QuorumDouble")
    policy.transact("wait")
    with rejects(Reject.NOT_OWNER):
        net.assurances.transact("add", policy.address, 2, sender=ALICE)
    assert net.assurances.call("flags", 1) == 0
    for unknown in (0, 2, 255, 2**256 - 1):
        with rejects(Reject.POLICY_UNKNOWN):
            net.assurances.call("flags", unknown)
    net.by_owner(net.assurances, "add", policy.address, 2)
    assert net.assurances.call("flags", 2) == WAITS
    assert net.assurances.call("policies", 2) == policy.address
    for unknown in (0, 3, 2**256 - 1):
        with rejects(Reject.POLICY_UNKNOWN):
            net.assurances.call("verdict", unknown, 1, 0, 1)


def test_the_deployer_adds_policies_until_jobs_is_connected() -> None:
    net = Settlement(is_connected=False)
    policy, second = net.double("QuorumDouble"), net.double("QuorumDouble")
    with rejects(Reject.NOT_OWNER):
        net.assurances.transact("add", policy.address, 2, sender=ALICE)
    net.assurances.transact("add", policy.address, 2, sender=DEPLOYER)
    net.jobs.transact("connect", *net.links, sender=DEPLOYER)
    with rejects(Reject.NOT_OWNER):
        net.assurances.transact("add", second.address, 3, sender=DEPLOYER)
    assert net.assurances.call("policies", 2) == policy.address
    assert net.assurances.call("flags", 2) == 0


def test_another_policy_decides_alone_but_for_games(net: Settlement) -> None:
    """Jobs knows no policy: the window does not count, only what the double says, and open games."""
    policy = net.double("QuorumDouble")
    policy.transact("wait")
    net.by_owner(net.assurances, "add", policy.address, 2)
    job = net.post(shard_count=3, policy=2)
    supply(net, policy, job)
    batch = net.take((job, 0, 3))
    net.claim(batch)
    net.disputes.transact("hold", batch.batch_id, 4)
    with rejects(Reject.BATCH_NOT_DUE):
        net.finalize(batch)
    policy.transact("decide", True, 2 | 1 << 200)
    (event,) = net.finalize(batch, has_items=True).events
    assert event.fields["held"] == 2 | 4
    for waiting in (1, 2):
        with rejects(Reject.LEAF_HELD):
            net.finalize_leaf(batch, waiting)
    policy.transact("decide", False, 0)
    with rejects(Reject.BATCH_NOT_DUE):
        net.finalize_leaf(batch, 1)
    policy.transact("decide", True, 0)
    net.finalize_leaf(batch, 1)
    other = net.post(policy=2)
    supply(net, policy, other)
    with rejects(Reject.BATCH_MIXED):
        net.take((net.post(), 0, 1), (other, 0, 1))


def test_the_guardian_stops_the_ends_of_batches_for_a_while(net: Settlement) -> None:
    batch = net.take((net.post(), 0, 1))
    net.claim(batch)
    net.pass_time(WINDOW_SECONDS + 1)
    with rejects(Reject.NOT_GUARDIAN):
        net.assurances.transact("stop", 60, sender=ALICE)
    for seconds in (0, 7 * DAY_SECONDS + 1, 2**256 - 1):
        with rejects(Reject.STOP_BOUNDS):
            net.assurances.transact("stop", seconds, sender=GUARDIAN)
    assert net.assurances.call("stopped_until") == 0
    (event,) = net.assurances.transact("stop", 60, sender=GUARDIAN).events
    assert event.fields == {"until": net.now + 60}
    began = net.now
    net.pass_time(60)
    with rejects(Reject.FINALIZE_STOPPED):
        net.finalize(batch)
    net.pass_time(1)
    net.finalize(batch)
    net.pass_time(began + 30 * DAY_SECONDS - 1 - net.now)
    with rejects(Reject.STOP_TOO_SOON):
        net.assurances.transact("stop", 60, sender=GUARDIAN)
    net.pass_time(1)
    net.assurances.transact("stop", 7 * DAY_SECONDS, sender=GUARDIAN)


def test_the_guardian_s_powers_end(net: Settlement) -> None:
    net.pass_time(net.owner.call("guardian_until") - net.now - 1)
    net.assurances.transact("stop", 60, sender=GUARDIAN)
    net.pass_time(31 * DAY_SECONDS)
    with rejects(Reject.NOT_GUARDIAN):
        net.assurances.transact("stop", 60, sender=GUARDIAN)


def test_a_stop_stops_nothing_else(net: Settlement) -> None:
    job = net.post(shard_count=3)
    claimed = net.take((job, 0, 1))
    net.assurances.transact("stop", 7 * DAY_SECONDS, sender=GUARDIAN)
    net.claim(claimed)
    net.on_batch("release", net.take((job, 1, 1)))
    net.strike(claimed, 0)
    net.post()


# --- what the contract of a policy may do (S8.3, S8.4) --------------------------------------------


def test_a_job_waits_until_its_policy_has_seen_its_data(net: Settlement) -> None:
    policy = added(net)
    job, other = net.post(policy=2), net.post()
    with rejects(Reject.JOB_WAITS):
        net.take((job, 0, 1))
    with rejects(Reject.NOT_POLICY):
        net.assurances.transact("supply", job.job_id, job.digest, sender=ALICE)
    with rejects(Reject.NOT_POLICY):  # optimistic, which has no contract
        supply(net, policy, other)
    with rejects(Reject.JOB_OTHER):
        by_policy(net, policy, "supply", job.job_id, other.digest)
    with rejects(Reject.JOB_UNKNOWN):
        by_policy(net, policy, "supply", 3, job.digest)
    with rejects(Reject.NOT_RESULTS):
        net.jobs.transact("resolve", job.job_id, job.digest, sender=BOB)
    supply(net, policy, job)
    assert net.jobs.call("job_digests", job.job_id) == job.digest
    with rejects(Reject.JOB_READY):
        supply(net, policy, job)
    net.take((job, 0, 1))


def test_a_policy_that_assigns_says_who_may_take(net: Settlement) -> None:
    """By operator and items, once for a batch; a policy that fails to answer lets nobody take (S8.8)."""
    policy = net.double("TakerDouble")
    net.by_owner(net.assurances, "add", policy.address, 2)
    assert net.assurances.call("flags", 2) == ASSIGNS
    job, other = net.post(policy=2), net.post(policy=2)
    with rejects(Reject.NOT_DRAWN):
        net.take((job, 0, 1))
    policy.transact("assign", job.job_id, ALICE)
    with rejects(Reject.NOT_DRAWN):
        net.take((job, 0, 1), (other, 0, 1))
    with rejects(Reject.NOT_DRAWN):
        net.take((other, 0, 1))
    policy.transact("assign", other.job_id, ALICE)
    policy.transact("fail", True)
    with rejects(Reject.POLICY_UNKNOWN):  # whatever the policy says
        net.take((job, 0, 1))
    policy.transact("fail", False)
    net.take((job, 0, 1), (other, 0, 1))
    net.take((net.post(), 0, 1))


def test_a_policy_that_waits_and_assigns_does_both(net: Settlement) -> None:
    policy = net.double("TakerDouble")
    policy.transact("wait")
    net.by_owner(net.assurances, "add", policy.address, 2)
    assert net.assurances.call("flags", 2) == WAITS | ASSIGNS
    job = net.post(policy=2)
    policy.transact("assign", job.job_id, ALICE)
    with rejects(Reject.JOB_WAITS):
        net.take((job, 0, 1))
    supply(net, policy, job)
    net.take((job, 0, 1))


def test_what_is_never_supplied_is_refunded(net: Settlement) -> None:
    added(net)
    job = net.post(policy=2)
    net.jobs.transact("cancel", job.job_id, astuple(job.work), astuple(job.terms), [0], sender=BOB)
    assert net.credit(BOB) == job.reward


def test_a_policy_strikes_leaves_of_its_own_batches_that_have_no_open_game(net: Settlement) -> None:
    policy = added(net)
    job = net.post(policy=2, shard_count=3, bond_multiple=2)
    supply(net, policy, job)
    batch = net.take((job, 0, 3))
    net.claim(batch)
    optimistic = net.take((net.post(), 0, 1))
    net.claim(optimistic)
    with rejects(Reject.NOT_POLICY):
        strike(net, policy, optimistic, 0, is_seized=True)
    with rejects(Reject.NOT_POLICY):
        proof = astuple(batch.proof(0, net.posted))
        net.assurances.transact("strike", batch.claim_id(0), astuple(batch.terms), proof, True, sender=ALICE)
    net.disputes.transact("hold", batch.batch_id, 2)
    with rejects(Reject.LEAF_HELD):
        strike(net, policy, batch, 1, is_seized=True)
    with rejects(Reject.ITEM_OTHER_LEAF):  # of a leaf that the batch does not have
        other = astuple(batch.proof(0, net.posted))
        by_policy(net, policy, "strike", batch.claim_id(3), astuple(batch.terms), other, True)
    stake, locked = net.operators.call("accounts", ALICE)
    strike(net, policy, batch, 0, is_seized=True)
    coins = [net.evm.chain.get_balance(contract.address) for contract in (policy, net.assurances)]
    assert coins == [2 * BOND_WEI, 0]
    stake, locked = stake - 2 * BOND_WEI, locked - 2 * BOND_WEI
    assert net.operators.call("accounts", ALICE) == (stake, locked)
    with rejects(Reject.CLAIM_NOT_STANDING):
        strike(net, policy, batch, 0, is_seized=True)
    strike(net, policy, batch, 2, is_seized=False)
    assert net.operators.call("accounts", ALICE) == (stake, locked - 2 * BOND_WEI)
    assert [net.is_busy(job, shard) for shard in range(3)] == [False, True, False]
    policy.transact("decide", True, 0)
    net.disputes.transact("hold", batch.batch_id, 0)
    net.finalize(batch)
    with rejects(Reject.CLAIM_NOT_STANDING):
        strike(net, policy, batch, 1, is_seized=True)


def test_a_policy_strikes_a_leaf_that_waits_and_not_while_ends_are_stopped(net: Settlement) -> None:
    policy = added(net)
    job = net.post(policy=2, shard_count=2)
    supply(net, policy, job)
    batch = net.take((job, 0, 2))
    net.claim(batch)
    policy.transact("decide", True, 1)
    net.finalize(batch, has_items=True)
    net.assurances.transact("stop", 60, sender=GUARDIAN)
    with rejects(Reject.FINALIZE_STOPPED):
        strike(net, policy, batch, 0, is_seized=False)
    net.pass_time(61)
    strike(net, policy, batch, 0, is_seized=False)
    assert net.locked() == 0


def test_a_struck_leaf_is_named_by_its_own_proof(net: Settlement) -> None:
    """A policy cannot free a shard of another job, not even of its own."""
    policy = added(net)
    job, other = net.post(policy=2), net.post(policy=2)
    batches = []
    for each in (job, other):
        supply(net, policy, each)
        batch = net.take((each, 0, 1))
        net.claim(batch)
        batches.append(batch)
    proof = astuple(batches[1].proof(0, net.posted))
    with rejects(Reject.ITEM_PROOF):
        by_policy(net, policy, "strike", batches[0].claim_id(0), astuple(batches[0].terms), proof, True)
    with rejects(Reject.BATCH_TERMS_OTHER):
        by_policy(net, policy, "strike", batches[0].claim_id(0), astuple(batches[1].terms), proof, True)


def test_assurances_takes_no_coins_from_others(net: Settlement) -> None:
    with rejects(Reject.NOT_OPERATORS):
        net.evm.send(ALICE, net.assurances.address, b"", 1)
    with rejects(Reject.PAYMENT_REFUSED):  # a module would take a withdrawn stake for a seized bond
        net.operators.transact("withdraw_to", net.assurances.address, 1, sender=ALICE)


def test_a_policy_lets_games_be_opened_for_longer(net: Settlement) -> None:
    policy = added(net)
    for number, extension in ((1, 0), (2, 50), (2, 5_000)):
        policy.transact("open", net.now + extension)
        expected = max(net.now + 100, net.now + extension) if number == 2 else net.now + 100
        assert net.assurances.call("open_until", number, 1, net.now + 100) == expected
    net.assurances.transact("stop", 9_000, sender=GUARDIAN)
    for number in (1, 2):
        assert net.assurances.call("open_until", number, 1, net.now + 100) == net.now + 9_000
