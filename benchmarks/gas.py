"""Gas of version 2 on anvil under Osaka rules; prints JSON (docs/protocol.md S3, S4, S6, S7)."""

from __future__ import annotations

import json
import sys
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from _anvil import GENESIS_TIME, find_anvil, running_anvil
from _gas_disputes import Challenged, Dispute, witness_of_dearest_step
from _gas_floats import float_lie
from _synthetic import invented
from web3 import Web3
from web3.contract import Contract
from web3.logs import DISCARD

from truestep.base.ids import JobId
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import artifact_names, load_artifact
from truestep.protocol.settlement.encoding import encode, hash_struct
from truestep.protocol.settlement.ids import NOBODY, Item, PackedItem, unpack_item
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Leaf, LeafProof, Work
from truestep.protocol.settlement.trees import claims_root, item_leaf, path_in, tasks_root

PARAMETERS = (10**18, 4 * 10**16, 30_000, 10**10, 3_600, 900, 3_600, 64, 1_000, 100, 5_000, 10**9)
DEPLOYER, OPERATOR = 0, 1
STAKE_WEI = 4_000 * 10**18
REWARD_WEI = 10**15
MAX_CYCLES = 2**40
USUAL_CYCLE = 0x89AB_CDEF
LEASE_SECONDS = 3_600
DEADLINE = GENESIS_TIME + 30 * 86_400
GAS_LIMIT = 16_000_000
BARS = {
    "post": 130_000,
    "settle_single": 220_000,
    "settle_batch_32_shards": 10_000,
    "settle_batch_32_jobs": 20_000,
    "settle_batch_256_shards": 4_000,
    "dispute_2_40_moves": 17,
    "dispute_2_40_gas": 1_576_235,
    "dispute_float_moves": 23,
    "dispute_float_gas": 2_003_022,
    "dispute_batch_leaf_extra": 60_000,
    "jobs_bytes": 22_576,
    "disputes_bytes": 22_576,
    "largest_contract_bytes": 24_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedBatch:
    """A batch whose window is open."""

    batch_id: int
    items: list[PackedItem]
    terms: BatchTerms
    leaves: list[Leaf]


@dataclass(slots=True)
class Network:
    """The contracts of version 2."""

    web3: Web3
    programs: Contract = field(init=False)
    operators: Contract = field(init=False)
    jobs: Contract = field(init=False)
    disputes: Contract = field(init=False)
    posted: dict[JobId, tuple[Work, JobTerms]] = field(default_factory=dict[JobId, tuple[Work, JobTerms]])

    def __post_init__(self) -> None:
        owner = self.deploy("Timelock", self.account(0), self.account(0), 365 * 86_400, 86_400)
        parameters = self.deploy("Parameters", owner.address, PARAMETERS)
        self.programs, self.operators = self.deploy("Programs"), self.deploy("Operators")
        self.jobs = self.deploy("Jobs", self.operators.address, self.programs.address, parameters.address)
        leaves, step = self.deploy("Leaves", self.jobs.address), self._deploy(*_parts("Step", 1))
        self.disputes = self.deploy("Disputes", self.jobs.address, leaves.address, step.address)
        assurances = self.deploy("Assurances", owner.address, self.disputes.address)
        results = self.deploy("Results", self.jobs.address)
        functions = self.operators.functions
        for module in (self.jobs, self.disputes):
            self.gas(functions.add_module(module.address), DEPLOYER)
        self.gas(functions.seal(), DEPLOYER)
        linked = (assurances.address, self.disputes.address, results.address)
        self.gas(self.jobs.functions.connect(*linked), DEPLOYER)
        self.gas(functions.deposit_for(self.account(OPERATOR)), OPERATOR, STAKE_WEI)
        program = (invented("image"), 0, MAX_CYCLES, 0, bytes(32), "")
        self.gas(self.programs.functions.register(*program), DEPLOYER)

    def account(self, number: int) -> Any:
        """Anvil's own accounts, unlocked and rich."""
        return self.web3.eth.accounts[number]

    def deploy(self, name: str, *arguments: Any) -> Contract:
        """Deploy a contract of version 2."""
        return self._deploy(*_parts(name, 2), *arguments)

    def _deploy(self, abi: Any, bytecode: bytes, *arguments: Any) -> Contract:
        factory = self.web3.eth.contract(abi=abi, bytecode=bytecode)
        sent = factory.constructor(*arguments).transact({"from": self.account(0), "gas": GAS_LIMIT})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        return self.web3.eth.contract(abi=abi)(receipt["contractAddress"])

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
        self.web3.provider.make_request("evm_increaseTime", [seconds])  # type: ignore[arg-type]
        self.web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]

    def post(self, shard_count: int) -> tuple[JobId, int]:
        """A job's number and the gas of posting it."""
        program = keccak256(encode(invented("image"), 0, MAX_CYCLES))
        order = (1, program, invented("input"), 2**20, "", invented("seed"), shard_count, REWARD_WEI, NOBODY)
        order += (LEASE_SECONDS, DEADLINE, 0, 1, 1, 1, NOBODY, 0, 0)
        receipt = self.receipt(self.jobs.functions.post(order), DEPLOYER, REWARD_WEI * shard_count)
        (log,) = self.jobs.events.Posted().process_receipt(receipt, errors=DISCARD)
        job_id = JobId(log["args"]["job_id"])
        work, terms = Work(**log["args"]["work"]), JobTerms(**log["args"]["terms"])
        self.posted[job_id] = work, terms
        return job_id, receipt["gasUsed"]

    def settle(self, shard_counts: list[int]) -> dict[str, int]:
        """Gas of taking, claiming and finalizing all shards of fresh jobs as one batch."""
        batch, gas = self.claim(shard_counts)
        self.pass_time(batch.terms.window_seconds + 1)
        call = self.jobs.functions.finalize(batch.batch_id, astuple(batch.terms), [])
        return gas | {"finalize": self.gas(call, OPERATOR)}

    def claim(self, shard_counts: list[int], cycle: int = USUAL_CYCLE) -> tuple[ClaimedBatch, dict[str, int]]:
        """Take and claim all shards of fresh jobs as one batch."""
        functions, items = self.jobs.functions, self._items(shard_counts)
        root = tasks_root((item, functions.job_digests(item >> 64).call()) for item in items)
        take = self.gas(functions.take(self.account(OPERATOR), items, root, 0, 0), OPERATOR)
        batch_id = functions.batch_count().call()
        count = sum(shard_counts)
        terms = BatchTerms(
            tasks_root=root,
            claims_root=bytes(32),  # type: ignore[arg-type]
            reward=count * REWARD_WEI,
            bond_wei=count * PARAMETERS[0],
            asset=NOBODY,
            window_seconds=functions.get_job(items[0] >> 64).call()[8],
            lease_seconds=LEASE_SECONDS,
        )
        assert hash_struct(terms) == functions.get_batch(batch_id).call()[6]
        leaves = [_leaf(index, cycle) for index in range(count)]
        words = [word for leaf in leaves for word in _words(leaf)]
        claim = self.gas(functions.claim(batch_id, astuple(terms), words), OPERATOR)
        claimed = replace(terms, claims_root=claims_root(words))
        batch = ClaimedBatch(batch_id=batch_id, items=items, terms=claimed, leaves=leaves)
        return batch, {"take": take, "claim": claim}

    def challenged(self, shard_counts: list[int], leaf_index: int = 0) -> Challenged:
        """A leaf of a fresh batch."""
        batch, _ = self.claim(shard_counts, MAX_CYCLES)
        index = next(n for n, i in enumerate(batch.items) if unpack_item(i).has_leaf(leaf_index))
        nodes = [item_leaf(i, self.jobs.functions.job_digests(i >> 64).call()) for i in batch.items]
        work, terms = self.posted[unpack_item(batch.items[index]).job_id]
        proof = LeafProof(
            item=batch.items[index],
            item_index=index,
            item_path=path_in(nodes, index),
            work=work,
            job_terms=terms,
            leaf=batch.leaves[leaf_index],
            leaf_path=path_in([hash_struct(leaf) for leaf in batch.leaves], leaf_index),
        )
        return Challenged(claim_id=batch.batch_id << 8 | leaf_index, terms=batch.terms, proof=proof)

    def dispute(self) -> Dispute:
        """A game that nobody has opened yet."""
        return Dispute(network=self, disputes=self.disputes, operator=OPERATOR, bond_wei=PARAMETERS[1])

    def _items(self, shard_counts: list[int]) -> list[PackedItem]:
        items: list[PackedItem] = []
        offset = 0
        for count in shard_counts:
            job_id, _ = self.post(count)
            items.append(Item(job_id=job_id, first_shard=0, count=count, offset=offset).pack())
            offset += count
        return items


