"""Deploys verifiers of other proof systems, and says whether a contract is one (docs/receipts.md R6)."""

from dataclasses import dataclass
from typing import Any, cast

from web3 import Web3

from truestep.adapters.chain.codec import decode_output, encode_creation, encode_function
from truestep.adapters.chain.connection import asking_node
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.proofs.constructors import constructor_arguments, contract_of
from truestep.proofs.versions import Kind, Version, live_version
from truestep.protocol.deployment.plan import AddressOf, Create, Plan

_ANYBODY = "0x0000000000000000000000000000000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierContract:
    """A contract that was found to be the verifier of a live version."""

    version: Version
    address: Address
    code_hash: bytes
    """What an entry of Verifiers keeps."""
    root_verifier: Address | None
    """Of a set: the contract that proves roots, which was looked at too."""


def verifier_plan(version: Version, root_verifier: Address | None = None) -> Plan:
    """What deploying the verifier of a version takes; that of a set comes with its verifier of roots.

    `root_verifier` is one that is there already, and that the caller has checked.
    """
    contract = contract_of(version)
    if version.kind is not Kind.SET:
        return Plan(steps=(Create(contract=contract, arguments=constructor_arguments(version)),), facts=())
    prover = live_version(version.root_selector)
    of_roots = Create(contract=contract_of(prover), arguments=constructor_arguments(prover))
    place = root_verifier or AddressOf(contract=of_roots.contract)
    arguments = (place, *constructor_arguments(version)[1:])
    steps = (Create(contract=contract, arguments=arguments),)
    return Plan(steps=steps if root_verifier else (of_roots, *steps), facts=())


def check_verifier(web3: Web3, version: Version, address: Address) -> VerifierContract:
    """Compare all of a contract's code, constants included, with what deploying it here would leave.

    Raises Rejected if it is another contract, Unavailable if the node fails.
    """
    found = code_at(web3, address)
    roots = _root_verifier(web3, version, address) if version.kind is Kind.SET else None
    creation = encode_creation(web3, contract_of(version), constructor_arguments(version, roots or ""))
    with asking_node():
        expected = bytes(web3.eth.call({"from": _address(_ANYBODY), "data": cast(Any, creation.payload)}))
    if found != expected:
        raise Rejected(
            Reject.WIRING,
            f"the contract at {address} is not the verifier of {version.name} that this version of truestep"
            " deploys; do not let it be believed: `truestep verifiers deploy` makes a right one",
        )
    return VerifierContract(
        version=version, address=address, code_hash=bytes(Web3.keccak(found)), root_verifier=roots
    )


def _root_verifier(web3: Web3, version: Version, address: Address) -> Address:
    """The contract that a set asks about roots, which must itself be the right one."""
    question = encode_function(web3, "RiscZeroSet", "verifier", [])
    with asking_node():
        answer = bytes(web3.eth.call({"to": _address(address), "data": cast(Any, question)}))
    if len(answer) != 32:
        raise Rejected(
            Reject.WIRING, f"the contract at {address} is not a verifier of sets; check the address"
        )
    roots = Address(Web3.to_checksum_address(decode_output(web3, "RiscZeroSet", "verifier", answer)))
    return check_verifier(web3, live_version(version.root_selector), roots).address


def code_at(web3: Web3, address: Address) -> bytes:
    """The code of a contract that must be there. Raises Rejected if there is none, Unavailable."""
    with asking_node():
        code = bytes(web3.eth.get_code(_address(address)))
    if not code:
        raise Rejected(
            Reject.NO_CONTRACT,
            f"there is no contract at {address} on this chain; check the address and the node",
        )
    return code


def _address(address: str) -> Any:
    return Web3.to_checksum_address(address)
