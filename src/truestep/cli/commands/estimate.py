"""`truestep estimate`: what a run costs, and what a proof of it."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from truestep.circuits.expectations import expected_gas, expected_seconds
from truestep.circuits.guest import build_guest
from truestep.circuits.model import Model
from truestep.circuits.model_file import is_model_file, read_model
from truestep.circuits.model_file import read_input as read_model_input
from truestep.circuits.prover import compile_circuit
from truestep.circuits.reference import MAX_STATED_BYTES, Shown
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools, tools_folder
from truestep.cli.failure import Failure
from truestep.cli.options import InputOption
from truestep.cli.screen import JsonFlag, Screen, fields_text, guarded
from truestep.client.costs import TASK_GAS
from truestep.client.files import program_of, read_input, read_program
from truestep.client.runs import run_task
from truestep.composition.engines import EngineName, open_engine
from truestep.machine.program import Program, Task

EXAMPLE = "Example: truestep estimate model.json --key development"
FLOAT_MODEL = ".onnx"
AGAIN_SECONDS = 10.0
"""A run that took less is made again, with its code compiled."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="estimate", epilog=EXAMPLE)(estimate)


@guarded
def estimate(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL|PROG",
            help="A quantised model; or an ELF file, or a C or Python source to build first.",
        ),
    ],
    input_file: InputOption = None,
    key: Annotated[
        KeyName, typer.Option(help="Of a model: the key to prove with. Its points must be there.")
    ] = KeyName.PRODUCTION,
    as_json: JsonFlag = False,
) -> None:
    """Say what a task costs if it is optimistic, and what a proof of it costs under *validity*.

    The run is measured on this computer. A model's circuit is compiled, once a model, since its size decides;
    nothing is proven. Seconds of proofs are estimated by proofs that were made here before, else by those of
    another computer; gas by what was measured on anvil. `truestep prove` says what a proof took, beside its
    estimate.
    """
    screen = Screen(as_json=as_json)
    if what.suffix == FLOAT_MODEL:
        raise Failure(
            "a float model",
            f"{what} is a float model: `truestep quantise` makes one for proofs of it, `truestep import` a"
            " program",
        )
    if not is_model_file(what):
        _of_program(screen, read_program(what).program, read_input(input_file))
        return
    model = read_model(what)
    content = read_model_input(model, input_file) if input_file is not None else bytes(model.input_size)
    with tempfile.TemporaryDirectory(prefix="truestep-estimate-") as folder:
        elf = build_guest(model, Path(folder) / "model.elf").path.read_bytes()
    ran = _measured(screen, program_of(elf).program, content)
    _show(screen, ran, _expected(screen, model, key))


def _of_program(screen: Screen, program: Program, content: bytes) -> None:
    ran = _measured(screen, program, content)
    screen.note(
        "a program that is no quantised model is proven by other systems, such as RISC Zero: what that takes,"
        " their provers say; checking costs some 225,000 gas (docs/receipts-gas.md)"
    )
    _show(screen, ran, None)


def _measured(screen: Screen, program: Program, content: bytes) -> dict[str, Any]:
    """A run of one shard. Refuses one that fails: its cost says nothing."""
    task, engine = Task(shard_count=1, input=content), open_engine(EngineName.JIT)
    with screen.cycles("running it") as progress:
        report = run_task(engine, program, task, progress=progress)
        if report.run_cpu_seconds < AGAIN_SECONDS:  # most of it was compiling, which workers do once
            report = run_task(engine, program, task, progress=progress)
    if not report.is_accepted:
        raise Failure(
            "failed run",
            f"it fails ({report.status.name.lower()}, code {report.code}); give it an input that it takes,"
            " with --input",
        )
    seconds = round(report.run_cpu_seconds, 4)
    return {"cycles": report.cycles, "run_cpu_seconds": seconds, "gas": TASK_GAS}


def _expected(screen: Screen, model: Model, key: KeyName) -> dict[str, Any]:
    """What a proof will take. Of a claim, if the model's input is not too large for that (C4.4)."""
    is_of_claim = model.input_size <= MAX_STATED_BYTES
    shown = Shown.BYTES if is_of_claim else Shown.DIGEST
    if not is_of_claim:
        screen.note(
            f"its input has {model.input_size} bytes, more than the {MAX_STATED_BYTES} of a claim's proof:"
            " this is of a proof that states a digest, for a contract of your own"
        )
    circuit = compile_circuit(model, Tools(tools_folder()), key, screen.tell, shown=shown)
    expected = expected_seconds(circuit.gates)
    return {
        "gates": circuit.gates,
        "prove_cpu_seconds": round(expected.cpu_seconds, 2),
        "proofs_measured_here": expected.measured_count,
        "proof_gas": expected_gas(circuit.points, is_of_claim=is_of_claim),
        "is_of_claim": is_of_claim,
        "says": str(expected),
    }


def _show(screen: Screen, ran: dict[str, Any], proof: dict[str, Any] | None) -> None:
    says = proof.pop("says") if proof is not None else ""
    shown = {
        "optimistic": f"{ran['cycles']:,} cycles, {ran['run_cpu_seconds']} CPU seconds, measured here",
        "its gas": f"{ran['gas']:,}: take, claim and finalize of one task alone, measured on anvil",
        "final": "after its window, if nobody wins a dispute",
    }
    if proof is not None:
        more = f"{ran['gas'] + proof['proof_gas']:,} with the rest" if proof["is_of_claim"] else "of a check"
        shown |= {
            "validity": f"{proof['gates']:,} gates, an estimate of {says}",
            "proof's gas": f"{proof['proof_gas']:,}, an estimate; {more}",
            "proven": "final for consumers at once",
        }
    screen.result({"optimistic": ran, "validity": proof}, shown=fields_text(shown))
