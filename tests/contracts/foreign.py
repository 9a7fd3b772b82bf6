"""The verifier contracts of the live versions of other proof systems, deployed."""

from __future__ import annotations

from tests.contracts.evm import Evm, EvmContract
from truestep.proofs.constructors import constructor_arguments, contract_of
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
