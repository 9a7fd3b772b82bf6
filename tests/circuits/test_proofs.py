"""A real proof of a small circuit, checked by the contract; and what is refused."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.circuits.models import small_classifier
from tests.cli.conftest import Invoke
from truestep.circuits.errors import CircuitError
from truestep.circuits.evm import accepts
from truestep.circuits.model import Model
from truestep.circuits.model_file import write_model
from truestep.circuits.prover import Circuit, compile_circuit, prove
from truestep.circuits.reference import Trace, run
from truestep.circuits.setup_key import KeyName, key_folder, make_development_key
from truestep.circuits.toolchain import Tools
from truestep.circuits.verifier import deployed_code, key_of
from truestep.circuits.witness import witness

INPUT = bytes(range(0, 250, 10))


def compiled(tools: Tools, silent: Callable[[str], None]) -> Circuit:
    return compile_circuit(small_classifier(), tools, KeyName.DEVELOPMENT, silent)


def test_a_proof_is_accepted_and_nothing_near_it(tools: Tools, silent: Callable[[str], None]) -> None:
    model = small_classifier()
    circuit = compiled(tools, silent)
    made = prove(model, INPUT, circuit, tools, silent)
    assert accepts(circuit.key, KeyName.DEVELOPMENT, made.proof, made.public)
    assert not accepts(circuit.key, KeyName.PRODUCTION, made.proof, made.public)
    assert key_of(deployed_code(circuit.key, KeyName.DEVELOPMENT), circuit.key) is KeyName.DEVELOPMENT
    chosen = random.Random(5)
    for place in [0, len(made.proof) - 1, *chosen.sample(range(len(made.proof)), 40)]:
        flipped = bytearray(made.proof)
        flipped[place] ^= 1 << chosen.randrange(8)
        assert not accepts(circuit.key, KeyName.DEVELOPMENT, bytes(flipped), made.public), place
    for place in range(3):
        other = tuple(each ^ (position == place) for position, each in enumerate(made.public))
        assert not accepts(circuit.key, KeyName.DEVELOPMENT, made.proof, other)
    for length in (0, 31, len(made.proof) - 32, len(made.proof) - 1):
        assert not accepts(circuit.key, KeyName.DEVELOPMENT, made.proof[:length], made.public)


def test_the_commands_prove_and_verify(tools: Tools, truestep: Invoke, tmp_path: Path) -> None:
    model, content, proof = (tmp_path / name for name in ("model.json", "input.bin", "proof.json"))
    model.write_text(write_model(small_classifier()))
    content.write_bytes(INPUT)
    refused = truestep("prove", str(model), "--input", str(content), "-o", str(proof))
    assert refused.exit_code == 1 and "production key has 0 points" in refused.stderr
    arguments = ("--input", str(content), "--key", "development", "-o", str(proof), "--json")
    finished = truestep("prove", str(model), *arguments)
    assert finished.exit_code == 0, finished.stderr
    assert "convinces nobody" in finished.stderr
    assert "gates; estimate: " in finished.stderr and "proven in " in finished.stderr
    words = json.loads(finished.stdout)["runs"]
    estimated = truestep("estimate", str(model), "--key", "development", "--json")
    assert estimated.exit_code == 0, estimated.stderr
    told = json.loads(estimated.stdout)
    assert told["optimistic"]["cycles"] > 0 and told["validity"]["is_of_claim"]
    assert told["validity"]["proofs_measured_here"] >= 1 and told["validity"]["proof_gas"] > 700_000
    verified = truestep("verify", str(proof), "--model", str(model), "--input", str(content), "--json")
    assert verified.exit_code == 0 and json.loads(verified.stdout)["runs"] == words
    file = json.loads(proof.read_text())
    proof.write_text(json.dumps(file | {"runs": [file["runs"][0] | {"words": [words[0][0] + 1]}]}))
    lied = truestep("verify", str(proof), "--json")
    assert lied.exit_code == 1 and json.loads(lied.stdout)["verified"] is False


@pytest.mark.parametrize("name", ["value1", "rest1", "over2", "negative1", "public", "input"])
def test_a_witness_of_another_run_is_refused(
    tools: Tools, silent: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Break one part of the witness at a time: the circuit itself must refuse, not the reference."""
    model = small_classifier()
    circuit = compiled(tools, silent)

    def broken(*arguments: Any) -> dict[str, Any]:
        parts = witness(*arguments)
        first = parts[name][0]
        changed = not first if isinstance(first, bool) else first ^ 1 if isinstance(first, int) else "0x1"
        return parts | {name: [changed, *parts[name][1:]]}

    monkeypatch.setattr("truestep.circuits.prover.witness", broken)
    with pytest.raises(CircuitError, match="Noir failed"):
        prove(model, INPUT, circuit, tools, silent)


