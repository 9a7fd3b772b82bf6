"""Claims that are false by themselves are struck without a game (S5.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.e2e.network import COIN_WEI, ELF, INPUT, MAX_CYCLES, Log, Network
from truestep.base.ids import BatchId, Bytes32, JobId, task_of
from truestep.commitments.keccak import keccak256
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Task
from truestep.machine.state import Status
from truestep.protocol import events
from truestep.protocol.calls import SubmitClaims, TakeTasks
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.settlement.facts import batch_calls

RUNNING = ClaimedState(
    status=Status.RUNNING,
    code=0,
    cycle=MAX_CYCLES,
    output_size=0,
    output_root=ZERO_HASH,
    left_root=ZERO_HASH,
    inner_root=ZERO_HASH,
    running_state=ZERO_HASH,
)
MALFORMED = replace(RUNNING, cycle=MAX_CYCLES - 1)
"""No run may be cut off before its maximum."""


def end_of_run() -> Bytes32:
    """The hash of the state in which the guest has ended, which it keeps for ever after."""
    task = Task(seed=keccak256(b"seed"), shard_index=0, shard_count=1, input=INPUT)
    machine = ReferenceEngine().start(load_elf(ELF), task)
    machine.advance(MAX_CYCLES)
    assert machine.status is not Status.RUNNING
    return machine.state().hash()


@pytest.fixture(autouse=True)
def _careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A liar's software sends what ours refuses to send."""
    monkeypatch.setattr(batch_calls, "is_refuted", lambda *_: False)


def claim_by_hand(network: Network, job_id: JobId, claimed: ClaimedState) -> None:
    chain = network.chain("liar", network.store("liar"))
    network.stake("liar", chain)
    task_id = task_of(job_id, 0)
    chain.transact(TakeTasks(tasks=(task_id,)), intent="take")
    chain.transact(SubmitClaims(batch_id=BatchId(1), claims=((task_id, claimed),)), intent="claim")


@pytest.mark.parametrize("is_malformed", [False, True])
def test_a_claim_that_is_false_by_itself_is_refuted(network: Network, is_malformed: bool) -> None:
    """One that says of the right end that it still runs, and one that cannot be of any run."""
    job_id, log = network.post(), Log()
    claim_by_hand(
        network, job_id, MALFORMED if is_malformed else replace(RUNNING, running_state=end_of_run())
    )
    assert [event.is_malformed for event in network.told(events.TaskClaimed)] == [is_malformed]
    store = network.store("challenger")
    network.drive([network.challenger("challenger", store, log)], lambda: "refute_landed" in log.kinds())
    (refuted,) = network.told(events.ClaimRefuted)
    assert refuted.caller == network.account("challenger")
    assert len(network.told(events.ClaimStruck)) == 1
    assert (network.told(events.GameOpened), "agreed" in log.kinds()) == ([], False)
    assert network.requester.balances(network.account("liar")).stake_wei == 2 * COIN_WEI


@pytest.mark.parametrize("is_malformed", [False, True])
def test_a_claim_that_is_false_by_itself_is_refuted_after_its_window_too(
    network: Network, is_malformed: bool
) -> None:
    job_id, log = network.post(), Log()
    claim_by_hand(
        network, job_id, MALFORMED if is_malformed else replace(RUNNING, running_state=end_of_run())
    )
    network.devnet.advance(network.deployment.rules.window_seconds + 1)
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([challenger], lambda: bool(network.told(events.ClaimRefuted)))
