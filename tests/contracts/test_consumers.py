"""The example consumers, in Vyper and in Solidity, with the real contracts (docs/consumers.md)."""

from __future__ import annotations

import struct
from dataclasses import astuple, replace
from typing import Any

import pytest

from tests.contracts.consumers import READERS, chunk_of, deploy, each_language, evidence, output_root
from tests.contracts.evm import EvmContract, Reverted, rejects
from tests.contracts.settings import ALICE, BOB, DAY_SECONDS, KEEPER
from tests.contracts.settlement import (
    LIFETIME_SECONDS,
    MAX_CYCLES,
    NATIVE,
    REWARD,
    PostedJob,
    Settlement,
    leaf_for,
)
from tests.contracts.solidity import REPOSITORY
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId
from truestep.demo.value_at_risk import BIN_COUNT, decode_record
from truestep.protocol.settlement.records import JobTerms, Leaf, Work

INPUT_ROOT, INPUT_SIZE = Bytes32(b"i" * 32), 77
PROGRAM = (b"p" * 32, 0, MAX_CYCLES)
POLICY, PARAMETERS_ID = 1, 1
CALLBACK_GAS = 100_000
PATIENCE_SECONDS = 30 * DAY_SECONDS


def says(reason: str) -> Any:
    """The call inside must revert with just these words, which are the example's own."""
    return pytest.raises(Reverted, match=f"^{reason}$")


def leaf_of(output: bytes, **changes: Any) -> Leaf:
    """A leaf that claims this output."""
    return leaf_for(0, **({"output_size": len(output), "output_root": output_root(output)} | changes))


# --- one that asks --------------------------------------------------------------------------------


def record(shard_index: int) -> bytes:
    """A shard's output as `value_at_risk.c` writes it."""
    counts = [0] * BIN_COUNT
    counts[300 + shard_index] = 1_000
    return struct.pack(
        f"<4Q2I{BIN_COUNT}I", 1_000, (7 + shard_index) << 40, 1, 2**34, 100, BIN_COUNT, *counts
    )


def deploy_mean(net: Settlement, language: str) -> EvmContract:
    arguments = (net.jobs.address, 1, PROGRAM, INPUT_ROOT, INPUT_SIZE, POLICY, PARAMETERS_ID)
    return deploy(net, language, "MeanValue", *arguments)


def ask(net: Settlement, consumer: EvmContract, value: int = 4 * REWARD) -> PostedJob:
    """Begin a round; its job, as its event has it."""
    consumer.transact("ask", "file:prices", sender=BOB, value=value)
    job_id = JobId(net.jobs.call("job_count"))
    job = PostedJob(
        job_id=job_id,
        work=Work(
            image_root=Bytes32(PROGRAM[0]),
            entry=PROGRAM[1],
            max_cycles=PROGRAM[2],
            input_root=INPUT_ROOT,
            input_size=INPUT_SIZE,
            seed=Bytes32(consumer.call("round").to_bytes(32, "big")),
            shard_count=4,
        ),
        terms=JobTerms(
            requester=Address(consumer.address),
            consumer=Address(consumer.address),
            callback_gas=CALLBACK_GAS,
            asset=NATIVE,
            policy=POLICY,
            parameters_id=PARAMETERS_ID,
            bond_multiple=1,
            window_seconds=30_000,
            lease_seconds=3_600,
            reducer_of=0,
        ),
        digest=Bytes32(net.jobs.call("job_digests", job_id)),
        reward=value // 4,
    )
    net.posted[job_id] = job
    return job


def answer(net: Settlement, job: PostedJob, leaves: list[Leaf]) -> None:
    """Let a job end with these leaves and write them out."""
    batch = net.settle((job, 0, len(leaves)), leaves=leaves)
    for leaf in range(len(leaves)):
        net.write_out(batch, leaf)


def call_back(net: Settlement, job: PostedJob) -> bool:
    return net.results.transact("call_back", job.job_id, astuple(job.work), astuple(job.terms)).result


@each_language
def test_a_contract_asks_and_is_called_back(language: str) -> None:
    net = Settlement()
    consumer = deploy_mean(net, language)
    for round_number in (1, 2):
        job = ask(net, consumer)
        with says("a round is open"):
            consumer.transact("ask", "file:prices")
        answer(net, job, [leaf_of(record(shard)) for shard in range(4)])
        with says("no round is ready"):
            consumer.transact("count", 0, record(0))
        assert call_back(net, job)
        for shard in range(4):
            with rejects(Reject.OUTPUT_OTHER):
                consumer.transact("count", shard, record(shard + 1))
            consumer.transact("count", shard, record(shard))
            if shard < 3:
                with says("counted already"):
                    consumer.transact("count", shard, record(shard))
        records = [decode_record(record(shard)) for shard in range(4)]
        mean = sum(one.value_sum_q32 for one in records) // sum(one.path_count for one in records)
        assert consumer.call("value_q32") == mean
        assert (consumer.call("round"), consumer.call("is_open")) == (round_number, False)
    assert net.credit(ALICE) == 8 * REWARD
    assert net.evm.chain.get_balance(consumer.address) == 0


