"""CircuitVerifier, held against its model: a circuit's proof proves the claim of a job (C10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from random import Random
from typing import Any

import pytest
from eth_abi.abi import encode

from tests.contracts.compiled import compile_folder, deploy_compiled
from tests.contracts.evm import Evm, EvmContract, Reverted, rejects
from tests.contracts.proving import ProvingArena
from tests.contracts.runs import ENTRY, INPUT, MAX_CYCLES, SUM, program_of, run
from tests.contracts.settlement import HERE
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId, task_of
from truestep.circuits.claims import ClaimVerifier, Told, claim_inputs, told_in
from truestep.circuits.errors import CircuitError
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.protocol.settlement.ids import unpack_item
from truestep.protocol.settlement.records import JobTerms, Work
from truestep.protocol.validity.contracts.verifiers import Selector

KEY = Bytes32(keccak256(b"circuit"))
SIZES = [(1, 4), (30, 28), (31, 32), (32, 56), (93, 4), (784, 4), (806, 40)]


def proof_of(public: tuple[int, ...]) -> bytes:
    """What `CircuitDouble` takes."""
    return keccak256(encode(["bytes32[]"], [[each.to_bytes(32, "big") for each in public]]))


def holds(proof: bytes, public: tuple[int, ...]) -> bool:
    return proof[:32] == proof_of(public)


class World:
    """The contract for inputs and outputs of some size, and what is true of a task."""

    def __init__(self, random: Random, input_size: int, output_size: int) -> None:
        self.evm = Evm()
        double = deploy_compiled(self.evm, compile_folder(HERE / "doubles")["CircuitDouble"])
        jobs = Address(checksummed(double.address))  # any contract
        self.content, output = random.randbytes(input_size), random.randbytes(output_size)
        work = Work(
            image_root=Bytes32(random.randbytes(32)),
            entry=random.getrandbits(64),
            max_cycles=random.getrandbits(63),
            input_root=root_of_bytes(self.content, RANGE_LEVEL),
            input_size=input_size,
            seed=Bytes32(random.randbytes(32)),
            shard_count=1,
        )
        program = keccak256(encode(["bytes32", "uint64", "uint64"], [*astuple(work)[:3]]))
        self.model = ClaimVerifier(
            chain_id=1,
            jobs=jobs,
            key_digest=KEY,
            program_hash=program,
            input_size=input_size,
            output_size=output_size,
        )
        self.told = Told(
            task_id=task_of(JobId(random.getrandbits(40)), 0),
            work=work,
            terms=job_terms(jobs),
            cycle=random.getrandbits(60),
            content=self.content,
            output=output,
            proof=proof_of(claim_inputs(self.content, output)) + bytes(7_000),
        )
        arguments = (double.address, double.address, KEY, program, input_size, output_size)
        self.contract = self.evm.deploy("CircuitVerifier", *arguments)

    def compare(self, statement: bytes, told: Told) -> bool:
        """What the model says; the contract says the same, and what it reverts for is false."""
        expected = self.model.accepts(statement, told, holds)
        assert answer(self.contract, statement, self.model.seal(told)) == expected
        return expected


def job_terms(address: Address) -> JobTerms:
    return JobTerms(
        requester=address,
        consumer=address,
        callback_gas=1,
        asset=address,
        policy=2,
        parameters_id=3,
        bond_multiple=4,
        window_seconds=5,
        lease_seconds=6,
        reducer_of=7,
    )


def answer(contract: EvmContract, statement: bytes, seal: bytes, key: bytes = KEY) -> bool:
    """The contract's; what reverts or burns its gas is refused (V2.5)."""
    try:
        return contract.call("verify", key, statement, seal)
    except (Reverted, RuntimeError):
        return False


