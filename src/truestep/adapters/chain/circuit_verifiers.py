"""Deploys what checks a circuit's proofs of claims, and finds out whether contracts are that (C10, C12)."""

from dataclasses import dataclass
from typing import Any, cast

from web3 import Web3

from truestep.adapters.chain.codec import decode_output, encode_creation, encode_function
from truestep.adapters.chain.connection import asking_node
from truestep.adapters.chain.foreign_verifiers import code_at
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.circuits.claims import ClaimVerifier
from truestep.circuits.row_claims import RowsVerifier
from truestep.circuits.setup_key import KeyName
from truestep.circuits.verifier import deployed_code, key_of, verifier_code
from truestep.protocol.deployment.plan import AddressOf, Create, Plan

CONTRACT, ROWS_CONTRACT = "CircuitVerifier", "RowsVerifier"
CIRCUIT = "Circuit"
"""The contract of one circuit (C7), which either of them asks."""
_ANYBODY = "0x0000000000000000000000000000000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitContracts:
    """What the two contracts must be: of one circuit's key, and of one program in one network."""

    verifier: ClaimVerifier | RowsVerifier
    """Of one run, or of many in one proof."""
    key: bytes
    """Of the circuit whose proofs the contract is shown: of many runs, the outermost one."""
    key_name: KeyName

    @property
    def contract(self) -> str:
        """Which contract ties a proof to claims."""
        return ROWS_CONTRACT if isinstance(self.verifier, RowsVerifier) else CONTRACT

    def plan(self) -> Plan:
        """What deploying them takes."""
        circuit = Create(contract=CIRCUIT, code=verifier_code(self.key, self.key_name))
        arguments = self._arguments(AddressOf(contract=CIRCUIT))
        return Plan(steps=(circuit, Create(contract=self.contract, arguments=arguments)), facts=())

    def _arguments(self, circuit: AddressOf | Address) -> tuple[Any, ...]:
        made = self.verifier
        sizes: tuple[int, ...] = (made.input_size, made.output_size)
        if isinstance(made, RowsVerifier):
            sizes = (*sizes, made.run_count)
        return (made.jobs, circuit, made.key_digest, made.program_hash, *sizes)

    def check(self, web3: Web3, address: Address) -> "FoundCircuit":
        """Compare all code of both contracts, constants included, with what deploying them would leave.

        Raises Rejected if one is another, Unavailable if the node fails.
        """
        found = code_at(web3, address)
        circuit = _circuit_of(web3, self.contract, address)
        creation = encode_creation(web3, self.contract, self._arguments(circuit))
        with asking_node():
            call = {"from": Web3.to_checksum_address(_ANYBODY), "data": cast(Any, creation.payload)}
            expected = bytes(web3.eth.call(cast(Any, call)))
        if found != expected:
            raise Rejected(
                Reject.WIRING,
                f"the contract at {address} is not the verifier of this model's circuit for this network,"
                " program, cycles and number of runs; look at --max-cycles, --key and --runs, and do"
                " not let it be believed: `truestep verifiers deploy` makes a right one",
            )
        self._check_circuit(web3, circuit)
        return FoundCircuit(address=address, circuit=circuit, code_hash=bytes(Web3.keccak(found)))

    def _check_circuit(self, web3: Web3, address: Address) -> None:
        found = code_at(web3, address)
        if found == deployed_code(self.key, self.key_name):
            return
        other = key_of(found, self.key)
        why = (
            f"takes proofs of the {other} key, and not of the {self.key_name} key: see --key"
            if other
            else "is not the contract of this model's circuit"
        )
        raise Rejected(
            Reject.WIRING,
            f"the contract at {address}, which {self.contract} asks, {why}; do not let it be believed",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCircuit:
    """The two contracts, found to be right."""

    address: Address
    circuit: Address
    code_hash: bytes
    """What an entry of Verifiers keeps."""


def _circuit_of(web3: Web3, contract: str, address: Address) -> Address:
    question = encode_function(web3, contract, "CIRCUIT", [])
    try:
        with asking_node():
            call = {"to": Web3.to_checksum_address(address), "data": cast(Any, question)}
            answer = bytes(web3.eth.call(cast(Any, call)))
    except Rejected:
        answer = b""  # it has no such function
    if len(answer) != 32:
        raise Rejected(
            Reject.WIRING, f"the contract at {address} is not the verifier of a circuit; check the address"
        )
    return Address(Web3.to_checksum_address(decode_output(web3, contract, "CIRCUIT", answer)))
