"""Jobs.vy: posting, money in two kinds, cancelling, linking (docs/protocol.md S3, S9.2, S9.3)."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest

from tests.contracts.compiled import message_of
from tests.contracts.evm import EvmContract, rejects
from tests.contracts.settings import ALICE, BOB, DAY_SECONDS, DEPLOYER, KEEPER, NOBODY
from tests.contracts.settlement import (
    LEASE_SECONDS,
    LIFETIME_SECONDS,
    MAX_CYCLES,
    NATIVE,
    REWARD,
    VALUES,
    WINDOW_SECONDS,
    ZERO,
    PostedJob,
    Settlement,
)
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.settlement.encoding import encode, encode_struct, hash_struct


@pytest.fixture
def net() -> Settlement:
    return Settlement()


def test_the_contract_has_room() -> None:
    """EIP-170 less 2,000 bytes for what comes (docs/protocol.md)."""
    assert load_artifact("Jobs").deployed_size_bytes <= 24_576 - 2_000
    assert load_artifact("Results").deployed_size_bytes <= 24_576 - 2_000


# --- linking --------------------------------------------------------------------------------------


def test_connected_once_to_contracts_that_fit() -> None:
    fresh = Settlement(is_connected=False)
    with rejects(Reject.NOT_DEPLOYER):
        fresh.jobs.transact("connect", *fresh.links, sender=ALICE)
    for position in range(3):
        links = fresh.links
        links[position] = ALICE
        with rejects(Reject.NO_CONTRACT):
            fresh.jobs.transact("connect", *links, sender=DEPLOYER)
    for wrong in swapped_links(fresh, fresh.deploy("Jobs", *other_links(fresh))):
        with rejects(Reject.WIRING):
            fresh.jobs.transact("connect", *wrong, sender=DEPLOYER)
    (event,) = fresh.jobs.transact("connect", *fresh.links, sender=DEPLOYER).events
    assert [*event.fields.values()] == fresh.links
    with rejects(Reject.ALREADY_CONNECTED):
        fresh.jobs.transact("connect", *fresh.links, sender=DEPLOYER)
    names = ("operators", "programs", "parameters", "assurances", "disputes", "results")
    assert [fresh.jobs.call(name) for name in names] == [*other_links(fresh), *fresh.links]
    assert fresh.results.call("jobs") == fresh.jobs.address
    assert fresh.assurances.call("disputes") == fresh.disputes.address


def other_links(net: Settlement) -> list[str]:
    return [contract.address for contract in (net.operators, net.programs, net.parameters)]


def swapped_links(net: Settlement, other_jobs: EvmContract) -> list[list[str]]:
    """Links in which one contract is of another deployment."""
    disputes = net.double("DisputesDouble", other_jobs.address, net.operators.address)
    results = net.deploy("Results", other_jobs.address)
    assurances = net.deploy("Assurances", net.owner.address, disputes.address)
    foreign = net.deploy("Assurances", net.timelock().address, net.disputes.address)
    mine = net.links
    return [
        [foreign.address, mine[1], mine[2]],
        [assurances.address, mine[1], mine[2]],
        [mine[0], disputes.address, mine[2]],
        [mine[0], mine[1], results.address],
    ]


def test_constructors_want_contracts(net: Settlement) -> None:
    for name, arguments in {
        "Jobs": other_links(net),
        "Results": [net.jobs.address],
        "Assurances": [net.owner.address, net.disputes.address],
    }.items():
        for position in range(len(arguments)):
            wrong = [*arguments]
            wrong[position] = ALICE
            with rejects(Reject.NO_CONTRACT):
                net.deploy(name, *wrong)


# --- posting --------------------------------------------------------------------------------------


def test_a_digest_commits_to_all_of_a_job(net: Settlement) -> None:
    order = net.order(shard_count=7, bond_multiple=3, window_seconds=50_000, consumer=KEEPER, callback_gas=9)
    job = net.post(**{name: getattr(order, name) for name in order.__dataclass_fields__})
    assert job.work.image_root == b"p" * 32
    assert (job.work.max_cycles, job.work.shard_count) == (MAX_CYCLES, 7)
    expected = {
        "requester": BOB,
        "consumer": KEEPER,
        "callback_gas": 9,
        "asset": NOBODY,
        "policy": 1,
        "parameters_id": 1,
        "bond_multiple": 3,
        "window_seconds": 50_040,  # whole minutes
        "lease_seconds": LEASE_SECONDS,
        "reducer_of": 0,
    }
    assert job.terms.__class__(**expected) == job.terms
    head = encode(1, net.jobs.address, job.job_id, hash_struct(job.work))
    assert job.digest == keccak256(head + encode_struct(job.terms)) == net.jobs.call("job_digests", 1)
    word = (0, order.deadline, LEASE_SECONDS, 7, 1, 1, 3, False, 50_040, REWARD, NOBODY)
    assert net.jobs.call("get_job", 1) == word


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"program_id": 2}, Reject.PROGRAM_UNKNOWN),
        ({"input_size": 2**29 + 1}, Reject.INPUT_TOO_LARGE),
        ({"shard_count": 0}, Reject.SHARD_COUNT),
        ({"shard_count": 2**16}, Reject.SHARD_COUNT),
        ({"reward": 2**80}, Reject.REWARD_TOO_LARGE),
        ({"lease_seconds": 0}, Reject.LEASE_BOUNDS),
        ({"lease_seconds": 30 * DAY_SECONDS + 1}, Reject.LEASE_BOUNDS),
        ({"deadline": 1}, Reject.DEADLINE_BOUNDS),
        ({"deadline": 1_700_000_000 + 365 * DAY_SECONDS + 1}, Reject.DEADLINE_BOUNDS),
        ({"bond_multiple": 0}, Reject.BOND_MULTIPLE),
        ({"callback_gas": 10**7 + 1}, Reject.CALLBACK_GAS),
        ({"policy": 0}, Reject.POLICY_UNKNOWN),
        ({"policy": 2}, Reject.POLICY_UNKNOWN),
        ({"window_seconds": 1}, Reject.WINDOW_SHORT),
        ({"window_seconds": WINDOW_SECONDS - 1}, Reject.WINDOW_SHORT),
        ({"window_seconds": 45 * DAY_SECONDS + 1}, Reject.PARAMETER_WINDOW),
        ({"window_seconds": 2**64 - 1}, Reject.PARAMETER_WINDOW),
        ({"asset": ALICE}, Reject.NO_CONTRACT),
        ({"reducer_of": 5 << 8}, Reject.JOB_UNKNOWN),
        ({"reducer_of": 3}, Reject.JOB_UNKNOWN),
        ({"program_hash": Bytes32(b"h" * 32)}, Reject.PROGRAM_OTHER),
        ({"parameters_id": 2}, Reject.PARAMETERS_OLD),
    ],
)
def test_orders_are_bounded(net: Settlement, changes: dict[str, Any], reason: Reject) -> None:
    with rejects(reason):
        net.post_order(net.order(**changes), value=0 if {"asset", "reward"} & {*changes} else None)


def test_work_that_cannot_be_checked_in_time_is_refused(net: Settlement) -> None:
    """Windows follow the work (S2.3)."""
    for cycles, seconds in ((2 * 10**12, 34_400), (2 * 10**12 + 1, 34_440)):
        net.programs.transact("register", b"q" * 32, 0, cycles, 0, bytes(32), "", sender=BOB)
        program_id = net.programs.call("program_count")
        assert net.post(program_id=program_id).terms.window_seconds == -(-seconds // 60) * 60
    net.programs.transact("register", b"q" * 32, 0, 2**48, 0, bytes(32), "", sender=BOB)
    limit = VALUES.cycles_per_second * (45 * DAY_SECONDS - 4 * VALUES.clock_seconds)
    assert limit > 2**48
    assert net.post(program_id=4).terms.window_seconds <= 45 * DAY_SECONDS


@pytest.mark.parametrize("difference", [-1, 1, -3 * REWARD])
def test_coins_arrive_exactly(net: Settlement, difference: int) -> None:
    with rejects(Reject.WRONG_VALUE):
        net.post_order(net.order(shard_count=3), value=3 * REWARD + difference)
    job = net.post(shard_count=3)
    with rejects(Reject.WRONG_VALUE):
        net.jobs.transact("top_up", job.job_id, job.digest, REWARD, sender=BOB, value=3 * REWARD + difference)
    token = net.token("Plain")
    with rejects(Reject.WRONG_VALUE):
        net.post_order(net.order(asset=token.address), value=1)


# --- topping up and cancelling --------------------------------------------------------------------


def test_top_up(net: Settlement) -> None:
    job = net.post(shard_count=40)
    net.jobs.transact("top_up", job.job_id, job.digest, 5, sender=KEEPER, value=200)
    assert net.jobs.call("get_job", job.job_id)[9] == REWARD + 5
    with rejects(Reject.REWARD_TOO_LARGE):
        net.jobs.transact("top_up", job.job_id, job.digest, 2**80 - REWARD - 5, sender=KEEPER)
    with rejects(Reject.REWARD_TOO_LARGE):
        net.jobs.transact("top_up", job.job_id, job.digest, 2**256 - 1, sender=KEEPER)
    with rejects(Reject.JOB_UNKNOWN):
        net.jobs.transact("top_up", 9, job.digest, 1, sender=KEEPER)
    batch = net.take((job, 3, 1))
    assert batch.terms.reward == REWARD + 5
    with rejects(Reject.SHARDS_BUSY):
        net.jobs.transact("top_up", job.job_id, job.digest, 5, sender=KEEPER, value=200)
    net.on_batch("release", batch)
    net.jobs.transact("top_up", job.job_id, job.digest, 5, sender=KEEPER, value=200)
    net.pass_time(LIFETIME_SECONDS)
    with rejects(Reject.DEADLINE_OVER):
        net.jobs.transact("top_up", job.job_id, job.digest, 5, sender=KEEPER, value=200)


def cancel(net: Settlement, job: PostedJob, shards: list[int], sender: str = BOB) -> Any:
    arguments = (job.job_id, astuple(job.work), astuple(job.terms), shards)
    return net.jobs.transact("cancel", *arguments, sender=sender)


@pytest.mark.parametrize("shard_count", [6, 300])
def test_cancel_skips_what_is_busy(net: Settlement, shard_count: int) -> None:
    job = net.post(shard_count=shard_count)
    batch = net.take((job, 1, 2))
    (event,) = cancel(net, job, [0, 1, 2, 4, 4]).events
    assert event.fields["shards"] == (0, 4)
    assert event.fields["refund"] == net.credit(BOB) == 2 * REWARD
    with rejects(Reject.NOTHING_TO_RECLAIM):
        cancel(net, job, [0, 1, 2, 4])
    with rejects(Reject.NOTHING_TO_RECLAIM):
        cancel(net, job, [])
    with rejects(Reject.SHARD_RANGE):
        cancel(net, job, [3, shard_count])
    with rejects(Reject.DEADLINE_AHEAD):
        cancel(net, job, [3], sender=KEEPER)
    with rejects(Reject.TASK_NOT_OPEN):
        net.take((job, 3, 2))
    net.on_batch("release", batch)
    net.pass_time(LIFETIME_SECONDS)
    cancel(net, job, [1, 2, 3, 5], sender=KEEPER)
    assert net.credit(BOB) == 6 * REWARD
    assert net.credit(KEEPER) == 0


def test_cancel_names_the_work_and_terms_of_its_job(net: Settlement) -> None:
    job, other = net.post(), net.post(bond_multiple=2)
    wrong = [
        replace(job, work=replace(job.work, seed=ZERO)),
        replace(job, terms=replace(job.terms, requester=KEEPER)),
        replace(job, job_id=other.job_id),
    ]
    for claimed in wrong:
        with rejects(Reject.JOB_OTHER):
            cancel(net, claimed, [0], sender=KEEPER)
    with rejects(Reject.JOB_UNKNOWN):
        cancel(net, replace(job, job_id=7), [0])


# --- money ----------------------------------------------------------------------------------------


def test_native_credits_go_where_their_owner_says(net: Settlement) -> None:
    net.settle((net.post(shard_count=2), 0, 2))
    assert net.evm.chain.get_balance(net.jobs.address) == 2 * REWARD
    with rejects(Reject.NO_ADDRESS):
        net.jobs.transact("withdraw", NATIVE, NOBODY, sender=ALICE)
    with rejects(Reject.PAYMENT_REFUSED):
        net.jobs.transact("withdraw", NATIVE, net.programs.address, sender=ALICE)
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        net.jobs.transact("withdraw", NATIVE, KEEPER, sender=KEEPER)
    before = net.evm.chain.get_balance(KEEPER)
    net.jobs.transact("withdraw", NATIVE, KEEPER, sender=ALICE)
    assert net.evm.chain.get_balance(KEEPER) - before == 2 * REWARD
    assert (net.credit(ALICE), net.evm.chain.get_balance(net.jobs.address)) == (0, 0)
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        net.jobs.transact("withdraw", NATIVE, KEEPER, sender=ALICE)


@pytest.mark.parametrize("name", ["Plain", "Silent"])
def test_a_job_in_tokens(net: Settlement, name: str) -> None:
    """Old tokens return nothing; both kinds serve a job from its escrow to its refund."""
    token = net.token(name)
    job = net.post(shard_count=3, asset=token.address)
    net.jobs.transact("top_up", job.job_id, job.digest, 5, sender=BOB)
    assert token.call("balanceOf", net.jobs.address) == 3 * (REWARD + 5)
    net.settle((job, 0, 1))
    cancel(net, job, [1, 2])
    assert net.credit(ALICE, token.address) == REWARD + 5
    assert net.credit(BOB, token.address) == 2 * (REWARD + 5)
    assert (net.credit(ALICE), net.credit(BOB)) == (0, 0)
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        net.jobs.transact("withdraw", NATIVE, ALICE, sender=ALICE)
    for account in (ALICE, BOB):
        net.jobs.transact("withdraw", token.address, KEEPER, sender=account)
    assert token.call("balanceOf", KEEPER) == 3 * (REWARD + 5)
    assert token.call("balanceOf", net.jobs.address) == 0


def test_jobs_in_different_tokens_do_not_go_together(net: Settlement) -> None:
    tokens = [net.token("Plain"), net.token("Plain")]
    one, two = (net.post(asset=token.address) for token in tokens)
    native = net.post()
    for pair in ((one, two), (one, native), (native, one)):
        with rejects(Reject.BATCH_MIXED):
            net.take(*((job, 0, 1) for job in pair))
    assert net.take((one, 0, 1)).terms.asset == tokens[0].address


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("FeeTaking", Reject.TOKEN_SHORT),
        ("Bountiful", Reject.TOKEN_SHORT),
        ("Lying", Reject.TOKEN_SHORT),
        ("Refusing", Reject.TOKEN_REFUSED),
    ],
)
def test_tokens_that_do_not_deliver_are_refused(net: Settlement, name: str, reason: Reject) -> None:
    token = net.token(name)
    if name == "Refusing":
        token.transact("close")
    with rejects(reason):
        net.post(asset=token.address)
    plain = net.token("Plain", amount=REWARD - 1)
    with rejects(Reject.TOKEN_REFUSED):
        net.post(asset=plain.address)
    assert net.jobs.call("job_count") == 0


def test_a_token_that_refuses_later_costs_only_who_withdraws(net: Settlement) -> None:
    token = net.token("Refusing")
    net.settle((net.post(asset=token.address), 0, 1))
    token.transact("close")
    with rejects(Reject.PAYMENT_REFUSED):
        net.jobs.transact("withdraw", token.address, ALICE, sender=ALICE)
    assert net.credit(ALICE, token.address) == REWARD
    net.settle((net.post(), 0, 1))
    net.jobs.transact("withdraw", NATIVE, ALICE, sender=ALICE)


def test_a_token_cannot_reenter(net: Settlement) -> None:
    """While it delivers it may call anybody, but Jobs refuses; so nothing it sends counts twice."""
    token = net.token("Reentering")
    order = net.order(asset=token.address)
    token.transact("mint", token.address, 10**6)
    calls = [
        message_of(net.jobs, "post", astuple(order)),
        message_of(net.jobs, "top_up", 1, ZERO, 1),
        message_of(net.jobs, "withdraw", token.address, token.address),
        message_of(net.jobs, "take", token.address, [1 << 64 | 1 << 16], ZERO, 0, 0),
    ]
    for message in calls:
        token.transact("aim", net.jobs.address, message)
        net.post_order(order)
        assert token.call("was_refused")
        assert token.call("response") == b""
    assert net.jobs.call("job_count") == len(calls)
    assert token.call("balanceOf", net.jobs.address) == len(calls) * REWARD
    token.transact("aim", net.jobs.address, message_of(net.jobs, "get_job", 1))
    net.post_order(order)  # views answer
    assert not token.call("was_refused")


def test_a_token_cannot_reenter_a_withdrawal(net: Settlement) -> None:
    token = net.token("Reentering")
    net.settle((net.post(asset=token.address), 0, 1))
    token.transact("aim", net.jobs.address, message_of(net.jobs, "withdraw", token.address, ALICE))
    net.jobs.transact("withdraw", token.address, ALICE, sender=ALICE)
    assert token.call("was_refused")
    assert token.call("balanceOf", ALICE) == REWARD


def test_a_receiver_cannot_reenter(net: Settlement) -> None:
    receiver = net.double("Receiver")
    for message, is_refused in (
        (message_of(net.jobs, "post", astuple(net.order(reward=0))), True),
        (message_of(net.jobs, "withdraw", NATIVE, ALICE), True),
        (message_of(net.jobs, "get_job", 1), False),  # views answer
    ):
        net.settle((net.post(), 0, 1))
        receiver.transact("aim", net.jobs.address, message)
        before = net.jobs.call("job_count")
        net.jobs.transact("withdraw", NATIVE, receiver.address, sender=ALICE)
        assert receiver.call("was_refused") == is_refused
        assert net.jobs.call("job_count") == before
    assert net.evm.chain.get_balance(receiver.address) == 3 * REWARD
    assert net.evm.chain.get_balance(net.jobs.address) == 0
