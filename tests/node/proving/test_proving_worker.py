"""A worker proves its claims by itself, whenever it is killed and whatever its prover does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.chains import lent_devnet
from tests.crash.mortals import TIMELESS, Executioner, Killed, Mortal, MortalStore, deed
from tests.e2e.keepers import RULES
from tests.e2e.network import (
    ELF,
    INPUT,
    MAX_CYCLES,
    REWARD_WEI,
    Log,
    Network,
    WatchedProvider,
    expected_output,
    open_network,
)
from tests.e2e.test_validity import KEY, SOUND, Governance
from tests.protocol.validity.world import seal_of
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32, JobId, task_of
from truestep.circuits.processes import Limits, run_tool
from truestep.client import Client, Order, verifiers
from truestep.client.disclosure import disclose
from truestep.client.receipt import Receipt, parse_receipt
from truestep.client.receipt_proofs import proof_warnings
from truestep.client.verification import check_chain, check_contents
from truestep.machine.elf import load_elf
from truestep.node.proving.desk import FAILURE_LIMIT, SEALS
from truestep.ports.executor import ShouldStop, Stopped
from truestep.ports.proving import CannotProve, SealOrder, Tell
from truestep.protocol.settlement.programs import named_program
from truestep.protocol.validity.statements import leaf_statement

SELECTOR = b"\xa1\xa1\xa1\xa1"
PROGRAM = load_elf(ELF)
PROGRAM_HASH = named_program(PROGRAM.root(), PROGRAM.entry, MAX_CYCLES)
ORDER = Order(is_proven=True, reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, lease_seconds=300)
WAIT_SECONDS = 700
"""Longer than any pause of the desk."""


@dataclass
class ScriptedProver:
    """Satisfies `Prover`: makes the proofs of the tests' verifiers, unless the script has something else."""

    script: list[BaseException] = field(default_factory=list)
    orders: list[SealOrder] = field(default_factory=list)
    contents: set[bytes] = field(default_factory=set)

    @property
    def circuits(self) -> Mapping[Bytes32, int]:
        return {KEY: len(INPUT)}

    def seal(self, order: SealOrder, content: bytes, should_stop: ShouldStop, tell: Tell) -> bytes:
        del should_stop
        self.orders.append(order)
        self.contents.add(content)
        tell("proving 12 gates")
        if self.script:
            raise self.script.pop(0)
        statement = leaf_statement(
            order.chain_id, order.jobs, order.task_id, order.work, order.terms, order.leaf
        )
        return seal_of(SELECTOR, order.key_digest, statement)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """A network that believes the tests' proofs of the guest."""
    with lent_devnet() as devnet:
        opened = open_network(devnet, tmp_path, kept_by=RULES, has_proofs=True)
        governance = Governance(opened)
        governance.add(governance.verifier(SELECTOR, SOUND), SELECTOR, 1, PROGRAM_HASH)
        yield opened
        opened.close()


def post(network: Network) -> JobId:
    return Client(network.requester, network.blobs, network.deployment).submit(ELF, INPUT, order=ORDER).job_id


def proofs(network: Network) -> int:
    return len(network.requester.facts().proofs)


def test_it_takes_what_it_can_prove_and_proves_it(network: Network) -> None:
    job_id, log, prover = post(network), Log(), ScriptedProver()
    worker = network.worker("worker", network.store("worker"), log, prover=prover)
    network.drive([worker], lambda: "prove_landed" in log.kinds())
    assert network.is_final(job_id)
    assert verifiers.standing_claim(network.requester, task_of(job_id, 0)).proven_by == 1
    assert (len(prover.orders), prover.contents) == (1, {INPUT})
    words = "\n".join(message for _, message in log.lines)
    assert "job 1 shard 0: proving 12 gates" in words and "is proven by entry 1" in words
    assert network.stores["worker"].rows(SEALS)
    network.drive([worker], lambda: not network.stores["worker"].rows(SEALS))
    assert len(prover.orders) == 1
    _check_receipt(network, job_id)


