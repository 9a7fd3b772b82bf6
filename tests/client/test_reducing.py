"""Reducers: a job whose input is the outputs of another."""

from __future__ import annotations

import pytest

from tests.client.conftest import CYCLES_LIMIT, Network, Settle
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.client import Job, Order
from truestep.client.reducing import check_slots, reduced_input, slot_level, slot_node
from truestep.commitments.merkle import ZERO_NODES, parent, root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.program import Task
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.results import slots_root


@pytest.mark.parametrize(
    ("size_bytes", "level"), [(0, 0), (1, 0), (32, 0), (33, 1), (64, 1), (65, 2), (8192, 8), (8193, 9)]
)
def test_the_smallest_slot_that_holds_an_output(size_bytes: int, level: int) -> None:
    assert slot_level(size_bytes) == level


def test_the_input_is_what_the_chain_makes_of_the_slots() -> None:
    outputs, level = [b"a" * 40, b"", b"c" * 64], 1
    roots = [root_of_bytes(output, RANGE_LEVEL) for output in outputs]
    nodes = tuple(slot_node(output, root, level) for output, root in zip(outputs, roots, strict=True))
    content = reduced_input(outputs, level)
    assert len(content) == 3 * 64
    assert Task(input=content).input_root() == slots_root(nodes, level)


def test_an_output_that_does_not_fit_its_slot_is_refused() -> None:
    with pytest.raises(Rejected, match="larger slots") as refused:
        slot_node(bytes(33), root_of_bytes(bytes(33), RANGE_LEVEL), 0)
    assert refused.value.reason is Reject.REDUCER_SLOT


def test_an_output_with_something_behind_it_is_refused() -> None:
    hidden = parent(root_of_bytes(b"seen", RANGE_LEVEL - 1), ZERO_NODES[3])
    with pytest.raises(Rejected, match="behind its output's size") as refused:
        slot_node(b"seen", Bytes32(hidden), 0)
    assert refused.value.reason is Reject.REDUCER_SLOT


@pytest.mark.parametrize(("slot_count", "level"), [(257, 0), (256, 17), (1, 25)])
def test_slots_that_no_input_has_room_for(slot_count: int, level: int) -> None:
    with pytest.raises(Rejected) as refused:
        check_slots(slot_count, level)
    assert refused.value.reason is Reject.REDUCER_SHAPE


def test_the_largest_slots() -> None:
    check_slots(256, 16)
    check_slots(1, 24)


# --- on a network ---------------------------------------------------------------------------------


def reducer_of(network: Network, source: Job, slot_bytes: int = 0) -> Job:
    order = Order(reducer_of=source.job_id, slot_bytes=slot_bytes, max_cycles=CYCLES_LIMIT, reward_wei=100)
    return network.client.submit(network.elf, order=order)


def test_a_reducer_of_a_complete_job(network: Network, settle: Settle) -> None:
    source = settle(b"abc" * 15, 3)
    reducer = reducer_of(network, source)
    assert (reducer.record().reducer_of, reducer.record().slot_level) == (source.job_id, 1)
    assert not reducer.record().is_ready
    content = reducer.feed(network.client.chain)
    assert content == (b"ABC" * 15).ljust(64, b"\0") * 3
    assert reducer.record().is_ready
    network.do(reducer, 0)
    network.finish(reducer)
    assert reducer.outputs()[0].output == content
    assert reducer.receipt().input.size == len(content)
    with pytest.raises(Rejected) as again:
        reducer.feed(network.client.chain)
    assert again.value.reason is Reject.JOB_READY


def test_a_reducer_may_be_posted_before_its_job_is_complete(network: Network) -> None:
    chain = network.client.chain
    source = network.client.submit(network.elf, b"xy", order=Order(shard_count=2, max_cycles=CYCLES_LIMIT))
    with pytest.raises(Rejected, match="is not complete") as unknown_size:
        reducer_of(network, source)
    assert unknown_size.value.reason is Reject.REDUCER_SHAPE
    reducer = reducer_of(network, source, slot_bytes=32)
    network.do(source, 0)
    network.finish_some(source, 0)
    with pytest.raises(Rejected, match="1 of 2 are") as early:
        reducer.feed(chain)
    assert early.value.reason is Reject.NOT_WRITTEN_OUT
    network.do(source, 1)
    network.finish_some(source, 1)
    assert reducer.feed(chain) == b"XY".ljust(32, b"\0") * 2


def test_a_reducer_of_a_failed_run_is_refunded(network: Network) -> None:
    source = network.client.submit(network.elf, b"long" * 100, order=Order(max_cycles=50))
    reducer = reducer_of(network, source, slot_bytes=32)
    network.do(source, 0)
    network.finish(source)
    assert reducer.feed(network.client.chain) == b""
    assert reducer.status().count(TaskStage.REFUNDED) == 1


def test_a_reducer_has_one_shard_and_no_input(network: Network, settle: Settle) -> None:
    source = settle(b"abc" * 15, 3)
    for content, shard_count in ((b"input", 1), (b"", 2)):
        order = Order(reducer_of=source.job_id, shard_count=shard_count, max_cycles=CYCLES_LIMIT)
        with pytest.raises(Rejected) as refused:
            network.client.submit(network.elf, content, order=order)
        assert refused.value.reason is Reject.REDUCER_SHAPE


def test_only_reducers_are_fed(network: Network, settle: Settle) -> None:
    with pytest.raises(Rejected) as refused:
        settle(b"abc" * 15, 3).feed(network.client.chain)
    assert refused.value.reason is Reject.NOT_REDUCER
