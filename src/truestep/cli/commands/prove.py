"""`truestep prove`: proves that a quantised model gives a result on an input."""

import resource
from pathlib import Path
from typing import Annotated

import typer

from truestep.adapters.files import write_file
from truestep.circuits.folding import MOST_RUNS, compile_tree, is_run_count, prove_tree
from truestep.circuits.model_file import read_input, read_model
from truestep.circuits.proof_file import proof_file, stated
from truestep.circuits.prover import compile_circuit, prove
from truestep.circuits.reference import Shown
from truestep.circuits.setup_key import DEVELOPMENT_WARNING, KeyName
from truestep.circuits.toolchain import Tools, tools_folder
from truestep.circuits.verifier import key_digest
from truestep.cli.failure import Failure, keep_inputs
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep prove model.json --input digit.npy --key development -o proof.json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="prove", epilog=EXAMPLE)(prove_model)


@guarded
def prove_model(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A quantised model; `truestep quantise` writes one.")
    ],
    inputs: Annotated[
        list[Path],
        typer.Option(
            "--input",
            metavar="FILE",
            help="One input: .npy or .csv of numbers, or else the model's bytes. Give 2, 4, 8 … 32 for one"
            " proof of all.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write the proof to.")
    ] = Path("proof.json"),
    key: Annotated[
        KeyName, typer.Option(help="The key to prove with. The development key convinces nobody.")
    ] = KeyName.PRODUCTION,
    as_json: JsonFlag = False,
) -> None:
    """Prove that a quantised model gives a result on an input.

    The proof shows the result and a digest of the input, and hides nothing else on purpose: it is not zero
    knowledge. Its circuit is compiled once a model, which takes from seconds to minutes. `truestep verify`
    checks the proof, and so does a contract (`truestep proofs verifier`). One proof of many inputs takes half
    a minute of a processor for each and 2 GB, and is checked for the price of one.
    """
    screen = Screen(as_json=as_json)
    keep_inputs(output, model, *inputs)
    if len(inputs) != 1 and not is_run_count(len(inputs)):
        raise Failure(
            "wrong number of inputs",
            f"expected 1, 2, 4, 8, 16 or {MOST_RUNS} inputs; got {len(inputs)}: leave some for another proof,"
            " or give one twice",
        )
    chosen = read_model(model)
    contents = [read_input(chosen, each) for each in inputs]
    tools = Tools(tools_folder())
    before = _child_seconds()
    if len(inputs) == 1:
        circuit = compile_circuit(chosen, tools, key, screen.tell)
        compiled = _child_seconds()
        runs = [prove(chosen, contents[0], circuit, tools, screen.tell)]
        proof = runs[0].proof
    else:
        tree = compile_tree(chosen, len(inputs), Shown.DIGEST, tools, key, screen.tell)
        circuit, compiled = tree.circuits[-1], _child_seconds()
        proof, runs = prove_tree(chosen, contents, tree, tools, screen.tell)
    proven = _child_seconds()
    write_file(output, proof_file(chosen, circuit, proof, runs).encode())
    if key is KeyName.DEVELOPMENT:
        screen.warn([DEVELOPMENT_WARNING])
    screen.result(
        {
            "proof": str(output),
            "model": chosen.name,
            "output": chosen.output.value,
            "runs": [list(each.words) for each in runs],
            "key": key.value,
            "key_digest": f"0x{key_digest(circuit.key).hex()}",
            "public_inputs": [f"0x{each:064x}" for each in stated([each.public for each in runs])],
            "gates": circuit.gates,
            "compile_cpu_seconds": round(compiled - before, 2),
            "prove_cpu_seconds": round(proven - compiled, 2),
        }
    )


def _child_seconds() -> float:
    """What the tools have computed so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
