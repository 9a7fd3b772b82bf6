"""`truestep program trial` and `trials`: operators run a program before a network relies on it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.base.text import counted
from truestep.cli.engines import limited_engine
from truestep.cli.failure import ExitCode, Failure, keep_inputs
from truestep.cli.options import (
    KeystoreOption,
    MemoryLimitOption,
    PasswordFileOption,
    SeedOption,
    ask_password,
    parse_seed,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.composition.engines import EngineLimits, EngineName

if TYPE_CHECKING:
    from truestep.client.program_trials import Opinion, TrialFile, Verdict

TRIAL_EXAMPLE = (
    "Example: truestep program trial prog.elf --generate 4 -o trials.json --keystore operator.json"
)
TRIALS_EXAMPLE = "Example: truestep program trials ada.json bob.json --at-least 2"


def add_to(group: typer.Typer) -> None:
    """Add the commands to a group."""
    group.command(name="trial", epilog=TRIAL_EXAMPLE)(trial)
    group.command(name="trials", epilog=TRIALS_EXAMPLE)(trials)


@guarded
def trial(
    program: Annotated[
        Path, typer.Argument(metavar="PROGRAM", help="The program: an ELF file, or C or Python.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The file of trials, which may have others."),
    ],
    keystore: KeystoreOption,
    input_file: Annotated[
        list[Path] | None, typer.Option("--input", metavar="FILE", help="An input. Repeatable.")
    ] = None,
    generate: Annotated[
        int, typer.Option(metavar="N", min=0, max=256, help="Also run so many generated inputs.")
    ] = 0,
    size: Annotated[
        int, typer.Option(metavar="BYTES", min=0, max=1 << 24, help="The size of a generated input.")
    ] = 4096,
    seed: SeedOption = "0",
    shards: Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Run all N shards of each.")] = 1,
    max_cycles: Annotated[
        int, typer.Option(metavar="N", min=1, max=2**48, help="Instructions before giving up on a run.")
    ] = 2**40,
    engine: Annotated[
        EngineName, typer.Option(help="jit is fast; reference is slow and has the last word.")
    ] = EngineName.JIT,
    memory_limit: MemoryLimitOption = None,
    password_file: PasswordFileOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a program on inputs and sign what came out (EIP-712), so that others can compare.

    Generated inputs follow from --seed and --size: whoever gives the same runs the same. The trial is added
    to the file; an earlier one of this account about the same is replaced.
    """
    from truestep.adapters.keystore import open_keystore
    from truestep.client.files import read_input, read_program
    from truestep.client.program_trials import TrialFile, generated_inputs, tasks_of, try_program

    screen = Screen(as_json=as_json)
    keep_inputs(output, program, keystore, *(input_file or []))
    before = _read(output) if output.exists() else None
    number = parse_seed(seed)
    inputs = [read_input(path) for path in input_file or []] + generated_inputs(number, generate, size)
    if not inputs:
        raise typer.BadParameter("expected --input FILE or --generate N", param_hint="--input")
    tasks = tasks_of(inputs, number, shards)
    screen.doing(f"reading or building {program}")
    found = read_program(program)
    screen.warn(found.notes)
    signer = open_keystore(keystore, ask_password(password_file))
    chosen = limited_engine(engine, EngineLimits(memory_bytes=memory_limit))
    with screen.cycles(f"running {escape(program.name)}") as progress:
        made = try_program(
            found, tasks, chosen, signer, max_cycles=max_cycles, progress=lambda _, cycle: progress(cycle)
        )
    _write((before or TrialFile(trials=[])).with_trial(made), output)
    cycles = sum(run.cycles for run in made.runs)
    fields = made.model_dump(exclude={"runs"}) | {
        "runs": len(made.runs),
        "cycles": cycles,
        "inputs_root": made.inputs_root.hex(),
        "results_hash": made.results_hash.hex(),
        "file": str(output),
    }
    words = f"{counted(len(made.runs), 'run')} of {counted(cycles, 'cycle')}, signed by {made.runner}, in"
    screen.result(fields, shown=escape(f"{words} {output}"))


