"""`truestep build`: C sources to one reproducible ELF file."""

from pathlib import Path
from typing import Annotated

import typer

from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.guest import build_c
from truestep.guest.build import DEFAULT_STACK_SIZE_BYTES, OPTIMISATIONS

EXAMPLE = "Example: truestep build prog.c -o prog.elf -O 3 -D PATHS=1000"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="build", epilog=EXAMPLE)(build)


@guarded
def build(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE", help="C or assembly sources.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: the source's name with .elf."),
    ] = None,
    optimisation: Annotated[
        str, typer.Option("--optimisation", "-O", metavar="LEVEL", help=f"One of {', '.join(OPTIMISATIONS)}.")
    ] = "2",
    include: Annotated[
        list[Path] | None, typer.Option("--include", "-I", metavar="DIR", help="Where to look for headers.")
    ] = None,
    define: Annotated[
        list[str] | None,
        typer.Option("--define", "-D", metavar="NAME[=VALUE]", help="A macro."),
    ] = None,
    stack_size: Annotated[
        int, typer.Option(metavar="BYTES", help="The stack's size, a multiple of 4096.")
    ] = DEFAULT_STACK_SIZE_BYTES,
    as_json: JsonFlag = False,
) -> None:
    """Compile C into a program for the machine.

    Equal sources and options give an equal ELF file, byte for byte, on every computer. What the compiler says
    about your source is shown as it says it.
    """
    screen = Screen(as_json=as_json)
    target = output or sources[0].with_suffix(".elf").relative_to(sources[0].parent)
    built = build_c(
        sources,
        target,
        optimisation=optimisation,
        include_paths=include or [],
        defines=dict(_name_and_value(text) for text in define or []),
        stack_size_bytes=stack_size,
    )
    if built.warnings:
        screen.notes.print(built.warnings.rstrip(), markup=False)
    screen.result(
        {
            "elf": str(built.path),
            "size_bytes": built.size_bytes,
            "elf_sha256": built.elf_sha256,
            "recipe_sha256": built.recipe_sha256,
        }
    )


def _name_and_value(text: str) -> tuple[str, str]:
    """`NAME=VALUE`, or `NAME` with the value 1 as compilers have it."""
    name, _, value = text.partition("=")
    return name, value if "=" in text else "1"
