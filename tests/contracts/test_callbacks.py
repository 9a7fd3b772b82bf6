"""Hostile consumers: what they can do to `call_back`, and others to them (docs/protocol.md S10.2)."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest

from tests.contracts.compiled import message_of
from tests.contracts.evm import Reverted, rejects
from tests.contracts.settings import ALICE, BOB, DEPLOYER, KEEPER
from tests.contracts.settlement import BOND_WEI, REWARD, PostedJob, Settlement
from truestep.base.errors import Reject

CALLBACK_GAS = 3_000_000
CODES = {
    "burns all gas": "fe",
    "loops": "5b5f56",
    "reverts": "5f5ffd",
    "returns a megabyte": "620fffff5ff3",
    "reverts with a megabyte": "620fffff5ffd",
    "destroys itself": "33ff",
}
"""Runtime code of consumers that read nothing."""
SUCCEED = {"returns a megabyte", "destroys itself"}
OVERHEAD_GAS = 120_000
"""Of a call_back besides the callback."""
SEES_GAS = "5a5f5500"
"""Keeps the gas that it had at its second instruction."""


def deploy_code(net: Settlement, code: str) -> str:
    """Deploy bare code."""
    size = len(code) // 2
    return net.evm.chain.deploy(DEPLOYER, bytes.fromhex(f"60{size:02x}8060095f395ff3{code}"))


def finished(net: Settlement, consumer: str, callback_gas: int = CALLBACK_GAS) -> PostedJob:
    """A job whose only shard is written out."""
    job = net.post(consumer=consumer, callback_gas=callback_gas)
    net.write_out(net.settle((job, 0, 1)), 0)
    return job


def arguments_of(job: PostedJob) -> tuple[Any, ...]:
    return job.job_id, astuple(job.work), astuple(job.terms)


@pytest.mark.parametrize("behaviour", CODES)
def test_a_consumer_costs_no_more_than_its_gas(behaviour: str) -> None:
    """Neither does it hold up its job: everything is final and paid before it is called."""
    net = Settlement()
    job = finished(net, deploy_code(net, CODES[behaviour]))
    assert (net.credit(ALICE), net.locked()) == (REWARD, 0)
    receipt = net.results.transact("call_back", *arguments_of(job))
    assert receipt.result == (behaviour in SUCCEED)
    assert receipt.gas <= CALLBACK_GAS + OVERHEAD_GAS
    assert net.results.call("is_called_back", job.job_id) == receipt.result
    assert net.results.call("result", job.job_id << 32)[0]
    assert (net.credit(ALICE), net.locked(), net.credit(BOB)) == (REWARD, 0, 0)


@pytest.mark.parametrize("callback_gas", [30_000, 500_000, 9_999_999])
def test_a_consumer_is_never_called_with_less(callback_gas: int) -> None:
    """Whatever gas the caller sends, it is refused or the consumer has all of its own: found by bisection."""
    net = Settlement()
    consumer = deploy_code(net, SEES_GAS)
    job = finished(net, consumer, callback_gas)
    message = message_of(net.results, "call_back", *arguments_of(job))
    chain = net.evm.chain

    def is_called(gas: int) -> bool:
        before = chain.snapshot()
        try:
            chain.message_call(KEEPER, net.results.address, message, gas=gas)
        except RuntimeError:
            return False
        finally:
            seen = chain.storage(consumer, 0)
            was_called = net.results.call("is_called_back", job.job_id)
            chain.revert(before)
        assert was_called
        assert seen == callback_gas - 2
        return True

    low, high = 21_000, 16_000_000
    assert is_called(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_called(middle) else (middle, high)
    step = max(1, callback_gas // 200)
    assert not any(is_called(gas) for gas in range(max(30_000, low - 50 * step), high, step))
    assert all(is_called(gas) for gas in range(high, high + 50 * step, step))


def test_too_little_gas_is_refused_by_name() -> None:
    net = Settlement()
    job = finished(net, deploy_code(net, SEES_GAS), 1_000_000)
    message = message_of(net.results, "call_back", *arguments_of(job))
    with pytest.raises(RuntimeError, match=Reject.CALLBACK_GAS_LOW.value.encode().hex()):
        net.evm.chain.message_call(KEEPER, net.results.address, message, gas=1_000_000)


def test_a_locked_consumer_is_called_again() -> None:
    """Whoever calls while the consumer is locked makes its callback fail, and gains nothing by it."""
    net = Settlement()
    consumer = net.double("LockedConsumer")
    job = finished(net, consumer.address, 100_000)
    message = message_of(net.results, "call_back", *arguments_of(job))
    consumer.transact("run", net.results.address, message)
    assert consumer.call("count") == 0
    assert not net.results.call("is_called_back", job.job_id)
    assert net.results.transact("call_back", *arguments_of(job)).result
    assert consumer.call("count") == 1
    with rejects(Reject.CALLBACK_DONE):
        net.results.transact("call_back", *arguments_of(job))


def test_a_consumer_that_re_enters_gains_nothing() -> None:
    """Every call that changes Results is locked during a callback; calls to others are its own affair."""
    net = Settlement()
    consumer = net.double("ConsumerDouble")
    job, other = finished(net, consumer.address), net.post(consumer=consumer.address, callback_gas=10**6)
    batch = net.settle((other, 0, 1))
    write = message_of(
        net.results, "write_out", batch.claim_id(0), astuple(batch.terms), astuple(batch.proof(0, net.posted))
    )
    again = message_of(net.results, "call_back", *arguments_of(job))
    foreign = message_of(net.results, "call_back", *arguments_of(other))
    for message in (write, again, foreign):
        before = net.evm.chain.snapshot()
        consumer.transact("feel", 4, message)
        assert net.results.transact("call_back", *arguments_of(job)).result
        assert consumer.call("was_refused")
        assert consumer.call("count") == 1
        assert not net.results.call("is_complete", other.job_id)
        net.evm.chain.revert(before)


def test_a_consumer_may_be_deployed_later() -> None:
    """Nothing is there to be called before, so nothing is spent."""
    net = Settlement()
    job = finished(net, KEEPER, 100_000)
    receipt = net.results.transact("call_back", *arguments_of(job))
    assert not receipt.result
    assert not net.results.call("is_called_back", job.job_id)
    (event,) = receipt.events
    assert event.fields == {"job_id": job.job_id, "consumer": KEEPER, "is_success": False}


def test_no_consumer_holds_up_a_batch() -> None:
    """A batch of jobs with hostile consumers is finalized, struck and refunded as any other."""
    net = Settlement()
    jobs = [net.post(consumer=deploy_code(net, code), callback_gas=CALLBACK_GAS) for code in CODES.values()]
    batch = net.take(*((job, 0, 1) for job in jobs))
    net.claim(batch)
    net.strike(batch, 0)
    net.pass_time(batch.terms.window_seconds + 1)
    net.finalize(batch)
    assert net.credit(ALICE) == (len(jobs) - 1) * REWARD
    assert net.operators.call("accounts", ALICE)[1] == 0
    assert net.evm.chain.get_balance(net.disputes.address) == BOND_WEI
    with pytest.raises(Reverted, match=Reject.CALLBACK_EARLY.value):
        net.results.transact("call_back", *arguments_of(jobs[0]))
