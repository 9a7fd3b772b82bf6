"""Gas of checking proofs of RISC Zero and SP1, on anvil under Osaka rules; writes docs/receipts-gas.md."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from _anvil import REPOSITORY
from _gas_command import Measured, run
from _gas_page import Bar, bars_table, gas_table, table
from web3 import Web3
from web3.contract import Contract

sys.path.insert(0, str(REPOSITORY))  # the public proofs of the tests

from tests.contracts.compiled import CALLERS, compile_folder
from tests.proofs.fixtures import receipt
from truestep.contracts.artifacts import Artifact, load_artifact
from truestep.proofs import risc_zero
from truestep.proofs.constructors import constructor_arguments, contract_of
from truestep.proofs.receipts import ForeignReceipt
from truestep.proofs.versions import Kind, Version, live_versions

PAGE = REPOSITORY / "docs" / "receipts-gas.md"
COMMAND = "python benchmarks/receipts_gas.py"
GAS_LIMIT = 16_000_000
SET = "RISC Zero set inclusion 0.9"
DEPTHS = (0, 4, 5, 8, 16, 32)
BAR_DEPTH = 4
"""Of the claim that has a bar: a set of 16 claims."""
DOUBLES = CALLERS.parent / "doubles"
HEADING = f"""\
# Gas of receipts

Written by `{COMMAND}`: every figure is the `gasUsed` of a transaction on anvil 1.7.1
under Osaka rules that calls `verify_digest` of the contract itself ([receipts](receipts.md)), so it holds the
21,000 of a transaction and the price of its bytes. Proofs are those of `tests/proofs/fixtures.json`.
`tests/benchmarks/test_gas.py` measures again; `--json` prints the figures that have a bar.
"""
DEPTH_NOTE = """\
The root of a set is proven once. A claim below it opens its path: 16 claims are four levels. The public set
holds a single claim, so the roots of larger sets are accepted by a stand-in here; a claim below a proven root
does not ask who has proven it. From eight levels on, this is the floor price of the bytes (EIP-7623), which a
call from another contract does not pay.
"""


@dataclass(slots=True)
class Chain:
    """A chain with the contracts of all live versions."""

    web3: Web3
    verifiers: dict[str, Contract] = field(default_factory=dict[str, Contract])
    deployments: dict[str, int] = field(default_factory=dict[str, int])

    def deploy(self, artifact: Artifact, *arguments: Any) -> tuple[Contract, int]:
        """A contract, and the gas that its deployment took."""
        factory = self.web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
        receipt = self._sent(factory.constructor(*arguments))
        return self.web3.eth.contract(abi=artifact.abi)(receipt["contractAddress"]), receipt["gasUsed"]

    def deploy_version(self, version: Version) -> None:
        """The contract of a version. Sets come after what proves their roots."""
        provers = {each.selector: each.name for each in live_versions()}
        prover = provers.get(version.root_selector)
        address = self.verifiers[prover].address if prover else ""
        found = self.deploy(load_artifact(contract_of(version)), *constructor_arguments(version, address))
        self.verifiers[version.name], self.deployments[version.name] = found

    def check(self, contract: Contract, proven: ForeignReceipt, proof: bytes) -> int:
        """The gas of a check. Raises unless the proof holds."""
        call = contract.functions.verify_digest(proven.image, hashlib.sha256(proven.journal).digest(), proof)
        assert call.call({"gas": GAS_LIMIT})
        return self._sent(call)["gasUsed"]

    def prove_root(self, contract: Contract, root: bytes, seal: bytes) -> int:
        """The gas of proving a root."""
        return self._sent(contract.functions.prove_root(root, seal))["gasUsed"]

    def _sent(self, call: Any) -> Any:
        sent = call.transact({"from": self.web3.eth.accounts[0], "gas": GAS_LIMIT})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)
        assert receipt["status"] == 1
        return receipt


def measure(chain: Chain) -> tuple[dict[str, int], dict[int, int]]:
    """Every kind of check, and claims at several depths below a proven root."""
    for version in sorted(live_versions(), key=lambda each: each.kind is Kind.SET):
        chain.deploy_version(version)
    gas = {
        name: chain.check(contract, receipt(name), receipt(name).proof)
        for name, contract in chain.verifiers.items()
    }
    proven, contract = receipt(SET), chain.verifiers[SET]
    seal = risc_zero.parse_set_seal(proven.proof[4:]).root_seal
    gas["`prove_root`"] = chain.prove_root(contract, risc_zero.set_root(_claim(proven), ()), seal)
    gas["a claim that is the whole set, its root proven"] = chain.check(contract, proven, proven.proof[:4])
    return gas, _measure_depths(chain, proven)


def _measure_depths(chain: Chain, proven: ForeignReceipt) -> dict[int, int]:
    stand_in, _ = chain.deploy(compile_folder(DOUBLES)["RootsDouble"], True)
    version = next(each for each in live_versions() if each.kind is Kind.SET)
    arguments = constructor_arguments(version, stand_in.address)
    contract, _ = chain.deploy(load_artifact("RiscZeroSet"), *arguments)
    found: dict[int, int] = {}
    for depth in DEPTHS:
        path = tuple(hashlib.sha256(bytes([depth, level])).digest() for level in range(depth))
        chain.prove_root(contract, risc_zero.set_root(_claim(proven), path), bytes(260))
        encoded = risc_zero.encode_set_seal(risc_zero.SetSeal(path=path, root_seal=b""))
        found[depth] = chain.check(contract, proven, version.selector + encoded)
    return found


def _claim(proven: ForeignReceipt) -> bytes:
    return risc_zero.claim_digest(proven.image, hashlib.sha256(proven.journal).digest())


def bars(gas: dict[str, int], depths: dict[int, int]) -> list[Bar]:
    """What must not be exceeded."""
    dearest = max(gas["RISC Zero 2.2"], gas["RISC Zero 3.0"])
    return [
        Bar(name="risc_zero_groth16", what="RISC Zero, Groth16", limit=270_000, measured=dearest),
        Bar(name="sp1_groth16", what="SP1, Groth16", limit=270_000, measured=gas["SP1 6.1.0"]),
        Bar(
            name="claim_under_proven_root",
            what=f"RISC Zero, a claim {BAR_DEPTH} levels below a proven root",
            limit=33_000,
            measured=depths[BAR_DEPTH],
        ),
    ]


def page(chain: Chain, gas: dict[str, int], depths: dict[int, int], judged: Sequence[Bar]) -> str:
    """The whole page."""
    depth_rows = [(f"{depth}", f"{1 << depth:,}", f"{amount:,}") for depth, amount in depths.items()]
    return "\n".join(
        (
            HEADING,
            "## Bars\n",
            bars_table(judged),
            "## Every kind of check\n",
            gas_table("what", gas),
            "## Claims below a proven root\n",
            DEPTH_NOTE,
            table(("levels", "claims in the set", "gas"), depth_rows),
            "## Deployment\n",
            gas_table("version", chain.deployments),
        )
    )


def measured(web3: Web3) -> Measured:
    """The bars and the whole page."""
    chain = Chain(web3)
    gas, depths = measure(chain)
    judged = bars(gas, depths)
    return judged, page(chain, gas, depths, judged)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code, 0 if all is well."""
    return run(PAGE, COMMAND, measured, arguments)


if __name__ == "__main__":
    sys.exit(main())
