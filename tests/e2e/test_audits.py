"""Audits from end to end: an honest one, an idle auditor, and a liar that its auditor alone catches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.audits import AuditNetwork
from tests.e2e.drawn import AUDITED_BY, PLEDGE_WEI, open_drawn
from tests.e2e.network import COIN_WEI, ELF, INPUT, MAX_CYCLES, REWARD_WEI, Log, expected_output
from truestep.adapters.chain.claims import read_claims
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.draws import DrawsReader
from truestep.base.errors import Rejected
from truestep.base.ids import BatchId, JobId, task_of
from truestep.client import Order, committees, pledges
from truestep.client.audits import certify, refund_audits
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.ports.chain import Chain
from truestep.protocol.assignment.phases import Phase
from truestep.protocol.assignment.rules import UNIT_WEI
from truestep.protocol.audit_calls import CertifyClaim
from truestep.protocol.audits.contracts.audits import Ending, Failure, Seat
from truestep.protocol.events import GameOpened
from truestep.simulation.faulty_engine import Fault, FaultyEngine

FAULT = Fault(cycle=371, address=OUTPUT_START + 3, mask=0x10)
LATE_FAULT = Fault(cycle=30, address=OUTPUT_START + 64, mask=0x10)
ORDER = Order(reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, is_audited=True, lease_seconds=900)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[AuditNetwork]:
    """On anvil where it is installed."""
    with open_drawn(AuditNetwork, tmp_path) as opened:
        yield opened


def submitted(network: AuditNetwork) -> JobId:
    """A job whose audits are paid."""
    return network.client().submit(ELF, INPUT, order=ORDER).job_id


def is_claimed(network: AuditNetwork) -> bool:
    network.requester.refresh()
    known = network.requester.facts().batches.get(BatchId(1))
    return known is not None and bool(known.leaves)


def ended(network: AuditNetwork) -> bool:
    return any(row.ending is not None for row in network.audits())


def test_an_honest_claim_is_audited_and_final(network: AuditNetwork) -> None:
    network.pledge("ada")
    job_id, log = submitted(network), Log()
    for of_other_policy_or_time in (committees.fund, refund_audits):
        with pytest.raises(Rejected, match=r"not submitted with --policy quorum|for an audit of job 1 for"):
            of_other_policy_or_time(network.requester, job_id)
    claimant, auditor = (
        network.worker_of("wim", log),
        network.worker_of("ada", log, is_auditor=True, takes=False),
    )
    network.drive([claimant], lambda: is_claimed(network))
    network.randomness()
    network.drive([claimant, auditor], lambda: ended(network), idle_limit=30)
    (row,) = network.audits()
    assert (row.ending, row.auditors) == (Ending.CONFIRMED, (network.account("ada"),))
    assert row.paid_wei == AUDITED_BY.fee_wei
    words = read_claims(network.devnet.node, network.deployment).words  # as readers of logs find it
    assert [(seat, who) for (_, _, seat, _), who in words.items()] == [(Seat.FIRST, network.account("ada"))]
    assert network.pledge_of("ada") == PLEDGE_WEI
    network.drive([claimant, auditor], lambda: network.is_final(job_id))
    assert network.client().job(job_id).outputs()[0].output == expected_output(0)
    assert certify(network.requester, task_of(job_id, 0)) == row.claim_id
    assert [each.is_certified for each in network.audits()] == [True]
    with pytest.raises(Rejected, match="certified"):
        network.requester.transact(certified(network.requester, job_id), intent="certify it again")
    assert network.client().job(job_id).outputs()[0].output == expected_output(0)


def certified(chain: Chain, job_id: JobId) -> CertifyClaim:
    """The call of what is final."""
    found = chain.evidence(task_of(job_id, 0))
    return CertifyClaim(claim_id=found.claim_id, terms=found.terms, proof=found.proof)


def test_only_results_that_an_audit_has_confirmed_are_certified(network: AuditNetwork) -> None:
    order = replace(ORDER, is_audited=False)
    job_id = network.client().submit(ELF, INPUT, order=order).job_id
    worker = network.worker_of("wim", Log())
    with pytest.raises(Rejected):
        certify(network.requester, task_of(job_id, 0))
    network.drive([worker], lambda: network.is_final(job_id))
    with pytest.raises(Rejected, match=r"no audit has confirmed job 1 shard 0; .truestep audits list"):
        certify(network.requester, task_of(job_id, 0))


def test_an_idle_auditor_pays_and_the_next_one_audits(network: AuditNetwork) -> None:
    network.pledge("ada", "bob")
    submitted(network)
    log = Log()
    claimant, drawer = (
        network.worker_of("wim", log),
        network.worker_of("cyd", log, is_auditor=True, takes=False),
    )
    network.drive([claimant], lambda: is_claimed(network))
    network.randomness()
    network.drive([claimant, drawer], lambda: bool(network.audits()[:1] and network.audits()[0].auditors))
    (first,) = network.audits()[0].auditors
    idle, awake = ("ada", "bob") if first == network.account("ada") else ("bob", "ada")
    auditor = network.worker_of(awake, log, is_auditor=True, takes=False)
    network.devnet.advance(network.audits()[0].until - network.now + 1)
    network.go_to(Phase.DRAW)
    network.drive([claimant, drawer], lambda: bool(network.audits()[0].failures))
    network.randomness()
    network.drive([claimant, auditor], lambda: ended(network), idle_limit=30)
    (row,) = network.audits()
    assert row.ending is Ending.CONFIRMED and row.auditors[1] == network.account(awake)
    penalty_wei = AUDITED_BY.penalty_factor * AUDITED_BY.fee_wei
    assert row.failures == ((network.account(idle), Failure.ABSENT, penalty_wei),)
    assert network.pledge_of(idle) == PLEDGE_WEI - penalty_wei
    reader, whom = DrawsReader(connect(network.devnet.node), network.deployment), network.account(idle)
    assert reader.membership(whom).weight == PLEDGE_WEI // UNIT_WEI  # it was not a commit phase
    network.go_to(Phase.COMMIT)
    pledges.refresh(network.requester, reader.rules, network.clock, print, whom)
    assert reader.membership(whom).weight == (PLEDGE_WEI - penalty_wei) // UNIT_WEI


def test_a_lying_claimant_is_caught_by_its_auditor_alone(network: AuditNetwork) -> None:
    network.pledge("ada")
    job_id, log = submitted(network), Log()
    liar = network.worker_of("eve", Log(), FaultyEngine(ReferenceEngine(), FAULT))
    auditor = network.worker_of("ada", log, is_auditor=True, takes=False)
    network.drive([liar], lambda: is_claimed(network))
    network.randomness()
    network.drive([liar, auditor], lambda: bool(network.told(GameOpened)), idle_limit=30)
    network.drive([liar, auditor], lambda: _is_struck(network), rounds=600)
    assert {event.challenger for event in network.told(GameOpened)} == {network.account("ada")}
    liar_stake = network.requester.balances(network.account("eve")).stake_wei
    assert liar_stake <= 2 * COIN_WEI
    assert not network.is_final(job_id)


def _is_struck(network: AuditNetwork) -> bool:
    network.requester.refresh()
    return network.requester.balances(network.account("eve")).stake_wei < 3 * COIN_WEI
