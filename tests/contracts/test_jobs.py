"""Jobs.vy: escrow, leases, claims (docs/protocol.md P2, P3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.evm import Event
from tests.contracts.network import (
    ALICE,
    BOB,
    DEPLOYER,
    KEEPER,
    NOBODY,
    PARAMETERS,
    REQUESTER,
    Network,
    deploy_network,
    jobs_arguments,
    rejects,
)
from tests.contracts.runs import ENDLESS, FAIL, MAX_CYCLES, SHARD_COUNT, SUM, TRAP, run
from tests.contracts.scenes import (
    LEASE_SECONDS,
    LIFETIME_SECONDS,
    REWARD_WEI,
    STAKE_WEI,
    Order,
    claim,
    post,
    post_program,
    register,
    take,
)
from truestep.base.errors import Reject
from truestep.base.ids import JobId, TaskId, claim_of, task_of
from truestep.commitments.keccak import keccak256
from truestep.protocol.claims import ClaimedState
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


# --- deployment ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "value", "reason"),
    [
        (0, NOBODY, Reject.NO_CONTRACT),
        (1, ALICE, Reject.NO_CONTRACT),
        (2, 0, Reject.PARAMETER_BOND),
        (2, 2**96, Reject.PARAMETER_BOND),
        (3, 0, Reject.PARAMETER_WINDOW),
        (3, 60 * 86_400 + 1, Reject.PARAMETER_WINDOW),
        (4, 10_001, Reject.PARAMETER_PENALTY),
    ],
)
def test_parameters_are_bounded(net: Network, position: int, value: Any, reason: Reject) -> None:
    arguments = [*jobs_arguments(net.operators, net.programs, PARAMETERS)]
    arguments[position] = value
    with rejects(reason):
        net.evm.deploy("Jobs", *arguments)


def test_connected_once_by_the_deployer(net: Network) -> None:
    fresh = net.evm.deploy("Jobs", *jobs_arguments(net.operators, net.programs, PARAMETERS), sender=DEPLOYER)
    with rejects(Reject.NOT_DEPLOYER):
        fresh.transact("connect", net.disputes.address, sender=ALICE)
    with rejects(Reject.NO_CONTRACT):
        fresh.transact("connect", ALICE, sender=DEPLOYER)
    with rejects(Reject.ALREADY_CONNECTED):
        net.jobs.transact("connect", net.disputes.address, sender=DEPLOYER)


def test_parameters_can_be_read(net: Network) -> None:
    assert net.jobs.call("operator_bond_wei") == BOND_WEI
    assert net.jobs.call("window_seconds") == PARAMETERS.window_seconds
    assert net.jobs.call("lease_penalty_bps") == PARAMETERS.lease_penalty_bps
    addresses = (net.jobs.call("operators"), net.jobs.call("programs"), net.jobs.call("disputes"))
    assert addresses == (net.operators.address, net.programs.address, net.disputes.address)


# --- posting ------------------------------------------------------------------------------


def test_post(net: Network) -> None:
    program_id = register(net)
    order = Order(program_id=program_id, input_size=2**29, shard_count=65_535, reward_wei=7)
    arguments = order.arguments(net.now)
    receipt = net.jobs.transact("post", arguments, sender=REQUESTER, value=7 * 65_535)
    names = "program_id input_root input_size input_uri seed shard_count reward_wei lease_seconds deadline"
    fields = dict(zip(names.split(), arguments, strict=True))
    assert receipt.result == 1
    assert receipt.events == [Event(name="Posted", fields=fields | {"job_id": 1, "requester": REQUESTER})]
    del fields["input_uri"]
    job = {**fields, "max_cycles": MAX_CYCLES, "requester": REQUESTER, "final_count": 0}
    assert vars(net.read(net.jobs, "get_job", 1)) == job
    assert net.balance(net.jobs.address) == 7 * 65_535
    assert not net.jobs.call("is_complete", 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"program_id": 2}, Reject.PROGRAM_UNKNOWN),
        ({"program_id": 0}, Reject.PROGRAM_UNKNOWN),
        ({"program_id": 2**32 + 1}, Reject.PROGRAM_UNKNOWN),
        ({"input_size": 2**29 + 1}, Reject.INPUT_TOO_LARGE),
        ({"input_size": 2**64 - 1}, Reject.INPUT_TOO_LARGE),
        ({"shard_count": 0}, Reject.SHARD_COUNT),
        ({"shard_count": 2**16}, Reject.SHARD_COUNT),
        ({"reward_wei": 2**80}, Reject.REWARD_TOO_LARGE),
        ({"reward_wei": 2**256 - 1}, Reject.REWARD_TOO_LARGE),
        ({"lease_seconds": 0}, Reject.LEASE_BOUNDS),
        ({"lease_seconds": 30 * 86_400 + 1}, Reject.LEASE_BOUNDS),
        ({"lifetime_seconds": 0}, Reject.DEADLINE_BOUNDS),
        ({"lifetime_seconds": 365 * 86_400 + 1}, Reject.DEADLINE_BOUNDS),
    ],
)
def test_orders_are_bounded(net: Network, changes: dict[str, int], reason: Reject) -> None:
    register(net)
    with rejects(reason):
        post(net, replace(Order(), **changes), value_wei=0)


@pytest.mark.parametrize("difference_wei", [-1, 1, -SHARD_COUNT * REWARD_WEI])
def test_post_pays_exactly(net: Network, difference_wei: int) -> None:
    register(net)
    with rejects(Reject.WRONG_VALUE):
        post(net, value_wei=SHARD_COUNT * REWARD_WEI + difference_wei)


def test_unknown_job(net: Network, job_id: JobId) -> None:
    net.deposit(ALICE, STAKE_WEI)
    for unknown in (0, job_id + 1, job_id | 1 << 192, job_id | 1 << 224, 2**256 - 1):
        with rejects(Reject.JOB_UNKNOWN):
            net.jobs.call("get_job", unknown)
        with rejects(Reject.JOB_UNKNOWN):
            net.jobs.transact("take", unknown, 0, sender=ALICE)
        with rejects(Reject.JOB_UNKNOWN):
            net.jobs.transact("reclaim", unknown, [0])
        with rejects(Reject.JOB_UNKNOWN):
            net.jobs.call("is_complete", unknown)


# --- leases ------------------------------------------------------------------------------


def test_take(net: Network, job_id: JobId) -> None:
    net.deposit(ALICE, STAKE_WEI)
    receipt = net.jobs.transact("take", job_id, 2, sender=ALICE)
    task_id = task_of(job_id, 2)
    until = net.now + LEASE_SECONDS
    fields = {"task_id": task_id, "operator": ALICE, "attempt": 1, "until": until}
    assert receipt.events == [Event(name="Taken", fields=fields)]
    expected = {"state": TaskStage.TAKEN, "attempt": 1, "operator": ALICE, "until": until}
    assert vars(net.task(task_id)) == expected | {"claim_hash": bytes(32)}
    assert vars(net.account(ALICE)) == {"stake": STAKE_WEI, "locked": BOND_WEI}
    with rejects(Reject.TASK_NOT_OPEN):
        net.jobs.transact("take", job_id, 2, sender=ALICE)


def test_take_needs_a_known_shard_and_stake(net: Network, job_id: JobId) -> None:
    for shard_index in (SHARD_COUNT, 2**32 - 1):
        with rejects(Reject.SHARD_RANGE):
            net.jobs.transact("take", job_id, shard_index, sender=ALICE)
    net.deposit(ALICE, BOND_WEI - 1)
    with rejects(Reject.STAKE_TOO_LOW):
        net.jobs.transact("take", job_id, 0, sender=ALICE)
    net.deposit(ALICE, 1)
    net.jobs.transact("take", job_id, 0, sender=ALICE)
    with rejects(Reject.STAKE_TOO_LOW):
        net.jobs.transact("take", job_id, 1, sender=ALICE)


def test_take_only_before_the_deadline(net: Network, job_id: JobId) -> None:
    net.pass_time(LIFETIME_SECONDS - 1)
    task_id = take(net, job_id)
    assert net.task(task_id).until == net.now + 1  # the lease ends with the deadline
    net.pass_time(1)
    with rejects(Reject.DEADLINE_OVER):
        take(net, job_id, 1)


def test_missed_lease(net: Network, job_id: JobId) -> None:
    task_id = take(net, job_id)
    net.pass_time(LEASE_SECONDS)
    with rejects(Reject.LEASE_RUNNING):
        net.jobs.transact("expire", task_id, sender=KEEPER)
    with rejects(Reject.TASK_NOT_OPEN):
        take(net, job_id, 0, BOB)
    net.pass_time(1)
    with rejects(Reject.LEASE_OVER):
        claim(net, task_id, run(SUM))
    receipt = net.jobs.transact("expire", task_id, sender=KEEPER)
    fields = {"task_id": task_id, "operator": ALICE, "penalty_wei": PENALTY_WEI}
    assert receipt.events == [Event(name="Expired", fields=fields)]
    expected = {"state": TaskStage.OPEN, "attempt": 1, "operator": NOBODY, "until": 0}
    assert vars(net.task(task_id)) == expected | {"claim_hash": bytes(32)}
    assert vars(net.account(ALICE)) == {"stake": STAKE_WEI - PENALTY_WEI, "locked": 0}
    assert net.operators.call("burned_wei") == PENALTY_WEI
    with rejects(Reject.TASK_NOT_TAKEN):
        net.jobs.transact("expire", task_id)


def test_take_after_a_missed_lease(net: Network, job_id: JobId) -> None:
    """The next `take` expires the lease of the one before, also its own."""
    task_id = take(net, job_id)
    net.pass_time(LEASE_SECONDS + 1)
    take(net, job_id, 0, BOB)
    assert (net.task(task_id).operator, net.task(task_id).attempt) == (BOB, 2)
    assert vars(net.account(ALICE)) == {"stake": STAKE_WEI - PENALTY_WEI, "locked": 0}
    net.pass_time(LEASE_SECONDS + 1)
    take(net, job_id, 0, BOB)
    assert vars(net.account(BOB)) == {"stake": STAKE_WEI - PENALTY_WEI, "locked": BOND_WEI}
    assert net.operators.call("burned_wei") == 2 * PENALTY_WEI


# --- claims ------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [SUM, FAIL, TRAP, ENDLESS])
def test_claim(net: Network, words: tuple[int, ...]) -> None:
    job_id = post_program(net, words)
    task_id = take(net, job_id)
    net.pass_time(LEASE_SECONDS)  # the lease's last second
    made = run(words)
    receipt = net.jobs.transact("claim", task_id, made.claimed.as_struct(), made.running_state, sender=ALICE)
    until = net.now + PARAMETERS.window_seconds
    fields = {"task_id": task_id, "operator": ALICE, "claim_id": claim_of(task_id, 1)}
    fields |= {"until": until, "claimed": made.claimed.as_struct()}
    assert receipt.events == [Event(name="Claimed", fields=fields)]
    task = net.task(task_id)
    assert (task.state, task.attempt, task.operator, task.until) == (TaskStage.CLAIMED, 1, ALICE, until)
    assert task.claim_hash == keccak256(_encode(made.claimed))
    with rejects(Reject.TASK_NOT_TAKEN):
        claim(net, task_id, made)


def _encode(claimed: ClaimedState) -> bytes:
    """`abi.encode(claimed)`: eight words."""
    return b"".join(
        field if isinstance(field, bytes) else field.to_bytes(32, "big") for field in claimed.as_struct()
    )


def test_claim_is_for_the_taker(net: Network, job_id: JobId) -> None:
    with rejects(Reject.TASK_NOT_TAKEN):
        claim(net, task_of(job_id, 0), run(SUM))
    task_id = take(net, job_id)
    net.operators.transact("set_delegate", BOB, sender=ALICE)
    with rejects(Reject.NOT_TAKER):
        claim(net, task_id, run(SUM), BOB)
    for oversized in (task_id | 1 << 64, task_id | 1 << 224, task_id | 1 << 255):
        with rejects(Reject.TASK_NOT_TAKEN):
            claim(net, TaskId(oversized), run(SUM))


FINAL, RUNNING = run(SUM), run(ENDLESS)
FORGED_CYCLE = RUNNING.running_state[:40] + (63).to_bytes(8, "big") + RUNNING.running_state[48:]
FORGED_STATUS = RUNNING.running_state[:48] + b"\1" + RUNNING.running_state[49:]
BAD_CLAIMS = {
    "unknown status": (FINAL, {"status": 3}, None, Reject.CLAIM_STATUS),
    "last status": (FINAL, {"status": 255}, None, Reject.CLAIM_STATUS),
    "final at cycle 0": (FINAL, {"cycle": 0}, None, Reject.CLAIM_CYCLE),
    "final too late": (FINAL, {"cycle": MAX_CYCLES + 1}, None, Reject.CLAIM_CYCLE),
    "final with a running state": (FINAL, {"running_state": b"\1" * 32}, None, Reject.CLAIM_RUNNING_STATE),
    "final with a packed state": (FINAL, {}, RUNNING.running_state, Reject.CLAIM_RUNNING_STATE),
    "running too early": (RUNNING, {"cycle": MAX_CYCLES - 1}, None, Reject.CLAIM_CYCLE),
    "running too late": (RUNNING, {"cycle": MAX_CYCLES + 1}, None, Reject.CLAIM_CYCLE),
    "running with a code": (RUNNING, {"code": 1}, None, Reject.CLAIM_RUNNING_FIELDS),
    "running with an output size": (RUNNING, {"output_size": 1}, None, Reject.CLAIM_RUNNING_FIELDS),
    "running with an output": (RUNNING, {"output_root": b"\1" * 32}, None, Reject.CLAIM_RUNNING_FIELDS),
    "running with a left root": (RUNNING, {"left_root": b"\1" * 32}, None, Reject.CLAIM_RUNNING_FIELDS),
    "running with an inner root": (RUNNING, {"inner_root": b"\1" * 32}, None, Reject.CLAIM_RUNNING_FIELDS),
    "running without a state": (RUNNING, {}, b"", Reject.CLAIM_RUNNING_STATE),
    "a state cut short": (RUNNING, {}, RUNNING.running_state[:-1], Reject.CLAIM_RUNNING_STATE),
    "another state": (RUNNING, {}, FORGED_CYCLE, Reject.CLAIM_RUNNING_STATE),
    "a state of another cycle": (
        RUNNING,
        {"running_state": keccak256(FORGED_CYCLE)},
        FORGED_CYCLE,
        Reject.CLAIM_RUNNING_STATE,
    ),
    "a halted state": (
        RUNNING,
        {"running_state": keccak256(FORGED_STATUS)},
        FORGED_STATUS,
        Reject.CLAIM_RUNNING_STATE,
    ),
}


@pytest.mark.parametrize("name", BAD_CLAIMS)
def test_claims_have_a_shape(net: Network, job_id: JobId, name: str) -> None:
    made, changes, packed, reason = BAD_CLAIMS[name]
    task_id = take(net, job_id)
    bad = replace(made, claimed=replace(made.claimed, **changes))
    if packed is not None:
        bad = replace(bad, running_state=packed)
    with rejects(reason):
        claim(net, task_id, bad)


def test_claim_fits_the_task(net: Network) -> None:
    """A true claim for another shard, seed or input is no false claim for this one: it is refused."""
    program_id = register(net)
    for changes in ({"seed": bytes(32)}, {"input_root": bytes(32)}, {"input_size": 1}, {"shard_count": 3}):
        job_id = post(net, replace(Order(program_id=program_id), **changes))
        with rejects(Reject.CLAIM_OTHER_JOB):
            claim(net, take(net, job_id), run(SUM))
    job_id = post(net, Order(program_id=program_id))
    with rejects(Reject.CLAIM_OTHER_JOB):
        claim(net, take(net, job_id, 1), run(SUM, 0))