def others(told: Told) -> Iterator[Told]:
    """Each thing that a seal says, changed."""
    yield replace(told, task_id=told.task_id + 1)
    yield replace(told, task_id=told.task_id + (1 << 32))
    yield replace(told, cycle=told.cycle + 1)
    for part in ("content", "output", "proof"):
        content = getattr(told, part)
        for place in {0, min(31, len(content) - 1), len(content) - 1}:
            flipped = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            yield replace(told, **{part: flipped})
    for name in ("image_root", "input_root", "seed"):
        yield replace(told, work=replace(told.work, **{name: keccak256(b"another")}))
    for name in ("entry", "max_cycles", "input_size", "shard_count"):
        yield replace(told, work=replace(told.work, **{name: getattr(told.work, name) ^ 1}))
    for name in ("callback_gas", "policy", "parameters_id", "bond_multiple", "window_seconds", "reducer_of"):
        yield replace(told, terms=replace(told.terms, **{name: getattr(told.terms, name) ^ 1}))


@pytest.mark.parametrize(("input_size", "output_size"), SIZES)
def test_the_contract_says_what_the_model_says(input_size: int, output_size: int) -> None:
    world = World(Random(input_size), input_size, output_size)
    told, statement = world.told, world.model.statement(world.told)
    assert world.compare(statement, told)
    for other in others(told):
        own = world.model.statement(other)
        # The end of a proof is the circuit's business: the double looks at its beginning only.
        is_same = replace(other, proof=b"") == replace(told, proof=b"") and is_proven(world, other)
        assert world.compare(statement, other) == is_same
        # A statement of the change itself: only what a circuit cannot know may be otherwise.
        is_open = (other.content, other.output) == (told.content, told.output) and is_proven(world, other)
        assert world.compare(own, other) == is_open
    assert not answer(world.contract, statement, world.model.seal(told), keccak256(b"another key"))


def is_proven(world: World, other: Told) -> bool:
    """Whether the change leaves program, input and proof."""
    told = world.told
    kept = ("image_root", "entry", "max_cycles", "input_root", "input_size", "shard_count")
    is_work_kept = all(getattr(other.work, name) == getattr(told.work, name) for name in kept)
    return is_work_kept and other.proof[:32] == told.proof[:32]


