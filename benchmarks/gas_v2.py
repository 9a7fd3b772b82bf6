"""Gas of version 2's common path on anvil under Osaka rules; prints JSON (docs/settlement.md S3, S4)."""

from __future__ import annotations

import json
import sys
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from _anvil import GENESIS_TIME, REPOSITORY, find_anvil, running_anvil
from _synthetic import invented
from web3 import Web3
from web3.contract import Contract

from truestep.base.ids import JobId
from truestep.contracts.artifacts import artifact_names, load_artifact
from truestep.contracts.build import build
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import NOBODY, Item, PackedItem
from truestep.protocol.settlement.records import BatchTerms
from truestep.protocol.settlement.trees import claims_root, tasks_root

DISPUTES_DOUBLE = REPOSITORY / "tests" / "contracts" / "v2" / "doubles" / "DisputesDouble.vy"
PARAMETERS = (10**18, 4 * 10**16, 30_000, 10**8, 3_600, 900, 3_600, 64, 1_000, 100, 5_000, 10**9)
DEPLOYER, OPERATOR = 0, 1
STAKE_WEI = 4_000 * 10**18
REWARD_WEI = 10**15
MAX_CYCLES = 2**32
LEASE_SECONDS = 3_600
DEADLINE = GENESIS_TIME + 30 * 86_400
GAS_LIMIT = 16_000_000
BARS = {
    "post": 130_000,
    "settle_single": 220_000,
    "settle_batch_32_shards": 10_000,
    "settle_batch_32_jobs": 20_000,
    "settle_batch_256_shards": 4_000,
    "jobs_bytes": 22_576,
    "largest_contract_bytes": 24_000,
}


