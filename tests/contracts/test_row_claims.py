"""RowsVerifier, held against its model: one proof proves the claims of many shards (C12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from random import Random
from typing import Any

import pytest
from eth_abi.abi import encode

from tests.contracts.compiled import compile_folder, deploy_compiled
from tests.contracts.evm import Evm, Reverted, rejects
from tests.contracts.proving import ProvingArena
from tests.contracts.runs import ENTRY, MAX_CYCLES, SUM, program_of, run
from tests.contracts.settlement import HERE
from tests.contracts.test_circuit_claims import KEY, answer, holds, job_terms, proof_of
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId, task_of
from truestep.circuits.errors import CircuitError
from truestep.circuits.prover import Proof
from truestep.circuits.row_claims import RowsVerifier, ToldRows, told_of_rows
from truestep.circuits.rows import hash_of_rows, row_root, rows_input
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.protocol.settlement.ids import unpack_item
from truestep.protocol.settlement.records import Work
from truestep.protocol.validity.contracts.verifiers import Selector

SHAPES = [(1, 4, 2, 2, 0), (32, 28, 4, 7, 0), (33, 32, 4, 11, 4), (784, 40, 8, 8, 0), (65, 56, 2, 9, 6)]
"""Bytes of a row and an output, runs in a proof, shards of the job, the first that is proven."""


class World:
    """The contract for rows and outputs of some size, and what is true of the shards of a job."""

    def __init__(self, shape: tuple[int, int, int, int, int], zero_rows: int = 0) -> None:
        input_size, output_size, runs, shards, first = shape
        random = Random(input_size)
        self.evm = Evm()
        double = deploy_compiled(self.evm, compile_folder(HERE / "doubles")["CircuitDouble"])
        jobs = Address(checksummed(double.address))  # any contract
        self.rows = [random.randbytes(input_size) for _ in range(shards - zero_rows)]
        self.rows += [bytes(input_size)] * zero_rows
        content = rows_input(self.rows)
        work = Work(
            image_root=Bytes32(random.randbytes(32)),
            entry=random.getrandbits(64),
            max_cycles=random.getrandbits(63),
            input_root=root_of_bytes(content, RANGE_LEVEL),
            input_size=len(content),
            seed=Bytes32(random.randbytes(32)),
            shard_count=shards,
        )
        program = keccak256(encode(["bytes32", "uint64", "uint64"], [*astuple(work)[:3]]))
        self.model = RowsVerifier(
            chain_id=1,
            jobs=jobs,
            key_digest=KEY,
            program_hash=Bytes32(program),
            input_size=input_size,
            output_size=output_size,
            run_count=runs,
        )
        words = [tuple(random.getrandbits(32) for _ in range(output_size // 4)) for _ in range(runs)]
        told = told_of_rows(
            task_of(JobId(random.getrandbits(40)), first),
            work,
            job_terms(jobs),
            [random.getrandbits(60) for _ in range(runs)],
            rows=self.rows,
            proof=b"",
            runs=[Proof(proof=b"", public=(), words=each) for each in words],
        )
        stated = hash_of_rows(told.roots, told.outputs)
        self.told = replace(told, proof=proof_of((stated, runs, 0)) + bytes(900))
        arguments = (double.address, double.address, KEY, program, input_size, output_size, runs)
        self.contract = self.evm.deploy("RowsVerifier", *arguments)

    def compare(self, statement: bytes, told: ToldRows) -> bool:
        """What the model says; the contract says the same, and what it reverts for is false."""
        expected = self.model.accepts(statement, told, holds)
        assert answer(self.contract, statement, self.model.seal(told)) == expected
        return expected


def others(told: ToldRows) -> Iterator[ToldRows]:
    """Each thing that a seal says, changed: another job and shard, swapped, repeated and wrong rows."""
    runs = len(told.roots)
    yield replace(told, first_task=told.first_task + 1)
    yield replace(told, first_task=told.first_task + runs)
    yield replace(told, first_task=told.first_task + (1 << 32))
    for name in ("cycles", "roots", "outputs"):
        parts = getattr(told, name)
        yield replace(told, **{name: (parts[1], parts[0], *parts[2:])})
        yield replace(told, **{name: (parts[0], *parts[:-1])})
    yield replace(told, roots=(row_root(b"another"), *told.roots[1:]))
    yield replace(told, outputs=(*told.outputs[:-1], bytes(len(told.outputs[0]))))
    yield replace(told, cycles=(*told.cycles[:-1], told.cycles[-1] + 1))
    yield replace(told, path=(*told.path, Bytes32(bytes(32))))
    yield replace(told, path=told.path[:-1] if told.path else (Bytes32(b"p" * 32),))
    yield replace(told, proof=b"f" + told.proof[1:])
    for name in ("image_root", "input_root", "seed"):
        yield replace(told, work=replace(told.work, **{name: Bytes32(keccak256(b"another"))}))
    for name in ("entry", "max_cycles", "input_size", "shard_count"):
        yield replace(told, work=replace(told.work, **{name: getattr(told.work, name) ^ 1}))
    yield replace(told, terms=replace(told.terms, policy=3))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_contract_says_what_the_model_says(shape: tuple[int, int, int, int, int]) -> None:
    world = World(shape)
    told, statement = world.told, world.model.statement(world.told)
    assert world.compare(statement, told)
    for other in others(told):
        assert not world.compare(statement, other) or other == told
        # A statement of the change itself: only what circuits cannot know may be otherwise.
        kept = replace(other, first_task=told.first_task, cycles=told.cycles, terms=told.terms)
        is_open = replace(kept, work=replace(kept.work, seed=told.work.seed)) == told
        is_open &= other.first_task % 2**32 == told.first_task % 2**32
        assert world.compare(world.model.statement(other), other) == is_open
    assert not answer(world.contract, statement, world.model.seal(told), keccak256(b"another key"))


def test_a_path_that_ends_below_its_place_is_refused() -> None:
    """Where rows are zeros, a path may end early; the place of the rows is not to be lost by that."""
    world = World((40, 8, 2, 8, 0), zero_rows=6)
    short = replace(world.told, path=())
    assert world.compare(world.model.statement(short), short)
    for first in (2, 4, 6):
        other = replace(short, first_task=short.first_task + first)
        assert not world.compare(world.model.statement(other), other)


def test_hostile_bytes_are_refused() -> None:
    """Lengths, offsets that lead anywhere, and flips of all words before the proof."""
    world, random = World(SHAPES[2]), Random(6)
    statement, seal = world.model.statement(world.told), world.model.seal(world.told)
    for length in (0, 3, 4, 5, 35, 36, 700, len(seal) // 2):
        assert not answer(world.contract, statement, seal[:length])
    assert not answer(world.contract, statement, seal + bytes(16_385 - len(seal)))
    words = (len(seal) - len(world.told.proof)) // 32 - 2  # the double looks at the proof's beginning only
    for place in [*range(32), *(31 + 32 * word for word in range(words))]:
        flipped = bytearray(seal)
        flipped[place] ^= 1 << random.randrange(8)
        assert not answer(world.contract, statement, bytes(flipped)), place
    for word in range(20, 25):
        for offset in (0, 2**255, 2**256 - 32, 16_384):
            start = 32 * word
            moved = seal[:start] + offset.to_bytes(32, "big") + seal[start + 32 :]
            assert not answer(world.contract, statement, moved)


def test_shapes_that_no_tree_has_are_refused() -> None:
    world = World(SHAPES[0])
    jobs = world.model.jobs
    for sizes in (
        (0, 4, 2),
        (65_537, 4, 2),
        (31, 0, 2),
        (31, 60, 2),
        (31, 5, 2),
        (31, 4, 1),
        (31, 4, 3),
        (31, 4, 64),
    ):
        with pytest.raises(Reverted):
            world.evm.deploy("RowsVerifier", jobs, jobs, KEY, KEY, *sizes)
    with pytest.raises(Reverted):
        world.evm.deploy("RowsVerifier", jobs, "0x" + "77" * 20, KEY, KEY, 31, 4, 2)
    with pytest.raises(CircuitError, match="2 runs with outputs of 4 bytes; got 1 rows"):
        world.model.seal(replace(world.told, roots=world.told.roots[:1]))
    with pytest.raises(CircuitError, match="at most 9600 bytes; got 9601"):
        world.model.seal(replace(world.told, proof=bytes(9601)))


def test_claims_of_many_shards_are_final_by_one_proof() -> None:
    """Behind Verifiers: four claims of a batch that begins with another job's."""
    arena = ProvingArena()
    truth = run(SUM)
    circuit = arena.double("CircuitDouble")
    root, jobs = program_of(SUM).root(), Address(checksummed(arena.jobs.address))
    program = Bytes32(keccak256(encode(["bytes32", "uint64", "uint64"], [root, ENTRY, MAX_CYCLES])))
    rows = [bytes([each]) * 33 for each in range(6)]
    content = rows_input(rows)
    order: Any = {"input_root": root_of_bytes(content, RANGE_LEVEL), "input_size": len(content)}
    contract = arena.evm.deploy("RowsVerifier", jobs, circuit.address, KEY, program, 33, len(truth.output), 4)
    number = arena.add_entry(
        arena.entry(
            verifier=checksummed(contract.address),
            selector=Selector(contract.call("selector")),
            key_digest=KEY,
            program_hash=program,
            gas_limit=2_000_000,
        )
    )
    batch = arena.claimed(*[truth] * 5, shard_count=6, **order)
    proof = batch.proof(0, arena.posted)
    model = RowsVerifier(
        chain_id=1,
        jobs=jobs,
        key_digest=KEY,
        program_hash=program,
        input_size=33,
        output_size=len(truth.output),
        run_count=4,
    )
    words = tuple(int.from_bytes(truth.output[at : at + 4], "big") for at in range(0, len(truth.output), 4))
    told = told_of_rows(
        unpack_item(proof.item).task(0),
        proof.work,
        proof.job_terms,
        [proof.leaf.cycle] * 4,
        rows=rows,
        proof=b"",
        runs=[Proof(proof=b"", public=(), words=words)] * 4,
    )
    told = replace(told, proof=proof_of((hash_of_rows(told.roots, told.outputs), 4, 0)))
    assert model.statement(told) == arena.statement_of_many(batch, 0, 4)
    with rejects(Reject.PROOF_REFUSED):
        wrong = replace(told, cycles=(*told.cycles[:3], told.cycles[3] + 1))
        arena.prove_many(batch, 0, 4, number=number, seal=model.seal(wrong))
    with rejects(Reject.PROOF_REFUSED):
        arena.prove_many(batch, 0, 2, number=number, seal=model.seal(told))
    arena.prove_many(batch, 0, 4, number=number, seal=model.seal(told))
    for index in range(5):
        if index < 4:
            assert arena.result_by_proof(batch, index)[1][0]
        else:
            with pytest.raises(Reverted):
                arena.result_by_proof(batch, index)
