"""What the verifier contract of a live version is deployed with (docs/receipts.md R6)."""

from typing import Any

from truestep.proofs.groth16 import Key, first_words, second_words
from truestep.proofs.versions import Kind, System, Version, risc_zero_key, sp1_key

Arguments = tuple[Any, ...]


def contract_of(version: Version) -> str:
    """The name of the contract that checks proofs of a live version."""
    if version.system is System.SP1:
        return "Sp1Groth16"
    return "RiscZeroSet" if version.kind is Kind.SET else "RiscZeroGroth16"


def constructor_arguments(version: Version, root_verifier: str = "") -> Arguments:
    """The arguments of its constructor; a set also needs the address of the contract that proves roots."""
    if version.kind is Kind.SET:
        return root_verifier, version.builder_id, version.digest
    if version.system is System.SP1:
        file = sp1_key()
        vk_root = int.from_bytes(version.vk_root, "big")
        return key_words(file.key), file.beta_first, file.delta_first, vk_root, version.digest
    key, control_id = risc_zero_key()
    return key_words(key), version.control_root, control_id, version.digest


def key_words(key: Key) -> Arguments:
    """The key as the contracts' structure `Key`."""
    return (
        first_words(key.alpha),
        second_words(key.beta),
        second_words(key.gamma),
        second_words(key.delta),
        tuple(map(first_words, key.inputs)),
    )
