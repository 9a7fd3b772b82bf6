"""Proofs from end to end: an honest one is final at once; the network stops an unsound verifier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from web3 import Account, Web3

from tests.chains import lent_devnet
from tests.contracts.compiled import call_bytes, compile_folder
from tests.e2e.keepers import RULES
from tests.e2e.network import (
    COIN_WEI,
    ELF,
    INPUT,
    MAX_CYCLES,
    REWARD_WEI,
    Log,
    Network,
    expected_output,
    open_network,
)
from tests.protocol.validity.world import seal_of
from truestep.adapters.chain.connection import connect
from truestep.adapters.keystore import create_keystore
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, BatchId, Bytes32, JobId, claim_of, task_of
from truestep.cli.failure import Failure
from truestep.cli.main import app
from truestep.cli.row_seals import standing_part
from truestep.client import Client, Order, verifiers
from truestep.client.job_calls import reclaim
from truestep.client.verification import check_chain, check_contents
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import load_artifact
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.protocol import events
from truestep.protocol.deployment.validity import POLICY
from truestep.protocol.records import GameStage, TaskStage
from truestep.protocol.settlement.facts.due import Action
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber, Selector
from truestep.protocol.validity.statements import statement_of_many
from truestep.simulation.faulty_engine import Fault, FaultyEngine

DOUBLES = Path(__file__).parents[1] / "contracts" / "doubles"
DAY_SECONDS = 86_400
SOUND, UNSOUND = 0, 1
SOON_SECONDS = 7
"""Until nodes look again for what is left to do."""
KEY = Bytes32(b"k" * 32)
ANY_PROGRAM = Bytes32(bytes(32))
FAULT = Fault(cycle=371, address=OUTPUT_START + 3, mask=0x10)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """A network that believes proofs, on anvil where it is installed."""
    with lent_devnet() as devnet:
        opened = open_network(devnet, tmp_path, kept_by=RULES, has_proofs=True)
        yield opened
        opened.close()


class Governance:
    """Who owns the timelock: deploys verifiers and adds entries, after the delay."""

    def __init__(self, network: Network) -> None:
        self.network, self.web3 = network, connect(network.devnet.node)
        self.account: Any = Account.from_key(keccak256(b"deployer"))

    def send(self, to: str | None, payload: bytes) -> Any:
        """A transaction of the owner's; its receipt."""
        fields: dict[str, Any] = {
            "from": self.account.address,
            "nonce": self.web3.eth.get_transaction_count(self.account.address),
            "gas": 5_000_000,
            "gasPrice": 10**10,
            "chainId": self.network.deployment.chain_id,
            "data": payload,
            **({"to": Web3.to_checksum_address(to)} if to else {}),
        }
        signed = self.account.sign_transaction(fields)
        name = self.web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = self.web3.eth.wait_for_transaction_receipt(name, timeout=60)
        assert receipt["status"] == 1
        return receipt

    def verifier(self, selector: bytes, mood: int) -> Address:
        """A verifier of tests that accepts hashes, or everything."""
        artifact = compile_folder(DOUBLES)["VerifierDouble"]
        receipt = self.send(None, artifact.bytecode + selector.ljust(32, b"\0"))
        address = str(receipt["contractAddress"])
        self.send(address, call_bytes(artifact, "set_mood", mood))
        return Address(address)

    def add(
        self, verifier: Address, selector: bytes, number: int, program_hash: Bytes32 = ANY_PROGRAM
    ) -> EntryNumber:
        """Let an entry be believed."""
        now = self.network.requester.head().time_seconds
        entry = Entry(
            verifier=verifier,
            selector=Selector(selector),
            key_digest=KEY,
            program_hash=program_hash,
            system="test proofs",
            bits=100,
            value_cap_wei=10 * COIN_WEI,
            least_bond_wei=0,
            gas_limit=300_000,
            active_from=0,
            active_until=now + 10**8,
        )
        address, timelock = self.network.deployment.address, load_artifact("Timelock")
        added = call_bytes(load_artifact("Verifiers"), "add", astuple(entry), number)
        action = (address("Verifiers"), added, bytes(32))
        self.send(address("Timelock"), call_bytes(timelock, "announce", *action))
        self.network.devnet.advance(DAY_SECONDS + 1)
        self.send(address("Timelock"), call_bytes(timelock, "execute", *action))
        return EntryNumber(number)


