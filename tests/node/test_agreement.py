"""A claim that a challenger has found to be true costs it nothing any more, after a restart too."""

from __future__ import annotations

from tests.e2e.network import Log, Network
from truestep.base.ids import task_of
from truestep.node.tasks.agent import FORGET_SECONDS
from truestep.protocol.records import TaskStage


def test_after_a_restart_a_true_claim_is_neither_checked_nor_spoken_of_again(network: Network) -> None:
    job_id = network.post()
    worker = network.worker("worker", network.store("worker"), Log())
    network.drive([worker], lambda: network.requester.task(task_of(job_id, 0)).stage is TaskStage.CLAIMED)
    store, before, after = network.store("challenger"), Log(), Log()
    challenger = network.challenger("challenger", store, before)
    for _ in range(6):
        network.clock.seconds += FORGET_SECONDS
        challenger.tick()
    assert "agreed" in before.kinds()
    assert [key for key, _ in store.rows("agreed") if key] != []
    again = network.challenger("challenger", store, after)
    for _ in range(3):
        network.clock.seconds += FORGET_SECONDS
        again.tick()
    assert after.kinds() == []
    assert store.rows("agreed") != []
    network.drive([worker, again], lambda: network.is_final(job_id))
    network.clock.seconds += FORGET_SECONDS
    again.tick()
    assert (store.rows("agreed"), store.rows("hashes")) == ([], [])
