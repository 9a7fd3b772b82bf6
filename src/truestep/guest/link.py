"""Links object files and the guest runtime into one program."""

import functools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from truestep.guest.compiler_runtime import ARCHIVE as COMPILER_RUNTIME_ARCHIVE
from truestep.guest.compiler_runtime import compiler_runtime_archive
from truestep.guest.errors import GuestBuildError
from truestep.guest.kept import kept
from truestep.guest.libm import ARCHIVE as MATHEMATICS_ARCHIVE
from truestep.guest.libm import mathematics_archive, mathematics_sources
from truestep.guest.objects import read_sections, with_weak_definitions
from truestep.guest.placement import check_placement, own_sections, script_for
from truestep.guest.toolchain import (
    C_DIRECTORY,
    COMPILE_FLAGS,
    HEADER_FLAGS,
    INCLUDE_DIRECTORY,
    LINK_FLAGS,
    Toolchain,
)

DEFAULT_STACK_SIZE_BYTES = 8 << 20
"""The usual size on a desktop; stack that is not used costs nothing."""
STACK_SIZE_LIMIT_BYTES = 1 << 30
"""Leaves 512 MiB of the data range to variables and heap."""
STACK_SIZE_UNIT_BYTES = 4096

_RUNTIME_ARCHIVE = "runtime.a"
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
    arguments = (*COMPILE_FLAGS, *HEADER_FLAGS, *flags)
    return toolchain.run(
        "cc", *arguments, "-MD", "-MF", f"{target}.d", "-c", as_argument(str(source)), "-o", str(target)
    )


def as_argument(name: str) -> str:
    """A file name that the compiler cannot mistake for a flag (-x) or a file of flags (@x)."""
    return f"./{name}" if name.startswith(("-", "@")) else name


def runtime_sources() -> list[Path]:
    """The C library and start-up of every guest."""
    return sorted((C_DIRECTORY / "runtime").iterdir())


def linked_sources() -> list[Path]:
    """Our own files on which a linked program depends."""
    return [*runtime_sources(), *mathematics_sources(), C_DIRECTORY / _LINKER_SCRIPT]


@functools.cache
def runtime_archive(toolchain: Toolchain) -> bytes:
    """The runtime as an archive, so that only what a program uses is linked and its own definitions win."""
    headers = sorted(INCLUDE_DIRECTORY.iterdir())
    return kept("runtime", COMPILE_FLAGS, [*runtime_sources(), *headers], lambda: _compile_runtime(toolchain))


def _compile_runtime(toolchain: Toolchain) -> bytes:
    with tempfile.TemporaryDirectory(prefix="truestep-runtime-") as name:
        directory = Path(name)
        objects: list[str] = []
        for source in runtime_sources():
            target = directory / f"{source.stem}.o"
            compile_object(toolchain, source, target, "-O2", "-fno-builtin")
            objects.append(target.name)
        toolchain.run("ar", "rcsD", _RUNTIME_ARCHIVE, *objects, directory=directory)
        return with_weak_definitions((directory / _RUNTIME_ARCHIVE).read_bytes())


def link(
    toolchain: Toolchain,
    inputs: Sequence[str],
    directory: Path,
    *,
    stack_size_bytes: int,
    working_directory: Path | None = None,
) -> tuple[bytes, str]:
    """Link `inputs` with the runtime; (ELF file, warnings).

    They are objects, archives and options of the linker, named within the working directory: by default
    `directory`, where the parts of the link are made.
    """
    (directory / _RUNTIME_ARCHIVE).write_bytes(runtime_archive(toolchain))
    (directory / MATHEMATICS_ARCHIVE).write_bytes(mathematics_archive(toolchain))
    (directory / COMPILER_RUNTIME_ARCHIVE).write_bytes(compiler_runtime_archive(toolchain))
    script = f"__stack_size = {stack_size_bytes};\n"
    script += (C_DIRECTORY / _LINKER_SCRIPT).read_text(encoding="utf-8")
    elf, warnings = _link_by(toolchain, script, inputs, directory, working_directory)
    own = own_sections(read_sections(elf))
    if own:
        elf, warnings = _link_by(toolchain, script + script_for(own), inputs, directory, working_directory)
    check_placement(read_sections(elf))
    return elf, warnings


def _link_by(
    toolchain: Toolchain,
    script: str,
    inputs: Sequence[str],
    directory: Path,
    working_directory: Path | None,
) -> tuple[bytes, str]:
    (directory / _LINKER_SCRIPT).write_text(script, encoding="utf-8")
    # Messages of the linker name these files, so their names are short where they can be.
    place = Path() if working_directory is None else directory.absolute()
    libraries = (_RUNTIME_ARCHIVE, MATHEMATICS_ARCHIVE, COMPILER_RUNTIME_ARCHIVE)
    arguments = [*LINK_FLAGS, "-T", str(place / _LINKER_SCRIPT), *inputs]
    arguments += [*(str(place / name) for name in libraries), "-o", str(place / _LINKED)]
    warnings = toolchain.run("ld.lld", *arguments, directory=working_directory or directory)
    return (directory / _LINKED).read_bytes(), warnings


def write_program(output: Path, elf: bytes) -> None:
    """Write the finished file atomically, so that a failed build leaves the old one."""
    unfinished = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(elf)
        unfinished.replace(output)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise GuestBuildError(f"expected to write {output}, got: {error.strerror}") from error
