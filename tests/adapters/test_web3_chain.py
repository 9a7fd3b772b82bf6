"""What a chain adapter says when it was given the wrong chain, file or node; and what it reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from web3 import Account

from tests.adapters.sending import mine, reorganise
from tests.e2e.network import COIN_WEI, INPUT, PARAMETERS, POLICY, REWARD_WEI, Network
from truestep.adapters.chain import book, checkpoints
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import carry_out, deploy, owned_by
from truestep.adapters.chain.deployment import Deployment, read_deployment
from truestep.adapters.chain.sender import Sender
from truestep.adapters.chain.web3_chain import Memory, Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, GameId, JobId, ProgramId, task_of
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.composition.daemons import daemon_memory
from truestep.ports.chain import Counters
from truestep.protocol.calls import Deposit, SetDelegate, TakeTasks, WithdrawStake
from truestep.protocol.deployment.plans import network_plan
from truestep.protocol.events import JobPosted, ProgramRegistered
from truestep.protocol.records import TaskStage


def open_with(network: Network, deployment: Deployment, node: Any = None) -> Web3Chain:
    account = Account.from_key(keccak256(b"ann"))
    return Web3Chain(node or network.devnet.node, deployment, account, SqliteStore(), POLICY)


def refusal_of(call: Any) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        call()
    return refusal.value


def test_a_dead_node_is_unavailable_and_says_what_to_check(network: Network) -> None:
    with pytest.raises(Unavailable, match="check that it runs and that its URL is right"):
        open_with(network, network.deployment, "http://127.0.0.1:1")


def test_another_chain_is_named_with_both_ids(network: Network) -> None:
    other = network.deployment.model_copy(update={"chain_id": 5})
    refusal = refusal_of(lambda: open_with(network, other))
    assert refusal.reason is Reject.WRONG_CHAIN
    assert "expected chain id 5" in str(refusal)
    assert str(network.deployment.chain_id) in str(refusal)


def test_a_chain_without_the_contracts_is_refused(network: Network) -> None:
    nowhere = network.deployment.addresses.model_copy(update={"disputes": "0x" + "12" * 20})
    refusal = refusal_of(
        lambda: open_with(network, network.deployment.model_copy(update={"addresses": nowhere}))
    )
    assert refusal.reason is Reject.NO_CONTRACT


def test_contracts_with_another_rom_are_refused(network: Network) -> None:
    """One that answers everything with 7: `return(7)`, and the code that deploys it."""
    code = bytes.fromhex("600760005260206000f3")
    creation = bytes.fromhex("69") + code + bytes.fromhex("600052600a6016f3")
    web3 = connect(network.devnet.node)
    account = Account.from_key(keccak256(b"deployer"))
    sender = Sender(web3, network.deployment.chain_id, account, SqliteStore(), POLICY)
    sender.submit(Message(to=None, payload=creation), "deploy")
    address = sender.wait("deploy", 10).contract
    addresses = network.deployment.addresses.model_copy(update={"step": address})
    other = network.deployment.model_copy(update={"addresses": addresses})
    refusal = refusal_of(lambda: open_with(network, other))
    assert refusal.reason is Reject.OTHER_ROM
    assert f"0x{'00' * 31}07" in str(refusal)


def test_unknown_things_are_rejected(network: Network) -> None:
    chain = network.requester
    reasons = {
        Reject.JOB_UNKNOWN: lambda: chain.job(JobId(7)),
        Reject.PROGRAM_UNKNOWN: lambda: chain.program(ProgramId(7)),
        Reject.LEAF_NOT_FINAL: lambda: chain.evidence(task_of(JobId(7), 0)),
        Reject.TOKEN_REFUSED: lambda: chain.token(chain.account, chain.account),
    }
    assert {refusal_of(call).reason for call in reasons.values()} == set(reasons)
    assert refusal_of(lambda: chain.task(task_of(JobId(7), 0))).reason is Reject.JOB_UNKNOWN
    assert chain.games([GameId(7)], 0) == {}
    assert chain.tasks([task_of(JobId(7), 0)]) == {}
    assert not chain.result(task_of(JobId(7), 0)).is_final
    assert chain.block_hash(10**6) is None


def test_what_was_posted_is_read_back(network: Network) -> None:
    job_id = network.post(shard_count=3)
    chain = network.requester
    job, program = chain.job(job_id), chain.program(ProgramId(1))
    (posted,) = network.told(JobPosted)
    (registered,) = network.told(ProgramRegistered)
    assert (job.input_root, job.input_size) == (root_of_bytes(INPUT, 24), len(INPUT))
    assert (job.shard_count, job.reward, job.requester) == (3, REWARD_WEI, chain.account)
    assert network.blobs.get(job.input_uri, len(INPUT)) == INPUT
    assert (posted.job_id, posted.input_uri) == (job_id, job.input_uri)
    assert (registered.image_root, registered.uri) == (program.image_root, program.uri)
    task = chain.task(task_of(job_id, 2))
    assert (task.stage, task.batch_id) == (TaskStage.OPEN, 0)
    assert not chain.result(task.task_id).is_final
    rules, first = chain.parameters(), network.deployment.rules
    assert (rules.operator_bond_wei, rules.arity) == (first.operator_bond_wei, first.arity)
    assert chain.counters() == Counters(program_count=1, job_count=1, batch_count=0)


def test_what_the_contracts_would_refuse_is_not_sent(network: Network) -> None:
    network.post()
    chain = network.requester
    refusal = refusal_of(lambda: chain.submit(TakeTasks(tasks=(task_of(JobId(1), 0),)), intent="take"))
    assert refusal.reason is Reject.STAKE_TOO_LOW
    assert "nothing was sent" in str(refusal)
    assert chain.transaction("take") is None


def test_stake_and_delegates_are_read_back(network: Network) -> None:
    chain = network.chain("ann", network.store("ann"))
    assert chain.balances(chain.account).room_wei == 0
    chain.transact(Deposit(amount_wei=3 * COIN_WEI), intent="1")
    chain.transact(WithdrawStake(amount_wei=COIN_WEI), intent="2")
    chain.transact(SetDelegate(delegate=network.requester.account, roles=3), intent="3")
    balances = chain.balances(chain.account)
    assert (balances.stake_wei, balances.locked_wei, balances.free_stake_wei) == (
        2 * COIN_WEI,
        0,
        2 * COIN_WEI,
    )
    assert chain.roles_of(chain.account, network.requester.account) == 3
    assert chain.roles_of(network.requester.account, chain.account) == 0


@pytest.mark.anvil
@pytest.mark.parametrize("memory", [Memory(), Memory(keeps_finished=False)], ids=["client", "daemon"])
def test_what_a_reorganisation_takes_back_is_forgotten(anvil_network: Network, memory: Memory) -> None:
    network = anvil_network
    chain = network.chain("reader", network.store("reader"), memory=memory)
    mine(network, 3)
    before = chain.blocks(0, chain.head().number).events
    job_id = network.post()
    assert chain.blocks(0, chain.head().number).events != before
    assert chain.job(job_id).shard_count == 1
    reorganise(network, 2)
    mine(network, 2)
    assert chain.blocks(0, chain.head().number).events == before
    assert refusal_of(lambda: chain.job(job_id)).reason is Reject.JOB_UNKNOWN
    network.post()  # what was lost is sent again
    events = chain.blocks(0, chain.head().number).events[len(before) :]
    assert {type(event) for event in events} == {ProgramRegistered, JobPosted}
    assert chain.job(job_id).requester == network.requester.account


def test_a_daemon_that_is_restarted_knows_what_it_knew(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its indexer has read everything, and asks for no block before there is another one."""
    monkeypatch.setattr(book, "FINAL_BLOCKS", 1)
    monkeypatch.setattr(checkpoints, "EACH_BLOCKS", 1)
    store, memory = SqliteStore(), daemon_memory(network.account("worker"))
    chain = network.chain("worker", store, memory=memory)
    network.post()
    chain.blocks(chain.first_block, chain.head().number)
    network.stake("worker", chain)
    chain.blocks(chain.first_block, chain.head().number)
    assert chain.facts().stakes[network.account("worker")].stake_wei
    again = network.chain("worker", store, memory=memory)
    assert again._book.oldest.block_number > chain.first_block, "it begins with what was kept"
    assert again.facts() == chain.facts()


