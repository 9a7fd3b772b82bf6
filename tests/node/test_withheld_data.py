"""False claims on data that nobody gives do not become final."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from tests.e2e.network import (
    COIN_WEI,
    ELF,
    INPUT,
    MAX_CYCLES,
    SPEED,
    InlineExecutor,
    Log,
    Network,
    open_network,
)
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.availability import Web3KeeperChain, availability_of
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.keepers.blobs import KeeperBlobs
from truestep.adapters.store.sqlite import SqliteStore
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.encoding import EncodedBlob, Encoder, TreeSource, program_tree, range_tree
from truestep.base.ids import BatchId, Bytes32, JobId, task_of
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.devnet.network import devnet_availability
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Task
from truestep.node.worker import worker_node
from truestep.protocol import events
from truestep.protocol.availability.contracts.challenges import AnswerBlob
from truestep.protocol.availability.contracts.items import Acknowledge, Assign, ItemState, Register
from truestep.protocol.availability.contracts.keepers import Enrol, Rules
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.calls import DeliverOutputs, SubmitClaims, SupplyJob, TakeTasks
from truestep.protocol.claims import ClaimedState, claim_state
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.facts.records import Facts
from truestep.roles.availability.delivery import DeliveryPolicy
from truestep.roles.keeper import PublishBlob
from truestep.roles.worker import WorkerPolicy

RULES = devnet_availability()
DAY_SECONDS = 86_400
OUTPUT = b"a lie"


@dataclass
class Conspiracy:
    """A network with keepers that sign for whatever they are drawn for, and give nothing to anybody."""

    network: Network
    keepers: list[Web3KeeperChain] = field(default_factory=list)
    kept: dict[ItemId, list[EncodedBlob]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        contracts = availability_of(self.network.deployment)
        for number in range(2):
            account = Account.from_key(keccak256(f"friend {number}".encode()))
            self.network.devnet.fund(account.address, 100 * COIN_WEI)
            chain = Web3KeeperChain(
                self.network.devnet.node, contracts, account, SqliteStore(), self.network.policy
            )
            chain.submit(Enrol(shares=4, url="http://127.0.0.1:9"), intent="enrol")
            self.keepers.append(chain)

    @property
    def facts(self) -> Facts:
        self.network.requester.head()
        return self.network.requester.facts()

    def keep(self, *trees: TreeSource, last_root: Bytes32 | None = None) -> ItemId:
        """Have an item kept of which nobody gives anything, and whose last part may have another root."""
        encoder = Encoder(open_kzg(), hash_many_pairs)
        blobs = list(encoder.blobs(trees))
        manifest, requester = encoder.manifest(), self.network.requester
        now = requester.head().time_seconds
        last = manifest.parts[-1]
        call = Register(
            parts=(*manifest.parts[:-1], replace(last, root=last_root or last.root)),
            nodes=manifest.versioned_hashes,
            seat_count=len(self.keepers),
            until=now + 90 * DAY_SECONDS,
            fee_wei=0,
            url="",
        )
        requester.transact(call, intent=f"register/{manifest.name.hex()}")
        item_id = ItemId(max(self.facts.data.items))
        self.kept[item_id] = blobs
        record = self.facts.data.items[item_id].record
        self.network.devnet.advance(5)
        requester.transact(Assign(item_id=item_id, record=record), intent=f"assign/{item_id}")
        data = self.facts.data
        for keeper in self.keepers:
            number = data.number_of(keeper.account)
            [(index, seat)] = [each for each in data.items[item_id].seats.items() if each[1].keeper == number]
            signature = keeper.receipt(item_id, record, index, seat.drawn_at)
            signed = Acknowledge(item_id=item_id, record=record, indices=(index,), signatures=(signature,))
            keeper.submit(signed, intent=f"sign/{item_id}")
        assert self.facts.data.items[item_id].state is ItemState.KEPT
        return item_id

    def lie(self, held: bytes = INPUT) -> JobId:
        """Post a job whose data is withheld, and claim something false about it that is kept.

        `held` is what the item of its input holds, whatever it says.
        """
        network, program = self.network, load_elf(ELF)
        policy = self.facts.keeping.policy if self.facts.keeping else 0
        job_id = network.post(policy=policy)
        segments = [(segment.address, segment.content) for segment in program.segments]
        item_id = self.keep(program_tree(segments), range_tree([held]), last_root=root_of_bytes(INPUT, 24))
        supply = SupplyJob(job_id=job_id, program_item=item_id, input_item=item_id)
        network.requester.transact(supply, intent="supply")
        chain = network.chain("liar", network.store("liar"))
        network.stake("liar", chain)
        task_id = task_of(job_id, 0)
        chain.transact(TakeTasks(tasks=(task_id,)), intent="take")
        claimed = replace(claim_of_run(), output_size=len(OUTPUT), output_root=root_of_bytes(OUTPUT, 24))
        chain.transact(SubmitClaims(batch_id=BatchId(1), claims=((task_id, claimed),)), intent="claim")
        outputs = self.keep(range_tree([OUTPUT]))
        chain.transact(DeliverOutputs(batch_id=BatchId(1), item_id=outputs), intent="deliver")
        return job_id

    def answer(self, item_id: ItemId) -> bytes:
        """Publish the blob that is asked for, in a transaction."""
        [(challenge_id, challenge)] = self.facts.data.challenges.items()
        [encoded] = self.kept[item_id]
        keeper = next(each for each in self.keepers if each.account == challenge.keeper)
        extended = open_kzg().extend(encoded.blob)
        call = AnswerBlob(challenge_ids=(challenge_id,), challenges=(challenge,), index=0, path=())
        keeper.submit(
            PublishBlob(
                call=call,
                blob=encoded.blob,
                commitment=encoded.commitment,
                cell_proofs=extended.proofs,
            ),
            intent="answer",
        )
        assert self.facts.data.items[item_id].published == (0,)
        return encoded.blob

    def drive(self, daemon: Any, is_over: Any, seconds: int = 10, rounds: int = 400) -> None:
        """Let a daemon act while time goes on."""
        for _ in range(rounds):
            daemon.tick()
            if is_over():
                return
            self.network.devnet.advance(seconds)
            self.network.clock.seconds += seconds
        raise AssertionError(f"not over after {rounds} rounds")


def claim_of_run() -> ClaimedState:
    """What is true."""
    task = Task(seed=keccak256(b"seed"), shard_index=0, shard_count=1, input=INPUT)
    machine = ReferenceEngine().start(load_elf(ELF), task)
    machine.advance(MAX_CYCLES)
    return claim_state(machine.state(), machine.node, machine.read_memory)


@contextmanager
def conspiring(folder: Path, rules: Rules = RULES) -> Iterator[Conspiracy]:
    network = open_network(EmbeddedDevnet(), folder, kept_by=rules)
    yield Conspiracy(network)
    network.close()


def blind(network: Network, log: Log) -> Any:
    """A challenger that no store gives anything."""
    store = network.store("challenger")
    chain = network.chain("challenger", store)
    network.blobs = KeeperBlobs(
        lambda: chain.facts().data, open_kzg(), may_be_private=True, published=network.published
    )
    return network.challenger("challenger", store, log)


def test_a_false_claim_on_withheld_input_does_not_become_final(tmp_path: Path) -> None:
    """All keepers are friends of the liar: they lose their shares, and the claim falls."""
    log = Log()
    with conspiring(tmp_path) as conspiracy:
        network, job_id = conspiracy.network, conspiracy.lie()
        challenger, before_wei = blind(network, log), coins(network)
        conspiracy.drive(challenger, lambda: "fail_landed" in log.kinds())
        assert len(network.told(events.ClaimFailed)) == 1 and not network.is_final(job_id)
        assert conspiracy.facts.data.items[ItemId(1)].state is ItemState.LOST
        conspiracy.drive(challenger, lambda: log.kinds().count("withdraw-keepers_landed") == 2)
        assert coins(network) > before_wei, "made whole, and more"
        assert _declines_it(network, job_id)
        assert not {"hold_landed", "open_landed"} & set(log.kinds())
        assert not [kind for kind in log.kinds() if kind.endswith(("_refused", "_reverted"))]


def _declines_it(network: Network, job_id: JobId) -> bool:
    """Whether a worker that has the data from elsewhere leaves the shard alone, which is free again.

    Else its requester would have all outputs of the job for two shares: no claim would ever be paid.
    """
    log, delivery = Log(), DeliveryPolicy(url="https://items.example.org")
    network.blobs = DirectoryBlobs(network.folder / "blobs")
    world = network.world("worker", network.store("worker"), log, ReferenceEngine())
    network.stake("worker", world.chain)
    delivering = InlineExecutor(lambda work, _: work)  # nothing is delivered
    worker = worker_node(
        replace(world, delivering=delivering), WorkerPolicy(speed=SPEED, delivery=delivery, lock_limit=10)
    )
    for _ in range(20):
        worker.tick()
    reasons = [message for kind, message in log.lines if kind == "declined"]
    assert any("is not kept any more: whatever is claimed of it falls" in each for each in reasons), log.lines
    return network.requester.task(task_of(job_id, 0)).stage is TaskStage.OPEN


@pytest.mark.long
def test_a_batch_is_held_while_a_blob_is_awaited(tmp_path: Path) -> None:
    """Its window would end before the second friend must answer; the challenger is killed now and then."""
    log, rules = Log(), replace(RULES, answer_seconds=3_000)
    with conspiring(tmp_path, rules) as conspiracy:
        network, job_id = conspiracy.network, conspiracy.lie()
        before_wei = coins(network)
        for kind in ("challenge_landed", "settle-challenge_sent", "hold_sent", "fail_sent"):
            challenger = blind(network, log)  # a new process
            conspiracy.drive(challenger, lambda kind=kind: kind in log.kinds(), seconds=60)
        conspiracy.drive(blind(network, log), lambda: "settle-hold_landed" in log.kinds(), seconds=60)
        assert not network.is_final(job_id) and log.kinds().count("hold_landed") == 1
        assert len(network.told(events.WindowExtended)) == len(network.told(events.ClaimFailed)) == 1
        conspiracy.drive(blind(network, log), lambda: "withdraw-kept_landed" in log.kinds(), seconds=60)
        assert coins(network) > before_wei, "its bonds are back"


@pytest.mark.long
def test_a_blob_that_is_published_at_last_shows_the_lie(tmp_path: Path) -> None:
    """The liar's friends answer on the chain: the challenger reads what they publish, and disputes."""
    log, published = Log(), dict[int, bytes]()
    with conspiring(tmp_path) as conspiracy:
        network, job_id = conspiracy.network, conspiracy.lie()
        network.published = lambda _, blob: published[blob]
        challenger = blind(network, log)
        conspiracy.drive(challenger, lambda: "challenge_landed" in log.kinds())
        published[0] = conspiracy.answer(ItemId(1))
        conspiracy.drive(challenger, lambda: "open_landed" in log.kinds())
        conspiracy.drive(challenger, lambda: "settle_landed" in log.kinds(), seconds=100)
        assert not network.is_final(job_id) and log.kinds().count("challenge_landed") == 1
        assert not network.told(events.ClaimFailed) and len(network.told(events.ClaimStruck)) == 1


@pytest.mark.long
def test_an_item_that_holds_something_else_is_struck_before_the_lie_is_final(tmp_path: Path) -> None:
    """The friends publish, but what they publish is not the input: nobody can check the claim."""
    log, published = Log(), dict[int, bytes]()
    with conspiring(tmp_path) as conspiracy:
        network, job_id = conspiracy.network, conspiracy.lie(bytes(len(INPUT)))
        network.published = lambda _, blob: published[blob]
        challenger = blind(network, log)
        conspiracy.drive(challenger, lambda: "challenge_landed" in log.kinds())
        published[0] = conspiracy.answer(ItemId(1))
        conspiracy.drive(challenger, lambda: "fail_landed" in log.kinds())
        assert conspiracy.facts.data.items[ItemId(1)].state is ItemState.STRUCK
        assert not network.is_final(job_id) and {"demand_landed", "settle-demand_landed"} <= set(log.kinds())


def coins(network: Network) -> int:
    return network.requester.balances(network.account("challenger")).wallet_wei