def test_a_lie_about_a_convolution_that_fits_its_parts_is_refused(
    tools: Tools, silent: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All parts agree with each other, and the sum is not that of the input: only C6 sees it."""
    model = small_classifier()
    circuit = compiled(tools, silent)

    def lying(subject: Model, content: bytes) -> Trace:
        trace = run(subject, content)
        sums = trace.sums[0].copy()
        sums[1, 2, 3] += 1
        return Trace(sums=(sums, *trace.sums[1:]), words=trace.words)

    monkeypatch.setattr("truestep.circuits.prover.run", lying)
    with pytest.raises(CircuitError, match="Noir failed"):
        prove(model, INPUT, circuit, tools, silent)


def test_a_class_that_is_not_the_first_of_the_greatest_is_refused(
    tools: Tools, silent: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_classifier()
    circuit = compiled(tools, silent)
    right = run(model, INPUT).words[0]
    for wrong in {*range(5), 2**31} - {right}:
        monkeypatch.setattr(
            "truestep.circuits.prover.run",
            lambda subject, content, wrong=wrong: Trace(sums=run(subject, content).sums, words=(wrong,)),
        )
        with pytest.raises(CircuitError, match="Noir failed"):
            prove(model, INPUT, circuit, tools, silent)


@pytest.mark.long
def test_one_proof_of_two_inputs(tools: Tools, truestep: Invoke, tmp_path: Path) -> None:
    """Half a minute on an idle computer, and 2 GB."""
    make_development_key(key_folder(KeyName.DEVELOPMENT), 1 << 21)
    model, first, second, proof = (tmp_path / name for name in ("model.json", "1.bin", "2.bin", "proof.json"))
    model.write_text(write_model(small_classifier()))
    first.write_bytes(INPUT)
    second.write_bytes(INPUT[::-1])
    arguments = ("--input", first, "--input", second, "--key", "development", "-o", proof, "--json")
    finished = truestep("prove", model, *arguments)
    assert finished.exit_code == 0, finished.stderr
    expected = [list(run(small_classifier(), content).words) for content in (INPUT, INPUT[::-1])]
    assert finished.fields()["runs"] == expected
    verified = truestep("verify", proof, "--model", model, "--input", second, "--json")
    assert verified.exit_code == 0 and verified.fields()["runs"] == expected
    file = json.loads(proof.read_text())
    for runs in (file["runs"][::-1], file["runs"][:1]):
        proof.write_text(json.dumps(file | {"runs": runs}))
        assert truestep("verify", proof, "--json").exit_code == 1


def test_numbers_of_inputs_that_no_proof_is_of_are_refused(truestep: Invoke, tmp_path: Path) -> None:
    model, content = tmp_path / "model.json", tmp_path / "input.bin"
    model.write_text(write_model(small_classifier()))
    content.write_bytes(INPUT)
    for count in (3, 33):
        refused = truestep("prove", str(model), *("--input", str(content)) * count, "--key", "development")
        assert refused.exit_code != 0
        assert f"expected 1, 2, 4, 8, 16 or 32 inputs; got {count}" in " ".join(refused.stderr.split())
