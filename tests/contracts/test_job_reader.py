"""JobReader in Vyper and Solidity: what it lets through, and what it refuses (docs/protocol.md S10.1)."""

from __future__ import annotations

from dataclasses import astuple, fields, replace
from typing import Any

import pytest

from tests.contracts.consumers import (
    chunk_of,
    deploy,
    each_language,
    evidence,
    output_root,
)
from tests.contracts.evm import EvmContract, rejects
from tests.contracts.settings import ALICE, BOB, KEEPER, Values
from tests.contracts.settlement import (
    LIFETIME_SECONDS,
    MAX_CYCLES,
    NATIVE,
    REWARD,
    WINDOW_SECONDS,
    ZERO,
    PostedJob,
    Settlement,
    leaf_for,
)
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.protocol.settlement.records import JobTerms, Leaf, Work
from truestep.protocol.settlement.results import slots_root

PROGRAM = (b"p" * 32, 0, MAX_CYCLES)
LIMIT_BYTES = 8192


def leaf_of(output: bytes, number: int = 0, **changes: Any) -> Leaf:
    """A leaf that claims this output."""
    claimed = {"output_size": len(output), "output_root": output_root(output)}
    return leaf_for(number, **(claimed | changes))


def expecting(net: Settlement, language: str, job: PostedJob) -> EvmContract:
    """A consumer that means this job."""
    reader = deploy(net, language, "Reader", net.jobs.address)
    reader.transact("expect", job.job_id, astuple(job.work), astuple(job.terms))
    return reader


# --- questions ------------------------------------------------------------------------------------


@each_language
def test_every_field_of_a_job_is_bound(language: str) -> None:
    """So a lie about the input's size, the seed, the shards, the requester or the policy is not an answer."""
    net = Settlement()
    job, other = net.post(shard_count=3, consumer=KEEPER, callback_gas=9), net.post(shard_count=3)
    reader = deploy(net, language, "Reader", net.jobs.address)

    def refuse(job_id: int, work: Work, terms: JobTerms) -> None:
        with rejects(Reject.QUESTION_OTHER):
            reader.transact("expect", job_id, astuple(work), astuple(terms))

    for job_id in (0, other.job_id, 3, 2**256 - 1):
        refuse(job_id, job.work, job.terms)
    for field in fields(Work):
        changed = _changed(getattr(job.work, field.name))
        refuse(job.job_id, replace(job.work, **{field.name: changed}), job.terms)
    for field in fields(JobTerms):
        changed = _changed(getattr(job.terms, field.name))
        refuse(job.job_id, job.work, replace(job.terms, **{field.name: changed}))
    refuse(job.job_id, replace(job.work, input_size=0), job.terms)
    reader.transact("expect", job.job_id, astuple(job.work), astuple(job.terms))