def _check_receipt(network: Network, job_id: JobId) -> None:
    """The receipt of a proven job says how it was proven; a flipped field is noticed."""
    held = Client(network.requester, network.blobs, network.deployment).job(job_id).receipt()
    assert held.proofs is not None
    (part,) = held.proofs
    assert (held.version, part.system, part.version, part.bits) == (4, "test proofs", None, 100)
    seal = seal_of(SELECTOR, KEY, bytes.fromhex(part.statement))
    assert part.seal == seal.hex() and parse_receipt(held.to_json()) == held
    assert _wrong(held, network) == []
    assert "does not know the system" in proof_warnings(held)[0]
    shown = disclose(held, 0, expected_output(0), [(0, 1)]).receipt
    assert (shown.proofs, shown.version) == (None, 2)  # a seal may hold input and output
    text = json.loads(held.to_json())
    others: dict[str, Any] = {"shard_index": 1, "entry": 2, "system": "x", "version": "x", "bits": 99}
    others |= dict.fromkeys(("key_digest", "program_hash", "statement", "proven_transaction"), "00" * 32)
    others |= {"verifier": "0x" + "00" * 20, "selector": "00" * 4, "seal": SELECTOR.hex(), "proven_block": 1}
    others |= {"verification_key": "00", "key": "production"}
    for name in type(part).model_fields:
        flipped = text | {"proofs": [text["proofs"][0] | {name: others.pop(name)}]}
        assert _wrong(parse_receipt(json.dumps(flipped)), network), name
    foreign = {"selector": "73c457ba", "seal": "73c457ba" + "00" * 256, "version": "RISC Zero 3.0"}
    forged = parse_receipt(json.dumps(text | {"proofs": [text["proofs"][0] | foreign]}))
    assert [each.name for each in check_contents(forged) if not each.passed] == ["shard 0: the proof holds"]
    for change in ({"version": 2}, {"proofs": None}, {"version": 3}, {"proofs": None, "version": 4}):
        with pytest.raises(Rejected, match="has proofs if its version is 4"):
            parse_receipt(json.dumps(text | change))
    bare = text | {"version": 2}
    del bare["proofs"]
    assert _wrong(parse_receipt(json.dumps(bare)), network) == []  # what older releases write is true still


def _wrong(held: Receipt, network: Network) -> list[str]:
    checks = [*check_contents(held), *check_chain(held, network.requester)]
    return [check.name for check in checks if not check.passed]


def test_it_does_not_take_what_it_cannot_prove(network: Network) -> None:
    client, log = Client(network.requester, network.blobs, network.deployment), Log()
    client.submit(ELF, INPUT, order=ORDER)
    worker = network.worker("worker", network.store("worker"), log, prover=ScriptedProver())
    unable_ones = ("other", OtherProver(), "--prove MODEL"), ("small", SmallProver(), "models take 99")
    for name, unable, said in unable_ones:
        log.lines.clear()
        daemon = network.worker(name, network.store(name), log, prover=unable)
        network.drive([daemon], lambda: "declined" in log.kinds())
        assert any(said in message for _, message in log.lines)
        assert "take_sent" not in log.kinds()
    network.drive([worker], lambda: proofs(network) == 1)


def test_it_takes_no_more_than_it_can_prove_in_time(network: Network) -> None:
    """One proof takes a third of a window here, so a second job waits until the first claim is proven."""
    seconds = network.requester.parameters().window_seconds / 3
    jobs, log, store = [post(network), post(network)], Log(), network.store("worker")
    worker = network.worker("worker", store, log, prover=ScriptedProver(), proof_seconds=seconds)
    network.drive([worker], lambda: all(map(network.is_final, jobs)))
    takes = [message for kind, message in log.lines if kind == "take_sent"]
    assert len(takes) == 2 and log.kinds().index("prove_landed") < _last(log.kinds(), "take_sent")


def _last(kinds: list[str], kind: str) -> int:
    return max(index for index, each in enumerate(kinds) if each == kind)


