"""A real proof of a small circuit, checked by the contract; and what is refused."""

import json
import random
from collections.abc import Callable
from pathlib import Path

from tests.circuits.models import small_classifier
from tests.cli.conftest import Invoke
from truestep.circuits.evm import accepts
from truestep.circuits.model_file import write_model
from truestep.circuits.prover import compile_circuit, prove
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools
from truestep.circuits.verifier import deployed_code, key_of

INPUT = bytes(range(0, 250, 10))


def test_a_proof_is_accepted_and_nothing_near_it(tools: Tools, silent: Callable[[str], None]) -> None:
    model = small_classifier()
    circuit = compile_circuit(model, tools, KeyName.DEVELOPMENT, silent)
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
    words = json.loads(finished.stdout)["words"]
    verified = truestep("verify", str(proof), "--model", str(model), "--input", str(content), "--json")
    assert verified.exit_code == 0 and json.loads(verified.stdout)["words"] == words
    file = json.loads(proof.read_text())
    proof.write_text(json.dumps(file | {"words": [words[0] + 1]}))
    lied = truestep("verify", str(proof), "--json")
    assert lied.exit_code == 1 and json.loads(lied.stdout)["verified"] is False
