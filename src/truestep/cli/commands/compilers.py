"""`truestep cc`, `c++`, `ar` and `ranlib`: a drop-in compiler for build files."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from truestep.guest.driver.tools import run_tool

_ARGUMENTS = {
    "allow_interspersed_args": False,
    "ignore_unknown_options": True,
    "help_option_names": ["--help"],
}
_TOOLS = {
    "cc": (
        "Compile and link C for the machine, with the options of GCC and clang.\n\n"
        "A drop-in compiler for Makefiles, configure scripts and CMake. The program `truestep-cc` is the"
        " same, for build files that want a single word. Also: `--stack-size=BYTES`, and"
        " `--print-cmake-toolchain`, which prints the name of a toolchain file for CMake.",
        "Example: truestep cc -O2 main.c part.o -lm -o prog · make CC='truestep cc' AR='truestep ar'",
    ),
    "c++": (
        "Compile and link C++ for the machine, with the options of GCC and clang.",
        "Example: truestep c++ -std=c++20 -O2 main.cpp -o prog",
    ),
    "ar": (
        "Make a static library of objects that `truestep cc` compiled, with the options of `ar`.",
        "Example: truestep ar rcs libpart.a part.o",
    ),
    "ranlib": (
        "Write the index of a static library again.",
        "Example: truestep ranlib libpart.a",
    ),
}
"""Their help and examples."""

_Words = Annotated[
    list[str] | None, typer.Argument(metavar="ARGUMENTS...", help="As for the tool of this name elsewhere.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for tool, (help_text, example) in _TOOLS.items():
        command = app.command(name=tool, help=help_text, epilog=example, context_settings=_ARGUMENTS)
        command(_command(tool))


def _command(tool: str) -> Callable[..., None]:
    def command(arguments: _Words = None) -> None:
        sys.exit(run_tool(tool, arguments or ()))

    return command
