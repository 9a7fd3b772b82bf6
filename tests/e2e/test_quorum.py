"""A quorum from end to end: five workers agree before the window is over, and a liar that leads is caught."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.e2e.drawn import PLEDGE_WEI, QUORUM, open_drawn
from tests.e2e.network import COIN_WEI, ELF, INPUT, MAX_CYCLES, REWARD_WEI, Log, expected_output
from tests.e2e.quorums import MEMBERS, QuorumNetwork
from truestep.adapters.keystore import create_keystore
from truestep.base.ids import BatchId, JobId, task_of
from truestep.cli.main import app
from truestep.client import Order
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.machine.program import Task
from truestep.machine.witness import build_witness
from truestep.protocol.events import TaskFinalized
from truestep.protocol.settlement.facts.judging import is_proven
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import LeafId
from truestep.roles.collecting import SALT_SECONDS
from truestep.simulation.faulty_engine import Fault, FaultyEngine

FAULT = Fault(cycle=371, address=OUTPUT_START + 3, mask=0x10)
ORDER = Order(reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, is_judged=True, lease_seconds=10_000)
PATIENCE = 25
"""Idle rounds before time is moved on: a slow computer must not lose a lease or a window by it."""


@pytest.fixture
def network(tmp_path: Path) -> Iterator[QuorumNetwork]:
    """On anvil where it is installed."""
    with open_drawn(QuorumNetwork, tmp_path) as opened:
        yield opened


def facts_of(network: QuorumNetwork) -> Facts:
    """What the newest events say."""
    network.requester.refresh()
    return network.requester.facts()


def is_proven_now(network: QuorumNetwork) -> bool:
    """Whether a consumer may take the first batch's result now."""
    return is_proven(facts_of(network), LeafId(1 << 8), network.now)


def submitted(network: QuorumNetwork) -> JobId:
    """A job whose committee is paid, and for which there is a seed."""
    network.pledge(*MEMBERS)
    job = network.client().submit(ELF, INPUT, order=ORDER)
    network.randomness()
    return job.job_id


def test_a_quorum_makes_a_result_final_before_its_window_is_over(
    network: QuorumNetwork, tmp_path: Path
) -> None:
    """Every member is killed once it has committed, and goes on where it was."""
    job_id, log = submitted(network), Log()
    members = [network.member(name, log) for name in MEMBERS]
    network.drive(members, lambda: len(facts_of(network).commitments) == 4, idle_limit=PATIENCE)
    members = [network.member(name, log) for name in MEMBERS]
    network.drive(members, lambda: is_proven_now(network), idle_limit=PATIENCE)
    batch = facts_of(network).batches[BatchId(1)].batch
    assert network.now < batch.until
    assert network.client().job(job_id).evidence(0) is not None  # what a contract takes, at once
    assert network.client().job(job_id).status().confirmed == {task_of(job_id, 0)}
    assert facts_of(network).stakes[batch.operator].locked_wei == COIN_WEI + PLEDGE_WEI
    said = shown(network, job_id, tmp_path)
    assert "3 of 5" in said and "batch 1: confirmed by its quorum" in said
    assert said.count("confirmed\n") + said.count("committed\n") == 4 and "has taken it" in said
    assert network.is_final(job_id)
    network.drive(members, lambda: bool(network.told(TaskFinalized)), idle_limit=PATIENCE)
    assert network.output(task_of(job_id, 0)) == expected_output(0)
    assert [network.pledge_of(name) for name in MEMBERS] == [PLEDGE_WEI] * 5
    fees = {name: network.owed_by_quorums(name) for name in MEMBERS}
    paid = [name for name, fee_wei in fees.items() if fee_wei == QUORUM.fee_wei]
    assert len(paid) == 4 and network.name_of(batch.operator) not in paid
    assert {"declined"}.isdisjoint(log.kinds())


def shown(network: QuorumNetwork, job_id: JobId, folder: Path) -> str:
    """What the command says of a job's committee."""
    node = network.devnet.node
    if not isinstance(node, str):
        pytest.skip("a command needs a node with an address")
    network.deployment.write(folder / "deployment.json")
    words = ("quorum", "show", str(job_id), "--rpc", node, "--deployment", str(folder / "deployment.json"))
    finished = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert finished.exit_code == 0, finished.stderr
    return finished.stdout