@each_language
def test_a_round_that_fails_is_given_up(language: str) -> None:
    net = Settlement()
    consumer = deploy_mean(net, language)
    with says("no round is open"):
        consumer.transact("give_up", 0)
    job = ask(net, consumer)
    with rejects(Reject.NOT_WRITTEN_OUT):
        consumer.transact("give_up", 1)
    answer(net, job, [leaf_of(record(0)), leaf_of(record(1), code=1), *[leaf_of(record(2))] * 2])
    assert call_back(net, job)  # final, which is not accepted
    with rejects(Reject.RESULT_NOT_ACCEPTED):
        consumer.transact("count", 1, record(1))
    with says("the round may be answered"):
        consumer.transact("give_up", 0)
    consumer.transact("give_up", 1)
    ask(net, consumer)


@each_language
def test_a_round_that_nobody_answers_is_refunded(language: str) -> None:
    net = Settlement()
    consumer = deploy_mean(net, language)
    job = ask(net, consumer)
    before = net.evm.chain.get_balance(BOB)
    net.pass_time(DAY_SECONDS)
    arguments = (job.job_id, astuple(job.work), astuple(job.terms), [0, 1, 2, 3])
    net.jobs.transact("cancel", *arguments, sender=KEEPER)
    consumer.transact("refund", sender=KEEPER)
    assert net.evm.chain.get_balance(BOB) == before + 4 * REWARD
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        consumer.transact("refund")
    net.pass_time(PATIENCE_SECONDS)
    with rejects(Reject.NOT_WRITTEN_OUT):
        consumer.transact("give_up", 0)
    net.pass_time(1)
    consumer.transact("give_up", 0)


@each_language
def test_answers_of_an_earlier_round_do_not_count(language: str) -> None:
    net = Settlement()
    consumer = deploy_mean(net, language)
    first = ask(net, consumer)
    answer(net, first, [leaf_of(record(0), code=1), *[leaf_of(record(shard)) for shard in (1, 2, 3)]])
    consumer.transact("give_up", 0)
    second = ask(net, consumer)
    assert not call_back(net, first)  # it is about another job now
    assert not consumer.call("is_ready")
    answer(net, second, [leaf_of(record(9)) for _ in range(4)])
    assert call_back(net, second)
    with rejects(Reject.OUTPUT_OTHER):
        consumer.transact("count", 1, record(1))


# --- one that takes proofs ------------------------------------------------------------------------


def clustering(inertia: float) -> bytes:
    """What `examples/python/k_means` writes."""
    return struct.pack("<641d", inertia, *(0.5 for _ in range(640)))


def deploy_prize(net: Settlement, language: str) -> EvmContract:
    end = net.now + LIFETIME_SECONDS
    arguments = (net.jobs.address, PROGRAM, INPUT_ROOT, INPUT_SIZE, POLICY, PARAMETERS_ID, end)
    return deploy(net, language, "BestClustering", *arguments, coins_wei=1_000)


def run(net: Settlement, output: bytes, requester: str = BOB, **changes: Any) -> tuple[Any, ...]:
    """Order a run, let it end, and the arguments that show it."""
    job = net.post(requester, shard_count=3, **changes)
    batch = net.settle((job, 1, 1), leaves=[leaf_of(output)])
    return job.job_id, 1, evidence(net, batch, 0), output


@each_language
def test_the_best_clustering_wins(language: str) -> None:
    net = Settlement()
    prize = deploy_prize(net, language)
    good = run(net, clustering(7.5), BOB, seed=b"1" * 32)
    better = run(net, clustering(0.5), KEEPER, seed=b"2" * 32)
    worse = run(net, clustering(100.0), ALICE, seed=b"3" * 32)
    prize.transact("submit", *good, sender=KEEPER)  # copied: the prize is not for the sender
    assert prize.call("winner").lower() == BOB
    for other in (good, worse):
        with says("not better"):
            prize.transact("submit", *other)
    prize.transact("submit", *better)
    assert struct.unpack("<d", prize.call("best").to_bytes(8, "little")) == (0.5,)
    with says("too early"):
        prize.transact("pay")
    net.pass_time(LIFETIME_SECONDS)
    with says("too late"):
        prize.transact("submit", *better)
    before = net.evm.chain.get_balance(KEEPER)
    prize.transact("pay", sender=BOB)
    assert net.evm.chain.get_balance(KEEPER) == before + 1_000


