"""Compiles for the machine with the command line of a build file."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from truestep.guest.cpp import SUFFIXES as CPP_SUFFIXES
from truestep.guest.cpp import cpp_flags
from truestep.guest.driver.command_line import CommandLine, Source
from truestep.guest.link import as_argument
from truestep.guest.toolchain import (
    CLANG_FLAGS,
    DEFAULT_OPTIMISATION,
    Toolchain,
    builtin_headers,
    system_includes,
)

_BUILD_EPOCH = {"SOURCE_DATE_EPOCH": "0"}
"""__DATE__ and __TIME__ are those of 1970-01-01, so that the same sources give the same program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What `cc` and `c++` differ in."""

    driver_mode: str


C = Language(driver_mode="gcc")
CPP = Language(driver_mode="g++")


def compile_sources(
    toolchain: Toolchain,
    language: Language,
    command: CommandLine,
    sources: Sequence[Source],
    *extra: str,
    output: str | None = None,
) -> tuple[int, str]:
    """Call the compiler with the flags of the command line and more; (exit code, messages)."""
    arguments = ["clang", f"--driver-mode={language.driver_mode}", *CLANG_FLAGS]
    if not command.has_flag("-O"):
        arguments.append(f"-O{DEFAULT_OPTIMISATION}")
    if sys.stderr.isatty():
        arguments.append("-fcolor-diagnostics")
    if language is CPP or any(map(is_cpp, sources)):
        arguments += cpp_flags(toolchain)
    arguments += command.flags
    if not command.has_flag("-nostdinc"):
        arguments += [*system_includes(toolchain), "-isystem", str(builtin_headers(toolchain))]
    arguments += [*_prefix_maps(command), *extra]
    arguments += _inputs(sources)
    if output is not None:
        arguments += ["-o", output]
    return toolchain.call(*arguments, variables=_BUILD_EPOCH)


def is_cpp(source: Source) -> bool:
    """Whether a source is in C++, as its suffix or -x says."""
    return (source.language or "").startswith("c++") or Path(source.name).suffix in CPP_SUFFIXES


def _inputs(sources: Sequence[Source]) -> list[str]:
    arguments: list[str] = []
    language = None
    for source in sources:
        if source.language != language:
            language = source.language
            arguments += ["-x", language or "none"]
        arguments.append(source.name if source.name == "-" else as_argument(source.name))
    return arguments


def _prefix_maps(command: CommandLine) -> list[str]:
    """Flags that keep the computer's directories out of __FILE__: build tools name sources by full paths."""
    directories = {Path(source.name).parent for source in command.sources}
    directories |= {Path(flag[2:]) for flag in command.flags if flag.startswith("-I")}
    known = sorted(str(path) for path in {*directories, Path.cwd()} if path.is_absolute())
    return [f"-fmacro-prefix-map={path}/=" for path in known]
