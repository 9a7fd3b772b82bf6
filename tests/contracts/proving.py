"""All contracts with Verifiers as policy 2: verifiers as the test says, games on real runs."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

from tests.contracts.evm import EvmContract, Receipt
from tests.contracts.playing import Arena
from tests.contracts.runs import Run
from tests.contracts.settings import KEEPER, Values
from tests.contracts.settlement import PostedJob, TakenBatch
from tests.protocol.validity.world import seal_of
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.ids import Address, Bytes32
from truestep.protocol.settlement.ids import unpack_item
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.validity.contracts.verifiers import Entry, Selector
from truestep.protocol.validity.statements import leaf_statement, leaves_statement

POLICY = 2
SELECTOR = Selector(bytes.fromhex("a1a1a1a1"))
KEY_DIGEST = Bytes32(b"k" * 32)
SOUND, UNSOUND, REVERTS, BURNS, ANSWERS_TWO, ANSWERS_TWICE, SILENT = range(7)


class ProvingArena(Arena):
    """The contracts, with one verifier that is believed as entry 1."""

    def __init__(self, values: Values | None = None) -> None:
        super().__init__(values) if values is not None else super().__init__()
        self.verifiers = self.deploy("Verifiers", self.assurances.address)
        self.by_owner(self.assurances, "add", self.verifiers.address, POLICY)
        self.verifier = self.double("VerifierDouble", SELECTOR)
        self.add_entry(self.entry())

    def entry(self, **changes: Any) -> Entry:
        """The usual entry, with changes."""
        usual = Entry(
            verifier=Address(checksummed(self.verifier.address)),
            selector=SELECTOR,
            key_digest=KEY_DIGEST,
            program_hash=Bytes32(bytes(32)),
            system="test proofs",
            bits=100,
            value_cap_wei=10**20,
            least_bond_wei=0,
            gas_limit=300_000,
            active_from=0,
            active_until=self.now + 10**8,
        )
        return replace(usual, **changes)

    def add_entry(self, entry: Entry) -> int:
        """Let the owner add it; its number."""
        number = self.verifiers.call("entry_count") + 1
        self.by_owner(self.verifiers, "add", astuple(entry), number)
        return number

    def set_mood(self, mood: int, verifier: EvmContract | None = None) -> None:
        """Let a verifier behave like this."""
        (verifier or self.verifier).transact("set_mood", mood)

    def claimed(self, *made: Run, **order: Any) -> TakenBatch:
        """A batch of a job under *validity*, whose first shards end like this."""
        return self.claim_runs(*made, job=self.post_runs(policy=POLICY, **order))

    def statement(self, batch: TakenBatch, leaf_index: int = 0, leaf: Leaf | None = None) -> Bytes32:
        """What a proof of a leaf states."""
        proof = batch.proof(leaf_index, self.posted)
        task_id = unpack_item(proof.item).task(leaf_index)
        jobs = Address(self.jobs.address)
        return leaf_statement(1, jobs, task_id, proof.work, proof.job_terms, leaf or proof.leaf)

    def seal(self, batch: TakenBatch, leaf_index: int = 0) -> bytes:
        """What a sound verifier accepts."""
        return seal_of(SELECTOR, KEY_DIGEST, self.statement(batch, leaf_index))

    def statement_of_many(self, batch: TakenBatch, first: int, count: int) -> Bytes32:
        """What a proof of many leaves states."""
        proof, jobs = batch.proof(first, self.posted), Address(self.jobs.address)
        leaves, task_id = batch.leaves[first : first + count], unpack_item(proof.item).task(first)
        return leaves_statement(1, jobs, task_id, work=proof.work, terms=proof.job_terms, leaves=leaves)

    def prove_many(
        self, batch: TakenBatch, first: int, count: int, *, number: int = 1, seal: bytes | None = None
    ) -> Receipt:
        """Somebody proves many leaves at once."""
        if seal is None:
            seal = seal_of(SELECTOR, KEY_DIGEST, self.statement_of_many(batch, first, count))
        others = [astuple(leaf) for leaf in batch.leaves[first + 1 : first + count]]
        arguments = (*self.call_arguments(batch, first), others, number, seal)
        return self.verifiers.transact("prove_many", *arguments, sender=KEEPER)

    def call_arguments(self, batch: TakenBatch, leaf_index: int = 0) -> tuple[Any, ...]:
        """Claim, terms and proof, as most calls take them."""
        proof = astuple(batch.proof(leaf_index, self.posted))
        return batch.claim_id(leaf_index), astuple(batch.terms), proof

    def prove(
        self, batch: TakenBatch, leaf_index: int = 0, *, number: int = 1, seal: bytes | None = None
    ) -> Receipt:
        """Somebody proves a leaf."""
        seal = self.seal(batch, leaf_index) if seal is None else seal
        arguments = (*self.call_arguments(batch, leaf_index), number, seal)
        return self.verifiers.transact("prove", *arguments, sender=KEEPER)

    def drop(self, batch: TakenBatch, leaf_index: int = 0) -> Receipt:
        """Somebody has a leaf dropped that nobody has proven."""
        return self.verifiers.transact("drop", *self.call_arguments(batch, leaf_index), sender=KEEPER)

    def result_by_proof(self, batch: TakenBatch, leaf_index: int = 0) -> Any:
        """What Results tells a consumer that carries the proof of a leaf."""
        return self.results.call("check_leaf", *self.call_arguments(batch, leaf_index))

    def stake(self, operator: str) -> tuple[int, int]:
        """An operator's stake, and what is locked of it."""
        return self.operators.call("accounts", operator)

    def redo_proven(self, job: PostedJob, truth: Run, operator: str) -> TakenBatch:
        """Take the first shard again, claim and prove the truth, and wait for the end."""
        batch = self.claim_runs(truth, job=job, operator=operator)
        self.prove(batch)
        self.pass_time(batch.terms.window_seconds + 1)
        self.finalize(batch)
        return batch
