"""A worker has its outputs kept, whatever keepers do and whenever it is killed, and gets its bonds back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.kept_network import COIN_WEI, RULES
from tests.client.test_keeping import BOUNDARIES, PUTS_KILLED, MortalBlobs, _at
from tests.crash.mortals import TIMELESS, Executioner, Killed, MortalStore
from tests.e2e.network import WatchedProvider
from tests.node.availability.kept_work import KeptWork, open_kept_work
from truestep.composition.daemons import daemon_memory
from truestep.protocol.availability.contracts.items import ItemState

DAY_SECONDS = 86_400
TICKS_EACH_BLOCK = 6


@pytest.fixture
def work(tmp_path: Path) -> Iterator[KeptWork]:
    opened = open_kept_work(tmp_path)
    yield opened
    opened.close()


def test_outputs_are_kept_and_the_batch_is_final(work: KeptWork) -> None:
    job_id = work.post()
    daemon = work.worker()
    work.drive(daemon, lambda: work.is_final(job_id))
    (item,) = work.items()
    assert item.state is ItemState.KEPT
    kinds = work.log.kinds()
    assert [each for each in kinds if each.startswith(("register_", "deliver_"))] == [
        "register_sent",
        "register_landed",
        "deliver_sent",
        "deliver_landed",
    ]
    words = next(message for kind, message in work.log.lines if kind == "register_sent")
    assert "by 2 keepers for 63 days: 1 blob," in words
    assert "a bond of 0.04 ETH that comes back then" in words


def test_small_outputs_are_written_into_the_chain(work: KeptWork) -> None:
    job_id = work.post()
    daemon = work.worker(writes_small=True)
    work.kept.signs = False  # nobody need
    work.drive(daemon, lambda: work.is_final(job_id))
    words = next(message for kind, message in work.log.lines if kind == "register_sent")
    assert "into the chain, 32 bytes" in words
    (item,) = work.items()
    assert (item.is_written, item.record.bond_wei) == (True, 0)


@pytest.mark.long
def test_the_bond_comes_back(work: KeptWork) -> None:
    job_id = work.post()
    daemon = work.worker()
    work.drive(daemon, lambda: work.is_final(job_id))
    before = work.network.requester.balances(work.account).wallet_wei
    work.kept.devnet.advance(70 * DAY_SECONDS)
    work.drive(daemon, lambda: not work.items() and "withdraw-items_landed" in work.log.kinds())
    gained = work.network.requester.balances(work.account).wallet_wei - before
    assert abs(gained - RULES.registrant_bond_wei) < COIN_WEI // 100  # the reward, and gas


@pytest.mark.long
def test_another_item_is_registered_if_keepers_do_not_take_the_first(work: KeptWork) -> None:
    work.kept.signs = True
    job_id = work.post()
    daemon = work.worker()
    work.kept.signs = False
    work.drive(daemon, lambda: work.facts().data.item_count >= 2 and bool(work.items()))
    work.drive(daemon, lambda: "close-item_landed" in work.log.kinds(), seconds=15)
    work.kept.signs = True
    work.drive(daemon, lambda: work.is_final(job_id))
    assert work.facts().data.item_count == 3  # one of the requester's
    assert "withdraw-items_landed" in work.log.kinds()


def test_a_batch_whose_outputs_nobody_takes_fails_and_such_jobs_are_left_alone(work: KeptWork) -> None:
    job_id = work.post()
    daemon = work.worker()
    work.kept.signs = False
    watcher = work.keeper_of_ends()
    work.drive_all([daemon, watcher], lambda: "fail_landed" in work.log.kinds(), seconds=30)
    daemon = work.worker()  # a new process knows it, too
    work.kept.signs = True
    for _ in range(5):
        daemon.tick()
    assert work.facts().batch_count == 1
    declined = [message for kind, message in work.log.lines if kind == "declined"]
    assert any("outputs of 1 claim of this operator were not kept" in each for each in declined)
    tolerant = work.worker(failed_tolerated=1)
    work.drive(tolerant, lambda: work.is_final(job_id))


@pytest.mark.parametrize(
    ("boundary", "writes_small"),
    [
        ("after a send", False),
        *(
            pytest.param(boundary, writes_small, marks=pytest.mark.long)
            for boundary in BOUNDARIES
            for writes_small in (False, True)
            if not (writes_small and boundary.endswith("put"))
        ),
    ],
)
def test_a_worker_that_is_killed_everywhere_registers_once(
    work: KeptWork, boundary: str, *, writes_small: bool
) -> None:
    """Killed at each such instant, and started again on its state, it takes, claims and delivers once."""
    work.network.policy = TIMELESS
    job_id = work.post()
    executioner = Executioner(boundary=boundary)
    work.worker()  # its stake
    work.network.node = WatchedProvider(
        work.kept.devnet.node, _at(executioner, "before"), _at(executioner, "after")
    )
    executioner.is_armed = True
    daemon, ticks = None, 0
    for _ in range(600):
        try:
            if daemon is None:
                store = MortalStore(work.network.store("worker"), executioner)
                memory = daemon_memory(work.account)
                chain = work.network.chain("worker", store, memory=memory)
                blobs = MortalBlobs(work.kept.blobs, executioner)
                daemon = work.worker(store, chain, blobs, writes_small=writes_small)
            daemon.tick()
            ticks += 1
        except Killed:
            daemon = None
            if boundary.endswith("put"):  # what was stored is stored again: no run could ever end
                executioner.is_armed = executioner.kills < PUTS_KILLED
        work.network.clock.seconds += 5
        if ticks >= TICKS_EACH_BLOCK:  # a block is something to write, and so the end of a life
            ticks = 0
            work.kept.act()
        if work.is_final(job_id):
            break
    else:
        raise AssertionError(f"it never ends: {work.log.lines[-5:]}")
    facts = work.facts()
    assert executioner.kills >= PUTS_KILLED
    assert (facts.batch_count, facts.data.item_count) == (1, 2)
