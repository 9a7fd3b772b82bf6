"""Two runs of a model in one proof: a circuit that checks the proofs of both (C8)."""

from truestep.circuits.model import Model
from truestep.circuits.noir import SPONGE
from truestep.circuits.poseidon import sponge
from truestep.circuits.prover import (
    Circuit,
    Proof,
    Target,
    Tell,
    compile_circuit,
    compile_source,
    prove,
    prove_circuit,
)
from truestep.circuits.reference import PUBLIC_INPUTS
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools

FOLDED = 2
"""Runs in one proof."""
_KEY_FIELDS = 115
_PROOF_FIELDS = 410
_TAG = 3 << 64
"""So that what stands for two runs is neither an input nor a challenge (C5.1)."""


def folding_source(key_hash: bytes) -> str:
    """The program that checks two proofs of the circuit whose key has this hash."""
    count = FOLDED * PUBLIC_INPUTS
    return f"""{SPONGE}
global KEY_HASH: Field = 0x{key_hash.hex()};

fn main(
    key: [Field; {_KEY_FIELDS}],
    proofs: [[Field; {_PROOF_FIELDS}]; {FOLDED}],
    inputs: [[Field; {PUBLIC_INPUTS}]; {FOLDED}],
    public: pub [Field; {PUBLIC_INPUTS}],
) {{
    let mut words: [Field; {count}] = [0; {count}];
    for i in 0..{FOLDED} {{
        std::verify_proof_with_type(key, proofs[i], inputs[i], KEY_HASH, 0);
        for j in 0..{PUBLIC_INPUTS} {{ words[i * {PUBLIC_INPUTS} + j] = inputs[i][j]; }}
    }}
    assert(sponge(words, {_TAG + count}) == public[0]);
    assert(public[1] == {FOLDED});
    assert(public[2] == 0);
}}
"""


def folded_public_inputs(runs: list[tuple[int, ...]]) -> tuple[int, ...]:
    """What a proof of several runs states: the sponge of their public inputs, and their number."""
    words = [word for public in runs for word in public]
    return sponge(words, _TAG + len(words)), len(runs), 0


def compile_folding(model: Model, tools: Tools, name: KeyName, tell: Tell) -> tuple[Circuit, Circuit]:
    """The model's circuit, for proofs that a circuit checks, and the circuit that checks them."""
    inner = compile_circuit(model, tools, name, tell, Target.CIRCUIT)
    source = folding_source(inner.key_hash)
    title = f"the circuit that checks {FOLDED} proofs"
    return inner, compile_source(source, title, tools, name, tell, Target.CONTRACT)


def prove_folded(
    model: Model, contents: list[bytes], circuits: tuple[Circuit, Circuit], tools: Tools, tell: Tell
) -> tuple[bytes, list[Proof]]:
    """One proof of the runs on two inputs, and the runs."""
    inner, outer = circuits
    runs = [prove(model, content, inner, tools, tell) for content in contents]
    arguments = {
        "key": _fields(inner.key),
        "proofs": [_fields(each.proof) for each in runs],
        "inputs": [[hex(word) for word in each.public] for each in runs],
    }
    public = folded_public_inputs([each.public for each in runs])
    arguments["public"] = [hex(word) for word in public]
    return prove_circuit(arguments, public, outer, tools, tell), runs


def _fields(content: bytes) -> list[str]:
    return [f"0x{content[start : start + 32].hex()}" for start in range(0, len(content), 32)]
