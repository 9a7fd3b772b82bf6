"""`truestep build`: compiles C, Zig or Python sources to one reproducible ELF file."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from truestep.cli.failure import keep_inputs
from truestep.cli.options import StrictOption
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.guest import BuiltGuest, GuestBuildError, build_c, build_python
from truestep.guest.build import OPTIMISATIONS
from truestep.guest.link import DEFAULT_STACK_SIZE_BYTES
from truestep.guest.python.build import PYTHON_SUFFIX
from truestep.machine.elf import loading_notes

EXAMPLE = "Example: truestep build prog.c -o prog.elf -O 3 -D PATHS=1000 · truestep build model.py"


class StdoutChoice(Enum):
    """Where a C guest's stdout goes."""

    DEBUG = "debug"
    OUTPUT = "output"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="build", epilog=EXAMPLE)(build)


@guarded
def build(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE", help="C, C++, Zig or assembly files, or one Python file."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The ELF file to write. Default: SOURCE with the suffix .elf.",
        ),
    ] = None,
    optimisation: Annotated[
        str | None,
        typer.Option(
            "--optimisation",
            "-O",
            metavar="LEVEL",
            help=f"For C: one of {', '.join(OPTIMISATIONS)}. Default: 2.",
        ),
    ] = None,
    include: Annotated[
        list[Path] | None,
        typer.Option("--include", "-I", metavar="DIR", help="For C: a directory of headers."),
    ] = None,
    define: Annotated[
        list[str] | None,
        typer.Option("--define", "-D", metavar="NAME[=VALUE]", help="For C: define a macro."),
    ] = None,
    stack_size: Annotated[
        int, typer.Option(metavar="BYTES", help="Size of the stack, a multiple of 4096.")
    ] = DEFAULT_STACK_SIZE_BYTES,
    stdout: Annotated[
        StdoutChoice,
        typer.Option(help="For C: whether printf writes debugging text or the run's output."),
    ] = StdoutChoice.DEBUG,
    exceptions: Annotated[
        bool, typer.Option("--exceptions", help="For C++: throw and catch, instead of ending the run.")
    ] = False,
    strict: StrictOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Compile C, C++ or Zig, or a Python function marked `@truestep.guest`, into a program for the machine.

    The same sources and options give the same ELF file, byte for byte, on every computer. Messages of the
    compiler are shown unchanged.
    """
    screen = Screen(as_json=as_json)
    target = output or Path(f"{sources[0].stem}.elf")
    keep_inputs(target, *sources)
    screen.doing(f"building {target}")
    if any(source.suffix == PYTHON_SUFFIX for source in sources):
        is_for_c = optimisation is not None or include or define or exceptions
        is_for_c = is_for_c or stdout is not StdoutChoice.DEBUG
        built = _build_python(sources, target, stack_size, is_for_c=bool(is_for_c), is_strict=strict)
    elif strict:
        raise GuestBuildError("--strict is for guests in Python; leave it out for C and Zig")
    else:
        built = build_c(
            sources,
            target,
            optimisation=optimisation or "2",
            include_paths=include or [],
            defines=dict(_name_and_value(text) for text in define or []),
            stack_size_bytes=stack_size,
            stdout=stdout.value,
            exceptions=exceptions,
        )
    if built.warnings:
        screen.said(built.warnings)
    screen.warn(loading_notes(built.path.read_bytes()))
    screen.result(
        {
            "elf": str(built.path),
            "size_bytes": built.size_bytes,
            "elf_sha256": built.elf_sha256,
            "recipe_sha256": built.recipe_sha256,
        }
    )


def _build_python(
    sources: list[Path], target: Path, stack_size_bytes: int, *, is_for_c: bool, is_strict: bool
) -> BuiltGuest:
    if len(sources) != 1:
        raise GuestBuildError(
            f"expected one Python file, got {len(sources)} sources;"
            " give only the guest's own file: the modules that it imports are found"
        )
    if is_for_c:
        raise GuestBuildError(
            "-O, -I, -D, --stdout and --exceptions are for C; a Python guest has none of them"
        )
    return build_python(sources[0], target, stack_size_bytes=stack_size_bytes, is_strict=is_strict)


def _name_and_value(text: str) -> tuple[str, str]:
    """`NAME=VALUE`, or `NAME` alone, which means the value 1 as in C compilers."""
    name, _, value = text.partition("=")
    return name, value if "=" in text else "1"
