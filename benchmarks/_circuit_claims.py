"""What it costs to prove claims with proofs of circuits: a network on anvil, its entries, and its claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from _gas_network import OTHER, REQUESTER, USUAL_CYCLE, USUAL_CYCLES, Network, TakenBatch
from _synthetic import invented
from web3 import Web3
from web3.contract import Contract

from truestep.base.ids import Address, Bytes32, JobId, task_of
from truestep.circuits.claims import claim_verifier, told_of
from truestep.circuits.model import Model
from truestep.circuits.prover import Circuit, Proof
from truestep.circuits.reference import output_bytes
from truestep.circuits.row_claims import rows_verifier, told_of_rows
from truestep.circuits.rows import rows_input
from truestep.circuits.setup_key import KeyName
from truestep.circuits.verifier import key_digest, verifier_code, verify_call
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.state import Status
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import Item
from truestep.protocol.settlement.records import Leaf

POLICY = 2
DAY_SECONDS = 86_400
VALUE_CAP_WEI = 10**20
GAS_LIMIT = 1_500_000
FAR_SECONDS = 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimGas:
    """One proof, as a transaction to each contract that looks at it, and how many claims it proves."""

    claims: int
    circuit: int
    verifier: int
    prove: int


@dataclass(slots=True)
class ProvenNetwork:
    """The contracts, with Verifiers as policy 2."""

    web3: Web3
    network: Network = field(init=False)
    verifiers: Contract = field(init=False)

    def __post_init__(self) -> None:
        self.network = Network(self.web3)
        self.verifiers = self.network.deploy("Verifiers", self.network.assurances.address)
        self._by_owner(self.network.assurances, "add", self.verifiers.address, POLICY)

    def one(self, model: Model, circuit: Circuit, content: bytes, proof: Proof) -> ClaimGas:
        """The gas of the second claim that is proven, as most are."""
        jobs, key = self._jobs, Bytes32(key_digest(circuit.key))
        model_verifier = claim_verifier(
            model,
            chain_id=self.web3.eth.chain_id,
            jobs=jobs,
            key_digest=key,
            program_hash=_program_hash(),
        )
        inner = self._circuit(circuit)
        sizes = (model_verifier.input_size, model_verifier.output_size)
        contract = self.network.deploy("CircuitVerifier", jobs, inner, key, _program_hash(), *sizes)
        number = self._believe(contract, key)

        def settle() -> tuple[int, int]:
            batch, job_id = self._claimed([content], [proof])
            work, terms = self.network.posted[job_id]
            task_id = task_of(job_id, 0)
            told = told_of(task_id, work, terms, USUAL_CYCLE, content, proof)
            asked = contract.functions.verify(key, model_verifier.statement(told), model_verifier.seal(told))
            assert asked.call() is True
            stated = (batch.claim_id(0), astuple(batch.terms), astuple(self.network.proof(batch)))
            prove = self.verifiers.functions.prove(*stated, number, model_verifier.seal(told))
            return self.network.gas(asked, OTHER), self.network.gas(prove, OTHER)

        settle()
        verifier, prove = settle()
        circuit_gas = self._gas_of_circuit(inner, proof.proof, proof.public)
        return ClaimGas(claims=1, circuit=circuit_gas, verifier=verifier, prove=prove)

    def many(
        self,
        model: Model,
        circuit: Circuit,
        rows: Sequence[bytes],
        runs: Sequence[Proof],
        proof: bytes,
        public: tuple[int, ...],
    ) -> ClaimGas:
        """The gas of the second batch that one proof settles."""
        jobs, key, count = self._jobs, Bytes32(key_digest(circuit.key)), len(rows)
        model_verifier = rows_verifier(
            model,
            count,
            chain_id=self.web3.eth.chain_id,
            jobs=jobs,
            key_digest=key,
            program_hash=_program_hash(),
        )
        inner = self._circuit(circuit)
        sizes = (model_verifier.input_size, model_verifier.output_size, count)
        contract = self.network.deploy("RowsVerifier", jobs, inner, key, _program_hash(), *sizes)
        number = self._believe(contract, key)

        def settle() -> tuple[int, int]:
            batch, job_id = self._claimed(rows, runs)
            work, terms = self.network.posted[job_id]
            first = task_of(job_id, 0)
            told = told_of_rows(first, work, terms, [USUAL_CYCLE] * count, rows=rows, proof=proof, runs=runs)
            asked = contract.functions.verify(key, model_verifier.statement(told), model_verifier.seal(told))
            assert asked.call() is True
            stated = (batch.claim_id(0), astuple(batch.terms), astuple(self.network.proof(batch)))
            others = [astuple(each) for each in batch.leaves[1:]]
            prove = self.verifiers.functions.prove_many(*stated, others, number, model_verifier.seal(told))
            return self.network.gas(asked, OTHER), self.network.gas(prove, OTHER)

        settle()
        verifier, prove = settle()
        circuit_gas = self._gas_of_circuit(inner, proof, public)
        return ClaimGas(claims=count, circuit=circuit_gas, verifier=verifier, prove=prove)

    @property
    def _jobs(self) -> Address:
        return Address(self.network.jobs.address)

    def _claimed(self, rows: Sequence[bytes], runs: Sequence[Proof]) -> tuple[TakenBatch, JobId]:
        """All shards of a job for these rows, claimed as one batch."""
        content = rows_input(rows)
        job_id, _ = self.network.post(
            len(rows), policy=POLICY, content=(root_of_bytes(content, RANGE_LEVEL), len(content))
        )
        item = Item(job_id=job_id, first_shard=0, count=len(rows), offset=0).pack()
        leaves = [_leaf(number, each) for number, each in enumerate(runs)]
        return self.network.claim(self.network.take([item])[0], leaves)[0], job_id

    def _circuit(self, circuit: Circuit) -> Any:
        code: Any = {"data": verifier_code(circuit.key, KeyName.DEVELOPMENT)}
        return self._sent(code)["contractAddress"]

    def _gas_of_circuit(self, address: Any, proof: bytes, public: tuple[int, ...]) -> int:
        return self._sent({"to": address, "data": verify_call(proof, public)})["gasUsed"]

    def _sent(self, transaction: Any) -> Any:
        eth, account = self.web3.eth, self.network.account(REQUESTER)
        whole: Any = {"from": account, "gas": 16_000_000, **transaction}
        sent = eth.send_transaction(whole)
        receipt = eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        assert receipt["status"] == 1
        return receipt

    def _believe(self, contract: Contract, key: Bytes32) -> int:
        now = self.web3.eth.get_block("latest").get("timestamp", 0)
        entry = (
            contract.address,
            key[:4],
            key,
            _program_hash(),
            "UltraHonk",
            100,
            VALUE_CAP_WEI,
            1,
            GAS_LIMIT,
        )
        number = self.verifiers.functions.entry_count().call() + 1
        self._by_owner(self.verifiers, "add", (*entry, 0, now + FAR_SECONDS), number)
        return number

    def _by_owner(self, contract: Contract, function: str, *arguments: Any) -> None:
        action = (contract.address, contract.encode_abi(function, arguments), bytes(32))
        self.network.gas(self.network.owner.functions.announce(*action), REQUESTER)
        self.network.pass_time(DAY_SECONDS + 1)
        self.network.gas(self.network.owner.functions.execute(*action), REQUESTER)


def _program_hash() -> Bytes32:
    """Of the program that `Network` registers."""
    return Bytes32(keccak256(encode(invented("image"), 0, USUAL_CYCLES)))


def _leaf(number: int, proof: Proof) -> Leaf:
    output = output_bytes(proof.words)
    return Leaf(
        head=Status.EXITED << 192 | USUAL_CYCLE << 64 | len(output),
        output_root=root_of_bytes(output, RANGE_LEVEL),
        left_root=invented(f"left {number}"),
    )
