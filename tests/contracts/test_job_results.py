"""Jobs.vy: results, refunds, payments (docs/protocol.md P2.4 to P2.7, P3.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.evm import Event
from tests.contracts.network import (
    ALICE,
    DEPLOYER,
    FUNDS_WEI,
    KEEPER,
    PARAMETERS,
    REQUESTER,
    Network,
    deploy_network,
    jobs_arguments,
    rejects,
)
from tests.contracts.runs import ENDLESS, FAIL, SHARD_COUNT, SUM, TRAP, Run, run
from tests.contracts.scenes import (
    LIFETIME_SECONDS,
    REWARD_WEI,
    STAKE_WEI,
    Order,
    claim,
    finalize,
    post,
    post_program,
    register,
    take,
)
from truestep.base.errors import Reject
from truestep.base.ids import JobId, TaskId, claim_of, task_of
from truestep.machine.state import Status
from truestep.protocol.records import TaskStage

BOND_WEI = PARAMETERS.operator_bond_wei
PENALTY_WEI = BOND_WEI * PARAMETERS.lease_penalty_bps // 10_000


@pytest.fixture
def net() -> Network:
    return deploy_network()


@pytest.fixture
def job_id(net: Network) -> JobId:
    """A job of four shards."""
    return post_program(net)


# --- results ------------------------------------------------------------------------------


def settled(net: Network, job_id: JobId, made: Run, shard_index: int = 0) -> TaskId:
    """A task that went the whole way."""
    task_id = take(net, job_id, shard_index)
    claim(net, task_id, made)
    net.pass_time(PARAMETERS.window_seconds + 1)
    finalize(net, task_id, made.claimed)
    return task_id


def test_finalize(net: Network, job_id: JobId) -> None:
    made, task_id = run(SUM), take(net, job_id)
    with rejects(Reject.TASK_NOT_CLAIMED):
        finalize(net, task_id, made.claimed)
    claim(net, task_id, made)
    net.pass_time(PARAMETERS.window_seconds)
    with rejects(Reject.WINDOW_RUNNING):
        finalize(net, task_id, made.claimed)
    net.pass_time(1)
    with rejects(Reject.CLAIM_MISMATCH):
        finalize(net, task_id, replace(made.claimed, code=1))
    receipt = net.jobs.transact("finalize", task_id, made.claimed.as_struct(), sender=KEEPER)
    fields = {"task_id": task_id, "operator": ALICE, "claim_id": claim_of(task_id, 1)}
    fields |= {"claimed": made.claimed.as_struct(), "is_accepted": True}
    assert receipt.events == [Event(name="Finalized", fields=fields)]
    assert net.task(task_id).state == TaskStage.FINAL
    assert vars(net.account(ALICE)) == {"stake": STAKE_WEI, "locked": 0}
    assert net.jobs.call("credits", ALICE) == REWARD_WEI
    assert net.read(net.jobs, "get_job", job_id).final_count == 1
    with rejects(Reject.TASK_NOT_CLAIMED):
        finalize(net, task_id, made.claimed)
    with rejects(Reject.TASK_NOT_OPEN):
        take(net, job_id)


RESULTS = {
    "success": (SUM, {"is_accepted": True, "status": 1, "code": 0, "output_size": 8}),
    "exit code": (FAIL, {"is_accepted": False, "status": 1, "code": 3, "output_size": 0}),
    "trap": (TRAP, {"is_accepted": False, "status": 2, "code": 3, "output_size": 0}),
    "endless": (ENDLESS, {"is_accepted": False, "status": 0, "code": 0, "output_size": 0}),
}


@pytest.mark.parametrize("name", RESULTS)
def test_result(net: Network, name: str) -> None:
    """Failed runs are results too, and paid."""
    words, expected = RESULTS[name]
    made = run(words)
    task_id = settled(net, post_program(net, words), made)
    rest = {"is_final": True, "cycle": made.claimed.cycle, "output_root": made.claimed.output_root}
    assert vars(net.read(net.jobs, "result", task_id)) == expected | rest
    assert net.jobs.call("credits", ALICE) == REWARD_WEI
    assert net.jobs.call("check_output", task_id, made.output) == expected["is_accepted"]


@pytest.mark.parametrize(
    ("changes", "is_accepted"),
    [
        ({"output_size": 2**29}, True),
        ({"output_size": 2**29 + 1}, False),
        ({"output_size": 2**64 - 1}, False),
        ({"code": 2**64 - 1}, False),
        ({"code": 1}, False),
        ({"status": Status.TRAPPED}, False),
    ],
)
def test_accepted_outputs(net: Network, job_id: JobId, changes: dict[str, int], is_accepted: bool) -> None:
    """P3.4; fields of any size come back as they were claimed."""
    made = replace(run(SUM), claimed=replace(run(SUM).claimed, **changes))
    result = net.read(net.jobs, "result", settled(net, job_id, made))
    claimed = made.claimed
    assert result.is_accepted == claimed.is_accepted == is_accepted
    assert (result.status, result.code, result.output_size) == (
        claimed.status,
        claimed.code,
        claimed.output_size,
    )


def test_no_result_before_it_is_final(net: Network, job_id: JobId) -> None:
    task_id = take(net, job_id)
    claim(net, task_id, run(SUM))
    nothing = [False, False, 0, 0, 0, 0, bytes(32)]
    for unsettled in (task_id, task_of(job_id, 1), task_id | 1 << 255):
        assert [*net.jobs.call("result", unsettled)] == nothing
        assert not net.jobs.call("check_output", unsettled, b"")


def test_complete_job(net: Network, job_id: JobId) -> None:
    for shard_index in range(SHARD_COUNT):
        assert not net.jobs.call("is_complete", job_id)
        settled(net, job_id, run(SUM, shard_index), shard_index)
    assert net.jobs.call("is_complete", job_id)
    assert net.jobs.call("credits", ALICE) == SHARD_COUNT * REWARD_WEI
    net.jobs.transact("withdraw", sender=ALICE)
    assert net.balance(net.jobs.address) == 0


def test_check_output(net: Network, job_id: JobId) -> None:
    made = run(SUM)
    task_id = settled(net, job_id, made)
    assert net.jobs.call("check_output", task_id, made.output)
    for wrong in (made.output[:-1], made.output + b"\0", bytes([made.output[0] ^ 1]) + made.output[1:], b""):
        assert not net.jobs.call("check_output", task_id, wrong)


# --- refunds ------------------------------------------------------------------------------


def test_reclaim(net: Network, job_id: JobId) -> None:
    """Open tasks and those with a missed lease go back; claimed and settled ones do not."""
    settled(net, job_id, run(SUM), 0)
    net.pass_time(LIFETIME_SECONDS - PARAMETERS.window_seconds - 2)
    take(net, job_id, 1)
    claim(net, take(net, job_id, 2), run(SUM, 2))
    with rejects(Reject.DEADLINE_AHEAD):
        net.jobs.transact("reclaim", job_id, [3])
    net.pass_time(1)
    with rejects(Reject.NOTHING_TO_RECLAIM):  # the lease of shard 1 ends with the deadline
        net.jobs.transact("reclaim", job_id, [0, 1, 2])
    net.pass_time(1)
    receipt = net.jobs.transact("reclaim", job_id, [0, 1, 2, 3, 3, 1], sender=KEEPER)
    back = [
        Event(
            name="Reclaimed",
            fields={"task_id": task_of(job_id, i), "requester": REQUESTER, "amount_wei": REWARD_WEI},
        )
        for i in (1, 3)
    ]
    assert [event for event in receipt.events if event.name == "Reclaimed"] == back
    states = [net.task(task_of(job_id, i)).state for i in range(SHARD_COUNT)]
    assert states == [TaskStage.FINAL, TaskStage.REFUNDED, TaskStage.CLAIMED, TaskStage.REFUNDED]
    assert net.jobs.call("credits", REQUESTER) == 2 * REWARD_WEI
    assert vars(net.account(ALICE)) == {"stake": STAKE_WEI - PENALTY_WEI, "locked": BOND_WEI}
    with rejects(Reject.NOTHING_TO_RECLAIM):
        net.jobs.transact("reclaim", job_id, [1, 3])
    with rejects(Reject.NOTHING_TO_RECLAIM):
        net.jobs.transact("reclaim", job_id, [])
    with rejects(Reject.SHARD_RANGE):
        net.jobs.transact("reclaim", job_id, [SHARD_COUNT])
    with rejects(Reject.TASK_NOT_TAKEN):
        net.jobs.transact("expire", task_of(job_id, 1))


def test_withdraw(net: Network, job_id: JobId) -> None:
    net.pass_time(LIFETIME_SECONDS)
    net.jobs.transact("reclaim", job_id, [0, 1, 2, 3])
    receipt = net.jobs.transact("withdraw", sender=REQUESTER)
    fields = {"account": REQUESTER, "amount_wei": SHARD_COUNT * REWARD_WEI}
    assert receipt.events == [Event(name="Withdrawn", fields=fields)]
    assert net.balance(REQUESTER) == FUNDS_WEI
    assert net.balance(net.jobs.address) == 0
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        net.jobs.transact("withdraw", sender=REQUESTER)


def test_payment_cannot_reenter(net: Network) -> None:
    """A requester that is a contract tries to be refunded twice, then refuses."""
    glutton = deploy_caller(net.evm, "Glutton")
    order = Order(program_id=register(net), shard_count=2)
    message = message_of(net.jobs, "post", order.arguments(net.now))
    glutton.transact("relay", net.jobs.address, message, 2 * REWARD_WEI)
    post(net)
    net.pass_time(LIFETIME_SECONDS)
    net.jobs.transact("reclaim", 1, [0, 1])
    withdraw = message_of(net.jobs, "withdraw")
    glutton.transact("plan", net.jobs.address, withdraw, True)
    with rejects(Reject.PAYMENT_REFUSED):
        glutton.transact("relay", net.jobs.address, withdraw, 0)
    glutton.transact("plan", net.jobs.address, withdraw, False)
    glutton.transact("relay", net.jobs.address, withdraw, 0)
    assert (glutton.call("calls_back"), glutton.call("last_call_succeeded")) == (1, False)
    assert net.balance(net.jobs.address) == SHARD_COUNT * REWARD_WEI


def test_only_disputes_strikes(net: Network, job_id: JobId) -> None:
    task_id = take(net, job_id)
    claim_id = claim(net, task_id, run(SUM))
    for sender in (ALICE, DEPLOYER, REQUESTER):
        with rejects(Reject.NOT_DISPUTES):
            net.jobs.transact("strike", claim_id, sender=sender)


def test_disputes_strikes_only_what_stands(net: Network) -> None:
    """Jobs does not rely on Disputes to name a claim that stands."""
    jobs = net.evm.deploy("Jobs", *jobs_arguments(net.operators, net.programs, PARAMETERS), sender=DEPLOYER)
    relay = deploy_caller(net.evm, "Relay")
    jobs.transact("connect", relay.address, sender=DEPLOYER)
    for claim_id in (0, 1, 1 << 64 | 1, 2**256 - 1):
        with rejects(Reject.CLAIM_NOT_STANDING):
            relay.transact("relay", jobs.address, message_of(jobs, "strike", claim_id), 0)
