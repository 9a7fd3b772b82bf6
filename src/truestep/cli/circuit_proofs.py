"""What `truestep verify` does with a proof of a circuit."""

from pathlib import Path

import typer
from rich.markup import escape

from truestep.circuits.folding import compile_tree
from truestep.circuits.model import Model
from truestep.circuits.model_file import read_input, read_limited, read_model
from truestep.circuits.proof_file import ProofFile, check_names, check_proof, is_proof_file, read_proof
from truestep.circuits.prover import Circuit, compile_circuit
from truestep.circuits.reference import Shown
from truestep.circuits.setup_key import DEVELOPMENT_WARNING, KeyName
from truestep.circuits.toolchain import Tools, tools_folder
from truestep.cli.failure import ExitCode
from truestep.cli.screen import Screen

__all__ = ["is_proof_file", "verify_circuit_proof"]


def verify_circuit_proof(
    screen: Screen, path: Path, input_file: Path | None, model_file: Path | None, trusted: str | None
) -> None:
    """Check it and say what it shows; exits with 1 if a check fails."""
    file = read_proof(path)
    circuit: Circuit | None = None
    content = model = None
    if model_file is not None:
        model = read_model(model_file)
        content = read_input(model, input_file) if input_file else None
        circuit = _circuit(model, file, screen)
    elif input_file is not None:
        content = read_limited(input_file)
    findings = list(check_proof(file, content, trusted, circuit))
    if model is not None:
        findings.append(check_names(file, model))
    is_verified = all(finding.passed for finding in findings)
    if file.key_name is KeyName.DEVELOPMENT:
        screen.warn([DEVELOPMENT_WARNING])
    if circuit is None and trusted is None:
        screen.warn(
            [
                f"the proof names its own circuit, {file.key_digest}; give --model, or --key-digest with the"
                " digest that you got from somebody you trust"
            ]
        )
    lines = [escape(f"{'ok ' if each.passed else 'NO '} {each.name} ({each.detail})") for each in findings]
    name = escape(" ".join(file.model.split()))  # on one line, or it could say that the file is verified
    shown = "\n".join(f"{name}: {file.output} {', '.join(map(str, run.words))}" for run in file.runs)
    fields = {
        "proof": str(path),
        "verified": is_verified,
        "key": file.key,
        "key_digest": file.key_digest,
        "circuit_trusted": circuit is not None or trusted is not None,
        "output": file.output,
        "runs": [run.words for run in file.runs],
        "checks": [{"name": each.name, "passed": each.passed, "detail": each.detail} for each in findings],
    }
    screen.result(fields, shown="\n".join([*lines, shown, "verified" if is_verified else "not verified"]))
    if not is_verified:
        raise typer.Exit(ExitCode.REFUSED)


def _circuit(model: Model, file: ProofFile, screen: Screen) -> Circuit:
    """The circuit that a proof of so many runs of the model must be of."""
    tools = Tools(tools_folder())
    if len(file.runs) == 1:
        return compile_circuit(model, tools, file.key_name, screen.tell)
    tree = compile_tree(model, len(file.runs), Shown.DIGEST, tools, file.key_name, screen.tell)
    return tree.circuits[-1]
