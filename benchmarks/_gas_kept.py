"""Jobs under the policy Kept on anvil: what naming, holding and failing costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from _gas_items import BLOB_KIND, RULES, Gas, Shelf, Shelved, some_blobs
from _gas_network import OPERATOR, OTHER, REQUESTER, Network, TakenBatch, leaf
from _synthetic import invented
from web3.contract import Contract
from web3.logs import DISCARD

from truestep.availability.parts import Part
from truestep.base.ids import Bytes32, JobId
from truestep.protocol.availability.contracts.kept import Named
from truestep.protocol.availability.kept import PROGRAM_DEPTH, RANGE_DEPTH
from truestep.protocol.settlement.ids import Item, PackedItem

POLICY = 2
DAY_SECONDS = 86_400
SALT = bytes(32)
FAILED = "32 jobs of 8 shards"


@dataclass(slots=True)
class KeptNetwork:
    """A network with the policy, and the shelf of its items, on one chain."""

    network: Network
    shelf: Shelf
    kept: Contract = field(init=False)
    inputs: Shelved = field(init=False)
    """Program and input of every job."""
    input_parts: list[Part] = field(init=False)
    gas: Gas = field(default_factory=Gas)

    def __post_init__(self) -> None:
        network, shelf = self.network, self.shelf
        links = [shelf.keepers.address, shelf.items.address, shelf.challenges.address]
        self.kept = network.deploy("Kept", network.assurances.address, *links)
        addition = network.assurances.encode_abi("add", [self.kept.address, POLICY])
        action = (network.assurances.address, bytes.fromhex(addition[2:]), SALT)
        network.gas(network.owner.functions.announce(*action), REQUESTER)
        network.pass_time(DAY_SECONDS + 1)
        network.gas(network.owner.functions.execute(*action), REQUESTER)
        self.input_parts = [
            Part(root=invented("image"), depth=PROGRAM_DEPTH, first_leaf=0, leaf_count=999),
            Part(root=invented("input"), depth=RANGE_DEPTH, first_leaf=0, leaf_count=999),
        ]
        self.inputs = shelf.kept(some_blobs(1), self.input_parts)

    def send(self, name: str, call: Any, sender: int, value_wei: int = 0) -> Any:
        """Send a call and keep its gas under `name`."""
        receipt = self.network.receipt(call, sender, value_wei)
        self.gas[name] = receipt["gasUsed"]
        return receipt

    def job(self, shard_count: int) -> JobId:
        """A job that can be taken."""
        job_id, _ = self.network.post(shard_count, policy=POLICY)
        work, terms = self.network.posted[job_id]
        stated = (job_id, astuple(work), astuple(terms))
        named = [
            astuple(Named(item_id=self.inputs.item_id, record=self.inputs.record, part=p)) for p in (0, 1)
        ]
        parts = [list(map(astuple, self.input_parts))] * 2
        self.send("`supply`", self.kept.functions.supply(*stated, *named, *parts), REQUESTER)
        return job_id

    def of_jobs(self, shard_counts: Sequence[int]) -> TakenBatch:
        """A batch of all shards of fresh jobs."""
        items: list[PackedItem] = []
        offset = 0
        for count in shard_counts:
            item = Item(job_id=self.job(count), first_shard=0, count=count, offset=offset)
            items.append(item.pack())
            offset += count
        batch, _ = self.network.take(items)
        return self.network.claim(batch, [leaf(index) for index in range(offset)])[0]

    def delivered(self, shard_count: int, what: str) -> TakenBatch:
        """A batch whose outputs are kept, a part for each."""
        batch = self.of_jobs([shard_count])
        parts = [
            Part(root=one.output_root, depth=RANGE_DEPTH, first_leaf=0, leaf_count=15) for one in batch.leaves
        ]
        blobs = some_blobs(-(-shard_count // 128))
        outputs = self.shelf.kept(blobs, parts)
        named = astuple(Named(item_id=outputs.item_id, record=outputs.record, part=0))
        leaves = list(map(astuple, batch.leaves))
        stated = (batch.batch_id, astuple(batch.terms), leaves, named, list(map(astuple, parts)))
        call = self.kept.functions.deliver(*stated, bytes(range(shard_count)))
        self.send(f"`deliver` of {what}", call, OPERATOR)
        return batch

    def finalized(self, batch: TakenBatch, what: str) -> None:
        """The end of a batch, after its window and holds."""
        self.gas[f"`finalize` of {what}"] = self.network.finalize(batch)

    def hold(self, batch: TakenBatch) -> tuple[Any, ...]:
        """Hold a batch; what settling the hold states."""
        challenge_id, _ = self.inputs.challenged(BLOB_KIND)
        path: Sequence[Bytes32] = ()
        stated = (batch.batch_id, astuple(batch.terms), batch.items[0], 0, path, challenge_id)
        bond_wei = self.network.rules.challenger_bond_wei
        receipt = self.send("`hold`", self.kept.functions.hold(*stated), OTHER, bond_wei)
        (log,) = self.kept.events.Held().process_receipt(receipt, errors=DISCARD)
        return batch.batch_id, log["args"]["ordinal"], tuple(log["args"]["hold"].values())

    def fail(self, batch: TakenBatch, what: str) -> None:
        """Strike a leaf whose outputs were never delivered."""
        self.network.pass_time(batch.terms.window_seconds + RULES.acknowledge_seconds + 1)
        claim = (batch.claim_id(1), astuple(batch.terms), astuple(self.network.proof(batch, 1)))
        self.send(f"`fail` of a leaf of {what}", self.kept.functions.fail(*claim), OTHER)


def measure_kept(network: Network, shelf: Shelf) -> Gas:
    """Each call of Kept, and the end of batches under it."""
    kept = KeptNetwork(network, shelf)
    for count, what in ((1, "one output"), (32, "32 outputs"), (256, "256 outputs")):
        kept.finalized(kept.delivered(count, what), f"a batch of {what}")
    held = kept.delivered(1, "one output")
    hold = kept.hold(held)
    network.pass_time(RULES.answer_seconds + held.terms.window_seconds)
    network.finalize(held)
    kept.send("`settle_hold`", kept.kept.functions.settle_hold(*hold), OTHER)
    kept.fail(kept.of_jobs([8] * 32), FAILED)
    return kept.gas