def seal(network: Network, job_id: JobId, selector: bytes) -> bytes:
    """A proof of the claim on a job's shard, as a sound verifier takes it."""
    claim = verifiers.standing_claim(network.requester, task_of(job_id, 0))
    return seal_of(selector, KEY, claim.statement)


def wealth(network: Network) -> int:
    """The coins of the requester, who has posted nothing."""
    return network.requester.balances(network.account("requester")).wallet_wei


def test_an_honest_proof_is_final_at_once(network: Network) -> None:
    governance, selector = Governance(network), b"\xa1\xa1\xa1\xa1"
    order, log = Order(is_proven=True, reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, lease_seconds=300), Log()
    client = Client(network.requester, network.blobs, network.deployment)
    before_wei, programs = wealth(network), network.requester.facts().programs
    with pytest.raises(Rejected, match="it has none yet"):
        client.submit(ELF, INPUT, order=order)
    entry = governance.add(governance.verifier(selector, SOUND), selector, 1)
    for other in (replace(order, system="SP1"), replace(order, bond_multiple=10)):
        with pytest.raises(Rejected, match="Nothing was sent"):
            client.submit(ELF, INPUT, order=other)
    assert (wealth(network), network.requester.facts().programs) == (before_wei, programs)
    job_id = client.submit(ELF, INPUT, order=order).job_id
    task_id = task_of(job_id, 0)
    unwilling = network.worker("unwilling", network.store("unwilling"), log)
    network.drive([unwilling], lambda: "declined" in log.kinds())
    assert not network.told(events.TaskTaken)
    worker = network.worker("worker", network.store("worker"), log, takes_unproven=True)
    network.drive([worker], lambda: "claim_landed" in log.kinds())
    with pytest.raises(Rejected, match="no final result"):
        network.requester.evidence(task_id)
    with pytest.raises(Rejected, match="verifier refuses"):
        verifiers.prove(network.requester, task_id, entry, seal(network, job_id, selector)[:-1] + b"\0")
    verifiers.prove(network.requester, task_id, entry, seal(network, job_id, selector))
    assert network.is_final(job_id) and not network.told(
        events.TaskFinalized
    )  # for consumers, and no payment
    assert network.output(task_id) == expected_output(0)
    assert verifiers.standing_claim(network.requester, task_id).proven_by == entry
    network.drive([worker], lambda: bool(network.told(events.TaskFinalized)))
    assert network.is_final(job_id)


