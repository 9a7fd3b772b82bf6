"""The contracts on anvil, and batches that are taken, claimed and finalized there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from _anvil import GENESIS_TIME
from _synthetic import invented
from web3 import Web3
from web3.contract import Contract
from web3.logs import DISCARD
from web3.types import RPCEndpoint

from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.assignment.randomness import commitment_of
from truestep.protocol.assignment.rules import DRAW_RULES
from truestep.protocol.settlement.encoding import encode, hash_struct
from truestep.protocol.settlement.ids import NOBODY, Item, LeafId, PackedItem, claim_of, unpack_item
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Leaf, LeafProof, Work
from truestep.protocol.settlement.trees import claims_root, item_leaf, path_in, tasks_root

RULES = Parameters(
    operator_bond_wei=10**18,
    challenger_bond_wei=4 * 10**16,
    window_seconds=30_000,
    cycles_per_second=10**10,
    clock_seconds=3_600,
    rescue_seconds=900,
    reveal_seconds=3_600,
    arity=64,
    lease_penalty_bps=1_000,
    release_penalty_bps=100,
    winner_share_bps=5_000,
    gas_price_cap_wei=10**9,
)
DRAWS = DRAW_RULES
REQUESTER, OPERATOR, CHALLENGER, OTHER = range(4)
"""Anvil's accounts; the requester also deploys."""
STAKE_WEI = 2_000 * 10**18
ADMISSION = (5_000, 0, 3)
"""The share of a fresh operator, the gate and the phase: those of the shipped networks (operators O3, O4)."""
REWARD_WEI = 10**15
USUAL_CYCLES = 2**40
USUAL_CYCLE = 0x89AB_CDEF
"""In a claim. Its bytes are not zero, which are cheaper."""
LEASE_SECONDS = 3_600
DEADLINE = GENESIS_TIME + 60 * 86_400
DAY_SECONDS = 86_400
NO_SALT = bytes(32)
GAS_LIMIT = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBatch:
    """A batch, and what calls on it state again."""

    batch_id: BatchId
    items: list[PackedItem]
    terms: BatchTerms
    leaves: tuple[Leaf, ...] = ()
    """Once it is claimed."""

    def claim_id(self, leaf_index: int) -> LeafId:
        """The claim that a leaf is."""
        return claim_of(self.batch_id, leaf_index)


