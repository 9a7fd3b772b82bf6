"""Many runs of a model in one proof: circuits that check two proofs each, down to those of the runs (C8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.circuits.errors import CircuitError
from truestep.circuits.model import Model
from truestep.circuits.noir import SPONGE, public_input_count
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
from truestep.circuits.reference import PUBLIC_INPUTS, Shown
from truestep.circuits.rows import KECCAK, POWERS, ROOT_LANES, hash_lines, rows_hash
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools

FOLDED = 2
"""Proofs that one circuit checks."""
MOST_RUNS = 32
"""In one proof: it takes half an hour of a processor, and its outputs fit the contract."""
_KEY_FIELDS = 115
_PROOF_FIELDS = 410
_TAG = 3 << 64
"""So that what stands for many runs is neither an input nor a challenge (C5.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The circuits of one proof of many runs: the model's first, the outermost last."""

    circuits: tuple[Circuit, ...]
    run_count: int
    shown: Shown


def is_run_count(number: int) -> bool:
    """Whether one proof can be of so many runs: a power of two."""
    return FOLDED <= number <= MOST_RUNS and number.bit_count() == 1


def last_proofs(run_count: int) -> int:
    """How many proofs the outermost circuit checks.

    One circuit more, which checks a single proof, is half as large: 19,000 gas less, for 25 CPU seconds.
    """
    return FOLDED if run_count == FOLDED else 1


def _checks(key_hash: bytes, words: int, proofs: int, visible: str) -> str:
    """Noir: arguments, and the checks of some proofs under a key that is a constant of the program."""
    return f"""\
global KEY_HASH: Field = 0x{key_hash.hex()};

fn main(
    key: [Field; {_KEY_FIELDS}],
    proofs: [[Field; {_PROOF_FIELDS}]; {proofs}],
    {visible},
) {{
    for i in 0..{proofs} {{
        let mut stated: [Field; {words}] = [0; {words}];
        for j in 0..{words} {{ stated[j] = inputs[i * {words} + j]; }}
        std::verify_proof_with_type(key, proofs[i], stated, KEY_HASH, 0);
    }}
"""


def inner_source(key_hash: bytes, words: int) -> str:
    """The program that checks two proofs of `words` public inputs, and states all of them (C8.1)."""
    return _checks(key_hash, words, FOLDED, f"inputs: pub [Field; {FOLDED * words}]") + "}\n"


def outer_source(key_hash: bytes, words: int, proofs: int, run_count: int, shown: Shown) -> str:
    """The program that checks the last proofs, and states what a contract is told (C8.2, C11.3)."""
    total = proofs * words
    visible = f"inputs: [Field; {total}],\n    public: pub [Field; {PUBLIC_INPUTS}]"
    if shown is Shown.ROOT:
        parts, lines = [KECCAK, POWERS], [*hash_lines(run_count, total // run_count - ROOT_LANES)]
    else:
        parts, lines = [SPONGE], [f"assert(sponge(inputs, {_TAG + total}) == public[0]);"]
    lines += [f"assert(public[1] == {run_count});", "assert(public[2] == 0);"]
    body = "".join(f"    {line}\n" for line in lines)
    return "\n".join([*parts, _checks(key_hash, words, proofs, visible)]) + body + "}\n"


def folded_public_inputs(runs: Sequence[tuple[int, ...]], shown: Shown = Shown.DIGEST) -> tuple[int, ...]:
    """What a proof of many runs states: what stands for their public inputs, and their number."""
    if shown is Shown.ROOT:
        return rows_hash(runs), len(runs), 0
    words = [word for public in runs for word in public]
    return sponge(words, _TAG + len(words)), len(runs), 0


def compile_tree(model: Model, run_count: int, shown: Shown, tools: Tools, name: KeyName, tell: Tell) -> Tree:
    """The circuits for one proof of so many runs. Raises `CircuitError` if there is none."""
    if not is_run_count(run_count) or shown is Shown.BYTES:
        raise CircuitError(f"expected 2, 4, 8, 16 or {MOST_RUNS} runs in one proof; got {run_count}")
    words = public_input_count(model, shown)
    circuits = [compile_circuit(model, tools, name, tell, Target.CIRCUIT, shown)]
    count, last = 1, last_proofs(run_count)
    while count < run_count // last:
        title = f"the circuit that checks {FOLDED} proofs of {count}"
        source = inner_source(circuits[-1].key_hash, count * words)
        circuits.append(compile_source(source, title, tools, name, tell, Target.CIRCUIT))
        count *= FOLDED
    source = outer_source(circuits[-1].key_hash, count * words, last, run_count, shown)
    title = f"the outermost circuit, which checks what is of {count}"
    circuits.append(compile_source(source, title, tools, name, tell, Target.CONTRACT))
    return Tree(circuits=tuple(circuits), run_count=run_count, shown=shown)


def prove_tree(
    model: Model, contents: Sequence[bytes], tree: Tree, tools: Tools, tell: Tell
) -> tuple[bytes, list[Proof]]:
    """One proof of the runs on all inputs, and the runs."""
    if len(contents) != tree.run_count:
        raise CircuitError(f"expected {tree.run_count} inputs; got {len(contents)}")
    runs = [prove(model, content, tree.circuits[0], tools, tell) for content in contents]
    level = [(each.proof, each.public) for each in runs]
    for below, circuit in zip(tree.circuits, tree.circuits[1:], strict=False):
        is_last = circuit.target is Target.CONTRACT
        made: list[tuple[bytes, tuple[int, ...]]] = []
        width = last_proofs(tree.run_count) if is_last else FOLDED
        for start in range(0, len(level), width):
            part = level[start : start + width]
            stated = tuple(word for _, public in part for word in public)
            arguments = arguments_of(below, [proof for proof, _ in part], stated)
            if is_last:
                stated = folded_public_inputs([each.public for each in runs], tree.shown)
                arguments["public"] = [hex(word) for word in stated]
            made.append((prove_circuit(arguments, stated, circuit, tools, tell), stated))
        level = made
    return level[0][0], runs


def arguments_of(below: Circuit, proofs: Sequence[bytes], stated: Sequence[int]) -> dict[str, list[object]]:
    """What a circuit is given that checks proofs of the circuit `below`."""
    return {
        "key": [*_fields(below.key)],
        "proofs": [_fields(each) for each in proofs],
        "inputs": [hex(word) for word in stated],
    }


def _fields(content: bytes) -> list[str]:
    return [f"0x{content[start : start + 32].hex()}" for start in range(0, len(content), 32)]