@dataclass(slots=True)
class Network:
    """The contracts of version 2. Disputes is a double: a batch that nobody disputes asks it one thing."""

    web3: Web3
    programs: Contract = field(init=False)
    operators: Contract = field(init=False)
    jobs: Contract = field(init=False)

    def __post_init__(self) -> None:
        owner = self.deploy("Timelock", self.account(0), self.account(0), 365 * 86_400, 86_400)
        parameters = self.deploy("Parameters", owner.address, PARAMETERS)
        self.programs, self.operators = self.deploy("Programs"), self.deploy("Operators")
        self.jobs = self.deploy("Jobs", self.operators.address, self.programs.address, parameters.address)
        disputes = self._deploy(*_double(DISPUTES_DOUBLE), self.jobs.address, self.operators.address)
        assurances = self.deploy("Assurances", owner.address, disputes.address)
        results = self.deploy("Results", self.jobs.address)
        functions = self.operators.functions
        for call in (functions.add_module(self.jobs.address), functions.seal()):
            self.gas(call, DEPLOYER)
        linked = (assurances.address, disputes.address, results.address)
        self.gas(self.jobs.functions.connect(*linked), DEPLOYER)
        self.gas(functions.deposit_for(self.account(OPERATOR)), OPERATOR, STAKE_WEI)
        program = (invented("image"), 0, MAX_CYCLES, 0, bytes(32), "")
        self.gas(self.programs.functions.register(*program), DEPLOYER)

    def account(self, number: int) -> Any:
        """Anvil's own accounts, unlocked and rich."""
        return self.web3.eth.accounts[number]

    def deploy(self, name: str, *arguments: Any) -> Contract:
        """Deploy a contract of version 2."""
        artifact = load_artifact(name, version=2)
        return self._deploy(list(artifact.abi), artifact.bytecode, *arguments)

    def _deploy(self, abi: Any, bytecode: bytes, *arguments: Any) -> Contract:
        factory = self.web3.eth.contract(abi=abi, bytecode=bytecode)
        sent = factory.constructor(*arguments).transact({"from": self.account(0), "gas": GAS_LIMIT})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        return self.web3.eth.contract(abi=abi)(receipt["contractAddress"])

    def gas(self, call: Any, sender: int, value_wei: int = 0) -> int:
        """Send a call as a transaction; the gas that it used. Raises if it reverts."""
        sent = call.transact({"from": self.account(sender), "value": value_wei, "gas": GAS_LIMIT})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        if receipt["status"] != 1:
            raise RuntimeError(f"{call.fn_name} reverted")
        return receipt["gasUsed"]

    def pass_time(self, seconds: int) -> None:
        """Let the chain's clock jump."""
        self.web3.provider.make_request("evm_increaseTime", [seconds])  # type: ignore[arg-type]
        self.web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]

    def post(self, shard_count: int) -> tuple[JobId, int]:
        """A job's number and the gas of posting it."""
        order = (1, invented("input"), 2**20, "", invented("seed"), shard_count, REWARD_WEI, NOBODY)
        order += (LEASE_SECONDS, DEADLINE, 0, 1, 1, NOBODY, 0, 0)
        gas = self.gas(self.jobs.functions.post(order), DEPLOYER, REWARD_WEI * shard_count)
        return JobId(self.jobs.functions.job_count().call()), gas

    def settle(self, shard_counts: list[int]) -> dict[str, int]:
        """Gas of taking, claiming and finalizing all shards of fresh jobs as one batch."""
        functions, items = self.jobs.functions, self._items(shard_counts)
        root = tasks_root((item, functions.job_digests(item >> 64).call()) for item in items)
        take = self.gas(functions.take(self.account(OPERATOR), items, root, 0), OPERATOR)
        batch_id = functions.batch_count().call()
        count = sum(shard_counts)
        terms = BatchTerms(
            tasks_root=root,
            claims_root=bytes(32),  # type: ignore[arg-type]
            reward=count * REWARD_WEI,
            bond_wei=count * PARAMETERS[0],
            asset=NOBODY,
            window_seconds=functions.get_job(items[0] >> 64).call()[8],
            lease_penalty_bps=PARAMETERS[8],
            release_penalty_bps=PARAMETERS[9],
        )
        assert hash_struct(terms) == functions.get_batch(batch_id).call()[6]
        leaves = [word for leaf in range(count) for word in _leaf(leaf)]
        claim = self.gas(functions.claim(batch_id, astuple(terms), leaves), OPERATOR)
        claimed = replace(terms, claims_root=claims_root(leaves))
        self.pass_time(terms.window_seconds + 1)
        finalize = self.gas(functions.finalize(batch_id, astuple(claimed), []), OPERATOR)
        return {"take": take, "claim": claim, "finalize": finalize}

    def _items(self, shard_counts: list[int]) -> list[PackedItem]:
        items: list[PackedItem] = []
        offset = 0
        for count in shard_counts:
            job_id, _ = self.post(count)
            items.append(Item(job_id=job_id, first_shard=0, count=count, offset=offset).pack())
            offset += count
        return items


def _double(source: Path) -> tuple[Any, bytes]:
    fields = json.loads(build([source])[f"{source.stem}.json"])
    return fields["abi"], bytes.fromhex(fields["bytecode"])


def _leaf(number: int) -> tuple[bytes, bytes, bytes]:
    head = 1 << 192 | 0x89ABCDEF << 64 | 4_136
    return head.to_bytes(32, "big"), invented(f"output {number}"), invented(f"left {number}")


def measure(web3: Web3) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
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
    sizes = {name: load_artifact(name, version=2).deployed_size_bytes for name in artifact_names(2)}
    return figures | {"jobs_bytes": sizes["Jobs"], "largest_contract_bytes": max(sizes.values())}, details


def main() -> int:
    """The command; its exit code, 0 if all is well."""
    anvil = find_anvil()
    if anvil is None:
        sys.stderr.write("gas_v2: anvil is not installed; `make anvil` installs it where npm exists\n")
        return 0
    with running_anvil(anvil) as web3:
        figures, details = measure(web3)
    for name, gas in details.items():
        sys.stderr.write(f"{name}: {gas}\n")
    exceeded = [name for name, bar in BARS.items() if figures[name] > bar]
    for name in exceeded:
        sys.stderr.write(f"gas_v2: {name}: expected at most {BARS[name]:,}, got {figures[name]:,}\n")
    print(json.dumps(figures))
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
