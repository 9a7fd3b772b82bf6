"""Links object files and the guest runtime into one program."""

import functools
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from truestep.guest.compiler_runtime import ARCHIVE as COMPILER_RUNTIME_ARCHIVE
from truestep.guest.compiler_runtime import compiler_runtime_archive
from truestep.guest.cpp import CPP_STANDARD, cpp_flags
from truestep.guest.cpp import SUFFIXES as CPP_SUFFIXES
from truestep.guest.errors import GuestBuildError
from truestep.guest.hosted import ARCHIVE as HOSTED_ARCHIVE
from truestep.guest.hosted import hosted_archive, hosted_sources, prints_more
from truestep.guest.kept import kept
from truestep.guest.libm import ARCHIVE as MATHEMATICS_ARCHIVE
from truestep.guest.libm import mathematics_archive, mathematics_sources
from truestep.guest.objects import read_sections, with_weak_definitions
from truestep.guest.placement import FINALIZERS, check_placement, own_sections, script_for
from truestep.guest.toolchain import (
    C_DIRECTORY,
    CLANG_FLAGS,
    COMPILE_FLAGS,
    LINK_FLAGS,
    Toolchain,
    builtin_headers,
    own_headers,
    system_includes,
)

DEFAULT_STACK_SIZE_BYTES = 8 << 20
"""The usual size on a desktop; stack that is not used costs nothing."""
Stdout = Literal["debug", "output"]
"""Where a guest's stdout goes: to the text for whoever debugs a local run, or to the output."""
STACK_SIZE_LIMIT_BYTES = 1 << 30
"""Leaves 512 MiB of the data range to variables and heap."""
STACK_SIZE_UNIT_BYTES = 4096

_CORE, _SMALL = "runtime", ("small", "library")
_CORE_ARCHIVE = "core.a"
_SMALL_ARCHIVE = "small.a"
_SMALL_NAMES = """\
PROVIDE(exit = _Exit);
PROVIDE(printf = __truestep_say);
PROVIDE(debug_printf = __truestep_say);
"""
"""Names that a program may define itself. Without atexit and streams nothing is to be done before the end."""
_UNWIND_TABLES = """\
SECTIONS
{
  .eh_frame_hdr : { __eh_frame_hdr_start = .; *(.eh_frame_hdr) __eh_frame_hdr_end = .; } :constants
  .eh_frame : { __eh_frame_start = .; KEEP(*(.eh_frame)) __eh_frame_end = .; } :constants
}
INSERT AFTER .rodata;
"""
_NO_UNWIND_TABLES = "SECTIONS { /DISCARD/ : { *(.eh_frame*) } }\n"
_LINKED = "guest.elf"
_LINKER_SCRIPT = "guest.ld"


def check_stack_size(size_bytes: int) -> None:
    """Refuse a stack that is too large for the data range or not a whole number of pages."""
    if not 0 < size_bytes <= STACK_SIZE_LIMIT_BYTES or size_bytes % STACK_SIZE_UNIT_BYTES:
        raise GuestBuildError(
            f"expected a stack of {STACK_SIZE_UNIT_BYTES} to {STACK_SIZE_LIMIT_BYTES} bytes,"
            f" a multiple of {STACK_SIZE_UNIT_BYTES}, got {size_bytes}"
        )


def compile_object(toolchain: Toolchain, source: Path, target: Path, *flags: str) -> str:
    """Compile one source and list in `target`.d the files that were read. Returns the warnings."""
    listing = ("-MD", "-MF", f"{target}.d")
    command = (*compile_command(toolchain, source), *flags, *listing)
    return toolchain.run(*command, "-c", as_argument(str(source)), "-o", str(target))


def compile_command(toolchain: Toolchain, source: Path) -> tuple[str, ...]:
    """The tool for a source's language, and the flags that all of its sources have."""
    if source.suffix in CPP_SUFFIXES:
        # `zig c++` would put C headers before those of the C++ library.
        return (*listing_command(toolchain, source), "-Werror=date-time")
    return ("cc", *COMPILE_FLAGS, *system_includes(toolchain))


def listing_command(toolchain: Toolchain, source: Path) -> tuple[str, ...]:
    """The same for the compiler itself, which can list the headers that a source names (-M -MG)."""
    headers = ("-isystem", str(builtin_headers(toolchain)), *system_includes(toolchain))
    if source.suffix in CPP_SUFFIXES:
        own = ("--driver-mode=g++", *CLANG_FLAGS, *cpp_flags(toolchain), CPP_STANDARD)
        return ("clang", *own, *headers)
    return ("clang", *CLANG_FLAGS, *headers)


def as_argument(name: str) -> str:
    """A file name that the compiler cannot mistake for a flag (-x) or a file of flags (@x)."""
    return f"./{name}" if name.startswith(("-", "@")) else name


def linked_sources() -> list[Path]:
    """Our own files on which a linked program depends."""
    own = [*_sources_in(*_SMALL), *_sources_in(_CORE), *hosted_sources(), *mathematics_sources()]
    return [*own, C_DIRECTORY / _LINKER_SCRIPT]


def _sources_in(*directories: str) -> list[Path]:
    return [path for directory in directories for path in sorted((C_DIRECTORY / directory).iterdir())]


@functools.cache
def core_archive(toolchain: Toolchain) -> bytes:
    """What every program has: the start, the machine's windows, the runtime's messages."""
    return _archive(toolchain, "core", _sources_in(_CORE))


