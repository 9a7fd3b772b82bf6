"""All contracts but Disputes, for which a double stands, and the steps of a batch's life."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.contracts.compiled import compile_folder, deploy_compiled, message_of
from tests.contracts.evm import EvmContract, Receipt
from tests.contracts.settings import ALICE, BOB, DAY_SECONDS, DEPLOYER, NOBODY, PROPOSER, Clock, Values
from truestep.base.ids import Address, Bytes32, JobId, ProgramId
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.encoding import encode, hash_struct
from truestep.protocol.settlement.ids import Item, PackedItem, unpack_item
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Leaf, LeafProof, Order, Work
from truestep.protocol.settlement.trees import claims_root, item_leaf, path_in, tasks_root

HERE = Path(__file__).parent
NATIVE = Address(NOBODY)
VALUES = Values()
BOND_WEI = VALUES.operator_bond_wei
STAKE_WEI = 600 * BOND_WEI
EVERYBODY = (10_000, 0, 3)
"""Operators whose whole stakes may be at risk, in the open phase (operators O3, O4)."""
REWARD = 1_000
MAX_CYCLES = 10**9
LEASE_SECONDS = 600
LIFETIME_SECONDS = 10**6
WINDOW_SECONDS = 30_000
ZERO = Bytes32(bytes(32))
ORDER = Order(
    program_id=ProgramId(1),
    program_hash=ZERO,
    input_root=Bytes32(b"i" * 32),
    input_size=77,
    input_uri="file:input",
    seed=Bytes32(b"s" * 32),
    shard_count=1,
    reward=REWARD,
    asset=NATIVE,
    lease_seconds=LEASE_SECONDS,
    deadline=0,
    window_seconds=0,
    bond_multiple=1,
    policy=1,
    parameters_id=0,
    consumer=NATIVE,
    callback_gas=0,
    reducer_of=0,
)
"""Deadline 0 stands for the usual lifetime, hash and parameters 0 for those that are right now."""


def leaf_for(number: int, **changes: Any) -> Leaf:
    """A leaf that is accepted; `changes` go to status, code, cycle, output_size, output_root."""
    parts: dict[str, Any] = {"status": 1, "code": 0, "cycle": 1_000 + number, "output_size": 32}
    parts |= changes
    head = parts["status"] << 192 | parts["code"] << 128 | parts["cycle"] << 64 | parts["output_size"]
    root = parts.get("output_root", Bytes32(number.to_bytes(32, "big")))
    return Leaf(head=head, output_root=root, left_root=Bytes32(b"l" * 32))


@dataclass(slots=True, kw_only=True)
class PostedJob:
    """A job, and what its statements name."""

    job_id: JobId
    work: Work
    terms: JobTerms
    digest: Bytes32
    reward: int


Range = tuple[PostedJob, int, int]
"""A job, its first shard and how many."""


@dataclass(slots=True, kw_only=True)
class TakenBatch:
    """A batch, and what calls on it state again."""

    batch_id: int
    items: list[PackedItem]
    terms: BatchTerms
    digests: dict[int, Bytes32]
    leaves: list[Leaf] = field(default_factory=list)

    @property
    def leaf_count(self) -> int:
        """Its tasks."""
        return sum(unpack_item(item).count for item in self.items)

    def claim_id(self, leaf_index: int) -> int:
        """The claim that a leaf is."""
        return self.batch_id << 8 | leaf_index

    def task_id(self, leaf_index: int) -> int:
        """The task that a leaf is about."""
        return next(i.task(leaf_index) for i in map(unpack_item, self.items) if i.has_leaf(leaf_index))

    def proof(self, leaf_index: int, jobs: dict[int, PostedJob]) -> LeafProof:
        """That this leaf is in the batch."""
        index = next(n for n, i in enumerate(self.items) if unpack_item(i).has_leaf(leaf_index))
        item = self.items[index]
        nodes = [item_leaf(i, self.digests[i >> 64]) for i in self.items]
        job = jobs[item >> 64]
        return LeafProof(
            item=item,
            item_index=index,
            item_path=path_in(nodes, index),
            work=job.work,
            job_terms=job.terms,
            leaf=self.leaves[leaf_index],
            leaf_path=path_in([hash_struct(leaf) for leaf in self.leaves], leaf_index),
        )


class Settlement(Clock):
    """The deployed contracts, ALICE with a stake and BOB who pays."""

    def __init__(self, *, is_connected: bool = True, values: Values = VALUES) -> None:
        super().__init__()
        self.owner = self.timelock()
        self.parameters = self.deploy("Parameters", self.owner.address, values.row)
        self.programs = self.deploy("Programs")
        self.operators = self.deploy("Operators", self.owner.address, *EVERYBODY)
        addresses = [contract.address for contract in (self.operators, self.programs, self.parameters)]
        self.jobs = self.deploy("Jobs", *addresses)
        self.disputes = self.deploy_disputes()
        self.assurances = self.deploy("Assurances", self.owner.address, self.disputes.address)
        self.results = self.deploy("Results", self.jobs.address)
        for module in (self.jobs, self.disputes, self.assurances):
            self.operators.transact("add_module", module.address, sender=DEPLOYER)
        self.operators.transact("seal", sender=DEPLOYER)
        self.posted: dict[int, PostedJob] = {}
        if is_connected:
            self.jobs.transact("connect", *self.links, sender=DEPLOYER)
            self.operators.transact("deposit_for", ALICE, sender=ALICE, value=STAKE_WEI)
            self.programs.transact("register", b"p" * 32, 0, MAX_CYCLES, 0, bytes(32), "", sender=BOB)

    def deploy_disputes(self) -> EvmContract:
        """Deploy what stands for Disputes."""
        return self.double("DisputesDouble", self.jobs.address, self.operators.address)

    @property
    def links(self) -> list[str]:
        """What `connect` is told."""
        return [contract.address for contract in (self.assurances, self.disputes, self.results)]

    def by_owner(self, target: EvmContract, function: str, *arguments: Any) -> None:
        """Announce an action and execute it a day later."""
        action = (target.address, message_of(target, function, *arguments), bytes(32))
        self.owner.transact("announce", *action, sender=PROPOSER)
        self.pass_time(DAY_SECONDS)
        self.owner.transact("execute", *action)

    def double(self, name: str, *arguments: Any, folder: str = "doubles") -> EvmContract:
        """Deploy a contract that only tests have."""
        return deploy_compiled(self.evm, compile_folder(HERE / folder)[name], *arguments)

    def token(self, name: str, amount: int = 10**30) -> EvmContract:
        """Deploy a token, of which BOB has some."""
        token = self.double(name, folder="tokens")
        token.transact("mint", BOB, amount)
        return token

    def order(self, **changes: Any) -> Order:
        """The usual order, with changes."""
        order = replace(ORDER, **changes)
        if order.program_hash == ZERO and order.program_id <= self.programs.call("program_count"):
            image_root, entry, max_cycles, *_ = self.programs.call("get", order.program_id)
            order = replace(order, program_hash=keccak256(encode(image_root, entry, max_cycles)))
        newest = self.parameters.call("count")
        return replace(
            order,
            deadline=order.deadline or self.now + LIFETIME_SECONDS,
            parameters_id=order.parameters_id or newest,
        )

    def post_order(self, order: Order, sender: str = BOB, value: int | None = None) -> Receipt:
        """Just the call."""
        due = order.reward * order.shard_count if order.asset == NATIVE else 0
        return self.jobs.transact(
            "post", astuple(order), sender=sender, value=due if value is None else value
        )

    def post(self, sender: str = BOB, **changes: Any) -> PostedJob:
        """Post a job and keep what it is."""
        order = self.order(**changes)
        receipt = self.post_order(order, sender)
        (event,) = [e for e in receipt.events if e.name == "Posted"]
        job = PostedJob(
            job_id=JobId(receipt.result),
            work=Work(**dict(zip(Work.__dataclass_fields__, event.fields["work"], strict=True))),
            terms=JobTerms(**dict(zip(JobTerms.__dataclass_fields__, event.fields["terms"], strict=True))),
            digest=Bytes32(event.fields["job_digest"]),
            reward=order.reward,
        )
        self.posted[job.job_id] = job
        return job

    def items(self, *ranges: Range) -> list[PackedItem]:
        """Items of (job, first shard, count), one behind the other."""
        items: list[PackedItem] = []
        offset = 0
        for job, first, count in ranges:
            items.append(Item(job_id=job.job_id, first_shard=first, count=count, offset=offset).pack())
            offset += count
        return items

    def root(self, items: list[PackedItem]) -> Bytes32:
        """What `take` names for these items."""
        return tasks_root((item, self.posted[item >> 64].digest) for item in items)

    def take(self, *ranges: Range, operator: str = ALICE, sender: str = "") -> TakenBatch:
        """Take shards as one batch."""
        items = self.items(*ranges)
        root = self.root(items)
        sender = sender or operator
        receipt = self.jobs.transact("take", operator, items, root, 0, 0, sender=sender)
        (event,) = receipt.events
        terms = dict(zip(BatchTerms.__dataclass_fields__, event.fields["terms"], strict=True))
        digests = {item >> 64: self.posted[item >> 64].digest for item in items}
        return TakenBatch(batch_id=receipt.result, items=items, terms=BatchTerms(**terms), digests=digests)

    def claim(self, batch: TakenBatch, leaves: list[Leaf] | None = None, sender: str = ALICE) -> Receipt:
        """Claim a leaf for each task."""
        batch.leaves = leaves or [leaf_for(number) for number in range(batch.leaf_count)]
        words = [word for leaf in batch.leaves for word in leaf_words(leaf)]
        receipt = self.jobs.transact("claim", batch.batch_id, astuple(batch.terms), words, sender=sender)
        batch.terms = replace(batch.terms, claims_root=claims_root(words))
        return receipt

    def finalize(self, batch: TakenBatch, *, has_items: bool = False) -> Receipt:
        """End a batch, by anybody."""
        items = batch.items if has_items else []
        return self.jobs.transact("finalize", batch.batch_id, astuple(batch.terms), items)

    def on_batch(self, function: str, batch: TakenBatch, sender: str = ALICE) -> Receipt:
        """`release` or `expire`."""
        return self.jobs.transact(function, batch.batch_id, astuple(batch.terms), batch.items, sender=sender)

    def finalize_leaf(self, batch: TakenBatch, leaf_index: int) -> Receipt:
        """Finalize a leaf that was held."""
        return self.jobs.transact(
            "finalize_leaf", batch.claim_id(leaf_index), astuple(batch.terms), batch.items
        )

    def strike(self, batch: TakenBatch, leaf_index: int, bond_wei: int = BOND_WEI) -> Receipt:
        """Strike a leaf, by Disputes."""
        return self.disputes.transact(
            "strike", batch.claim_id(leaf_index), batch.task_id(leaf_index), bond_wei
        )

    def write_out(self, batch: TakenBatch, leaf_index: int) -> Receipt:
        """Write a final leaf out."""
        proof = astuple(batch.proof(leaf_index, self.posted))
        return self.results.transact("write_out", batch.claim_id(leaf_index), astuple(batch.terms), proof)

    def settle(self, *ranges: Range, leaves: list[Leaf] | None = None) -> TakenBatch:
        """Take, claim and finalize."""
        batch = self.take(*ranges)
        self.claim(batch, leaves)
        self.pass_time(batch.terms.window_seconds + 1)
        self.finalize(batch)
        return batch

    def batch(self, batch_id: int) -> SimpleNamespace:
        """A batch as Jobs has it."""
        names = (
            "stage",
            "leaf_count",
            "until",
            "operator",
            "parameters_id",
            "policy",
            "terms_hash",
            "struck",
        )
        return SimpleNamespace(**dict(zip(names, self.jobs.call("get_batch", batch_id), strict=True)))

    def credit(self, account: str, asset: str = NATIVE) -> int:
        """What Jobs owes."""
        return self.jobs.call("credits", asset, account)

    def locked(self, operator: str = ALICE) -> int:
        """An operator's locked stake."""
        return self.operators.call("accounts", operator)[1]

    def is_busy(self, job: PostedJob, shard: int) -> bool:
        """Whether nobody can take the shard."""
        return self.jobs.call("is_busy", job.job_id << 32 | shard)


def leaf_words(leaf: Leaf) -> tuple[bytes, bytes, bytes]:
    """A leaf as `claim` takes it."""
    return leaf.head.to_bytes(32, "big"), leaf.output_root, leaf.left_root