class OtherProver(ScriptedProver):
    """Has circuits that no entry names."""

    @property
    def circuits(self) -> Mapping[Bytes32, int]:
        return {Bytes32(b"o" * 32): len(INPUT)}


class SmallProver(ScriptedProver):
    """Its model takes less input: the run of this job would fail, and could not be proven."""

    @property
    def circuits(self) -> Mapping[Bytes32, int]:
        return {KEY: len(INPUT) - 1}


def test_a_prover_that_fails_is_tried_again_and_one_that_refuses_is_given_up(network: Network) -> None:
    job_id, log = post(network), Log()
    prover = ScriptedProver([Unavailable("it took 9 GiB of memory"), CannotProve("not this model's output")])
    worker = network.worker("worker", network.store("worker"), log, prover=prover)

    def tick(is_over: Callable[[], bool]) -> None:
        for _ in range(60):
            if is_over():
                return
            worker.tick()
            network.clock.seconds += WAIT_SECONDS if "proof_failed" in log.kinds() else 1
        raise AssertionError("not over")

    tick(lambda: network.is_final(job_id))
    assert len(prover.orders) == 3 and log.kinds().count("proof_failed") == 2
    second, log.lines[:] = post(network), []
    prover.script = [CannotProve("not this model's output")] * (FAILURE_LIMIT + 9)
    tick(lambda: "unprovable" in log.kinds())
    assert len(prover.orders) == 3 + FAILURE_LIMIT
    said = next(message for kind, message in log.lines if kind == "unprovable")
    assert "not this model's output" in said and "truestep verifiers prove" in said
    assert not network.is_final(second)


BOUNDARIES = "before a write", "after a write", "before a send", "after a send"


def test_a_kill_at_any_instant_loses_no_proof(network: Network) -> None:
    """Killed at every boundary of one kind, and twice while the prover works, it sends one proof."""
    network.policy = TIMELESS
    for boundary in BOUNDARIES:
        die_and_prove(network, boundary)


def die_and_prove(network: Network, boundary: str) -> None:
    job_id, log, executioner = post(network), Log(), Executioner(boundary=boundary)
    prover, node = ScriptedProver([Killed(), Killed()]), network.devnet.node

    def start() -> object:
        reach = executioner.reach
        network.node = WatchedProvider(
            node,
            before=lambda method: reach(f"before {deed(method)}"),
            after=lambda method: reach(f"after {deed(method)}"),
        )
        store = MortalStore(network.store(boundary), executioner)
        return network.worker(boundary, store, log, prover=prover)

    network.chain(boundary, network.store(boundary))
    worker = Mortal(start, network.clock)  # type: ignore[arg-type]
    worker.tick()
    executioner.is_armed = True
    network.drive([worker], lambda: network.is_final(job_id), rounds=900, idle_limit=24)
    for _ in range(24):
        worker.tick()
    executioner.is_armed = False
    assert executioner.kills >= 2
    assert verifiers.standing_claim(network.requester, task_of(job_id, 0)).proven_by == 1
    assert log.kinds().count("prove_reverted") == 0
    most = 4 if "write" in boundary else 3
    assert 3 <= len(prover.orders) <= most  # one more if it died before the proof was in the store


def test_a_tool_ends_when_it_should_stop(tmp_path: Path) -> None:
    """Cancelled work leaves no process behind, and is no failure."""
    limits = Limits(seconds=60, memory_bytes=1 << 30)
    ended: list[BaseException] = []

    def perform(item: object, should_stop: ShouldStop) -> object:
        del item
        return run_tool("sleep", ["/bin/sleep", "60"], tmp_path, limits, should_stop)

    executor = ThreadExecutor(1, perform)
    assert executor.start("proof", object())
    executor.ask_to_stop("proof")
    deadline = time.monotonic() + 10
    while not ended and time.monotonic() < deadline:
        ended += [each.error for each in executor.collect() if each.error is not None]
        time.sleep(0.01)
    assert [type(each) for each in ended] == [Stopped]
    assert limits.within(Limits(seconds=5, memory_bytes=2 << 30)) == Limits(seconds=5, memory_bytes=1 << 30)