def test_a_dead_member_delays_a_quorum_by_the_time_to_commit(network: QuorumNetwork) -> None:
    """Its leader does not wait for half of the lease, and the dead member keeps its pledge."""
    job_id, log = submitted(network), Log()
    network.drive([network.member(MEMBERS[0], log)], lambda: job_id in facts_of(network).committees)
    dead = network.name_of(network.committee(job_id).members[-1])
    alive = [network.member(name, log) for name in MEMBERS if name != dead]
    network.drive(alive, lambda: is_proven_now(network), idle_limit=PATIENCE)
    batch = facts_of(network).batches[BatchId(1)].batch
    claimed_at = batch.until - batch.terms.window_seconds
    assert claimed_at < facts_of(network).sittings[BatchId(1)].taken_at + batch.terms.lease_seconds // 2
    network.drive(alive, lambda: bool(network.told(TaskFinalized)), idle_limit=PATIENCE)
    assert network.pledge_of(dead) == PLEDGE_WEI


def test_the_leader_sends_for_all_what_members_hand_over(network: QuorumNetwork) -> None:
    """One transaction commits for four members, and one confirms for them; all are paid as ever."""
    job_id, log = submitted(network), Log()
    first_block = network.requester.head().number
    members = [network.member(name, log, hands_over=True) for name in MEMBERS]
    everybody, is_over = [*members, network.seconds], partial(is_proven_now, network)
    network.drive(everybody, is_over, idle_limit=PATIENCE, pause_seconds=SALT_SECONDS + 1)
    calls = network.calls(first_block)
    names = ("commit_many", "confirm", "commit", "dissent")
    assert [len(calls.get(f"Quorums.{name}", ())) for name in names] == [1, 1, 0, 0]
    assert facts_of(network).sittings[BatchId(1)].confirmed.bit_count() == 4
    leader = network.committee(job_id).members[0]
    fees = {network.account(name): network.owed_by_quorums(name) for name in MEMBERS}
    assert fees == {each: 0 if each == leader else QUORUM.fee_wei for each in fees}
    network.stop_servers()


def test_what_nobody_sends_a_member_sends_itself(network: QuorumNetwork) -> None:
    """The leader asks nobody: members wait for half of the time to commit, and lose nothing."""
    job_id, log = submitted(network), Log()
    network.drive([network.member(MEMBERS[0], log)], lambda: job_id in facts_of(network).committees)
    leader = network.name_of(network.committee(job_id).members[0])
    first_block = network.requester.head().number
    members = [network.member(name, log, hands_over=name != leader) for name in MEMBERS]
    everybody, is_over = [*members, network.seconds], partial(_all_confirmed, network)
    network.drive(everybody, is_over, idle_limit=PATIENCE, pause_seconds=100)
    calls = network.calls(first_block)
    names = ("commit_many", "commit", "confirm")
    assert [len(calls.get(f"Quorums.{name}", ())) for name in names] == [0, 4, 4]
    network.stop_servers()


def _all_confirmed(network: QuorumNetwork) -> bool:
    sitting = facts_of(network).sittings.get(BatchId(1))
    return sitting is not None and sitting.confirmed.bit_count() == 4


def test_a_liar_that_leads_is_struck_and_everybody_else_is_whole(network: QuorumNetwork) -> None:
    job_id = submitted(network)
    log = Log()
    drawer = network.member(MEMBERS[0], log)
    network.drive([drawer], lambda: job_id in facts_of(network).committees, idle_limit=PATIENCE)
    seated = network.committee(job_id)
    liar = network.name_of(seated.members[0])
    lying = network.member(liar, Log(), FaultyEngine(ReferenceEngine(), FAULT))
    honest = [network.member(name, log) for name in MEMBERS if name != liar]
    network.drive([lying, *honest], lambda: bool(network.told(TaskFinalized)), rounds=900, idle_limit=8)
    assert network.output(task_of(job_id, 0)) == expected_output(0)
    stakes = {name: network.requester.balances(network.account(name)).stake_wei for name in MEMBERS}
    assert stakes[liar] <= 2 * COIN_WEI
    assert all(stake == 3 * COIN_WEI for name, stake in stakes.items() if name != liar)
    assert [network.pledge_of(name) for name in MEMBERS if name != liar] == [PLEDGE_WEI] * 4
    fees = {name: network.owed_by_quorums(name) for name in MEMBERS if name != liar}
    assert sum(fees.values()) >= 4 * QUORUM.fee_wei  # of the first batch; the purse has no more


