"""Assurances.vy: policies by number, and the guardian's stop (docs/protocol.md S2.4, S8)."""

from __future__ import annotations

import pytest

from tests.contracts.evm import rejects
from tests.contracts.settings import ALICE, DAY_SECONDS, GUARDIAN
from tests.contracts.settlement import WINDOW_SECONDS, Settlement
from truestep.base.errors import Reject


@pytest.fixture
def net() -> Settlement:
    return Settlement()


def test_the_owner_adds_policies_for_ever(net: Settlement) -> None:
    policy = net.double("QuorumDouble")
    with rejects(Reject.NOT_OWNER):
        net.assurances.transact("add", policy.address, 2, sender=ALICE)
    assert [net.assurances.call("is_known", number) for number in (0, 1, 2, 255)] == [
        False,
        True,
        False,
        False,
    ]
    net.by_owner(net.assurances, "add", policy.address, 2)
    assert net.assurances.call("is_known", 2)
    assert net.assurances.call("policies", 2) == policy.address
    for unknown in (0, 3, 2**256 - 1):
        with rejects(Reject.POLICY_UNKNOWN):
            net.assurances.call("verdict", unknown, 1, 0, 1)


def test_another_policy_decides_alone_but_for_games(net: Settlement) -> None:
    """Jobs knows no policy: the window does not count, only what the double says, and open games."""
    policy = net.double("QuorumDouble")
    net.by_owner(net.assurances, "add", policy.address, 2)
    job = net.post(shard_count=3, policy=2)
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
    with rejects(Reject.BATCH_MIXED):
        net.take((net.post(), 0, 1), (net.post(policy=2), 0, 1))


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
