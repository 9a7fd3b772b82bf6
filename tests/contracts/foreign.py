"""Verifier contracts of other proof systems, deployed: those of live versions, and with keys of our own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from tests.contracts.evm import Evm, EvmContract
from tests.proofs.trapdoor import make_trapdoor
from truestep.proofs import risc_zero
from truestep.proofs.constructors import constructor_arguments, contract_of, key_words
from truestep.proofs.fields import FIELD
from truestep.proofs.versions import Kind, live_versions


def deploy_verifiers(evm: Evm) -> dict[str, EvmContract]:
    """One for each live version, by its name."""
    found: dict[str, EvmContract] = {}
    by_selector: dict[bytes, EvmContract] = {}
    for version in sorted(live_versions(), key=lambda each: each.kind is Kind.SET):
        prover = by_selector.get(version.root_selector)
        arguments = constructor_arguments(version, prover.address if prover else "")
        contract = evm.deploy(contract_of(version), *arguments)
        found[version.name] = by_selector[version.selector] = contract
    return found


def own_risc_zero(evm: Evm, seed: int = 7) -> tuple[EvmContract, Callable[[bytes], bytes]]:
    """A verifier with a key of our own, and its prover: from a claim's digest to a seal."""
    trapdoor = make_trapdoor(seed)
    root, control_id = hashlib.sha256(b"circuits").digest(), bytes(31) + b"\7"
    digest = risc_zero.groth16_parameters(trapdoor.key, root, control_id)
    contract = evm.deploy("RiscZeroGroth16", key_words(trapdoor.key), root, control_id, digest)

    def prove(claim: bytes) -> bytes:
        halves = [int.from_bytes(part, "little") for part in (root[:16], root[16:], claim[:16], claim[16:])]
        return digest[:4] + trapdoor.prove([*halves, 7])

    return contract, prove


def own_sp1(evm: Evm) -> tuple[EvmContract, bytes, Any]:
    trapdoor = make_trapdoor(11)
    words = key_words(trapdoor.key)
    digest = hashlib.sha256(key_file(words)).digest()
    contract = evm.deploy("Sp1Groth16", words, b"\1" * 32, b"\2" * 32, 99, digest)
    return contract, digest[:4], trapdoor


def key_file(words: Any) -> bytes:
    """As gnark writes it, said once more and otherwise."""

    def mark(x: int, y: int) -> bytes:
        return (x | ((3 if y > FIELD - y else 2) << 254)).to_bytes(32, "big")

    def first(point: tuple[int, int]) -> bytes:
        return mark(*point)

    def second(point: tuple[int, int, int, int]) -> bytes:
        return mark(point[0], point[2]) + point[1].to_bytes(32, "big")

    alpha, beta, gamma, delta, inputs = words
    head = first(alpha) + b"\1" * 32 + second(beta) + second(gamma) + b"\2" * 32 + second(delta)
    return head + (6).to_bytes(4, "big") + b"".join(map(first, inputs)) + bytes(8)
