"""`truestep prove`: proves that a quantised model gives a result on an input, or the claim of a job."""

import resource
import shlex
from pathlib import Path
from typing import Annotated

import typer

from truestep.adapters.files import write_file
from truestep.base.ids import TaskId
from truestep.circuits.folding import MOST_RUNS, compile_tree, is_run_count, prove_tree
from truestep.circuits.model_file import read_input, read_model
from truestep.circuits.proof_file import proof_file, stated
from truestep.circuits.prover import compile_circuit, prove
from truestep.circuits.reference import Shown
from truestep.circuits.setup_key import DEVELOPMENT_WARNING, KeyName
from truestep.circuits.toolchain import Tools, tools_folder
from truestep.circuits.verifier import key_digest
from truestep.cli.claim_seals import ClaimOptions, prove_claim, task_named
from truestep.cli.failure import Failure, keep_inputs
from truestep.cli.option_groups import grouped
from truestep.cli.row_seals import prove_rows
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.verifier_kinds import refuse_run_count

EXAMPLE = (
    "Example: truestep prove model.json --input digit.npy --key development -o proof.json, or:"
    " truestep prove 1 0 --model model.json --input digit.bin -o seal.bin"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="prove", epilog=EXAMPLE)(prove_model)


@guarded
@grouped
def prove_model(
    what: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|JOB",
            help="A quantised model, as `truestep quantise` writes one; or the number of a job, whose claim"
            " is to be proven.",
        ),
    ],
    claim: ClaimOptions,
    shard: Annotated[
        int | None,
        typer.Argument(
            metavar="SHARD", min=0, help="Of a job: the shard, with --runs the first. Default: 0."
        ),
    ] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="One input: .npy or .csv of numbers, or else the model's bytes. Give 2, 4, 8 … 32 for one"
            " proof of all. Of a job it can be left out with --blobs; with --runs it is the input of the"
            " whole job, or give one for each of its rows.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write the proof to. Default: proof.json; of a claim, seal.bin.",
        ),
    ] = None,
    key: Annotated[
        KeyName, typer.Option(help="The key to prove with. The development key convinces nobody.")
    ] = KeyName.PRODUCTION,
    as_json: JsonFlag = False,
) -> None:
    """Prove that a quantised model gives a result on an input, or that a claim is right.

    Of a model, the proof shows the result and a digest of the input, and hides nothing else on purpose: it is
    not zero knowledge. Its circuit is compiled once a model, which takes from seconds to minutes. `truestep
    verify` checks the proof, and so does a contract (`truestep proofs verifier`). One proof of many inputs
    takes half a minute of a processor for each and 2 GB, and is checked for the price of one.

    Of a job under the policy *validity*, with the model of its program: find input and claim, and write the
    claim's proof (its seal), for `truestep verifiers prove`. If something is missing, it is said before
    anything is proven. A worker with --prove does all of this by itself. With --runs N it is one proof of the
    claims of N shards of a job whose input is rows; the first shard is a multiple of N.
    """
    screen = Screen(as_json=as_json)
    task_id = task_named(what, shard)
    refuse_run_count(claim.runs)
    if task_id is None:
        if shard is not None:
            raise typer.BadParameter(f"{what} is no job; only jobs have shards", param_hint="SHARD")
        if claim.runs is not None:
            raise typer.BadParameter(
                "--runs is of jobs; for one proof of many runs of a model give --input as often",
                param_hint="--runs",
            )
        _prove_model(screen, Path(what), inputs or [], output or Path("proof.json"), key)
        return
    _prove_claims(screen, task_id, claim, inputs or [], key, output or Path("seal.bin"))


def _prove_claims(
    screen: Screen, task_id: TaskId, claim: ClaimOptions, inputs: list[Path], key: KeyName, written: Path
) -> None:
    """Write the proof of one claim, or of many."""
    keep_inputs(written, claim.model, *inputs)
    before = _child_seconds()
    if claim.runs is None:
        fields = prove_claim(screen, task_id, claim, inputs, key, written)
        place = f"{fields['job_id']} {fields['shard_index']}"
    else:
        fields = prove_rows(screen, task_id, claim.runs, claim, inputs, key, written)
        place = f"{fields['job_id']} {fields['first_shard']} --runs {claim.runs}"
    if key is KeyName.DEVELOPMENT:
        screen.warn([DEVELOPMENT_WARNING])
    screen.result(fields | {"cpu_seconds": round(_child_seconds() - before, 2)})
    sealed = f"--entry {fields['entry']} --seal {shlex.quote(str(written))}"
    screen.tell(f"next: truestep verifiers prove {place} {sealed}")


def _prove_model(screen: Screen, model: Path, inputs: list[Path], output: Path, key: KeyName) -> None:
    """Write a proof of a model's runs."""
    keep_inputs(output, model, *inputs)
    if not inputs:
        raise typer.BadParameter("of which input? add --input FILE", param_hint="--input")
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
