"""Deploying and checking verifiers of other proof systems, on anvil."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result
from web3 import Web3

from tests.proofs.fixtures import receipt
from truestep.adapters.chain.codec import encode_creation
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.keystore import create_keystore
from truestep.cli.commands.verifier_contracts import add_to
from truestep.cli.verifier_kinds import named_version
from truestep.contracts.artifacts import load_artifact
from truestep.proofs.constructors import constructor_arguments
from truestep.proofs.versions import live_versions

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def anvil(anvil_program: Path) -> Iterator[AnvilDevnet]:
    devnet = AnvilDevnet(anvil_program)
    yield devnet
    devnet.stop()


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text("password\n")
    return tmp_path


@pytest.fixture
def verifiers(anvil: AnvilDevnet, desk: Path) -> Invoke:
    anvil.fund(create_keystore(desk / "deployer.json", "password", guards_money=False), 10**18)
    app = typer.Typer()
    add_to(app)

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in (*words, "--rpc", anvil.node, "--json")])

    return invoke


KEYS = ("--keystore", "deployer.json", "--password-file", "password")


def fields(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def answer(anvil: AnvilDevnet, address: str, contract: str, name: str) -> bool:
    web3, original = connect(anvil.node), receipt(name)
    functions = web3.eth.contract(
        Web3.to_checksum_address(address), abi=load_artifact(contract).abi
    ).functions
    digest = hashlib.sha256(original.journal).digest()
    return functions.verify_digest(original.image, digest, original.proof).call()


@pytest.mark.anvil
def test_a_deployed_set_verifies_and_is_checked(verifiers: Invoke, anvil: AnvilDevnet) -> None:
    planned = fields(verifiers("deploy", "risc-zero-set-0.9", *KEYS, "--dry-run"))
    assert not Path("risc-zero-set-0.9.state").exists()
    made = fields(verifiers("deploy", "risc-zero-set-0.9", *KEYS))
    assert abs(planned["gas"] - made["gas_used"]) < made["gas_used"] // 5
    assert made["selector"] == "0x242f9d5b"
    assert answer(anvil, made["verifier"], "RiscZeroSet", "RISC Zero set inclusion 0.9")
    assert answer(anvil, made["root_verifier"], "RiscZeroGroth16", "RISC Zero 3.0")
    again = fields(verifiers("deploy", "risc-zero-set-0.9", *KEYS))
    assert again["verifier"] == made["verifier"]
    checked = fields(verifiers("check", "risc-zero-set-0.9", made["verifier"]))
    assert checked["code_hash"] == made["code_hash"]
    assert (
        fields(verifiers("check", "risc-zero-3.0", made["root_verifier"]))["verifier"]
        == made["root_verifier"]
    )
    for version, address in (
        ("risc-zero-2.2", made["root_verifier"]),
        ("sp1-6.1", made["verifier"]),
        ("risc-zero-set-0.9", made["root_verifier"]),
        ("risc-zero-3.0", "0x" + "77" * 20),
    ):
        assert verifiers("check", version, address).exit_code == 1
    state = ("--state", "other.state", "--root-verifier", made["root_verifier"])
    other = fields(verifiers("deploy", "risc-zero-set-0.9", *KEYS, *state))
    assert (other["root_verifier"], other["code_hash"]) == (made["root_verifier"], made["code_hash"])


@pytest.mark.anvil
def test_another_root_of_keys_is_found_out(verifiers: Invoke, anvil: AnvilDevnet) -> None:
    """It is no part of the digest that the constructor compares (R5.4)."""
    web3 = connect(anvil.node)
    version = named_version("sp1-6.1")
    key, beta, delta, vk_root, digest = constructor_arguments(version)
    sender = web3.eth.accounts[0]
    found: list[str] = []
    for root in (vk_root, vk_root + 1):
        payload = encode_creation(web3, "Sp1Groth16", (key, beta, delta, root, digest)).payload
        sent = web3.eth.send_transaction({"from": sender, "data": payload})
        found.append(str(web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]))
    assert verifiers("check", "sp1-6.1", found[0]).exit_code == 0
    refused = verifiers("check", "sp1-6.1", found[1])
    assert refused.exit_code == 1
    assert "do not let it be believed" in refused.output


@pytest.mark.anvil
def test_the_state_of_a_chain_that_is_gone_is_named(verifiers: Invoke, anvil: AnvilDevnet) -> None:
    """A devnet that is started again has the same chain id, and none of the contracts."""
    made = fields(verifiers("deploy", "sp1-6.1", *KEYS))
    web3 = connect(anvil.node)
    web3.provider.make_request("anvil_setCode", [made["verifier"], "0x"])  # type: ignore[arg-type]
    refused = verifiers("deploy", "sp1-6.1", *KEYS)
    assert refused.exit_code == 1
    assert "of a chain that is gone" in refused.output and "another --state" in refused.output


def test_versions_have_names() -> None:
    for text, name in (
        ("risc-zero-3.0", "RISC Zero 3.0"),
        ("RISC Zero 2.2", "RISC Zero 2.2"),
        ("risc-zero-set-0.9", "RISC Zero set inclusion 0.9"),
        ("sp1-6.1", "SP1 6.1.0"),
        ("SP1 6.1.0", "SP1 6.1.0"),
    ):
        assert named_version(text).name == name
    assert len({named_version(version.name) for version in live_versions()}) == len(live_versions())


def test_broken_versions_cannot_be_deployed(verifiers: Invoke) -> None:
    refused = verifiers("deploy", "risc-zero-2.0", *KEYS)
    assert refused.exit_code == 1
    assert "GHSA-g3qg-6746-3mg9" in refused.output
    assert verifiers("deploy", "risc-zero-9.9", *KEYS).exit_code == 2
    assert verifiers("deploy", "sp1-6.1", *KEYS, "--max-cycles", 9).exit_code == 2
    assert verifiers("check", "sp1-6.1", "0x" + "11" * 20, "--key", "development").exit_code == 2
    assert verifiers("deploy", "model.json", *KEYS, "--root-verifier", "0x" + "11" * 20).exit_code == 2
    assert verifiers("deploy", "sp1-6.1", *KEYS, "--root-verifier", "0x" + "11" * 20).exit_code == 2
    assert verifiers("check", "sp1-6.1", "0x12").exit_code == 2
    assert verifiers("deploy", "sp1-6.1", *KEYS, "--runs", 2).exit_code == 2
    for runs in (0, 1, 3, 64):
        refused = verifiers("deploy", "model.json", *KEYS, "--runs", runs)
        assert refused.exit_code == 2 and "8, 16 or 32 runs" in refused.output