def test_an_interrupted_deployment_goes_on_where_it_was(network: Network) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(said: str) -> None:
        if said.startswith("Jobs at"):
            raise Interrupted

    web3 = connect(network.devnet.node)
    signer, store = Account.from_key(keccak256(b"second deployer")), SqliteStore()
    network.devnet.fund(signer.address, COIN_WEI)
    with pytest.raises(Interrupted):
        plan = network_plan(PARAMETERS, owned_by(Address(signer.address)))
        carry_out(web3, signer, store, plan, policy=POLICY, progress=interrupt)
    deployment = deploy(web3, signer, store, PARAMETERS, policy=POLICY)
    assert web3.eth.get_transaction_count(signer.address) == len(deployment.contracts) + 6
    assert deploy(web3, signer, store, PARAMETERS, policy=POLICY) == deployment
    assert open_with(network, deployment).parameters() == network.requester.parameters()


def test_a_deployment_file_is_read_as_written_and_refused_when_spoilt(
    network: Network, tmp_path: Path
) -> None:
    path = tmp_path / "deployment.json"
    network.deployment.write(path)
    assert read_deployment(path) == network.deployment
    fields = json.loads(path.read_text())
    spoilt = ("{", json.dumps(fields | {"version": 3}), json.dumps(fields | {"addresses": {}}), "[]")
    for text in spoilt:
        path.write_text(text)
        assert refusal_of(lambda: read_deployment(path)).reason is Reject.DEPLOYMENT_FILE
    refusal = refusal_of(lambda: read_deployment(tmp_path / "missing.json"))
    assert "missing.json" in str(refusal)