@functools.cache
def small_archive(toolchain: Toolchain) -> bytes:
    """The C library of programs that use no FILE and print no floats."""
    return _archive(toolchain, "small", _sources_in(*_SMALL))


def _archive(toolchain: Toolchain, name: str, sources: Sequence[Path]) -> bytes:
    """An archive, so that only what a program uses is linked and its own definitions win."""
    headers = (*sorted((C_DIRECTORY / _CORE).glob("*.h")), *own_headers())
    return kept(name, COMPILE_FLAGS, [*sources, *headers], lambda: _compile(toolchain, sources))


def _compile(toolchain: Toolchain, sources: Sequence[Path]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="truestep-runtime-") as name:
        directory = Path(name)
        objects: list[str] = []
        for source in sources:
            if source.suffix != ".h":
                target = directory / f"{source.stem}.o"
                compile_object(toolchain, source, target, "-O2", "-fno-builtin")
                objects.append(target.name)
        toolchain.run("ar", "rcsD", "archive.a", *objects, directory=directory)
        return with_weak_definitions((directory / "archive.a").read_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """What the user chooses of a program besides its objects."""

    stack_size_bytes: int = DEFAULT_STACK_SIZE_BYTES
    stdout: Stdout = "debug"
    library: Literal["any", "small"] = "any"
    """`any`: the small C library if it has all that the program uses and stdout is debugging text."""
    catches_exceptions: bool = False
    """Whether the tables from which C++ exceptions find their handlers are kept."""
    working_directory: Path | None = None
    """Within it the inputs are named. None: the directory where the parts of the link are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A link of the user's inputs, by `options`, in a directory of its own."""

    toolchain: Toolchain
    inputs: Sequence[str]
    directory: Path
    options: LinkOptions

    def with_small_library(self) -> tuple[bytes, str]:
        """Raises GuestBuildError if the program uses more than the small library has."""
        self._write(_SMALL_ARCHIVE, small_archive(self.toolchain))
        return self._linked(_SMALL_NAMES, (_SMALL_ARCHIVE, _CORE_ARCHIVE, MATHEMATICS_ARCHIVE))

    def with_whole_library(self) -> tuple[bytes, str]:
        """Raises GuestBuildError with the linker's message."""
        self._write(HOSTED_ARCHIVE, hosted_archive(self.toolchain))
        names = f"__stdout_is_output = {int(self.options.stdout == 'output')};\n"
        return self._linked(names, (MATHEMATICS_ARCHIVE, HOSTED_ARCHIVE, _CORE_ARCHIVE))

    def _linked(self, names: str, archives: Sequence[str]) -> tuple[bytes, str]:
        """Link by guest.ld, then once more if the program has sections of its own."""
        self._write(_CORE_ARCHIVE, core_archive(self.toolchain))
        self._write(MATHEMATICS_ARCHIVE, mathematics_archive(self.toolchain))
        self._write(COMPILER_RUNTIME_ARCHIVE, compiler_runtime_archive(self.toolchain))
        script = f"__stack_size = {self.options.stack_size_bytes};\n{names}"
        script += (C_DIRECTORY / _LINKER_SCRIPT).read_text(encoding="utf-8")
        script += _UNWIND_TABLES if self.options.catches_exceptions else _NO_UNWIND_TABLES
        elf, warnings = self._run(script, archives)
        own = own_sections(read_sections(elf))
        if own:
            elf, warnings = self._run(script + script_for(own), archives)
        check_placement(read_sections(elf))
        return elf, warnings

    def _run(self, script: str, archives: Sequence[str]) -> tuple[bytes, str]:
        self._write(_LINKER_SCRIPT, script.encode())
        # Messages of the linker name these files, so their names are short where they can be.
        working_directory = self.options.working_directory
        place = Path() if working_directory is None else self.directory.absolute()
        arguments = [*LINK_FLAGS, "--eh-frame-hdr", "-T", str(place / _LINKER_SCRIPT), *self.inputs]
        arguments += [str(place / name) for name in (*archives, COMPILER_RUNTIME_ARCHIVE)]
        arguments += ["-o", str(place / _LINKED)]
        warnings = self.toolchain.run("ld.lld", *arguments, directory=working_directory or self.directory)
        return (self.directory / _LINKED).read_bytes(), warnings

    def _write(self, name: str, content: bytes) -> None:
        (self.directory / name).write_bytes(content)


def link(
    toolchain: Toolchain, inputs: Sequence[str], directory: Path, options: LinkOptions
) -> tuple[bytes, str]:
    """Link objects, archives and options of the linker with the C library; (ELF file, warnings)."""
    job = _Link(toolchain=toolchain, inputs=inputs, directory=directory, options=options)
    if options.library == "small":
        return job.with_small_library()
    if options.stdout == "debug":
        with suppress(GuestBuildError):
            elf, warnings = job.with_small_library()
            if not _needs_whole_library(elf):
                return elf, warnings
    return job.with_whole_library()


def _needs_whole_library(elf: bytes) -> bool:
    """Whether a program linked with the small library would not do what its source says."""
    return prints_more(elf) or any(section.name == FINALIZERS for section in read_sections(elf))


def write_program(output: Path, elf: bytes) -> None:
    """Write the finished file atomically, so that a failed build leaves the old one."""
    unfinished = output.parent / f".{output.name}.{os.getpid()}"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(elf)
        unfinished.replace(output)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise GuestBuildError(f"expected to write {output}, got: {error.strerror}") from error
