"""What can stand behind an entry of Verifiers: the contract of a foreign version, or of a model's circuit."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from truestep.base.ids import Address, Bytes32
from truestep.circuits.folding import MOST_RUNS, is_run_count
from truestep.circuits.setup_key import DEVELOPMENT_WARNING, KeyName
from truestep.cli.failure import Failure
from truestep.cli.options import NetworkOptions, parse_address
from truestep.cli.screen import Screen
from truestep.protocol.deployment.plan import Plan

if TYPE_CHECKING:
    from truestep.adapters.chain.circuit_verifiers import CircuitContracts
    from truestep.circuits.model import Model
    from truestep.circuits.prover import Circuit
    from truestep.client.model_programs import ModelProgram
    from truestep.proofs.versions import Version

WHAT_HELP = (
    "`risc-zero-2.2`, `risc-zero-3.0`, `risc-zero-set-0.9` or `sp1-6.1`; or the file of a quantised model,"
    " for its circuit."
)
WhatArgument = Annotated[str, typer.Argument(metavar="VERSION|MODEL", help=WHAT_HELP)]
MaxCyclesOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Maximum cycles of the program whose claims are proven, as it is registered. Default for a"
        " model: what `truestep submit` takes, by a trial.",
    ),
]
KeyOption = Annotated[
    KeyName,
    typer.Option(
        help="Of a model: the key whose proofs are taken. The development key convinces nobody, and is only"
        " for devnets."
    ),
]
RunsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Of a model: for proofs of 2, 4, 8, 16 or 32 claims at once, of as many shards of a job.",
    ),
]
CIRCUIT_SYSTEM = "UltraHonk"
CIRCUIT_GAS = 1_000_000
"""A check of the MLP of docs/circuits-benchmarks.md takes 0.8 million; a larger circuit a little more."""
RUN_GAS = 20_000
"""More for each run of many: hashes of its root, output and leaf take half of that."""
FOREIGN_GAS = 300_000
SET_GAS = 340_000
"""docs/receipts.md: with a root that is proven along."""
SECURITY_BITS = 100
"""Of BN254, which all of these rest on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedVerifier:
    """A contract whose code, constants included, is the right one."""

    address: Address
    selector: bytes
    code_hash: bytes
    shown: dict[str, Any]
    """What a command says of it besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """What an entry says besides its verifier and its limits."""

    key_digest: Bytes32
    program_hash: Bytes32


class Kind(Protocol):
    """What deploying, checking and believing a kind of verifier takes."""

    @property
    def name(self) -> str:
        """In words."""
        ...

    @property
    def system(self) -> str:
        """What an entry calls it."""
        ...

    @property
    def gas_limit(self) -> int:
        """What one proof may take."""
        ...

    @property
    def promise(self) -> str:
        """What the check of a contract has shown, and what it has not."""
        ...

    def plan(self) -> Plan:
        """The contracts to create; the last one is the verifier."""
        ...

    def check(self, web3: Any, address: Address) -> CheckedVerifier:
        """Compare a contract with what the plan creates. Raises Rejected, Unavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKind:
    """A live version of RISC Zero or SP1. Satisfies `Kind`."""

    version: "Version"
    roots: Address | None = None
    """Of a set: the verifier of roots that is there already, and was checked."""

    @property
    def name(self) -> str:
        """In words."""
        return self.version.name

    @property
    def system(self) -> str:
        """What an entry calls it."""
        return self.version.name

    @property
    def gas_limit(self) -> int:
        """What one proof may take."""
        return SET_GAS if self.version.root_selector else FOREIGN_GAS

    @property
    def promise(self) -> str:
        """What the check of a contract has shown, and what it has not."""
        return (
            "with the published key; an entry also names the image of a program and the limits of what it may"
            " prove"
        )

    def plan(self) -> Plan:
        """The contracts to create."""
        from truestep.adapters.chain.foreign_verifiers import verifier_plan

        return verifier_plan(self.version, self.roots)

    def check(self, web3: Any, address: Address) -> CheckedVerifier:
        """Compare a contract with what the plan creates. Raises Rejected, Unavailable."""
        from truestep.adapters.chain.foreign_verifiers import check_verifier

        found = check_verifier(web3, self.version, address)
        return CheckedVerifier(
            address=found.address,
            selector=self.version.selector,
            code_hash=found.code_hash,
            shown={"root_verifier": found.root_verifier} if found.root_verifier else {},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitKind:
    """The circuit of a model, for the claims of its program in one network. Satisfies `Kind`."""

    model: str
    program: "ModelProgram"
    contracts: "CircuitContracts"
    run_count: int | None = None
    """Of a tree of circuits: how many runs are in one proof."""

    @property
    def name(self) -> str:
        """In words."""
        if self.run_count is not None:
            return f"the circuits of {self.run_count} runs of {self.model}"
        return f"the circuit of {self.model}"

    @property
    def system(self) -> str:
        """What an entry calls it."""
        return CIRCUIT_SYSTEM

    @property
    def gas_limit(self) -> int:
        """What one proof may take."""
        return CIRCUIT_GAS + RUN_GAS * (self.run_count or 0)

    @property
    def promise(self) -> str:
        """What the check of a contract has shown, and what it has not."""
        what = "the circuit and the program that are"
        if self.run_count is not None:
            what = f"the tree of circuits for {self.run_count} runs, and of the program, that are"
        return f"of {what} made from {self.model} here; an entry also names the limits of what it may prove"

    def believed(self) -> Believed:
        """Its entry's key and program."""
        made = self.contracts.verifier
        return Believed(key_digest=made.key_digest, program_hash=made.program_hash)

    def plan(self) -> Plan:
        """The contracts to create."""
        return self.contracts.plan()

    def check(self, web3: Any, address: Address) -> CheckedVerifier:
        """Compare both contracts with what the plan creates. Raises Rejected, Unavailable."""
        found, made = self.contracts.check(web3, address), self.contracts.verifier
        return CheckedVerifier(
            address=found.address,
            selector=made.selector,
            code_hash=found.code_hash,
            shown={
                "circuit": found.circuit,
                "key": self.contracts.key_name.value,
                "key_digest": f"0x{made.key_digest.hex()}",
                "program_hash": f"0x{made.program_hash.hex()}",
                "max_cycles": self.program.max_cycles,
                **({"runs": self.run_count} if self.run_count is not None else {}),
            },
        )


def is_model(what: str) -> bool:
    """Whether the argument is a file; versions have names that are no files."""
    return Path(what).suffix == ".json" or Path(what).is_file()


def refuse_run_count(run_count: int | None) -> None:
    """A number of runs that no proof is of. None is of one run."""
    if run_count is not None and not is_run_count(run_count):
        raise typer.BadParameter(
            f"expected 2, 4, 8, 16 or {MOST_RUNS} runs in one proof; got {run_count}. For one run, leave it"
            " out",
            param_hint="--runs",
        )


def kind_of(
    web3: Any,
    what: str,
    network: NetworkOptions,
    screen: Screen,
    *,
    key: KeyName,
    max_cycles: int | None,
    run_count: int | None,
) -> Kind:
    """What the argument names. Raises Rejected for a version that is broken."""
    if is_model(what):
        limits = (max_cycles, run_count)
        return circuit_kind(web3, Path(what), network, screen, key, *limits)
    return ForeignKind(version=named_version(what))


def foreign_kind(web3: Any, name: str, root_verifier: str | None) -> ForeignKind:
    """The live version with this name, and of a set its verifier of roots, which is checked."""
    from truestep.adapters.chain.foreign_verifiers import check_verifier
    from truestep.proofs.versions import live_version

    version = named_version(name)
    if root_verifier is None:
        return ForeignKind(version=version)
    if not version.root_selector:
        raise typer.BadParameter(f"{version.name} has no roots; leave --root-verifier out")
    roots = live_version(version.root_selector)
    address = check_verifier(web3, roots, parse_address(root_verifier, "--root-verifier")).address
    return ForeignKind(version=version, roots=address)


def circuit_kind(
    web3: Any,
    model: Path,
    network: NetworkOptions,
    screen: Screen,
    key: KeyName,
    max_cycles: int | None,
    run_count: int | None,
) -> CircuitKind:
    """The circuits and the program of a model, compiled. Refuses the development key where coins have value.

    Raises CircuitError, Rejected for another chain or a network without Verifiers, Unavailable.
    """
    from truestep.adapters.chain.circuit_verifiers import CircuitContracts
    from truestep.adapters.chain.connection import check_chain
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.circuits.claims import claim_verifier
    from truestep.circuits.model_file import read_model
    from truestep.circuits.row_claims import rows_verifier
    from truestep.circuits.verifier import key_digest
    from truestep.client.model_programs import program_of_model

    deployment = read_deployment(network.file)
    check_chain(web3, deployment.chain_id)
    refuse_development_key(key, deployment.chain_id, screen)
    found = read_model(model)
    screen.doing(f"building the program of {model}")
    program = program_of_model(found, max_cycles)
    circuit = _outermost(found, key, run_count, screen)
    chain_id, jobs, program_hash = deployment.chain_id, deployment.address("Jobs"), program.program_hash
    digest = Bytes32(key_digest(circuit.key))
    if run_count is None:
        verifier = claim_verifier(
            found, chain_id=chain_id, jobs=jobs, key_digest=digest, program_hash=program_hash
        )
    else:
        verifier = rows_verifier(
            found, run_count, chain_id=chain_id, jobs=jobs, key_digest=digest, program_hash=program_hash
        )
    contracts = CircuitContracts(verifier=verifier, key=circuit.key, key_name=key)
    return CircuitKind(model=found.name, program=program, contracts=contracts, run_count=run_count)


def _outermost(model: "Model", key: KeyName, run_count: int | None, screen: Screen) -> "Circuit":
    """The circuit whose proofs a contract is shown."""
    from truestep.circuits.folding import compile_tree
    from truestep.circuits.prover import compile_circuit
    from truestep.circuits.reference import Shown
    from truestep.circuits.toolchain import Tools, tools_folder

    tools = Tools(tools_folder())
    if run_count is None:
        return compile_circuit(model, tools, key, screen.tell, shown=Shown.BYTES)
    return compile_tree(model, run_count, Shown.ROOT, tools, key, screen.tell).circuits[-1]


def refuse_development_key(key: KeyName, chain_id: int, screen: Screen) -> None:
    """Everybody can prove anything with it: a verifier that takes its proofs is for devnets."""
    from truestep.composition.network import DEVNET_CHAINS

    if key is not KeyName.DEVELOPMENT:
        return
    if chain_id not in DEVNET_CHAINS:
        raise Failure(
            "development key",
            f"chain {chain_id} is no devnet, and with the development key everybody can prove anything: use"
            " --key production (`truestep proofs setup --production-key FILE`)",
        )
    screen.warn([DEVELOPMENT_WARNING])


def named_version(name: str) -> "Version":
    """The live version with this name. Raises Rejected, which says why another one is refused."""
    from truestep.proofs.versions import known_versions, live_version, live_versions

    for version in (*live_versions(), *known_versions()):
        if _plain(version.name) == _plain(name):
            return live_version(version.selector)
    known = ", ".join(_plain(version.name) for version in live_versions())
    raise typer.BadParameter(f"expected the file of a model, or one of {known}; got {name[:60]!r}")


def _plain(name: str) -> str:
    """As these commands take it: SP1 6.1.0 is `sp1-6.1`."""
    plain = name.lower().replace(" ", "-").replace("set-inclusion", "set")
    return plain.removesuffix(".0") if plain.count(".") > 1 else plain
