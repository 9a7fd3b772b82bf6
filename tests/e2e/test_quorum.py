"""A quorum from end to end: five workers agree before the window is over, and a liar that leads is caught."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import find_anvil
from tests.e2e.network import COIN_WEI, ELF, INPUT, MAX_CYCLES, REWARD_WEI, Log, expected_output
from tests.e2e.quorums import MEMBERS, PLEDGE_WEI, QUORUM, QuorumNetwork, open_quorum_network
from truestep.adapters.chain.devnet import AnvilDevnet, EmbeddedDevnet
from truestep.base.ids import JobId, task_of
from truestep.client import Order
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.protocol.settlement.facts.judging import is_proven
from truestep.protocol.settlement.ids import LeafId
from truestep.simulation.faulty_engine import Fault, FaultyEngine

FAULT = Fault(cycle=371, address=OUTPUT_START + 3, mask=0x10)
ORDER = Order(reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, is_judged=True, lease_seconds=900)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[QuorumNetwork]:
    """On anvil where it is installed."""
    program = find_anvil()
    devnet = AnvilDevnet(program) if program else EmbeddedDevnet()
    opened = open_quorum_network(devnet, tmp_path)
    yield opened
    opened.close()
    devnet.stop()


def is_proven_now(network: QuorumNetwork) -> bool:
    """Whether a consumer may take the first batch's result now."""
    network.requester.refresh()
    return is_proven(network.requester.facts(), LeafId(1 << 8), network.now)


def submitted(network: QuorumNetwork) -> JobId:
    """A job whose committee is paid, and for which there is a seed."""
    network.pledge()
    job = network.client().submit(ELF, INPUT, order=ORDER)
    network.randomness()
    return job.job_id


def test_a_quorum_makes_a_result_final_before_its_window_is_over(network: QuorumNetwork) -> None:
    job_id, log = submitted(network), Log()
    members = [network.member(name, log) for name in MEMBERS]
    network.drive(members, lambda: is_proven_now(network))
    batch = network.requester.facts().batches[1].batch  # type: ignore[index]
    assert network.now < batch.until
    evidence = network.client().job(job_id).evidence(0)
    assert evidence is not None
    network.drive(members, lambda: network.is_final(job_id))
    assert network.output(task_of(job_id, 0)) == expected_output(0)
    leader = (
        network.name_of(network.committee(job_id).members[0])
        if job_id in network.requester.facts().jobs
        else ""
    )
    assert leader in (*MEMBERS, "")
    assert [network.pledge_of(name) for name in MEMBERS] == [PLEDGE_WEI] * 5
    assert {"declined"}.isdisjoint(log.kinds())


def test_a_liar_that_leads_is_struck_and_everybody_else_is_whole(network: QuorumNetwork) -> None:
    job_id = submitted(network)
    log = Log()
    drawer = network.member(MEMBERS[0], log)
    network.drive([drawer], lambda: job_id in network.requester.facts().committees or _refreshed(network))
    seated = network.committee(job_id)
    liar = network.name_of(seated.members[0])
    lying = network.member(liar, Log(), FaultyEngine(ReferenceEngine(), FAULT))
    honest = [network.member(name, log) for name in MEMBERS if name != liar]
    network.drive([lying, *honest], lambda: network.is_final(job_id), rounds=600)
    assert network.output(task_of(job_id, 0)) == expected_output(0)
    stakes = {name: network.requester.balances(network.account(name)).stake_wei for name in MEMBERS}
    assert stakes[liar] <= 2 * COIN_WEI
    assert all(stake == 3 * COIN_WEI for name, stake in stakes.items() if name != liar)
    assert [network.pledge_of(name) for name in MEMBERS if name != liar] == [PLEDGE_WEI] * 4
    assert QUORUM.needed == 3


def _refreshed(network: QuorumNetwork) -> bool:
    network.requester.refresh()
    return False
