"""Results.vy: proofs, what is written out, reducers, callbacks (docs/protocol.md S4.8, S4.9, S10.2)."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.compiled import message_of
from tests.contracts.evm import rejects
from tests.contracts.settings import ALICE, BOB, KEEPER
from tests.contracts.settlement import (
    BOND_WEI,
    LIFETIME_SECONDS,
    MAX_CYCLES,
    REWARD,
    WINDOW_SECONDS,
    ZERO,
    PostedJob,
    Settlement,
    TakenBatch,
    leaf_for,
)
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import ZERO_NODES, climb, root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.protocol.settlement.ids import Item
from truestep.protocol.settlement.jobs import digest_of
from truestep.protocol.settlement.records import BatchTerms, LeafProof, Work
from truestep.protocol.settlement.results import slots_root

FINAL_BIT = 1 << 255


@pytest.fixture
def net() -> Settlement:
    return Settlement()


# --- proofs ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def settled() -> tuple[Settlement, TakenBatch]:
    """Three items of two jobs, seven leaves."""
    net = Settlement()
    one, two = net.post(shard_count=40), net.post(shard_count=5, bond_multiple=2)
    return net, net.settle((one, 3, 2), (two, 1, 4), (one, 39, 1))


def check(net: Settlement, claim_id: int, terms: BatchTerms, proof: LeafProof) -> Any:
    return net.results.call("check_leaf", claim_id, astuple(terms), astuple(proof))


def test_every_leaf_is_proved(settled: tuple[Settlement, TakenBatch]) -> None:
    net, batch = settled
    for leaf in range(7):
        task_id, result = check(net, batch.claim_id(leaf), batch.terms, batch.proof(leaf, net.posted))
        assert task_id == batch.task_id(leaf)
        assert result == (True, True, 1, 0, 1_000 + leaf, 32, leaf.to_bytes(32, "big"))


def test_a_proof_of_anything_else_is_refused(settled: tuple[Settlement, TakenBatch]) -> None:
    net, batch = settled
    good, claim_id = batch.proof(3, net.posted), batch.claim_id(3)

    def refuse(
        reason: Reject, claim_id: int = claim_id, terms: BatchTerms = batch.terms, **parts: Any
    ) -> None:
        with rejects(reason):
            check(net, claim_id, terms, replace(good, **parts))

    for name, value in (("claims_root", ZERO), ("tasks_root", ZERO), ("reward", 0), ("bond_wei", 2**256 - 1)):
        refuse(Reject.BATCH_TERMS_OTHER, terms=replace(batch.terms, **{name: value}))
    refuse(Reject.JOB_OTHER, work=replace(good.work, seed=ZERO))
    refuse(Reject.JOB_OTHER, job_terms=replace(good.job_terms, requester=ALICE))
    refuse(Reject.JOB_OTHER, item=good.item ^ 1 << 64)
    refuse(Reject.ITEM_OTHER_LEAF, claim_id=batch.claim_id(1))
    refuse(Reject.ITEM_OTHER_LEAF, claim_id=batch.claim_id(6))
    refuse(Reject.ITEM_PROOF, item=good.item + (1 << 16))  # a longer item that would hold it too
    refuse(Reject.ITEM_PROOF, item=good.item + (1 << 32))  # other shards
    refuse(Reject.ITEM_PROOF, item_index=0)
    refuse(Reject.ITEM_PROOF, item_path=good.item_path[:-1])
    refuse(Reject.ITEM_PROOF, item_path=(*good.item_path, ZERO))
    refuse(Reject.ITEM_PROOF, item_path=good.item_path[::-1])
    refuse(Reject.LEAF_PROOF, claim_id=batch.claim_id(4))
    refuse(Reject.LEAF_PROOF, leaf=replace(good.leaf, head=good.leaf.head + 1))
    refuse(Reject.LEAF_PROOF, leaf=replace(good.leaf, left_root=ZERO))
    refuse(Reject.LEAF_PROOF, leaf_path=good.leaf_path[:-1])
    refuse(Reject.LEAF_PROOF, leaf_path=(*good.leaf_path, ZERO))
    refuse(Reject.LEAF_NOT_FINAL, claim_id=batch.claim_id(7))
    refuse(Reject.LEAF_NOT_FINAL, claim_id=2**256 - 1)
    check(net, claim_id, batch.terms, good)


def test_an_inner_node_is_no_item(net: Settlement) -> None:
    """Nodes and leaves hash 64 bytes alike; an item that is half a node fails: its job has no digest."""
    batch = net.settle(*((net.post(), 0, 1) for _ in range(3)))
    proof = batch.proof(2, net.posted)
    path = proof.item_path[1:]  # the parent of the last item and a zero leaf
    with rejects(Reject.JOB_OTHER):
        check(net, batch.claim_id(2), batch.terms, replace(proof, item=2**255 | 1 << 16 | 2, item_path=path))


def test_a_leaf_that_waits_or_is_struck_proves_nothing(net: Settlement) -> None:
    batch = net.take((net.post(shard_count=4), 0, 4))
    net.claim(batch)
    with rejects(Reject.LEAF_NOT_FINAL):
        net.write_out(batch, 3)
    net.strike(batch, 1)
    net.disputes.transact("hold", batch.batch_id, 4)
    net.pass_time(WINDOW_SECONDS + 1)
    net.finalize(batch, has_items=True)
    for leaf in (1, 2):
        with rejects(Reject.LEAF_NOT_FINAL):
            net.write_out(batch, leaf)
    net.disputes.transact("hold", batch.batch_id, 0)
    net.finalize_leaf(batch, 2)
    net.write_out(batch, 2)


# --- written out ----------------------------------------------------------------------------------


def test_results_are_written_out_once(net: Settlement) -> None:
    job = net.post(shard_count=2)
    batch = net.settle((job, 0, 2), leaves=[leaf_for(0), leaf_for(1, status=2, code=7)])
    assert net.results.call("result", batch.task_id(0)) == (False, False, 0, 0, 0, 0, ZERO)
    (event,) = net.write_out(batch, 1).events
    outcome = FINAL_BIT | batch.leaves[1].head
    assert event.fields["outcome"] == outcome
    assert event.fields["task_id"] == batch.task_id(1)
    assert net.results.call("result", batch.task_id(1)) == (
        (True, False, 2, 7, 1_001, 32, (1).to_bytes(32, "big"))
    )
    assert net.write_out(batch, 1).events == []
    assert not net.results.call("is_complete", job.job_id)
    net.write_out(batch, 0)
    assert net.results.call("is_complete", job.job_id)
    assert net.results.call("final_count", job.job_id) == 2


@pytest.mark.parametrize(
    ("status", "code", "output_size", "is_accepted"),
    [(1, 0, 0, True), (1, 0, 2**29, True), (1, 0, 2**29 + 1, False), (1, 1, 0, False), (2, 0, 0, False)],
)
def test_which_results_are_accepted(
    net: Settlement, status: int, code: int, output_size: int, *, is_accepted: bool
) -> None:
    leaf = leaf_for(0, status=status, code=code, output_size=output_size)
    batch = net.settle((net.post(), 0, 1), leaves=[leaf])
    net.write_out(batch, 0)
    assert net.results.call("result", batch.task_id(0))[:2] == (True, is_accepted)


def test_a_running_leaf_is_final_and_not_accepted(net: Settlement) -> None:
    leaf = leaf_for(0, status=0, cycle=MAX_CYCLES, output_size=0)
    batch = net.settle((net.post(), 0, 1), leaves=[leaf])
    net.write_out(batch, 0)
    assert net.results.call("result", batch.task_id(0))[:3] == (True, False, 0)
    assert not net.results.call("check_output", batch.task_id(0), b"")


@pytest.mark.parametrize("size", [0, 1, 32, 33, 8_192])
def test_outputs_are_checked(net: Settlement, size: int) -> None:
    output = bytes(range(1, 256)) * 33
    output = output[:size]
    leaf = leaf_for(0, output_size=size, output_root=root_of_bytes(output, RANGE_LEVEL))
    batch = net.settle((net.post(), 0, 1), leaves=[leaf])
    assert not net.results.call("check_output", batch.task_id(0), output)
    net.write_out(batch, 0)
    assert net.results.call("check_output", batch.task_id(0), output)
    for wrong in (output + b"\0", output[:-1], output[:-1] + b"\0"):
        if wrong != output and len(wrong) <= 8_192:
            assert not net.results.call("check_output", batch.task_id(0), wrong)


# --- reducers -------------------------------------------------------------------------------------


def outputs_for(nodes: list[Bytes32], depth: int) -> list[Any]:
    """Leaves whose outputs fit slots of 2^depth leaves with these nodes."""
    roots = [climb(node, 0, ZERO_NODES[depth:RANGE_LEVEL]) for node in nodes]
    return [leaf_for(number, output_root=root) for number, root in enumerate(roots)]


def post_reducer(net: Settlement, source: PostedJob, depth: int, **changes: Any) -> PostedJob:
    return net.post(reducer_of=source.job_id << 8 | depth, input_root=source.digest, input_size=0, **changes)


def feed(net: Settlement, job: PostedJob, nodes: list[Bytes32]) -> Any:
    arguments = (job.job_id, astuple(job.work), astuple(job.terms), nodes)
    return net.results.transact("feed", *arguments, sender=KEEPER)


@settings(max_examples=8, deadline=None)
@given(count=st.sampled_from([1, 2, 3, 5, 31, 40]), depth=st.sampled_from([0, 1, 8, 18]))
def test_a_reducer_s_input_is_the_outputs_in_a_row(count: int, depth: int) -> None:
    net = Settlement()
    source = net.post(shard_count=count)
    nodes = [Bytes32(bytes([number + 1]) * 32) for number in range(count)]
    reducer = post_reducer(net, source, depth)
    with rejects(Reject.JOB_WAITS):
        net.take((reducer, 0, 1))
    batch = net.settle((source, 0, count), leaves=outputs_for(nodes, depth))
    for leaf in range(count):
        with rejects(Reject.NOT_WRITTEN_OUT):
            feed(net, reducer, nodes)
        net.write_out(batch, leaf)
    for wrong in ([], nodes[:-1], [*nodes, ZERO]):
        with rejects(Reject.REDUCER_SLOTS):
            feed(net, reducer, wrong)
    with rejects(Reject.REDUCER_SLOT):
        feed(net, reducer, [*nodes[:-1], ZERO])
    (event,) = feed(net, reducer, nodes).events
    root = slots_root(tuple(nodes), depth)
    size = count * 32 << depth
    if depth == 0:
        assert root == root_of_bytes(b"".join(nodes), RANGE_LEVEL)
    fed = replace(reducer.work, input_root=root, input_size=size)
    digest = net.jobs.call("job_digests", reducer.job_id)
    assert event.fields == {
        "job_id": reducer.job_id,
        "job_digest": digest,
        "input_root": root,
        "input_size": size,
    }
    assert digest == _digest(net, reducer, fed)
    with rejects(Reject.JOB_OTHER):
        feed(net, reducer, nodes)
    fed_reducer = replace_job(net, reducer, fed, digest)
    with rejects(Reject.JOB_READY):
        feed(net, fed_reducer, nodes)
    final = net.settle((fed_reducer, 0, 1))
    net.write_out(final, 0)


def _digest(net: Settlement, job: PostedJob, work: Work) -> bytes:
    class Deployed:
        chain_id = 1
        jobs = net.jobs.address

    return digest_of(Deployed, job.job_id, work, job.terms)  # type: ignore[arg-type]


def replace_job(net: Settlement, job: PostedJob, work: Work, digest: bytes) -> PostedJob:
    changed = replace(job, work=work, digest=Bytes32(digest))
    net.posted[job.job_id] = changed
    return changed


@pytest.mark.parametrize("is_fed_first", [False, True])
def test_a_reducer_may_wait_for_its_input_and_for_its_data(is_fed_first: bool) -> None:
    """Its policy sees the digest change that it supplies, in either order (S8.3)."""
    net = Settlement()
    policy = net.double("QuorumDouble")
    policy.transact("wait")
    net.by_owner(net.assurances, "add", policy.address, 2)
    node = Bytes32(b"n" * 32)
    source = net.post()
    reducer = post_reducer(net, source, 3, policy=2)
    net.write_out(net.settle((source, 0, 1), leaves=outputs_for([node], 3)), 0)

    def supply(digest: bytes) -> None:
        message = message_of(net.assurances, "supply", reducer.job_id, digest)
        policy.transact("forward", net.assurances.address, message)

    if not is_fed_first:
        supply(reducer.digest)
        with rejects(Reject.JOB_READY):
            supply(reducer.digest)
        with rejects(Reject.JOB_WAITS):
            net.take((reducer, 0, 1))
    feed(net, reducer, [node])
    fed = replace(reducer.work, input_root=slots_root((node,), 3), input_size=32 << 3)
    digest = net.jobs.call("job_digests", reducer.job_id)
    if is_fed_first:
        with rejects(Reject.JOB_WAITS):
            net.take((replace_job(net, reducer, fed, digest), 0, 1))
        with rejects(Reject.JOB_OTHER):
            supply(reducer.digest)
        supply(digest)
    net.take((replace_job(net, reducer, fed, digest), 0, 1))


def test_a_reducer_of_a_failed_shard_is_refunded(net: Settlement) -> None:
    source = net.post(shard_count=3)
    reducer = post_reducer(net, source, 3, reward=77)
    batch = net.settle((source, 0, 3), leaves=[leaf_for(0), leaf_for(1, code=1), leaf_for(2)])
    net.write_out(batch, 0)
    with rejects(Reject.REDUCER_SLOTS):
        feed(net, reducer, [])
    net.write_out(batch, 1)
    feed(net, reducer, [])
    assert net.credit(BOB) == 77
    with rejects(Reject.NOTHING_TO_RECLAIM):
        feed(net, reducer, [])


def test_a_reducer_that_is_never_fed_is_reclaimed(net: Settlement) -> None:
    reducer = post_reducer(net, net.post(), 0)
    arguments = (reducer.job_id, astuple(reducer.work), astuple(reducer.terms), [0])
    net.pass_time(LIFETIME_SECONDS)
    net.jobs.transact("cancel", *arguments, sender=KEEPER)
    assert net.credit(BOB) == REWARD


def test_reducers_have_a_shape(net: Settlement) -> None:
    source, wide = net.post(shard_count=256), net.post(shard_count=257)
    reducer_of = source.job_id << 8
    for changes in (
        {"reducer_of": reducer_of, "shard_count": 2},
        {"reducer_of": reducer_of, "input_size": 1},
        {"reducer_of": wide.job_id << 8, "input_root": wide.digest},
        {"reducer_of": reducer_of | 17},  # 256 slots of 2^17 leaves are more than an input holds
        {"reducer_of": reducer_of | 255},
    ):
        with rejects(Reject.REDUCER_SHAPE):
            net.post(BOB, **({"input_root": source.digest, "input_size": 0} | changes))
    for root in (ZERO, wide.digest):
        with rejects(Reject.JOB_OTHER):
            post_reducer(net, replace(source, digest=root), 0)
    post_reducer(net, source, 16)
    with rejects(Reject.NOT_REDUCER):
        feed(net, source, [])
    with rejects(Reject.JOB_OTHER):
        feed(net, replace(source, job_id=wide.job_id), [])
    with rejects(Reject.NOT_RESULTS):
        net.jobs.transact("resolve", 3, ZERO)


# --- callbacks ------------------------------------------------------------------------------------


def call_back(net: Settlement, job: PostedJob) -> Any:
    return net.results.transact("call_back", job.job_id, astuple(job.work), astuple(job.terms))


@pytest.mark.parametrize(("mood", "is_success"), [(0, True), (1, False), (2, False), (3, False), (4, True)])
def test_whatever_a_consumer_does_it_is_told_once(net: Settlement, mood: int, *, is_success: bool) -> None:
    consumer = net.double("ConsumerDouble")
    job = net.post(shard_count=2, consumer=consumer.address, callback_gas=300_000)
    message = message_of(net.results, "call_back", job.job_id, astuple(job.work), astuple(job.terms))
    consumer.transact("feel", mood, message)
    batch = net.settle((job, 0, 2))
    net.write_out(batch, 0)
    with rejects(Reject.CALLBACK_EARLY):
        call_back(net, job)
    net.write_out(batch, 1)
    receipt = call_back(net, job)
    assert receipt.result == is_success
    (event,) = receipt.events
    assert event.fields == {"job_id": job.job_id, "consumer": consumer.address, "is_success": is_success}
    assert receipt.gas < 400_000
    assert consumer.call("was_refused") == (mood == 4)
    assert net.results.call("is_called_back", job.job_id) == is_success
    if not is_success:  # whoever made it fail has gained nothing
        consumer.transact("feel", 0, b"")
        assert call_back(net, job).result
    with rejects(Reject.CALLBACK_DONE):
        call_back(net, job)
    assert consumer.call("count") == 1
    assert consumer.call("gas_seen") > 300_000 - 1_000


def test_jobs_without_a_consumer_are_not_called_back(net: Settlement) -> None:
    job = net.post()
    net.write_out(net.settle((job, 0, 1)), 0)
    with rejects(Reject.NO_CONSUMER):
        call_back(net, job)
    with rejects(Reject.JOB_OTHER):
        call_back(net, replace(job, terms=replace(job.terms, consumer=KEEPER)))


def test_a_callback_gets_the_gas_that_its_job_names(net: Settlement) -> None:
    """Nobody can starve a consumer by sending too little."""
    consumer = net.double("ConsumerDouble")
    job = net.post(consumer=consumer.address, callback_gas=300_000)
    net.write_out(net.settle((job, 0, 1)), 0)
    message = message_of(net.results, "call_back", job.job_id, astuple(job.work), astuple(job.terms))
    starver = net.double("Starver")
    for gas in range(310_000, 400_000, 500):
        starver.transact("send", net.results.address, message, gas)
        assert starver.call("was_done") == net.results.call("is_called_back", job.job_id)
        if starver.call("was_done"):
            break
    assert consumer.call("count") == 1
    assert consumer.call("gas_seen") > 300_000 - 1_000


def test_struck_leaves_of_other_batches_do_not_count(net: Settlement) -> None:
    """A shard that was struck is taken again, and only its second result is ever written out."""
    job = net.post(shard_count=3)
    first = net.take((job, 0, 3))
    net.claim(first)
    net.strike(first, 1, BOND_WEI)
    second = net.settle((job, 1, 1), leaves=[leaf_for(9)])
    net.finalize(first)
    for leaf in (0, 2):
        net.write_out(first, leaf)
    with rejects(Reject.LEAF_NOT_FINAL):
        net.write_out(first, 1)
    net.write_out(second, 0)
    assert net.results.call("is_complete", job.job_id)
    assert net.results.call("result", job.job_id << 32 | 1)[4] == 1_009
    item = Item(job_id=job.job_id, first_shard=1, count=1, offset=0).pack()
    assert second.items == [item]