@guarded
def trials(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of trials.")],
    at_least: Annotated[
        int, typer.Option(metavar="N", min=1, help="Fail unless so many operators agree, on everything.")
    ] = 2,
    runner: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Count only this operator. Repeatable. Default: all."),
    ] = None,
    program: Annotated[
        Path | None, typer.Option(metavar="PROGRAM", help="Refuse trials of any other program.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write all trials into one file.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check signed trials: how many operators agree on what a program computes, and who differs.

    Accounts are counted, each once, and one that has signed two results for the same not at all. Whether two
    accounts are two people, no signature says: name those that you know with --runner.
    """
    from truestep.client.program_trials import TrialFile, compared

    screen = Screen(as_json=as_json)
    keep_inputs(output, *files)
    everything = [each for path in files for each in _read(path).trials]
    if program is not None:
        _refuse_others(everything, program)
    wanted = {each.lower() for each in runner or []}
    counted_ones = [each for each in everything if not wanted or each.runner.lower() in wanted]
    if not counted_ones:
        raise Failure("no trials", "expected trials in the files, of the runners that were named")
    verdicts = compared(counted_ones)
    if output is not None:
        once = [each for number, each in enumerate(everything) if each not in everything[:number]]
        _write(TrialFile(trials=once), output)
    holds = all(each.agreeing >= at_least and _is_united(each) for each in verdicts)
    fields = {"holds": holds, "at_least": at_least, "programs": [_fields(each) for each in verdicts]}
    lines = [line for each in verdicts for line in _lines(each)]
    last = (
        f"at least {counted(at_least, 'operator')} agree, and nobody differs"
        if holds
        else f"NOT: at least {counted(at_least, 'operator')} agree and nobody differs"
    )
    screen.result(fields, shown=escape("\n".join([*lines, last])))
    if not holds:
        raise typer.Exit(ExitCode.REFUSED)


def _read(path: Path) -> "TrialFile":
    from truestep.client.program_trials import read_trials

    try:
        return read_trials(path)
    except OSError as error:
        raise Failure("trials", f"cannot read {path}: {error.strerror}") from error


def _write(file: "TrialFile", path: Path) -> None:
    from truestep.client.program_trials import TRIAL_LIMIT

    if len(file.trials) > TRIAL_LIMIT:
        raise Failure("trials", f"expected at most {TRIAL_LIMIT} trials in a file; give another --output")
    file.write(path)


def _refuse_others(found: "list[Any]", program: Path) -> None:
    from truestep.client.files import read_program
    from truestep.engine.hashing import hash_many_pairs

    expected = read_program(program).program
    identity = (expected.root(hash_many_pairs).hex(), expected.entry)
    for each in found:
        if (each.image_root, each.entry) != identity:
            raise Failure(
                "another program",
                f"the trial of {each.runner} is of the program with root {each.image_root}, and {program} has"
                f" {identity[0]}",
            )


def _is_united(verdict: "Verdict") -> bool:
    return len(verdict.opinions) == 1 and not verdict.undecided


def _fields(verdict: "Verdict") -> dict[str, Any]:
    some = verdict.opinions[0].trial if verdict.opinions else None
    return {
        "image_root": some.image_root if some else None,
        "inputs_root": some.inputs_root.hex() if some else None,
        "runs": len(some.runs) if some else 0,
        "machine_version": some.machine_version if some else None,
        "agreeing": verdict.agreeing,
        "opinions": [_opinion_fields(verdict, each) for each in verdict.opinions],
        "undecided": list(verdict.undecided),
    }


def _opinion_fields(verdict: "Verdict", opinion: "Opinion") -> dict[str, Any]:
    difference = verdict.first_difference(opinion)
    return {
        "runners": list(opinion.runners),
        "environments": list(opinion.environments),
        "results_hash": opinion.trial.results_hash.hex(),
        "first_difference": difference[0] if difference else None,
    }


def _lines(verdict: "Verdict") -> list[str]:
    lines: list[str] = []
    for opinion in verdict.opinions:
        some, difference = opinion.trial, verdict.first_difference(opinion)
        who = f"{counted(len(opinion.runners), 'operator')}: {', '.join(opinion.runners)}"
        if difference is None:
            lines.append(f"program {some.image_root}, {counted(len(some.runs), 'run')}, inputs")
            lines.append(f"  {some.inputs_root.hex()}")
            lines.append(f"  {who}, on {' and '.join(opinion.environments)}")
            continue
        index, first, other = difference
        lines.append(f"  DIFFERS from run {index} on: {who}, on {' and '.join(opinion.environments)}")
        lines.append(f"    most: {first.words()}")
        lines.append(f"    they: {other.words()}")
    lines += [f"  counts for nothing, has signed two results: {each}" for each in verdict.undecided]
    return lines