@each_language
def test_a_prize_takes_no_other_work(language: str) -> None:
    """Each run is final and true, and an answer to something else."""
    net = Settlement()
    prize = deploy_prize(net, language)
    net.programs.transact("register", b"x" * 32, 0, MAX_CYCLES, 0, bytes(32), "", sender=BOB)
    output = clustering(0.0)
    others: list[dict[str, Any]] = [{"input_size": 0}, {"input_root": b"j" * 32}, {"program_id": 2}]
    for changes in others:
        other = run(net, output, **changes)
        with rejects(Reject.QUESTION_OTHER):
            prize.transact("submit", *other)
    lax = net.double("QuorumDouble")
    net.by_owner(net.assurances, "add", lax.address, 2)
    lax.transact("decide", True, 0)
    unchecked = run(net, output, policy=2)
    with says("another policy"):
        prize.transact("submit", *unchecked)
    job_id, shard, proof, _ = good = run(net, output)
    with rejects(Reject.LEAF_OTHER_TASK):
        prize.transact("submit", job_id, shard + 1, proof, output)
    with rejects(Reject.QUESTION_OTHER):
        prize.transact("submit", job_id - 1, shard, proof, output)
    with rejects(Reject.OUTPUT_OTHER):
        prize.transact("submit", job_id, shard, proof, clustering(-0.0))
    prize.transact("submit", *good)
    assert prize.call("best") == 0


@each_language
def test_not_a_number_wins_nothing(language: str) -> None:
    net = Settlement()
    prize = deploy_prize(net, language)
    for inertia in (float("nan"), float("inf"), -1.0):
        submission = run(net, clustering(inertia))
        with says("not better"):
            prize.transact("submit", *submission)
    net.pass_time(LIFETIME_SECONDS)
    with says("nobody has won"):
        prize.transact("pay")


# --- one that reads rows of a large output --------------------------------------------------------


def row(number: int) -> tuple[str, int]:
    """Who gets how much."""
    return f"0x{number + 1:040x}", 10 + number


def table(rows: int) -> bytes:
    """The output: [ account 20 | amount 12 ] a row."""
    parts = [row(number) for number in range(rows)]
    return b"".join(bytes.fromhex(account[2:]) + amount.to_bytes(12, "big") for account, amount in parts)


@each_language
def test_rows_of_a_large_output_are_paid(language: str) -> None:
    net = Settlement()
    output = table(1_000)
    job, other = net.post(), net.post()
    for wrong in (other.terms, replace(job.terms, policy=2)):
        with rejects(Reject.QUESTION_OTHER):
            deploy_distribution(net, language, replace(job, job_id=JobId(1), terms=wrong), job_id=3)
    payer = deploy_distribution(net, language, job)
    paths = [chunk_of(output, 0, number)[2] for number in (0, 999, 5)]
    with rejects(Reject.RESULT_NOT_ACCEPTED):
        payer.transact("claim", 0, *row(0), paths[0])
    batch = net.settle((other, 0, 1), (job, 0, 1), leaves=[leaf_of(b"x"), leaf_of(output)])
    with rejects(Reject.LEAF_OTHER_TASK):
        payer.transact("settle", evidence(net, batch, 0))
    payer.transact("settle", evidence(net, batch, 1))
    with says("settled already"):
        payer.transact("settle", evidence(net, batch, 1))
    for number, path in zip((0, 999), paths, strict=False):
        account, amount = row(number)
        payer.transact("claim", number, account, amount, path)
        assert net.evm.chain.get_balance(account) == amount
        with says("paid already"):
            payer.transact("claim", number, account, amount, path)
    account, amount = row(5)
    for wrong_row in ((account, amount + 1), (BOB, amount), row(4)):
        with rejects(Reject.CHUNK_PROOF):
            payer.transact("claim", 5, *wrong_row, paths[2])
    with rejects(Reject.CHUNK_PROOF):
        payer.transact("claim", 6, *row(5), paths[2])
    with rejects(Reject.CHUNK_SHAPE):
        payer.transact("claim", 1_000, NATIVE, 0, paths[2])
    with says("not the path of a row"):
        payer.transact("claim", 2, *row(5), paths[2][1:])


def deploy_distribution(net: Settlement, language: str, job: PostedJob, job_id: int = 0) -> EvmContract:
    arguments = (net.jobs.address, job_id or job.job_id, astuple(job.work), astuple(job.terms))
    return deploy(net, language, "Distribution", *arguments, coins_wei=10**6)


# --- the page -------------------------------------------------------------------------------------


@each_language
def test_the_page_shows_what_compiles_and_works(language: str) -> None:
    page = (REPOSITORY / "docs" / "consumers.md").read_text("utf-8")
    shown = READERS / {"vyper": "Shown.vy", "solidity": "Shown.sol"}[language]
    assert f"```{language}\n{shown.read_text('utf-8')}```" in page
    net = Settlement()
    job = net.post()
    arguments = (net.jobs.address, job.job_id, astuple(job.work), astuple(job.terms))
    consumer = deploy(net, language, "Shown", *arguments)
    batch = net.settle((job, 0, 1), leaves=[leaf_of(b"answer")])
    consumer.transact("use", evidence(net, batch, 0), b"answer")
    with rejects(Reject.OUTPUT_OTHER):
        consumer.transact("use", evidence(net, batch, 0), b"another")