def test_the_claims_of_two_shards_are_final_by_one_proof(network: Network) -> None:
    governance, selector = Governance(network), b"\xa1\xa1\xa1\xa1"
    entry, log = governance.add(governance.verifier(selector, SOUND), selector, 1), Log()
    client = Client(network.requester, network.blobs, network.deployment)
    order = Order(
        is_proven=True, reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, lease_seconds=300, shard_count=2
    )
    job_id = client.submit(ELF, INPUT, order=order).job_id
    tasks = [task_of(job_id, shard) for shard in range(2)]
    with pytest.raises(Failure, match=r"none that can be proven: 0 \(open\), 1 \(open\)"):
        standing_part(network.requester, tasks[0], 2)
    worker = network.worker("worker", network.store("worker"), log, takes_unproven=True)
    network.drive([worker], lambda: "claim_landed" in log.kinds())
    found, seconds_left = standing_part(network.requester, tasks[0], 2)
    assert [claim.task_id for claim in found] == tasks and seconds_left > 0
    claims = [verifiers.standing_claim(network.requester, task_id) for task_id in tasks]
    facts = network.requester.facts()
    statement = statement_of_many(
        facts.deployment.chain_id,
        facts.deployment.jobs,
        claims[0].job_digest,
        first_shard=0,
        leaves=[claim.leaf for claim in claims],
    )
    whole = seal_of(selector, KEY, statement)
    for first, count, sealed in ((1, 2, whole), (0, 2, seal(network, job_id, selector)), (0, 4, whole)):
        with pytest.raises(Rejected):
            verifiers.prove_many(network.requester, tasks[first], count, entry, sealed)
    verifiers.prove_many(network.requester, tasks[0], 2, entry, whole)
    with pytest.raises(Failure, match="all of these shards of job 1 are proven"):
        standing_part(network.requester, tasks[0], 2)
    assert network.is_final(job_id)
    for shard, task_id in enumerate(tasks):
        assert verifiers.standing_claim(network.requester, task_id).proven_by == entry
        assert network.output(task_id) == expected_output(shard)
    network.drive([worker], lambda: len(network.told(events.TaskFinalized)) == 2)
    receipt = client.job(job_id).receipt()
    assert receipt.proofs is not None
    assert {part.statement for part in receipt.proofs} == {statement.hex()}
    checks = [*check_contents(receipt), *check_chain(receipt, network.requester)]
    assert [check.name for check in checks if not check.passed] == []


def test_claims_that_no_proof_of_many_is_of_are_named(network: Network) -> None:
    """Those that begin at an odd leaf of their batch, and those whose window is over."""
    governance, selector, log = Governance(network), b"\xa1\xa1\xa1\xa1", Log()
    governance.add(governance.verifier(selector, SOUND), selector, 1)
    client = Client(network.requester, network.blobs, network.deployment)
    order = Order(is_proven=True, reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, lease_seconds=300)
    client.submit(ELF, INPUT, order=order)
    task_id = task_of(client.submit(ELF, INPUT, order=replace(order, shard_count=2)).job_id, 0)
    worker = network.worker("worker", network.store("worker"), log, takes_unproven=True)
    network.drive([worker], lambda: "claim_landed" in log.kinds())
    with pytest.raises(Failure, match="they begin at leaf 1 of their batch"):
        standing_part(network.requester, task_id, 2)
    network.devnet.advance(network.deployment.rules.window_seconds + 1)
    with pytest.raises(Failure, match="the window of these claims is over"):
        standing_part(network.requester, task_id, 2)


def test_an_unsound_verifier_is_stopped_by_whoever_challenges_its_lie(network: Network) -> None:
    governance, selector = Governance(network), b"\xb2\xb2\xb2\xb2"
    planted = governance.add(governance.verifier(selector, UNSOUND), selector, 1)
    job_id, log = network.post(policy=POLICY), Log()
    task_id = task_of(job_id, 0)
    engine = FaultyEngine(ReferenceEngine(), FAULT)
    liar = network.worker("liar", network.store("liar"), log, engine, takes_unproven=True)
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    verifiers.prove(network.requester, task_id, planted, selector)
    assert network.requester.evidence(task_id).proof.leaf.output_root  # consumers believe the lie
    challenger = network.challenger("challenger", network.store("challenger"), log)

    def is_stopped() -> bool:
        return verifiers.entries(network.requester)[0].state is verifiers.EntryState.STOPPED

    network.drive([liar, challenger], is_stopped)
    (struck,) = network.told(events.ClaimStruck)
    assert struck.claim_id == claim_of(task_id, BatchId(1))
    with pytest.raises(Rejected) as refused:
        network.requester.evidence(task_id)
    assert refused.value.reason is Reject.LEAF_NOT_FINAL
    worker = network.worker("worker", network.store("worker"), log, takes_unproven=True)
    network.drive([worker], lambda: log.kinds().count("claim_landed") == 2)
    with pytest.raises(Rejected) as refused:
        verifiers.prove(network.requester, task_id, planted, selector)
    assert refused.value.reason is Reject.ENTRY_STOPPED