def _parts(name: str, version: int) -> tuple[Any, bytes]:
    artifact = load_artifact(name, version=version)
    return list(artifact.abi), artifact.bytecode


def _leaf(number: int, cycle: int) -> Leaf:
    head = 1 << 192 | cycle << 64 | 4_136
    return Leaf(head=head, output_root=invented(f"output {number}"), left_root=invented(f"left {number}"))


def _words(leaf: Leaf) -> tuple[bytes, bytes, bytes]:
    return leaf.head.to_bytes(32, "big"), leaf.output_root, leaf.left_root


def total(gas: dict[str, list[int]]) -> int:
    """Of a dispute."""
    return sum(map(sum, gas.values()))


def measure_disputes(network: Network) -> dict[str, dict[str, list[int]]]:
    """Gas by kind of move: of a leaf alone, of one that ends in a float, and of one of 32 jobs in a batch."""
    witness = witness_of_dearest_step()
    return {
        "dispute": network.dispute().play(network.challenged([1]), witness),
        "dispute_float": network.dispute().play_float(network.challenged([1]), float_lie()),
        "dispute_batch": network.dispute().play(network.challenged([1] * 32, 21), witness),
    }


def measure(web3: Web3) -> tuple[dict[str, int], dict[str, Any]]:
    """The figures of the issue, and the transactions behind them."""
    network = Network(web3)
    network.settle([1])  # the first of a network writes words that all others find written
    _, post = network.post(1)
    batches = {
        "settle_single": [1],
        "settle_batch_32_shards": [32],
        "settle_batch_32_jobs": [1] * 32,
        "settle_batch_256_shards": [256],
    }
    details = {name: network.settle(counts) for name, counts in batches.items()}
    figures = {"post": post}
    figures |= {name: -(-sum(gas.values()) // sum(batches[name])) for name, gas in details.items()}
    disputes = measure_disputes(network)
    whole, floating, batched = (disputes[name] for name in ("dispute", "dispute_float", "dispute_batch"))
    figures |= {
        "dispute_2_40_moves": sum(map(len, whole.values())),
        "dispute_2_40_gas": total(whole),
        "dispute_float_moves": sum(map(len, floating.values())),
        "dispute_float_gas": total(floating),
        "dispute_batch_leaf_extra": total(batched) - total(whole),
    }
    sizes = {name: load_artifact(name).deployed_size_bytes for name in artifact_names()}
    return figures | {
        "jobs_bytes": sizes["Jobs"],
        "disputes_bytes": sizes["Disputes"],
        "largest_contract_bytes": max(sizes.values()),
    }, details | disputes


def main() -> int:
    """The command; its exit code, 0 if all is well."""
    anvil = find_anvil()
    if anvil is None:
        sys.stderr.write("gas: anvil is not installed; `make anvil` installs it where npm exists\n")
        return 0
    with running_anvil(anvil) as web3:
        figures, details = measure(web3)
    for name, gas in details.items():
        sys.stderr.write(f"{name}: {gas}\n")
    exceeded = [name for name, bar in BARS.items() if figures[name] > bar]
    for name in exceeded:
        sys.stderr.write(f"gas: {name}: expected at most {BARS[name]:,}, got {figures[name]:,}\n")
    print(json.dumps(figures))
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