def test_hostile_bytes_are_refused() -> None:
    """Lengths, offsets that lead anywhere, and flips of all words up to the input's first."""
    world, random = World(Random(5), 40, 8), Random(6)
    statement, seal = world.model.statement(world.told), world.model.seal(world.told)
    assert answer(world.contract, statement, seal)
    for length in (0, 3, 4, 5, 35, 36, 676, 772, 800, len(seal) // 2):
        assert not answer(world.contract, statement, seal[:length])
    assert not answer(world.contract, statement, seal + bytes(12_289 - len(seal)))
    for place in [*range(32), *(31 + 32 * word for word in range(26))]:
        flipped = bytearray(seal)
        flipped[place] ^= 1 << random.randrange(8)
        assert not answer(world.contract, statement, bytes(flipped)), place
    for word in (21, 22, 23):
        for offset in (0, 2**255, 2**256 - 32, 2**256 - 1, 12_288):
            start = 32 * word
            moved = seal[:start] + offset.to_bytes(32, "big") + seal[start + 32 :]
            assert not answer(world.contract, statement, moved)


def test_a_seal_is_read_as_the_contract_reads_it() -> None:
    """Parts in another order, padding that is not zero, and bytes behind: it is the same proof."""
    world, random = World(Random(5), 40, 8), Random(6)
    told, seal = world.told, world.model.seal(world.told)
    assert told_again(seal, told) == told
    parts = [part + random.randbytes(-len(part) % 32) for part in (told.output, told.proof, told.content)]
    sizes, starts = (len(told.output), len(told.proof), len(told.content)), list[int]()
    body, fixed = random.randbytes(64), 24 * 32
    for part, size in zip(parts, sizes, strict=True):
        starts.append(fixed + len(body))
        body += size.to_bytes(32, "big") + part
    offsets = b"".join(starts[index].to_bytes(32, "big") for index in (2, 0, 1))
    other = seal[: 21 * 32] + offsets + body + random.randbytes(9)
    assert answer(world.contract, world.model.statement(told), other)
    assert told_again(other, told) == told
    for cut in (0, 3, 700, 800, len(seal) - 7_100):
        assert told_again(seal[:cut], told) != told
    for place in [*range(32), *(31 + 32 * word for word in range(21))]:
        flipped = bytearray(seal)
        flipped[place] ^= 1
        assert told_again(bytes(flipped), told) is None


def told_again(seal: bytes, told: Told) -> Told | None:
    """What receipts read in a seal that is said to be of this claim."""
    return told_in(seal, KEY[:4], task_id=told.task_id, work=told.work, terms=told.terms, cycle=told.cycle)


def test_an_output_that_no_circuit_states_is_refused() -> None:
    assert len(claim_inputs(b"a", bytes(56))) == 28
    for size in (57, 64, 1_000):
        with pytest.raises(CircuitError, match=f"at most 56 bytes.*got {size}"):
            claim_inputs(b"a", bytes(size))


def test_sizes_that_no_circuit_has_are_refused() -> None:
    world = World(Random(1), 31, 4)
    jobs = world.model.jobs
    for sizes in ((0, 4), (807, 4), (31, 0), (31, 60), (31, 5)):
        with pytest.raises(Reverted):
            world.evm.deploy("CircuitVerifier", jobs, jobs, KEY, KEY, *sizes)
    with pytest.raises(Reverted):
        world.evm.deploy("CircuitVerifier", jobs, "0x" + "77" * 20, KEY, KEY, 31, 4)
    with pytest.raises(CircuitError, match="31 bytes of input and 4 of output; got 30 and 4"):
        world.model.seal(replace(world.told, content=bytes(30)))
    with pytest.raises(CircuitError, match="at most 9600 bytes; got 9601"):
        world.model.seal(replace(world.told, proof=bytes(9601)))


def test_a_claim_is_final_by_a_circuits_proof() -> None:
    """Behind Verifiers: the claim of the right output is proven, and no other one."""
    arena = ProvingArena()
    truth = run(SUM)
    circuit = arena.double("CircuitDouble")
    root, jobs = program_of(SUM).root(), Address(checksummed(arena.jobs.address))
    program = Bytes32(keccak256(encode(["bytes32", "uint64", "uint64"], [root, ENTRY, MAX_CYCLES])))
    sizes: Any = (len(INPUT), len(truth.output))
    contract = arena.evm.deploy("CircuitVerifier", jobs, circuit.address, KEY, program, *sizes)
    number = arena.add_entry(
        arena.entry(
            verifier=checksummed(contract.address),
            selector=Selector(contract.call("selector")),
            key_digest=KEY,
            program_hash=program,
            gas_limit=1_000_000,
        )
    )
    batch = arena.claimed(truth, shard_count=1)
    proof = batch.proof(0, arena.posted)
    model = ClaimVerifier(
        chain_id=1,
        jobs=jobs,
        key_digest=KEY,
        program_hash=program,
        input_size=len(INPUT),
        output_size=len(truth.output),
    )
    told = Told(
        task_id=unpack_item(proof.item).task(0),
        work=proof.work,
        terms=proof.job_terms,
        cycle=proof.leaf.cycle,
        content=INPUT,
        output=truth.output,
        proof=proof_of(claim_inputs(INPUT, truth.output)),
    )
    seal = model.seal(told)
    assert model.statement(told) == arena.statement(batch)
    with rejects(Reject.PROOF_REFUSED):
        arena.prove(batch, number=number, seal=model.seal(replace(told, cycle=told.cycle + 1)))
    arena.prove(batch, number=number, seal=seal)
    assert arena.result_by_proof(batch)[1][0]
