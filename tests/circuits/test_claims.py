"""A real proof of a circuit makes the claim of its guest's job final at once (docs/circuits.md C10)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from typer.testing import CliRunner

from tests.circuits.models import small_mlp
from tests.contracts.compiled import message_of
from tests.contracts.evm import EvmContract
from tests.e2e.keepers import RULES
from tests.e2e.network import MAX_CYCLES, REWARD_WEI, Log, Network, open_network
from tests.e2e.test_validity import DAY_SECONDS, Governance
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32, JobId, task_of
from truestep.circuits.claim_prover import ModelProver, open_model
from truestep.circuits.claims import claim_verifier, told_of
from truestep.circuits.guest import build_guest
from truestep.circuits.model import Model
from truestep.circuits.model_file import write_model
from truestep.circuits.proof_file import SYSTEM
from truestep.circuits.prover import PROVE_LIMITS, compile_circuit, prove
from truestep.circuits.reference import Shown, output_bytes, run
from truestep.circuits.setup_key import DEVELOPMENT_WARNING, KeyName
from truestep.circuits.toolchain import Tools
from truestep.circuits.verifier import key_digest, verifier_code
from truestep.cli.main import app
from truestep.client import Client, Order, verifiers
from truestep.client.receipt_proofs import proof_warnings
from truestep.client.verification import check_chain, check_contents
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import load_artifact
from truestep.machine.elf import load_elf
from truestep.protocol.events import TaskFinalized
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber, Selector

CONTENT = bytes(range(8))


@pytest.mark.long
@pytest.mark.anvil
def test_a_claim_is_final_by_a_real_proof(
    tools: Tools, silent: Callable[[str], None], anvil_program: Path, tmp_path: Path
) -> None:
    """The whole road on anvil: guest, job, claim, proof; and what else the claim might have said."""
    model = small_mlp()
    circuit = compile_circuit(model, tools, KeyName.DEVELOPMENT, silent, shown=Shown.BYTES)
    elf = build_guest(model, tmp_path / "model.elf").path.read_bytes()
    program = load_elf(elf)
    program_hash = Bytes32(
        keccak256(encode(["bytes32", "uint64", "uint64"], [program.root(), program.entry, MAX_CYCLES]))
    )
    devnet = AnvilDevnet(anvil_program)
    network = open_network(devnet, tmp_path, kept_by=RULES, has_proofs=True)
    try:
        governance, key = Governance(network), Bytes32(key_digest(circuit.key))
        deployment = network.deployment
        adapter = claim_verifier(
            model,
            chain_id=deployment.chain_id,
            jobs=deployment.address("Jobs"),
            key_digest=key,
            program_hash=program_hash,
        )
        inner = governance.send(None, verifier_code(circuit.key, KeyName.DEVELOPMENT))["contractAddress"]
        types = ["address", "address", "bytes32", "bytes32", "uint256", "uint256"]
        sizes = (adapter.input_size, adapter.output_size)
        arguments = encode(types, [adapter.jobs, inner, key, program_hash, *sizes])
        code = load_artifact("CircuitVerifier").bytecode + arguments
        number = _believe(governance, str(governance.send(None, code)["contractAddress"]), key, program_hash)
        order = Order(is_proven=True, reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, lease_seconds=300)
        client = Client(network.requester, network.blobs, deployment)
        job_id = client.submit(elf, CONTENT, order=order).job_id
        worker = network.worker("worker", network.store("worker"), log := Log(), takes_unproven=True)
        network.drive([worker], lambda: "claim_landed" in log.kinds())
        task_id = task_of(job_id, 0)
        claim = verifiers.standing_claim(network.requester, task_id)
        made = prove(model, CONTENT, circuit, tools, silent)
        known: Any = network.requester.facts().jobs[job_id].job
        told = told_of(task_id, known.work, known.terms, claim.leaf.cycle, CONTENT, made)
        assert adapter.statement(told) == claim.statement
        flipped = told.proof[:999] + bytes([told.proof[999] ^ 1]) + told.proof[1000:]
        for other in (replace(told, proof=flipped), replace(told, output=bytes(len(told.output)))):
            with pytest.raises(Rejected, match="verifier refuses"):
                verifiers.prove(network.requester, task_id, number, adapter.seal(other))
        seal = _seal_by_command(network, model, tmp_path, adapter.seal(told))
        verifiers.prove(network.requester, task_id, number, seal)
        assert network.is_final(job_id)
        assert network.output(task_id) == output_bytes(run(model, CONTENT).words)
        _prove_by_worker(network, tools, client, elf, order)
    finally:
        network.close()
        devnet.stop()


def _seal_by_command(network: Network, model: Model, folder: Path, made: bytes) -> bytes:
    """What `truestep prove JOB SHARD` writes, and what it says if something is missing."""
    paths = {name: folder / name for name in ("deployment.json", "model", "other", "input", "seal.bin")}
    network.deployment.write(paths["deployment.json"])
    paths["model"].write_text(write_model(model))
    paths["other"].write_text(write_model(small_mlp(seed=2)))
    paths["input"].write_bytes(CONTENT[::-1])
    node = str(network.devnet.node)
    where = ("--rpc", node, "--deployment", str(paths["deployment.json"]), "-o", str(paths["seal.bin"]))
    stores = ("--blobs", str(folder / "blobs"))
    model_option = ("--model", str(paths["model"]))
    for words, said in (
        (stores, "entry 1 (UltraHonk, live) of circuit 0x"),
        (("--model", str(paths["other"]), *stores), "this model gives"),
        ((*model_option, "--input", str(paths["input"])), "is not that of the job"),
        (model_option, "give the job's input with --input"),
        ((*model_option, *stores), "production key has 0 points"),
    ):
        refused = CliRunner().invoke(app, ["prove", "1", "0", *words, *where])
        assert refused.exit_code == 1 and said in refused.output, refused.output
        assert not paths["seal.bin"].exists()
    proven = CliRunner().invoke(
        app, ["prove", "1", *model_option, *stores, *where, "--key", "development", "--json"]
    )
    assert proven.exit_code == 0, proven.output
    assert json.loads(proven.stdout)["entry"] == 1 and "verifiers prove 1 0 --entry 1" in proven.stderr
    written = paths["seal.bin"].read_bytes()
    assert written[:4] == made[:4] and len(written) == len(made)
    return written


def _prove_by_worker(network: Network, tools: Tools, client: Client, elf: bytes, order: Order) -> None:
    """A worker with the real prover takes a job and makes its claim final, with nobody's help."""
    proven = open_model(small_mlp(), tools, KeyName.DEVELOPMENT, lambda _: None)
    prover = ModelProver([proven], tools, PROVE_LIMITS)
    job_id, log = client.submit(elf, bytes(8), order=order).job_id, Log()
    worker = network.worker("prover", network.store("prover"), log, prover=prover)
    network.drive([worker], lambda: network.is_final(job_id))
    assert log.kinds().count("proof_made") == 1
    network.drive([worker], lambda: bool(network.told(TaskFinalized)))
    _check_receipt(network, client, job_id)


