"""A job through the SDK: posted, watched, finished, or given up."""

from pathlib import Path

import pytest

from tests.client.conftest import CYCLES_LIMIT, Network, Settle
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32, JobId, task_of
from truestep.client import Client, JobStage, Order
from truestep.protocol.calls import CancelTasks
from truestep.protocol.events import ChainEvent, JobPosted, TaskClaimed, TaskFinalized, TaskTaken
from truestep.protocol.records import TaskStage

ORDER = Order(shard_count=2, reward_wei=10**15, max_cycles=CYCLES_LIMIT)


def test_a_job_from_posting_to_outputs(network: Network) -> None:
    job = network.client.submit(network.elf, b"hello", order=ORDER)
    assert job.status().stage is JobStage.RUNNING
    assert job.status().count(TaskStage.OPEN) == 2
    network.do(job, 0)
    network.do(job, 1)
    assert job.status().count(TaskStage.CLAIMED) == 2
    with pytest.raises(Rejected) as unfinished:
        job.outputs()
    assert unfinished.value.reason is Reject.JOB_UNFINISHED
    network.finish(job)
    events: list[ChainEvent] = []
    status = job.wait(on_event=events.append, poll_seconds=0)
    assert status.stage is JobStage.COMPLETE
    kinds = [type(event) for event in events]
    assert kinds == [JobPosted, *[TaskTaken, TaskClaimed] * 2, TaskFinalized, TaskFinalized]
    outputs = job.outputs()
    assert [(result.shard_index, result.is_accepted, result.output) for result in outputs] == [
        (0, True, b"HELLO"),
        (1, True, b"HELLO"),
    ]
    assert network.operator.balances(network.operator.account).rewards_wei >= 2 * 10**15


def test_a_program_is_registered_once(network: Network) -> None:
    first = network.client.register(network.elf, max_cycles=777)
    assert network.client.register(network.elf, max_cycles=777) == first
    assert network.client.register(network.elf, max_cycles=778) != first


