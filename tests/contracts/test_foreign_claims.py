"""Claims proven by RISC Zero and SP1, behind Verifiers (docs/receipts.md R1, docs/validity.md V4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from eth_abi.abi import encode

from tests.contracts.evm import EvmContract, rejects
from tests.contracts.foreign import own_risc_zero, own_sp1
from tests.contracts.proving import ProvingArena
from tests.contracts.runs import SUM, falsified_run, run
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.proofs import risc_zero
from truestep.protocol.validity.contracts.verifiers import Selector

LIE, TRUTH = falsified_run(SUM), run(SUM)
IMAGE = Bytes32(bytes(31) + b"\x2a")
OTHER_IMAGE = Bytes32(bytes(31) + b"\x2b")

Prover = Callable[[bytes, bytes], bytes]
"""From an image and a statement to a seal."""


def with_risc_zero(arena: ProvingArena) -> tuple[EvmContract, Prover]:
    contract, prove = own_risc_zero(arena.evm)
    return contract, lambda image, statement: prove(claim_of(image, statement))


def claim_of(image: bytes, statement: bytes) -> bytes:
    return risc_zero.claim_digest(image, hashlib.sha256(statement).digest())


def with_sp1(arena: ProvingArena) -> tuple[EvmContract, Prover]:
    contract, selector, trapdoor = own_sp1(arena.evm)

    def prove(image: bytes, statement: bytes) -> bytes:
        digest = int.from_bytes(hashlib.sha256(statement).digest(), "big") & (1 << 253) - 1
        points = trapdoor.prove([int.from_bytes(image, "big"), digest, 0, 99, 3])
        return selector + encode(["uint256", "uint256", "uint256"], [0, 99, 3]) + points

    return contract, prove


def with_sets(arena: ProvingArena) -> tuple[EvmContract, Prover]:
    """Each claim is in a set of four, whose root is proven before."""
    roots, prove_claim = own_risc_zero(arena.evm)
    builder = hashlib.sha256(b"set builder").digest()
    digest = risc_zero.set_parameters(builder)
    contract = arena.evm.deploy("RiscZeroSet", roots.address, builder, digest)

    def prove(image: bytes, statement: bytes) -> bytes:
        path = (hashlib.sha256(image + statement).digest(), hashlib.sha256(b"right").digest())
        root = risc_zero.set_root(claim_of(image, statement), path)
        journal = hashlib.sha256(risc_zero.set_journal(builder, root)).digest()
        contract.transact("prove_root", root, prove_claim(risc_zero.claim_digest(builder, journal)))
        return digest[:4] + risc_zero.encode_set_seal(risc_zero.SetSeal(path=path, root_seal=b""))

    return contract, prove


@pytest.fixture(params=[with_risc_zero, with_sp1, with_sets], ids=["risc_zero", "sp1", "sets"])
def proving(request: pytest.FixtureRequest) -> tuple[ProvingArena, Prover, int]:
    """The contracts, a prover, and the number of its entry."""
    arena = ProvingArena()
    contract, prove = request.param(arena)
    entry = arena.entry(
        verifier=Address(checksummed(contract.address)),
        selector=Selector(contract.call("selector")),
        key_digest=IMAGE,
        system="foreign",
    )
    return arena, prove, arena.add_entry(entry)


def test_a_claim_is_proven_by_a_foreign_proof_of_its_statement(
    proving: tuple[ProvingArena, Prover, int],
) -> None:
    arena, prove, number = proving
    batch = arena.claimed(TRUTH)
    arena.prove(batch, number=number, seal=prove(IMAGE, arena.statement(batch)))
    assert arena.result_by_proof(batch)[1][0] is True


def test_a_proof_of_something_else_proves_no_claim(proving: tuple[ProvingArena, Prover, int]) -> None:
    arena, prove, number = proving
    batch, other = arena.claimed(TRUTH, LIE), arena.claimed(TRUTH)
    right = prove(IMAGE, arena.statement(batch))
    for seal in (
        prove(IMAGE, arena.statement(batch, 1)),
        prove(IMAGE, arena.statement(other)),
        prove(OTHER_IMAGE, arena.statement(batch)),
        right[:-1],
        right + b"\0",
        right[:-1] + bytes([right[-1] ^ 1]),
        right[:4],
    ):
        with rejects(Reject.PROOF_REFUSED):
            arena.prove(batch, number=number, seal=seal)
    arena.prove(batch, number=number, seal=right)
    assert arena.result_by_proof(batch)[1][0] is True