def test_a_friend_that_confirms_a_lie_pays_once_the_task_has_its_result(network: QuorumNetwork) -> None:
    job_id, log = submitted(network), Log()
    network.drive([network.member(MEMBERS[0], log)], lambda: job_id in facts_of(network).committees)
    liars = [network.name_of(each) for each in network.committee(job_id).members[:2]]
    lying = [network.member(name, Log(), FaultyEngine(ReferenceEngine(), FAULT)) for name in liars]
    honest = [network.member(name, log) for name in MEMBERS if name not in liars]
    network.drive([*lying, *honest], lambda: _has_fallen(network), rounds=900, idle_limit=8)
    assert facts_of(network).sittings[BatchId(1)].confirmed == 0b10
    network.drive(honest, lambda: bool(network.told(TaskFinalized)), rounds=900, idle_limit=8)
    most_wei = PLEDGE_WEI - QUORUM.lie_wei  # and it is late for the second claim
    network.drive(honest, lambda: network.pledge_of(liars[1]) <= most_wei, idle_limit=PATIENCE)
    assert [network.pledge_of(name) for name in MEMBERS if name not in liars] == [PLEDGE_WEI] * 3
    assert network.output(task_of(job_id, 0)) == expected_output(0)


def test_a_true_claim_that_is_lost_on_purpose_costs_its_operator_alone(network: QuorumNetwork) -> None:
    """It splits falsely, and a step that its friend sends strikes the claim; the others do the task again."""
    job_id, log = submitted(network), Log()
    members = {name: network.member(name, log) for name in MEMBERS}
    network.drive([*members.values()], lambda: _all_confirmed(network), idle_limit=PATIENCE)
    batch = facts_of(network).batches[BatchId(1)].batch
    leader = network.name_of(batch.operator)
    others = [each for name, each in members.items() if name != leader]
    claim_id, seed = LeafId(1 << 8), network.requester.job(job_id).seed
    machine = ReferenceEngine().start(load_elf(ELF), Task(seed=seed, input=INPUT))
    network.lose(claim_id, leader, build_witness(machine.state(), machine.node))
    assert _has_fallen(network)
    network.drive(others, lambda: bool(network.told(TaskFinalized)), rounds=900, idle_limit=8)
    assert network.output(task_of(job_id, 0)) == expected_output(0)
    assert BatchId(1) not in facts_of(network).batches, "nobody is to be charged for it"
    assert [network.pledge_of(name) for name in MEMBERS] == [PLEDGE_WEI] * 5
    stakes = {name: network.requester.balances(network.account(name)).stake_wei for name in MEMBERS}
    assert stakes == {name: (2 if name == leader else 3) * COIN_WEI for name in MEMBERS}
    fees = [network.owed_by_quorums(name) for name in MEMBERS if name != leader]
    assert min(fees) >= QUORUM.fee_wei


def _has_fallen(network: QuorumNetwork) -> bool:
    known = facts_of(network).batches.get(BatchId(1))
    return known is not None and bool(known.batch.struck)


def test_commands_post_once_and_give_fees_back(network: QuorumNetwork, tmp_path: Path) -> None:
    """A repeated submit pays no second time; of a job that is called off nothing is lost."""
    node = network.devnet.node
    if not isinstance(node, str):
        pytest.skip("a command needs a node with an address")
    network.deployment.write(tmp_path / "deployment.json")
    (tmp_path / "password").write_text("password")
    (tmp_path / "guest.elf").write_bytes(ELF)
    key = tmp_path / "key.json"
    network.devnet.fund(create_keystore(key, "password", guards_money=False), COIN_WEI)
    where = ("--rpc", node, "--deployment", str(tmp_path / "deployment.json"))
    own = (*where, "--keystore", str(key), "--password-file", str(tmp_path / "password"))

    def said(*words: str) -> str:
        finished = CliRunner().invoke(app, list(words), catch_exceptions=False)
        return finished.stdout + finished.stderr

    posting = (
        "submit",
        str(tmp_path / "guest.elf"),
        "--blobs",
        str(tmp_path / "blobs"),
        "--policy",
        "quorum",
    )
    posting += ("--max-cycles", str(MAX_CYCLES), "--state", str(tmp_path / "state.db"), *own)
    assert "expected a fee of at least" in said(*posting, "--committee-fee", "1gwei")
    for _ in range(2):
        assert "job 1 is posted" in said(*posting, "--committee-fee", "0.002")
    assert "0.008 ETH" in said("quorum", "show", "1", *where)
    assert "it was paid before" in said("quorum", "fund", "1", *own)
    assert "0.008 ETH of its committee's fees credited" in said("reclaim", "1", "--now", *own)
    assert "0.008 ETH" in said("withdraw", *own)
    assert "nothing" in said("quorum", "refund", "1", *own)