def _check_receipt(network: Network, client: Client, job_id: JobId) -> None:
    """The receipt holds all that its proof is checked with, offline; a flipped bit is noticed."""
    held = client.job(job_id).receipt()
    assert held.proofs is not None
    (part,) = held.proofs
    assert (part.system, part.version, part.key) == ("UltraHonk", SYSTEM, "development")

    def wrong(**changes: str | None) -> list[str]:
        changed = held.model_copy(update={"proofs": (part.model_copy(update=changes),)})
        return [check.name for check in check_contents(changed) if not check.passed]

    assert wrong() == []
    assert [each for each in check_chain(held, network.requester) if not each.passed] == []
    assert proof_warnings(held) == [DEVELOPMENT_WARNING]
    seal, key = bytes.fromhex(part.seal or ""), bytes.fromhex(part.verification_key or "")
    chosen = random.Random(7)
    for place in (*range(0, 900, 31), *chosen.sample(range(900, len(seal)), 9), len(seal) - 1):
        flipped = seal[:place] + bytes([seal[place] ^ 1 << chosen.randrange(8)]) + seal[place + 1 :]
        assert wrong(seal=flipped.hex()) == ["shard 0: the proof holds"], place
    assert wrong(seal=(seal + b"tail").hex()) == []  # its contract takes it, so anybody may have sent it so
    for cut in (b"", seal[:4], seal[:-1]):
        assert wrong(seal=cut.hex()) == ["shard 0: the proof holds"]
    for place in (0, 31, 700, len(key) - 1):
        flipped = key[:place] + bytes([key[place] ^ 1]) + key[place + 1 :]
        assert wrong(verification_key=flipped.hex()) == ["shard 0: the proof holds"]
    assert wrong(key="production") == ["shard 0: the proof holds"]
    assert "shard 0: its version" in wrong(key=None)
    assert "shard 0: its version" in wrong(verification_key=None)
    path = network.folder / "receipt.json"
    held.write(path)
    said = CliRunner().invoke(app, ["verify", str(path), "--offline"])
    assert "only the chain says that they are believed" in said.output
    assert said.exit_code == 0 and "UltraHonk, bb 5.0.0, Noir 1.0.0-beta.26, 100 bits" in said.output


def _believe(governance: Governance, verifier: str, key: Bytes32, program_hash: Bytes32) -> EntryNumber:
    """Let governance add the entry."""
    network = governance.network
    entry = Entry(
        verifier=verifier,  # type: ignore[arg-type]
        selector=Selector(key[:4]),
        key_digest=key,
        program_hash=program_hash,
        system="UltraHonk",
        bits=100,
        value_cap_wei=10**19,
        least_bond_wei=0,
        gas_limit=1_500_000,
        active_from=0,
        active_until=network.requester.head().time_seconds + 10**8,
    )
    own, lock = (
        EvmContract(evm=None, address=network.deployment.address(name), artifact=load_artifact(name))  # type: ignore[arg-type]
        for name in ("Verifiers", "Timelock")
    )
    action = (own.address, message_of(own, "add", astuple(entry), 1), bytes(32))
    governance.send(lock.address, message_of(lock, "announce", *action))
    network.devnet.advance(DAY_SECONDS + 1)
    governance.send(lock.address, message_of(lock, "execute", *action))
    return EntryNumber(1)