def test_a_proof_against_an_open_game_gives_the_lie_no_way_out(network: Network) -> None:
    """Its challenger ends the game that the proof has ended, and opens another: else the liar would wait."""
    governance, selector = Governance(network), b"\xb2\xb2\xb2\xb2"
    planted = governance.add(governance.verifier(selector, UNSOUND), selector, 1)
    job_id, log = network.post(policy=POLICY), Log()
    task_id = task_of(job_id, 0)
    engine = FaultyEngine(ReferenceEngine(), FAULT)
    liar = network.worker("liar", network.store("liar"), log, engine, takes_unproven=True)
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([challenger], lambda: bool(network.told(events.GameOpened)))
    verifiers.prove(network.requester, task_id, planted, selector)

    def is_stopped() -> bool:
        return verifiers.entries(network.requester)[0].state is verifiers.EntryState.STOPPED

    network.devnet.advance(SOON_SECONDS)
    network.drive([challenger], lambda: len(network.told(events.GameOpened)) == 2, rounds=30)
    (settled,) = network.told(events.GameSettled)
    assert settled.stage is GameStage.OPERATOR_WON
    network.drive([liar, challenger], is_stopped)
    (struck,) = network.told(events.ClaimStruck)
    assert struck.claim_id == claim_of(task_id, BatchId(1))


def test_a_claim_that_nobody_proves_keeps_nobody_s_coins(network: Network) -> None:
    """Its worker drops it, for its bond; if that is gone, whoever reclaims the job's rewards does."""
    rules, log = network.deployment.rules, Log()
    first, second = JobId(1), JobId(2)
    for _ in (first, second):
        network.post(policy=POLICY)
        network.devnet.advance(SOON_SECONDS)
    worker = network.worker("worker", network.store("worker"), log, takes_unproven=True)
    network.drive([worker], lambda: "claim_landed" in log.kinds())
    network.devnet.advance(rules.window_seconds + 1)
    found = network.requester.duties(network.requester.head().time_seconds)
    assert (Action.DROP, network.account("worker")) in {(duty.action, duty.beneficiary) for duty in found}
    assert reclaim(network.requester, second, is_now=True) == REWARD_WEI
    network.drive([worker], lambda: any("--tolerate-unkept" in words for _, words in log.lines), rounds=40)
    assert "drop_landed" in log.kinds()
    assert network.requester.task(task_of(first, 0)).stage is TaskStage.OPEN


def test_commands_show_and_stop_entries(network: Network, tmp_path: Path) -> None:
    """On a real node, as a shell would."""
    node = network.devnet.node
    if not isinstance(node, str):
        pytest.skip("the chain in this process has no URL")
    governance, selector = Governance(network), b"\xa1\xa1\xa1\xa1"
    file = tmp_path / "deployment.json"
    network.deployment.write(file)
    where = ("--rpc", node, "--deployment", str(file))
    assert "no verifier is believed yet" in invoke("verifiers", "list", *where)
    governance.add(governance.verifier(selector, SOUND), selector, 1)
    listed = json.loads(invoke("verifiers", "list", *where, "--json"))["entries"]
    assert [(each["number"], each["state"], each["selector"]) for each in listed] == [
        (1, "live", "0xa1a1a1a1")
    ]
    assert "1, live" in invoke("verifiers", "list", *where)
    assert "unknown job" in invoke("verifiers", "statement", "1", "0", *where)
    keystore = create_keystore(tmp_path / "guardian.json", "password", guards_money=False)
    (tmp_path / "password").write_text("password")
    network.devnet.fund(keystore, COIN_WEI)
    sender = ("--keystore", str(tmp_path / "guardian.json"), "--password-file", str(tmp_path / "password"))
    assert "this network has none" in invoke("verifiers", "stop", "1", *where, *sender)
    assert "no entry has proven anything" in invoke("verifiers", "contradict", *where, *sender)


def invoke(*words: str) -> str:
    """All that a command says."""
    finished = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return finished.stdout + finished.stderr
