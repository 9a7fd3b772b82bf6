"""`truestep build`: C or Python sources to one reproducible ELF file."""

from pathlib import Path
from typing import Annotated

import typer

from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.guest import BuiltGuest, GuestBuildError, build_c, build_python
from truestep.guest.build import OPTIMISATIONS
from truestep.guest.link import DEFAULT_STACK_SIZE_BYTES
from truestep.guest.python.build import PYTHON_SUFFIX
from truestep.machine.elf import loading_notes

EXAMPLE = "Example: truestep build prog.c -o prog.elf -O 3 -D PATHS=1000 · truestep build model.py"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="build", epilog=EXAMPLE)(build)


@guarded
def build(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="C or assembly sources, or one .py.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: the source's name with .elf."),
    ] = None,
    optimisation: Annotated[
        str | None,
        typer.Option(
            "--optimisation", "-O", metavar="LEVEL", help=f"C: one of {', '.join(OPTIMISATIONS)}. Default: 2."
        ),
    ] = None,
    include: Annotated[
        list[Path] | None,
        typer.Option("--include", "-I", metavar="DIR", help="C: where to look for headers."),
    ] = None,
    define: Annotated[
        list[str] | None,
        typer.Option("--define", "-D", metavar="NAME[=VALUE]", help="C: a macro."),
    ] = None,
    stack_size: Annotated[
        int, typer.Option(metavar="BYTES", help="The stack's size, a multiple of 4096.")
    ] = DEFAULT_STACK_SIZE_BYTES,
    as_json: JsonFlag = False,
) -> None:
    """Compile C, or the Python function marked with `@truestep.guest`, into a program for the machine.

    Equal sources and options give an equal ELF file, byte for byte, on every computer. What the compiler says
    about your source is shown as it says it.
    """
    screen = Screen(as_json=as_json)
    target = output or sources[0].with_suffix(".elf").relative_to(sources[0].parent)
    if any(source.suffix == PYTHON_SUFFIX for source in sources):
        is_for_c = optimisation is not None or include or define
        built = _build_python(sources, target, stack_size, is_for_c=bool(is_for_c))
    else:
        built = build_c(
            sources,
            target,
            optimisation=optimisation or "2",
            include_paths=include or [],
            defines=dict(_name_and_value(text) for text in define or []),
            stack_size_bytes=stack_size,
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


def _build_python(sources: list[Path], target: Path, stack_size_bytes: int, *, is_for_c: bool) -> BuiltGuest:
    if len(sources) != 1:
        raise GuestBuildError(
            f"expected one Python file, got {len(sources)} sources; what a module imports is found by itself"
        )
    if is_for_c:
        raise GuestBuildError("-O, -I and -D are for C; a Python guest has none of them")
    return build_python(sources[0], target, stack_size_bytes=stack_size_bytes)


def _name_and_value(text: str) -> tuple[str, str]:
    """`NAME=VALUE`, or `NAME` with the value 1 as compilers have it."""
    name, _, value = text.partition("=")
    return name, value if "=" in text else "1"
