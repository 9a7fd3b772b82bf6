"""`truestep conformance`: runs a folder of RISC-V tests on every implementation of the machine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from truestep.cli.failure import ExitCode
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.composition.engines import EngineName, open_eager_engine
from truestep.conformance.suites import DEFAULT_MAX_CYCLES, ConformanceReport, find_tests, run_tests

EXAMPLE = "Example: truestep conformance riscv-tests/isa --engine both --on-chain --json"


class EngineChoice(StrEnum):
    """Which engines run the tests."""

    JIT = "jit"
    REFERENCE = "reference"
    BOTH = "both"

    def names(self) -> tuple[EngineName, ...]:
        """The engines, the reference first."""
        if self is EngineChoice.BOTH:
            return (EngineName.REFERENCE, EngineName.JIT)
        return (EngineName(self.value),)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="conformance", epilog=EXAMPLE)(conformance)


@guarded
def conformance(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of ELF files, such as riscv-tests builds.")
    ],
    engine: Annotated[EngineChoice, typer.Option(help="The engine that runs the tests.")] = EngineChoice.BOTH,
    on_chain: Annotated[
        bool,
        typer.Option("--on-chain", help="Also run each step of short tests in the contract. Takes minutes."),
    ] = False,
    max_cycles: Annotated[
        int, typer.Option(metavar="N", min=1, max=2**40, help="Instructions before a test counts as failed.")
    ] = DEFAULT_MAX_CYCLES,
    as_json: JsonFlag = False,
) -> None:
    """Run RISC-V test programs and count which of them pass.

    A test passes if it ends in an `ecall` with a7 = 93 and a0 = 0, or with gp = 1 in older builds. Every ELF
    file in DIR is a test. Exits with 0 only if every test passed on every engine chosen.
    """
    screen = Screen(as_json=as_json)
    step_call = None
    if on_chain:
        from truestep.adapters.chain.step_evm import EvmStep

        step_call = EvmStep()
    engines = [open_eager_engine(name) for name in engine.names()]
    paths = find_tests(folder)
    with screen.steps("starting", len(paths)) as progress:
        report = run_tests(
            folder, paths, engines, step_call=step_call, max_cycles=max_cycles, progress=progress
        )
    _show(screen, report, engine, on_chain=on_chain)
    if report.failed:
        raise typer.Exit(ExitCode.REFUSED)


def _show(screen: Screen, report: ConformanceReport, engine: EngineChoice, *, on_chain: bool) -> None:
    total, failed = len(report.tests), [test.name for test in report.failed]
    fields: dict[str, object] = {
        "total": total,
        "passed": total - len(failed),
        "failed": failed if screen.as_json else ", ".join(failed) or None,
        "engines": list(engine.names()) if screen.as_json else ", ".join(engine.names()),
        "steps": sum(test.steps for test in report.tests),
    }
    if on_chain:
        fields["steps_on_chain"] = sum(test.steps_on_chain for test in report.tests)
    if screen.as_json:
        fields["reasons"] = {test.name: test.reason for test in report.failed}
    else:
        for test in report.failed:
            screen.note(f"[bold red]failed:[/] {escape(f'{test.name}: {test.reason}')}")
    screen.result(fields)
