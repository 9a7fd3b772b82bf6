"""Proofs of proofs: what the outermost one says, and that a wrong one below is never accepted (C8, C11)."""

from collections.abc import Callable
from random import Random

import pytest

from tests.circuits.test_rows import wide
from truestep.circuits.errors import CircuitError
from truestep.circuits.evm import accepts
from truestep.circuits.folding import arguments_of, compile_tree, folded_public_inputs, prove_tree
from truestep.circuits.model import Output
from truestep.circuits.prover import Circuit, compile_circuit, prove, prove_circuit
from truestep.circuits.reference import Shown
from truestep.circuits.setup_key import KeyName, key_folder, make_development_key
from truestep.circuits.toolchain import Tools

POINTS = 1 << 21
Silent = Callable[[str], None]


def taken(circuit: Circuit, proof: bytes, public: tuple[int, ...]) -> bool:
    return accepts(circuit.key, KeyName.DEVELOPMENT, proof, public)


@pytest.mark.long
def test_a_tree_of_two_takes_its_runs_in_their_order_and_nothing_else(tools: Tools, silent: Silent) -> None:
    """Two minutes of a processor, and 2 GB."""
    make_development_key(key_folder(KeyName.DEVELOPMENT), POINTS)
    model, random = wide(), Random(1)
    rows = [random.randbytes(model.input_size) for _ in range(2)]
    tree = compile_tree(model, 2, Shown.ROOT, tools, KeyName.DEVELOPMENT, silent)
    leaf, outermost = tree.circuits
    proof, runs = prove_tree(model, rows, tree, tools, silent)
    first, second = (each.public for each in runs)
    public = folded_public_inputs([first, second], Shown.ROOT)
    assert taken(outermost, proof, public)
    for told in ([second, first], [first, first], [first]):
        assert not taken(outermost, proof, folded_public_inputs(told, Shown.ROOT))
    flipped = bytes([*runs[1].proof[:900], runs[1].proof[900] ^ 1, *runs[1].proof[901:]])
    lie = (*second[:-1], second[-1] ^ 1)
    other = compile_circuit(wide(Output.CLASS), tools, KeyName.DEVELOPMENT, silent, leaf.target, Shown.ROOT)
    stranger = prove(wide(Output.CLASS), rows[1], other, tools, silent)
    for wrong, stated in (
        (flipped, second),
        (runs[1].proof, lie),
        (runs[0].proof, second),
        (stranger.proof, second),
    ):
        public = folded_public_inputs([first, stated], Shown.ROOT)
        arguments = arguments_of(leaf, [runs[0].proof, wrong], [*first, *stated])
        arguments["public"] = [hex(word) for word in public]
        try:
            made = prove_circuit(arguments, public, outermost, tools, silent)
        except CircuitError:
            continue
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