@dataclass(slots=True)
class Network:
    """The contracts, on a chain of their own."""

    web3: Web3
    rules: Parameters = RULES
    step: Contract = field(init=False)
    programs: Contract = field(init=False)
    operators: Contract = field(init=False)
    jobs: Contract = field(init=False)
    results: Contract = field(init=False)
    disputes: Contract = field(init=False)
    assurances: Contract = field(init=False)
    owner: Contract = field(init=False)
    randomness: Contract = field(init=False)
    sortition: Contract = field(init=False)
    posted: dict[JobId, tuple[Work, JobTerms]] = field(default_factory=dict[JobId, tuple[Work, JobTerms]])
    _programs: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        who = (self.account(0), self.account(0))
        self.owner = self.deploy("Timelock", *who, 365 * DAY_SECONDS, DAY_SECONDS)
        parameters = self.deploy("Parameters", self.owner.address, astuple(self.rules))
        self.step, self.programs = self.deploy("Step"), self.deploy("Programs")
        self.operators = self.deploy("Operators", self.owner.address, *ADMISSION)
        served = (self.operators.address, self.programs.address, parameters.address)
        self.jobs = self.deploy("Jobs", *served)
        leaves = self.deploy("Leaves", self.jobs.address)
        self.disputes = self.deploy("Disputes", self.jobs.address, leaves.address, self.step.address)
        self.assurances = self.deploy("Assurances", self.owner.address, self.disputes.address)
        self.results = self.deploy("Results", self.jobs.address)
        phases = (DRAWS.commit_seconds, DRAWS.reveal_seconds, DRAWS.draw_seconds)
        self.randomness = self.deploy("Randomness", *phases, DRAWS.entropy_bond_wei)
        links = (self.assurances.address, self.randomness.address)
        self.sortition = self.deploy("Sortition", *links, DRAWS.least_pledge_wei, DRAWS.exit_seconds)
        functions = self.operators.functions
        for module in (self.jobs, self.disputes, self.assurances, self.sortition):
            self.gas(functions.add_module(module.address), REQUESTER)
        self.gas(functions.seal(), REQUESTER)
        linked = (self.assurances.address, self.disputes.address, self.results.address)
        self.gas(self.jobs.functions.connect(*linked), REQUESTER)
        self.gas(functions.deposit_for(self.account(OPERATOR)), OPERATOR, STAKE_WEI)

    def account(self, number: int) -> Any:
        """One of anvil's own accounts, unlocked and rich."""
        return self.web3.eth.accounts[number]

    def deploy(self, name: str, *arguments: Any) -> Contract:
        """Deploy a contract."""
        artifact = load_artifact(name)
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        sent = factory.constructor(*arguments).transact({"from": self.account(0), "gas": GAS_LIMIT})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        return self.web3.eth.contract(abi=artifact.abi)(receipt["contractAddress"])

    def gas(self, call: Any, sender: int, value_wei: int = 0) -> int:
        """Send a call as a transaction; the gas that it used. Raises if it reverts."""
        return self.receipt(call, sender, value_wei)["gasUsed"]

    def receipt(self, call: Any, sender: int, value_wei: int = 0) -> Any:
        """Send a call as a transaction. Raises if it reverts."""
        sent = call.transact({"from": self.account(sender), "value": value_wei, "gas": GAS_LIMIT})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        if receipt["status"] != 1:
            raise RuntimeError(f"{call.fn_name} reverted")
        return receipt

    def pass_time(self, seconds: int) -> None:
        """Let the chain's clock jump."""
        self.web3.provider.make_request(RPCEndpoint("evm_setNextBlockTimestamp"), [self.now + seconds])
        self.web3.provider.make_request(RPCEndpoint("evm_mine"), [])

    @property
    def now(self) -> int:
        """The time of the newest block."""
        return self.web3.eth.get_block("latest").get("timestamp", 0)

    def by_owner(self, contract: Contract, function: str, *arguments: Any) -> int:
        """What the owner does late and in public; the gas of the second part."""
        message = bytes.fromhex(contract.encode_abi(function, list(arguments))[2:])
        action = (contract.address, message, NO_SALT)
        self.gas(self.owner.functions.announce(*action), REQUESTER)
        self.pass_time(DAY_SECONDS + 1)
        return self.gas(self.owner.functions.execute(*action), REQUESTER)

    # --- draws ------------------------------------------------------------------------------------------

    def pledge(self, pool: int, members: Sequence[int], stake_wei: int = STAKE_WEI) -> None:
        """Let accounts deposit and join a pool with the least pledge, in a new round."""
        for number in members:
            self.gas(self.operators.functions.deposit_for(self.account(number)), number, stake_wei)
        self.pass_to(0)
        for number in members:
            join = self.sortition.functions.join(self.account(number), pool, DRAWS.least_pledge_wei)
            self.gas(join, number)

    def pass_to(self, second: int) -> None:
        """To this second of a round of draws, the next one to come."""
        self.pass_time((second - self.now) % DRAWS.phases.round_seconds)

    def pass_to_draws(self, sender: int) -> None:
        """A new round with a secret of somebody's, up to its draw phase."""
        self.pass_to(0)
        number, secret = self.randomness.functions.round_at(self.now).call(), keccak256(b"secret")
        promise = commitment_of(Address(self.account(sender)), number, secret)
        self.gas(self.randomness.functions.commit(number, promise), sender, DRAWS.entropy_bond_wei)
        self.pass_to(DRAWS.commit_seconds)
        self.gas(self.randomness.functions.reveal(secret), sender)
        self.pass_to(DRAWS.commit_seconds + DRAWS.reveal_seconds)

    # --- the life of a batch ----------------------------------------------------------------------------

    def post(
        self,
        shard_count: int,
        cycles: int = USUAL_CYCLES,
        policy: int = 1,
        content: tuple[bytes, int] = (invented("input"), 2**20),
    ) -> tuple[JobId, int]:
        """A job's number and the gas of posting it. `content` is root and size of its input."""
        program_id = self._program(cycles)
        program = keccak256(encode(invented("image"), 0, cycles))
        order = (program_id, program, *content, "", invented("seed"), shard_count)
        order += (REWARD_WEI, NOBODY, LEASE_SECONDS, DEADLINE, 0, 1, policy, 1, NOBODY, 0, 0)
        receipt = self.receipt(self.jobs.functions.post(order), REQUESTER, REWARD_WEI * shard_count)
        (log,) = self.jobs.events.Posted().process_receipt(receipt, errors=DISCARD)
        job_id = JobId(log["args"]["job_id"])
        work, terms = Work(**log["args"]["work"]), JobTerms(**log["args"]["terms"])
        self.posted[job_id] = work, terms
        return job_id, receipt["gasUsed"]

    def _program(self, cycles: int) -> int:
        if cycles not in self._programs:
            program = (invented("image"), 0, cycles, 0, bytes(32), "")
            self.gas(self.programs.functions.register(*program), REQUESTER)
            self._programs[cycles] = self.programs.functions.program_count().call()
        return self._programs[cycles]

    def items(self, shard_counts: Sequence[int], cycles: int = USUAL_CYCLES) -> list[PackedItem]:
        """All shards of fresh jobs, as a batch takes them."""
        items: list[PackedItem] = []
        offset = 0
        for count in shard_counts:
            job_id, _ = self.post(count, cycles)
            items.append(Item(job_id=job_id, first_shard=0, count=count, offset=offset).pack())
            offset += count
        return items

    def take(self, items: list[PackedItem]) -> tuple[TakenBatch, int]:
        """A batch, and the gas of taking it."""
        functions = self.jobs.functions
        root = tasks_root((item, functions.job_digests(item >> 64).call()) for item in items)
        gas = self.gas(functions.take(self.account(OPERATOR), items, root, 0, 0), OPERATOR)
        count = sum(unpack_item(item).count for item in items)
        terms = BatchTerms(
            tasks_root=root,
            claims_root=Bytes32(bytes(32)),
            reward=count * REWARD_WEI,
            bond_wei=count * self.rules.operator_bond_wei,
            asset=NOBODY,
            window_seconds=self.posted[unpack_item(items[0]).job_id][1].window_seconds,
            lease_seconds=LEASE_SECONDS,
        )
        batch_id = BatchId(functions.batch_count().call())
        if hash_struct(terms) != functions.get_batch(batch_id).call()[6]:
            raise RuntimeError(f"batch {batch_id} has other terms than {terms}")
        return TakenBatch(batch_id=batch_id, items=items, terms=terms), gas

    def claim(self, batch: TakenBatch, leaves: Sequence[Leaf]) -> tuple[TakenBatch, int]:
        """The batch with its leaves, and the gas of claiming it."""
        words = [word for leaf in leaves for word in _words(leaf)]
        call = self.jobs.functions.claim(batch.batch_id, astuple(batch.terms), words)
        gas = self.gas(call, OPERATOR)
        terms = replace(batch.terms, claims_root=claims_root(words))
        return replace(batch, terms=terms, leaves=tuple(leaves)), gas

    def finalize(self, batch: TakenBatch) -> int:
        """Let the window pass, finalize; the gas."""
        self.pass_time(batch.terms.window_seconds + 1)
        return self.gas(self.jobs.functions.finalize(batch.batch_id, astuple(batch.terms), []), OPERATOR)

    def claimed(
        self, shard_counts: Sequence[int], cycle: int = USUAL_CYCLE, cycles: int = USUAL_CYCLES
    ) -> TakenBatch:
        """A fresh batch whose window is open."""
        batch, _ = self.take(self.items(shard_counts, cycles))
        return self.claim(batch, [leaf(index, cycle) for index in range(sum(shard_counts))])[0]

    def settle(self, shard_counts: Sequence[int]) -> dict[str, int]:
        """Gas of taking, claiming and finalizing all shards of fresh jobs as one batch."""
        batch, take = self.take(self.items(shard_counts))
        batch, claim = self.claim(batch, [leaf(index) for index in range(sum(shard_counts))])
        return {"take": take, "claim": claim, "finalize": self.finalize(batch)}

    def proof(self, batch: TakenBatch, leaf_index: int = 0) -> LeafProof:
        """That a leaf is in its batch."""
        index = next(n for n, i in enumerate(batch.items) if unpack_item(i).has_leaf(leaf_index))
        nodes = [item_leaf(i, self.jobs.functions.job_digests(i >> 64).call()) for i in batch.items]
        work, terms = self.posted[unpack_item(batch.items[index]).job_id]
        return LeafProof(
            item=batch.items[index],
            item_index=index,
            item_path=path_in(nodes, index),
            work=work,
            job_terms=terms,
            leaf=batch.leaves[leaf_index],
            leaf_path=path_in([hash_struct(one) for one in batch.leaves], leaf_index),
        )


def leaf(number: int, cycle: int = USUAL_CYCLE) -> Leaf:
    """A claim of an accepted run, different for each number."""
    head = 1 << 192 | cycle << 64 | 4_136
    return Leaf(head=head, output_root=invented(f"output {number}"), left_root=invented(f"left {number}"))


def _words(one: Leaf) -> tuple[bytes, bytes, bytes]:
    return one.head.to_bytes(32, "big"), one.output_root, one.left_root