def test_what_a_post_reads_does_not_grow_with_the_chain(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.client.submit(network.elf, b"first", order=ORDER)
    chain, read = network.client.chain, list[int]()
    events = chain.events

    def counted(from_block: int, to_block: int) -> tuple[ChainEvent, ...]:
        read.append(to_block - from_block + 1)
        return events(from_block, to_block)

    monkeypatch.setattr(chain, "events", counted)
    network.client.submit(network.elf, b"second", order=ORDER)
    assert set(read) == {1}


def test_registering_again_brings_back_a_program_that_the_store_lost(
    network: Network, tmp_path: Path
) -> None:
    first = network.client.register(network.elf, max_cycles=777)
    replaced = DirectoryBlobs(tmp_path / "replaced")
    client = Client(network.client.chain, replaced, network.client.deployment)
    assert client.register(network.elf, max_cycles=777) == first
    program = network.client.chain.program(first)
    assert replaced.get_program(program.image_root, program.entry) == network.elf
    assert replaced.get(program.uri, 1 << 20) == network.elf
    assert network.client.chain.program(first).max_cycles == 777


def test_an_order_with_a_name_is_posted_once(network: Network) -> None:
    order = Order(max_cycles=CYCLES_LIMIT, name="monthly report")
    jobs = {network.client.submit(network.elf, b"x", order=order).job_id for _ in range(2)}
    assert len(jobs) == 1


def test_the_seed_is_random_unless_chosen(network: Network) -> None:
    jobs = [network.client.submit(network.elf, order=ORDER) for _ in range(2)]
    seeds = {job.status().job.seed for job in jobs}
    assert len(seeds) == 2
    chosen = Order(seed=Bytes32(b"s" * 32), max_cycles=CYCLES_LIMIT)
    assert network.client.submit(network.elf, order=chosen).status().job.seed == b"s" * 32


def test_waiting_ends_with_ones_patience(network: Network) -> None:
    job = network.client.submit(network.elf, order=ORDER)
    with pytest.raises(Unavailable, match="0 of 2 shards; wait again"):
        job.wait(deadline_seconds=0, poll_seconds=0)


def test_outputs_of_single_shards_need_no_complete_job(network: Network) -> None:
    job = network.client.submit(network.elf, b"half", order=ORDER)
    network.do(job, 1)
    network.finish_some(job, 1)
    assert [result.output for result in job.outputs([1])] == [b"HALF"]
    with pytest.raises(Rejected, match="1 of 2 shards"):
        job.outputs([0])
    network.client.chain.transact(CancelTasks(job_id=job.job_id, shards=(0,)), intent="half of it")
    assert [result.shard_index for result in job.outputs([1])] == [1]
    with pytest.raises(Rejected, match=r"1 of 2 shards of job \d+ were refunded.*; 1 are final"):
        job.outputs()
    with pytest.raises(Rejected, match="shard 0 was refunded and will never have a result"):
        network.client.chain.evidence(task_of(job.job_id, 0))
    with pytest.raises(Rejected, match="expected a shard from 0 to 1, got 2") as refused:
        job.outputs([2])
    assert refused.value.reason is Reject.SHARD_RANGE


def test_an_unknown_job(network: Network) -> None:
    with pytest.raises(Rejected) as unknown:
        network.client.job(JobId(10**6))
    assert unknown.value.reason is Reject.JOB_UNKNOWN


def test_a_job_of_somebody_else_can_be_watched(network: Network, settle: Settle) -> None:
    job_id = settle(b"theirs", 1).job_id
    assert network.client.job(job_id).outputs()[0].output == b"THEIRS"


def test_without_coins_nothing_is_posted(network: Network) -> None:
    from truestep.client import Client

    poor = Client(network.chain(0), network.client.blobs, network.deployment)
    with pytest.raises(Rejected) as refused:
        poor.submit(network.elf, order=ORDER)
    assert refused.value.reason is Reject.FUNDS_TOO_LOW
    assert "send it at least" in str(refused.value)


def test_a_file_that_is_no_program_costs_nothing(network: Network) -> None:
    before = network.client.chain.balances(network.client.chain.account)
    with pytest.raises(Rejected) as refused:
        network.client.submit(b"\x7fELF nonsense", order=ORDER)
    assert refused.value.reason is Reject.ELF_TRUNCATED
    assert network.client.chain.balances(network.client.chain.account) == before


def test_a_failed_run_is_a_result_that_does_not_count(network: Network) -> None:
    job = network.client.submit(network.elf, b"long" * 100, order=Order(max_cycles=50))
    network.do(job, 0)
    network.finish(job)
    (result,) = job.outputs()
    assert (result.is_accepted, result.status, result.cycles, result.output) == (False, 0, 50, b"")


def test_what_nobody_did_is_reclaimed(network: Network) -> None:
    order = Order(
        shard_count=3, reward_wei=10**15, max_cycles=CYCLES_LIMIT, lease_seconds=50, lifetime_seconds=100
    )
    job = network.client.submit(network.elf, b"x", order=order)
    network.do(job, 0)
    network.take(job, 1)
    assert job.reclaim(network.client.chain) == 0
    network.devnet.advance(101)
    status = job.status()
    assert (status.stage, status.reclaimable, status.idle) == (JobStage.EXPIRED, (1, 2), (2,))
    with pytest.raises(Rejected, match="truestep reclaim"):
        job.wait(poll_seconds=0)
    before = network.client.chain.balances(network.client.chain.account).wallet_wei
    assert job.reclaim(network.client.chain) == 2 * 10**15
    after = network.client.chain.balances(network.client.chain.account)
    assert after.rewards_wei == 0
    assert after.wallet_wei > before
    assert job.reclaim(network.client.chain) == 0
    assert job.status().count(TaskStage.REFUNDED) == 2
