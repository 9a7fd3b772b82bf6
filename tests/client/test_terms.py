"""What a requester can ask for besides the work, and do with a job once it is posted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.client.conftest import CYCLES_LIMIT, WINDOW_SECONDS, Network, Settle
from tests.client.strangers import deploy_consumer, deploy_token
from truestep.adapters.addresses import with_checksum
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import task_of
from truestep.client import Client, JobStage, Order
from truestep.client.verification import check_chain, check_contents
from truestep.protocol.events import JobChanged
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.facts.evidence import proved_task
from truestep.protocol.settlement.jobs import job_digest
from truestep.protocol.settlement.parameters import DAY_SECONDS

REWARD_WEI = 10**15
CONSUMER = with_checksum("0x" + "c0" * 20)


def test_terms_are_those_of_the_order(network: Network) -> None:
    order = Order(
        reward_wei=REWARD_WEI,
        max_cycles=CYCLES_LIMIT,
        window_seconds=600,
        bond_multiple=3,
        consumer=CONSUMER,
        callback_gas=100_000,
    )
    job = network.client.submit(network.elf, b"terms", order=order)
    rules = job.record().parameters
    assert (rules.window_seconds, rules.operator_bond_wei) == (
        600,
        3 * network.deployment.rules.operator_bond_wei,
    )
    network.do(job, 0)
    network.devnet.advance(600 - WINDOW_SECONDS)
    network.finish(job)
    receipt = job.receipt()
    assert (receipt.terms.consumer, receipt.terms.callback_gas) == (CONSUMER, 100_000)
    assert (receipt.terms.bond_multiple, receipt.terms.window_seconds) == (3, 600)
    checks = [*check_contents(receipt), *check_chain(receipt, network.client.chain)]
    assert [check for check in checks if not check.passed] == []


@pytest.mark.parametrize(
    ("order", "reason", "words"),
    [
        (Order(window_seconds=60), Reject.WINDOW_SHORT, "expected a window of 4 min to 45 d, got 1 min"),
        (Order(window_seconds=46 * DAY_SECONDS), Reject.PARAMETER_WINDOW, "got 46 d"),
        (Order(lease_seconds=31 * DAY_SECONDS), Reject.LEASE_BOUNDS, "a lease of 1 s to 30 d, got 31 d"),
        (Order(lifetime_seconds=366 * DAY_SECONDS), Reject.DEADLINE_BOUNDS, "of 1 s to 365 d, got 366 d"),
    ],
)
def test_times_out_of_bounds_are_refused_before_anything_is_paid(
    network: Network, order: Order, reason: Reject, words: str
) -> None:
    chain = network.client.chain
    before = chain.balances(chain.account).wallet_wei
    with pytest.raises(Rejected, match=words) as refused:
        network.client.submit(network.elf, order=replace(order, max_cycles=4_321))
    assert refused.value.reason is reason
    assert chain.balances(chain.account).wallet_wei == before


def test_the_reward_rises_until_a_shard_is_taken(network: Network) -> None:
    chain, order = network.client.chain, Order(shard_count=2, reward_wei=REWARD_WEI, max_cycles=CYCLES_LIMIT)
    job = network.client.submit(network.elf, b"more", order=order)
    assert job.top_up(chain, 5).reward == REWARD_WEI + 5
    assert job.top_up(chain, 5).reward == REWARD_WEI + 10
    assert [event.reward for event in job.events() if isinstance(event, JobChanged)] == [
        REWARD_WEI + 5,
        REWARD_WEI + 10,
    ]
    network.take(job, 0)
    with pytest.raises(Rejected) as refused:
        job.top_up(chain, 5)
    assert refused.value.reason is Reject.SHARDS_BUSY


def test_a_closed_job_finishes_what_is_taken_and_refunds_the_rest(network: Network) -> None:
    chain, order = network.client.chain, Order(shard_count=3, reward_wei=REWARD_WEI, max_cycles=CYCLES_LIMIT)
    job = network.client.submit(network.elf, b"enough", order=order)
    network.do(job, 0)
    job.close(chain)
    assert job.status().reclaimable == (1, 2)
    with pytest.raises(Rejected) as refused:
        network.take(job, 1)
    assert refused.value.reason is Reject.DEADLINE_OVER
    assert job.reclaim(chain) == 2 * REWARD_WEI
    network.finish(job)
    assert [task.stage for task in job.status().tasks] == [TaskStage.FINAL, *[TaskStage.REFUNDED] * 2]
    with pytest.raises(Rejected) as again:
        job.close(network.chain(10**18))
    assert again.value.reason is Reject.NOT_REQUESTER
    with pytest.raises(Rejected, match="nothing left to close"):
        job.close(chain)


def test_open_shards_are_cancelled_before_the_deadline_only_if_that_is_meant(network: Network) -> None:
    chain, order = network.client.chain, Order(shard_count=2, reward_wei=REWARD_WEI, max_cycles=CYCLES_LIMIT)
    job = network.client.submit(network.elf, b"never mind", order=order)
    network.take(job, 1)
    assert job.reclaim(chain) == 0
    with pytest.raises(Rejected, match="anybody else has to wait for the deadline, which is in") as refused:
        job.reclaim(network.chain(10**18), is_now=True)
    assert refused.value.reason is Reject.NOT_REQUESTER
    assert job.reclaim(chain, is_now=True) == REWARD_WEI
    assert (job.status().stage, job.status().count(TaskStage.TAKEN)) == (JobStage.EXPIRED, 1)
    with pytest.raises(Rejected, match=r"1 of 2 shards of job .+ were cancelled"):
        job.wait(poll_seconds=0)


def test_results_are_written_out_and_the_consumer_is_called_once(network: Network) -> None:
    chain, consumer = network.client.chain, deploy_consumer(network)
    order = Order(shard_count=3, max_cycles=CYCLES_LIMIT, consumer=consumer.address, callback_gas=100_000)
    job = network.client.submit(network.elf, b"told", order=order)
    network.do(job, 0, 1)
    assert (job.write_out(chain), job.call_back(chain)) == (0, False)
    network.finish_some(job, 0, 1)
    before = [job.evidence(shard) for shard in range(2)]
    assert (job.write_out(chain), job.call_back(chain)) == (2, False)
    network.do(job, 2)
    network.finish_some(job, 2)
    assert job.write_out(chain) == 1
    consumer.send("feel", 1, b"")
    with pytest.raises(Rejected) as failed:
        job.call_back(chain)
    assert failed.value.reason is Reject.CALL_REVERTED
    consumer.send("feel", 0, b"")
    assert job.call_back(chain)
    assert consumer.call("count") == 1
    assert (job.write_out(chain), job.call_back(chain)) == (0, False)
    assert [job.evidence(shard) for shard in range(2)] == before
    assert [result.output for result in job.outputs()] == [b"TOLD"] * 3


def test_a_proof_is_of_the_job_that_was_posted(network: Network, settle: Settle) -> None:
    job = settle(b"proved", 2)
    evidence = job.evidence(1)
    jobs, chain_id = network.deployment.address("Jobs"), network.deployment.chain_id
    digest = job_digest(chain_id, jobs, job.job_id, evidence.proof.work, evidence.proof.job_terms)
    assert proved_task(evidence, digest) == task_of(job.job_id, 1)
    assert job.receipt().job_digest() == digest
    open_job = network.client.submit(network.elf, b"open", order=Order(max_cycles=CYCLES_LIMIT))
    with pytest.raises(Rejected) as refused:
        open_job.evidence(0)
    assert refused.value.reason is Reject.LEAF_NOT_FINAL


# --- tokens ---------------------------------------------------------------------------------------


def test_a_job_is_paid_in_a_token(network: Network) -> None:
    token, chain = deploy_token(network), network.client.chain
    jobs = network.deployment.address("Jobs")
    order = Order(shard_count=2, reward_wei=300, asset=token.address, max_cycles=CYCLES_LIMIT)
    with pytest.raises(Rejected) as poor:
        network.client.submit(network.elf, b"paid", order=order)
    assert poor.value.reason is Reject.FUNDS_TOO_LOW
    token.send("mint", chain.account, 1_000)
    job = network.client.submit(network.elf, b"paid", order=order)
    assert job.record().asset == token.address
    assert (token.call("balanceOf", chain.account), token.call("balanceOf", jobs)) == (400, 600)
    assert chain.token(token.address, chain.account).allowance == 0
    job.top_up(chain, 50)
    assert token.call("balanceOf", jobs) == 700
    network.do(job, 0)
    network.finish_some(job, 0)
    assert job.reclaim(chain, is_now=True) == 350
    assert token.call("balanceOf", chain.account) == 650
    operator = Client(network.operator, network.client.blobs, network.deployment)
    assert operator.withdraw().tokens == {token.address: 350}
    assert token.call("balanceOf", network.operator.account) == 350


def test_an_allowance_that_is_too_small_is_set_again(network: Network) -> None:
    token, chain = deploy_token(network), network.client.chain
    token.send("mint", chain.account, 1_000)
    order = Order(reward_wei=10, asset=token.address, max_cycles=CYCLES_LIMIT)
    job = network.client.submit(network.elf, b"first", order=order)
    from truestep.protocol.calls import AllowToken

    chain.transact(AllowToken(asset=token.address, amount=7), intent="allow 7")
    job.top_up(chain, 20)
    assert chain.token(token.address, chain.account).allowance == 0
    assert job.record().reward == 30


def test_what_is_no_token_is_refused(network: Network) -> None:
    order = Order(reward_wei=10, asset=CONSUMER, max_cycles=CYCLES_LIMIT)
    with pytest.raises(Rejected):
        network.client.submit(network.elf, b"no token", order=order)
