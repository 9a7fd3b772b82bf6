"""Nodes that may all do the same do it in turn, on a chain where they all see the same block."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import find_anvil
from tests.e2e.audits import AuditNetwork
from tests.e2e.drawn import open_drawn
from tests.e2e.network import ELF, INPUT, Log
from tests.e2e.quorums import MEMBERS, QuorumNetwork
from tests.e2e.test_audits import ORDER as AUDITED
from tests.e2e.test_audits import ended, is_claimed
from tests.e2e.test_quorum import is_proven_now, submitted

TURN_SECONDS = 30
"""More than two blocks, so that each turn ends in a block of its own."""
SPREAD_SECONDS = 100
"""Nobody knows who may draw a committee. Eight such turns have room for five, which rarely meet."""
AUDITORS = ("ada", "bob", "cyd")


@pytest.mark.anvil
@pytest.mark.skipif(find_anvil() is None, reason="needs blocks that are mined when the test says so")
@pytest.mark.parametrize("turn_seconds", [0, SPREAD_SECONDS])
def test_one_member_draws_a_committee(tmp_path: Path, turn_seconds: int) -> None:
    with open_drawn(QuorumNetwork, tmp_path) as network:
        submitted(network)
        first_block, log = network.requester.head().number + 1, Log()
        members = [network.member(name, log, turn_seconds=turn_seconds) for name in MEMBERS]
        network.blocks(members, lambda: is_proven_now(network), rounds=120)
        failed = network.reverted(first_block)
    assert failed.keys() <= {"Quorums.draw"}
    assert failed.get("Quorums.draw", 0) <= 1 if turn_seconds else failed == {"Quorums.draw": 4}


@pytest.mark.anvil
@pytest.mark.skipif(find_anvil() is None, reason="needs blocks that are mined when the test says so")
@pytest.mark.parametrize("turn_seconds", [0, TURN_SECONDS])
def test_one_node_draws_audits(tmp_path: Path, turn_seconds: int) -> None:
    with open_drawn(AuditNetwork, tmp_path) as network:
        network.pledge(*AUDITORS)
        network.client().submit(ELF, INPUT, order=AUDITED)
        log = Log()
        claimant = network.worker_of("wim", log, turn_seconds=turn_seconds)
        network.drive([claimant], lambda: is_claimed(network))
        network.randomness()
        first_block = network.requester.head().number + 1
        auditors = [
            network.worker_of(name, log, is_auditor=True, takes=False, turn_seconds=turn_seconds)
            for name in AUDITORS
        ]
        network.blocks([claimant, *auditors], lambda: ended(network))
        failed = network.reverted(first_block)
    assert failed == ({} if turn_seconds else {"Audits.draw": 3, "Audits.appoint": 3})
