"""Proofs of proofs: what the outermost one says, and that a wrong one below is never accepted (C8, C11)."""

from collections.abc import Callable
from random import Random

import pytest

from tests.circuits.test_rows import wide
from truestep.circuits.errors import CircuitError
from truestep.circuits.evm import accepts
from truestep.circuits.folding import Tree, arguments_of, compile_tree, folded_public_inputs, prove_tree
from truestep.circuits.model import Output
from truestep.circuits.prover import Circuit, compile_circuit, prove, prove_circuit
from truestep.circuits.reference import Shown
from truestep.circuits.setup_key import KeyName, key_folder, make_development_key
from truestep.circuits.toolchain import Tools

POINTS = 1 << 21
Silent = Callable[[str], None]


def taken(circuit: Circuit, proof: bytes, public: tuple[int, ...]) -> bool:
    return accepts(circuit.key, KeyName.DEVELOPMENT, proof, public)


def tree_of_two(tools: Tools, silent: Silent) -> tuple[Tree, list[bytes]]:
    make_development_key(key_folder(KeyName.DEVELOPMENT), POINTS)
    random = Random(1)
    rows = [random.randbytes(wide().input_size) for _ in range(2)]
    return compile_tree(wide(), 2, Shown.ROOT, tools, KeyName.DEVELOPMENT, silent), rows


@pytest.mark.long
def test_a_tree_of_two_takes_its_runs_in_their_order_and_nothing_else(tools: Tools, silent: Silent) -> None:
    """Half a minute of a processor, and 2 GB."""
    tree, rows = tree_of_two(tools, silent)
    proof, runs = prove_tree(wide(), rows, tree, tools, silent)
    first, second = (each.public for each in runs)
    assert taken(tree.circuits[-1], proof, folded_public_inputs([first, second], Shown.ROOT))
    for told in ([second, first], [first, first], [first]):
        assert not taken(tree.circuits[-1], proof, folded_public_inputs(told, Shown.ROOT))


@pytest.mark.long
@pytest.mark.parametrize("wrong", ["flipped", "of another output", "repeated", "of another circuit"])
def test_a_wrong_proof_below_is_never_accepted(tools: Tools, silent: Silent, wrong: str) -> None:
    """Half a minute of a processor each. The prover may refuse, or make a proof that is none."""
    tree, rows = tree_of_two(tools, silent)
    leaf, outermost = tree.circuits
    runs = [prove(wide(), row, leaf, tools, silent) for row in rows]
    first, second = (each.public for each in runs)
    proof = runs[1].proof
    if wrong == "flipped":
        proof = bytes([*proof[:900], proof[900] ^ 1, *proof[901:]])
    elif wrong == "of another output":
        second = (*second[:-1], second[-1] ^ 1)
    elif wrong == "repeated":
        proof = runs[0].proof
    else:
        other = wide(Output.CLASS)
        circuit = compile_circuit(other, tools, KeyName.DEVELOPMENT, silent, leaf.target, Shown.ROOT)
        proof = prove(other, rows[1], circuit, tools, silent).proof
    public = folded_public_inputs([first, second], Shown.ROOT)
    arguments = arguments_of(leaf, [runs[0].proof, proof], [*first, *second])
    arguments["public"] = [hex(word) for word in public]
    try:
        made = prove_circuit(arguments, public, outermost, tools, silent)
    except CircuitError:
        return
    assert not taken(outermost, made, public)


@pytest.mark.long
def test_a_key_of_another_circuit_is_not_the_one_of_the_tree(tools: Tools, silent: Silent) -> None:
    """Whoever proves gives the key, too; its hash is a constant of the program."""
    make_development_key(key_folder(KeyName.DEVELOPMENT), POINTS)
    tree = compile_tree(wide(), 2, Shown.ROOT, tools, KeyName.DEVELOPMENT, silent)
    other_model = wide(size=77)
    other = compile_circuit(
        other_model, tools, KeyName.DEVELOPMENT, silent, tree.circuits[0].target, Shown.ROOT
    )
    run = prove(other_model, bytes(77), other, tools, silent)
    public = folded_public_inputs([run.public] * 2, Shown.ROOT)
    arguments = arguments_of(other, [run.proof] * 2, [*run.public] * 2)
    arguments["public"] = [hex(word) for word in public]
    try:
        made = prove_circuit(arguments, public, tree.circuits[-1], tools, silent)
    except CircuitError:
        return
    assert not taken(tree.circuits[-1], made, public)