def _changed(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    return bytes(value[:-1]) + b"x" if isinstance(value, bytes) else ALICE


class Moved(Settlement):
    """The same contracts at other addresses."""

    def timelock(self, *arguments: Any, **options: Any) -> EvmContract:
        self.deploy("Programs")
        return super().timelock(*arguments, **options)


@each_language
def test_an_answer_is_from_one_deployment(language: str) -> None:
    """The same job, of the same number, answered by the same operator in other contracts."""
    nets = (Settlement(), Moved())
    jobs = [net.post() for net in nets]
    batches = [net.settle((job, 0, 1)) for net, job in zip(nets, jobs, strict=True)]
    assert (jobs[0].work, jobs[0].terms) == (jobs[1].work, jobs[1].terms)
    assert jobs[0].digest != jobs[1].digest
    reader = expecting(nets[1], language, jobs[1])
    reader.call("proved", 0, evidence(nets[1], batches[1], 0))
    with rejects(Reject.BATCH_TERMS_OTHER):
        reader.call("proved", 0, evidence(nets[0], batches[0], 0))


@each_language
def test_a_consumer_asks(language: str) -> None:
    net = Settlement()
    reader = deploy(net, language, "Reader", net.jobs.address)
    output = b"answer"
    order = net.order(shard_count=2, window_seconds=50_000, bond_multiple=3, seed=b"q" * 32)
    reader.transact("ask", astuple(order), PROGRAM, 1, sender=BOB, value=2 * REWARD)
    net.posted[1] = posted = PostedJob(
        job_id=net.jobs.call("job_count"),
        work=Work(
            image_root=Bytes32(PROGRAM[0]),
            entry=0,
            max_cycles=MAX_CYCLES,
            input_root=order.input_root,
            input_size=order.input_size,
            seed=order.seed,
            shard_count=2,
        ),
        terms=replace(
            net.post().terms, requester=net_address(reader), bond_multiple=3, window_seconds=50_040
        ),
        digest=Bytes32(net.jobs.call("job_digests", 1)),
        reward=REWARD,
    )
    batch = net.settle((posted, 0, 2), leaves=[leaf_of(output), leaf_of(output, 1)])
    reader.call("proved_output", 1, evidence(net, batch, 1), output)


def net_address(contract: EvmContract) -> Any:
    """An address as events have it."""
    return contract.address.lower()


@each_language
def test_asking_refuses_what_the_consumer_does_not_mean(language: str) -> None:
    """Another program behind the number, or a parameter set that came in between; the coins stay."""
    net = Settlement()
    net.programs.transact("register", b"x" * 32, 0, MAX_CYCLES, 0, bytes(32), "", sender=BOB)
    reader = deploy(net, language, "Reader", net.jobs.address)

    def ask(program_id: int, parameters_id: int) -> None:
        order = net.order(program_id=program_id)
        reader.transact("ask", astuple(order), PROGRAM, parameters_id, sender=BOB, value=REWARD)

    with rejects(Reject.PROGRAM_OTHER):
        ask(2, 1)
    for parameters_id in (0, 2):
        with rejects(Reject.PARAMETERS_OLD):
            ask(1, parameters_id)
    with rejects(Reject.PROGRAM_UNKNOWN):
        ask(3, 1)
    ask(1, 1)
    net.by_owner(net.parameters, "add", Values().but(window_seconds=60_000).row, 2)
    with rejects(Reject.PARAMETERS_OLD):
        ask(1, 1)
    ask(1, 2)
    assert net.evm.chain.get_balance(reader.address) == 0
    assert net.evm.chain.get_balance(net.jobs.address) == 2 * REWARD


@each_language
def test_a_consumer_pays_in_tokens_and_gets_them_back(language: str) -> None:
    net = Settlement()
    token = net.token("Plain")
    reader = deploy(net, language, "Reader", net.jobs.address)
    token.transact("mint", reader.address, 2 * REWARD)
    order = net.order(asset=token.address, shard_count=2)
    reader.transact("ask", astuple(order), PROGRAM, 1)
    assert token.call("balanceOf", net.jobs.address) == 2 * REWARD
    net.pass_time(LIFETIME_SECONDS + 1)
    terms = replace(net.post().terms, requester=net_address(reader), asset=token.address)
    work = replace(net.posted[2].work, shard_count=2)
    net.jobs.transact("cancel", 1, astuple(work), astuple(terms), [0, 1], sender=KEEPER)
    reader.transact("withdraw", token.address, ALICE)
    assert token.call("balanceOf", ALICE) == 2 * REWARD
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        reader.transact("withdraw", NATIVE, ALICE)


@each_language
def test_callbacks_are_from_results_and_about_the_job(language: str) -> None:
    """Anybody may post a job that names the consumer, and have Results call it."""
    net = Settlement()
    reader = deploy(net, language, "Reader", net.jobs.address)
    names_it = {"consumer": net_address(reader), "callback_gas": 100_000}
    meant, foreign = net.post(**names_it), net.post(ALICE, **names_it)
    reader.transact("expect", meant.job_id, astuple(meant.work), astuple(meant.terms))
    with rejects(Reject.NOT_RESULTS):
        reader.transact("on_job", meant.job_id)
    for job, is_success in ((foreign, False), (meant, True)):
        net.write_out(net.settle((job, 0, 1)), 0)
        called = net.results.transact("call_back", job.job_id, astuple(job.work), astuple(job.terms))
        assert called.result == is_success
        assert reader.call("called") == is_success


# --- results --------------------------------------------------------------------------------------


@each_language
def test_results_are_read_from_proofs_and_written_out(language: str) -> None:
    net = Settlement()
    job, neighbour = net.post(shard_count=40), net.post()
    reader = expecting(net, language, job)
    outputs = [b"", b"one", b"\2" * LIMIT_BYTES]
    leaves = [leaf_for(9), *map(leaf_of, outputs)]
    batch = net.settle((neighbour, 0, 1), (job, 30, 2), (job, 39, 1), leaves=leaves)
    for leaf, shard, output in zip((1, 2, 3), (30, 31, 39), outputs, strict=True):
        proof = evidence(net, batch, leaf)
        expected = (True, True, 1, 0, 1_000, len(output), output_root(output))
        with rejects(Reject.NOT_WRITTEN_OUT):
            reader.call("written", shard)
        assert reader.call("proved", shard, proof) == expected
        net.write_out(batch, leaf)
        assert reader.call("written", shard) == reader.call("written_any", shard) == expected
        reader.call("proved_output", shard, proof, output)
        reader.call("written_output", shard, output)
        with rejects(Reject.OUTPUT_OTHER):
            reader.call("written_output", shard, b"two")
        if output:
            chunk = chunk_of(output, 0, 0)
            reader.call("proved_chunk", shard, proof, chunk)
            reader.call("written_chunk", shard, chunk)


@each_language
def test_proofs_of_anything_else_are_refused(language: str) -> None:
    net = Settlement()
    job, other = net.post(shard_count=40), net.post(shard_count=2)
    reader = expecting(net, language, job)
    batch, later = net.settle((job, 3, 2), (other, 0, 1)), net.settle((other, 1, 1), (job, 5, 1))
    good = evidence(net, batch, 1)
    claim_id, terms, proof = good

    def refuse(reason: Reject, shard: int, evidence: tuple[Any, ...]) -> None:
        for function in ("proved", "proved_any"):
            with rejects(reason):
                reader.call(function, shard, evidence)

    for shard in (3, 5, 0, 2**32 - 1):
        refuse(Reject.LEAF_OTHER_TASK, shard, good)
    refuse(Reject.LEAF_OTHER_TASK, 4, evidence(net, batch, 0))  # another leaf's
    refuse(Reject.LEAF_OTHER_TASK, 0, evidence(net, batch, 2))  # true, of another job
    refuse(Reject.LEAF_OTHER_TASK, 1, evidence(net, later, 0))
    refuse(Reject.ITEM_OTHER_LEAF, 4, (batch.claim_id(2), terms, proof))
    refuse(Reject.LEAF_PROOF, 4, (batch.claim_id(0), terms, proof))
    refuse(Reject.BATCH_TERMS_OTHER, 4, (later.claim_id(1), terms, proof))  # another batch's
    refuse(Reject.BATCH_TERMS_OTHER, 4, (claim_id, astuple(later.terms), proof))
    swapped = replace(batch.proof(1, net.posted), job_terms=replace(job.terms, requester=ALICE))
    refuse(Reject.JOB_OTHER, 4, (claim_id, terms, astuple(swapped)))
    swapped = replace(batch.proof(1, net.posted), work=other.work, job_terms=other.terms)
    refuse(Reject.JOB_OTHER, 4, (claim_id, terms, astuple(swapped)))
    lie = replace(batch.proof(1, net.posted), leaf=leaf_of(b"lie"))
    refuse(Reject.LEAF_PROOF, 4, (claim_id, terms, astuple(lie)))
    reader.transact("forget")
    refuse(Reject.QUESTION_OTHER, 4, good)
    with rejects(Reject.QUESTION_OTHER):
        reader.call("written_any", 3)


@each_language
def test_leaves_that_are_not_final_are_refused(language: str) -> None:
    """Claimed, struck and held ones; a struck shard has its answer from a later batch."""
    net = Settlement()
    job = net.post(shard_count=3)
    reader = expecting(net, language, job)
    batch = net.take((job, 0, 3))
    net.claim(batch)
    proofs = [evidence(net, batch, leaf) for leaf in range(3)]

    def refused(*shards: int) -> None:
        for shard in shards:
            with rejects(Reject.LEAF_NOT_FINAL):
                reader.call("proved", shard, proofs[shard])

    refused(0, 1, 2)
    net.strike(batch, 1)
    net.disputes.transact("hold", batch.batch_id, 4)
    net.pass_time(WINDOW_SECONDS + 1)
    refused(0, 1, 2)
    net.finalize(batch, has_items=True)
    refused(1, 2)
    reader.call("proved", 0, proofs[0])
    net.disputes.transact("hold", batch.batch_id, 0)
    net.finalize_leaf(batch, 2)
    refused(1)
    reader.call("proved", 2, proofs[2])
    again = net.settle((job, 1, 1))
    reader.call("proved", 1, evidence(net, again, 0))
    refused(1)


@each_language
@pytest.mark.parametrize(
    "changes",
    [{"code": 1}, {"status": 2, "code": 5}, {"status": 0, "cycle": MAX_CYCLES}, {"output_size": 2**29 + 1}],
)
def test_runs_that_failed_are_no_answers(language: str, changes: dict[str, int]) -> None:
    net = Settlement()
    job = net.post()
    reader = expecting(net, language, job)
    batch = net.settle((job, 0, 1), leaves=[leaf_of(b"x", **changes)])
    proof = evidence(net, batch, 0)
    net.write_out(batch, 0)
    for function, *arguments in (
        ("proved", 0, proof),
        ("written", 0),
        ("proved_output", 0, proof, b"x"),
        ("written_output", 0, b"x"),
        ("proved_chunk", 0, proof, chunk_of(b"x", 0, 0)),
        ("written_chunk", 0, chunk_of(b"x", 0, 0)),
    ):
        with rejects(Reject.RESULT_NOT_ACCEPTED):
            reader.call(function, *arguments)
    result = reader.call("proved_any", 0, proof)
    assert result == reader.call("written_any", 0)
    assert result[:2] == (True, False)
    with rejects(Reject.RESULT_NOT_ACCEPTED):
        reader.call("check_output", result, b"x")
    with rejects(Reject.RESULT_NOT_ACCEPTED):
        reader.call("check_chunk", result, chunk_of(b"x", 0, 0))


@each_language
def test_reducers_are_read_once_fed(language: str) -> None:
    net = Settlement()
    source, stranger = net.post(shard_count=2), net.post(shard_count=2)
    unfed = {"input_root": source.digest, "input_size": 0}
    reducer = net.post(reducer_of=source.job_id << 8, **unfed)
    reader = expecting(net, language, reducer)
    nodes = (Bytes32(b"1" * 32), Bytes32(b"2" * 32))
    for job in (source, stranger):
        batch = net.settle((job, 0, 2), leaves=[leaf_of(node) for node in nodes])
        net.write_out(batch, 0)
        net.write_out(batch, 1)
    work = replace(reducer.work, input_root=slots_root(nodes, 0), input_size=64)
    reader.transact("forget")
    for job, reason in ((stranger, Reject.NOT_REDUCER), (source, Reject.QUESTION_OTHER)):
        _expect_of(reader, job, reducer)
        with rejects(reason):
            reader.transact("feed", astuple(work), astuple(reducer.terms))
    arguments = (astuple(reducer.work), astuple(reducer.terms), list(nodes))
    net.results.transact("feed", reducer.job_id, *arguments)
    net.posted[reducer.job_id] = fed = replace(
        reducer, work=work, digest=Bytes32(net.jobs.call("job_digests", reducer.job_id))
    )
    batch = net.settle((fed, 0, 1), leaves=[leaf_of(b"sum")])
    proof = evidence(net, batch, 0)
    with rejects(Reject.QUESTION_OTHER):  # the job has another digest now
        reader.call("proved", 0, proof)
    for terms in (
        replace(reducer.terms, reducer_of=0),
        replace(reducer.terms, reducer_of=stranger.job_id << 8),
    ):
        with rejects(Reject.NOT_REDUCER):
            reader.transact("feed", astuple(work), astuple(terms))
    for wrong in (replace(work, input_size=0), replace(work, input_root=ZERO), replace(work, seed=ZERO)):
        with rejects(Reject.QUESTION_OTHER):
            reader.transact("feed", astuple(wrong), astuple(reducer.terms))
    foreign = net.double("ForeignJobs", source.digest)
    made = (foreign.address, net.results.address, source.job_id, source.digest)
    for question in (made, (net.jobs.address, net.results.address, source.job_id, stranger.digest)):
        reader.transact("set_source", question)
        with rejects(Reject.QUESTION_OTHER):
            reader.transact("feed", astuple(work), astuple(reducer.terms))
    reader.transact("set_source", (net.jobs.address, *made[1:]))
    reader.transact("feed", astuple(work), astuple(reducer.terms))
    reader.call("proved_output", 0, proof, b"sum")
    with rejects(Reject.QUESTION_OTHER):  # the question is about the fed job already
        reader.transact("feed", astuple(work), astuple(reducer.terms))
    reader.call("proved_output", 0, proof, b"sum")


@each_language
def test_a_job_that_reduces_nothing_is_not_fed(language: str) -> None:
    """Its `reducer_of` names job 0, which does not exist; a source that is made up has any digest."""
    net = Settlement()
    root = Bytes32(b"r" * 32)
    job = net.post(input_root=root, input_size=0)
    reader = expecting(net, language, job)
    for digest in (root, ZERO, job.digest):
        reader.transact("set_source", (net.jobs.address, net.results.address, 0, digest))
        with rejects(Reject.QUESTION_OTHER):
            reader.transact("feed", astuple(job.work), astuple(job.terms))


def _expect_of(reader: EvmContract, source: PostedJob, reducer: PostedJob) -> None:
    """Mean a reducer, and its source."""
    reader.transact("expect", source.job_id, astuple(source.work), astuple(source.terms))
    reader.transact("keep_as_source")
    reader.transact("expect", reducer.job_id, astuple(reducer.work), astuple(reducer.terms))
