"""`truestep run`: runs a program on this computer exactly as a worker does."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from truestep.adapters.files import write_file
from truestep.base.text import counted, visible
from truestep.cli.engines import limited_engine
from truestep.cli.failure import ExitCode, keep_inputs
from truestep.cli.options import (
    InputOption,
    MemoryLimitOption,
    ProgramArgument,
    SeedOption,
    ShardOption,
    StrictOption,
    read_task,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.debug import DebugOutput
from truestep.client.files import read_program
from truestep.client.runs import DEFAULT_MAX_CYCLES, RunReport, is_stack_overflow, run_task
from truestep.composition.engines import EngineLimits, EngineName
from truestep.machine.state import Status

EXAMPLE = "Example: truestep run prog.elf --input prices.csv --shard 0/8 --json"
_PREVIEW_BYTES = 64


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="run", epilog=EXAMPLE)(run)


@guarded
def run(
    prog: ProgramArgument,
    input_file: InputOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file to write the output to. Default: the screen."
        ),
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="jit is fast; reference is slow and has the last word.")
    ] = EngineName.JIT,
    memory_limit: MemoryLimitOption = None,
    shard: ShardOption = "0/1",
    seed: SeedOption = "0",
    max_cycles: Annotated[
        int, typer.Option(metavar="N", min=1, max=2**63, help="Instructions before giving up.")
    ] = DEFAULT_MAX_CYCLES,
    debug: Annotated[
        bool | None, typer.Option("--debug/--quiet", help="Show the guest's debug output. Default: --debug.")
    ] = None,
    strict: StrictOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Run a program to its end and show its output.

    Exits with 0 if the guest exits with 0. If the guest exits with another code, traps, or does not halt
    within --max-cycles, this command exits with 1; the guest's own exit code is in the result.
    """
    keep_inputs(output, prog, input_file)
    screen = Screen(as_json=as_json)
    screen.doing(f"reading or building {prog}")
    program_file, task = read_program(prog, is_strict=strict), read_task(shard, seed, input_file)
    screen.warn(program_file.notes)
    name = escape(visible(prog.name))
    chosen = limited_engine(engine, EngineLimits(memory_bytes=memory_limit))
    with screen.cycles(f"running {name}") as progress, DebugOutput() as shown:
        report = run_task(
            chosen,
            program_file.program,
            task,
            max_cycles=max_cycles,
            debug_sink=None if debug is False else shown,
            progress=progress,
        )
    if output:
        write_file(output, report.output)
    _show(screen, report, output)
    if not report.is_accepted:
        with screen.cycles(f"running {name} again to see why") as progress:
            is_overflow = is_stack_overflow(chosen, program_file.program, task, report, progress)
        outcome = _outcome(report, is_overflow=is_overflow)
        screen.note(f"[bold red]failed run:[/] {outcome}; its output does not count")
        raise typer.Exit(ExitCode.REFUSED)


def report_fields(report: RunReport, output_file: Path | None) -> dict[str, Any]:
    """The JSON object of a run."""
    return {
        "exit_code": report.exit_code,
        "status": report.status.name.lower(),
        "trap": report.trap.name.lower() if report.trap is not None else None,
        "accepted": report.is_accepted,
        "cycles": report.cycles,
        "output_size": report.output_size,
        **({"output_file": str(output_file)} if output_file else {"output": report.output.hex()}),
        "output_root": report.output_root.hex(),
        "state_hash": report.state_hash.hex(),
        "engine": report.engine,
        "run_cpu_seconds": round(report.run_cpu_seconds, 6),
    }


def _show(screen: Screen, report: RunReport, output_file: Path | None) -> None:
    fields = report_fields(report, output_file)
    if not screen.as_json and not output_file:
        fields["output"] = _preview(report.output)
    if not screen.as_json:
        seconds = max(report.run_cpu_seconds, 1e-9)
        fields["run_cpu_seconds"] = f"{seconds:.3f} ({report.cycles / seconds / 1e6:,.0f} M cycles/s)"
    screen.result(fields)


def _preview(output: bytes) -> str:
    """The output's start: as text if it is text, else as hex."""
    head = output[:_PREVIEW_BYTES]
    more = (
        f" … ({counted(len(output), 'byte')} in total; --output FILE saves them)"
        if len(output) > len(head)
        else ""
    )
    text = head.decode("utf-8", errors="replace")
    is_text = "\ufffd" not in text and all(c.isprintable() or c in "\n\t" for c in text)
    return (text.rstrip("\n") if is_text else head.hex()) + more


def _outcome(report: RunReport, *, is_overflow: bool) -> str:
    if is_overflow:
        return (
            f"the guest's stack overflowed at cycle {report.cycles:,}; look for recursion without an end and"
            " for large local arrays, or give it more with truestep build --stack-size"
        )
    if report.status is Status.TRAPPED and report.trap is not None:
        return f"the guest trapped ({report.trap.name.lower().replace('_', ' ')}) at cycle {report.cycles:,}"
    if report.status is Status.RUNNING:
        return (
            f"the guest had not halted after {counted(report.cycles, 'cycle')} (--max-cycles raises the"
            " limit)"
        )
    if report.code == 0:
        return f"the guest claims an output of {report.output_size:,} bytes, more than 512 MiB"
    return f"the guest exited with code {report.code}"
