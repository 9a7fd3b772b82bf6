"""Builds a Python file into one reproducible ELF file, from the cache or in a separate process."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from truestep.guest.build import BuiltGuest
from truestep.guest.errors import GuestBuildError
from truestep.guest.link import (
    DEFAULT_STACK_SIZE_BYTES,
    LinkOptions,
    check_stack_size,
    compile_object,
    link,
    write_program,
)
from truestep.guest.python.cache import Cached, recall, remember
from truestep.guest.python.files import COMPLAINT, NOTES, OBJECT, READ, array_symbol
from truestep.guest.python.runtime import runtime_archive
from truestep.guest.python.versions import find_numba
from truestep.guest.toolchain import Toolchain, find_toolchain

PYTHON_SUFFIX = ".py"

_ARCHIVE = "python.a"
_ARRAYS = "arrays.S"
_COMPILER = "truestep.guest.python.compiler"


def build_python(
    source: Path,
    output: Path,
    *,
    stack_size_bytes: int = DEFAULT_STACK_SIZE_BYTES,
    is_strict: bool = False,
) -> BuiltGuest:
    """Compile the guest that the module at `source` declares with `@truestep.guest` into `output`.

    The result depends on the contents of the module and of the files that it imports and reads, and on the
    pinned versions of Python, Numba, NumPy and the linker. A strict build leaves out no branch that cannot
    be compiled, and is refused instead. Raises GuestBuildError with the user's line and a
    remedy, and ToolchainMissing if Numba or the linker is not installed.
    """
    check_stack_size(stack_size_bytes)
    if not source.is_file():
        raise GuestBuildError(f"expected a Python file, found none at {source}")
    settings = f"stack {stack_size_bytes}"
    cached = recall(source, settings)
    if cached is None:
        find_numba()
        elf, read, warnings = _build(find_toolchain(), source, stack_size_bytes)
        cached = remember(source, settings, elf, read, warnings)
    if is_strict and cached.warnings:
        raise GuestBuildError(
            f"the guest would not do all that it does in Python:\n{cached.warnings.rstrip()}\n"
            "  try: change these lines, or leave out --strict"
        )
    write_program(output, cached.elf)
    return _report(output, cached)


def _report(output: Path, cached: Cached) -> BuiltGuest:
    return BuiltGuest(
        path=output,
        size_bytes=len(cached.elf),
        elf_sha256=hashlib.sha256(cached.elf).hexdigest(),
        recipe_sha256=cached.recipe_sha256,
        warnings=cached.warnings,
    )


def _build(toolchain: Toolchain, source: Path, stack_size_bytes: int) -> tuple[bytes, list[Path], str]:
    """(ELF file, the files it was built from, what its author should know)."""
    with tempfile.TemporaryDirectory(prefix="truestep-python-") as name:
        directory = Path(name)
        _compile(source, directory)
        (directory / _ARCHIVE).write_bytes(runtime_archive(toolchain))
        objects = [OBJECT, *_assemble_arrays(toolchain, directory), _ARCHIVE]
        elf = _link(toolchain, objects, directory, stack_size_bytes)
        read = json.loads((directory / READ).read_text(encoding="utf-8"))
        notes = directory / NOTES
        return (
            elf,
            [Path(path) for path in read],
            notes.read_text(encoding="utf-8") if notes.is_file() else "",
        )


def _link(toolchain: Toolchain, objects: list[str], directory: Path, stack_size_bytes: int) -> bytes:
    options = LinkOptions(stack_size_bytes=stack_size_bytes, library="small")
    try:
        return link(toolchain, objects, directory, options)[0]
    except GuestBuildError as error:
        missing = sorted(set(re.findall(r"undefined symbol: (\S+)", str(error))))
        if not missing:
            raise
        raise GuestBuildError(
            f"the guest uses parts of Numba that need an interpreter or a library: {', '.join(missing)}\n"
            "  try: remove the call that needs them, or replace it by loops"
        ) from error


def _compile(source: Path, directory: Path) -> None:
    """Run the compiler process; its complaint is raised as the error."""
    completed = run_compiler(source, directory)
    if completed.returncode == 0:
        return
    complaint = directory / COMPLAINT
    if complaint.is_file():
        raise GuestBuildError(complaint.read_text(encoding="utf-8"))
    said = "\n".join((completed.stderr.strip() or completed.stdout.strip()).splitlines()[-20:])
    raise GuestBuildError(f"the compiler process ended with code {completed.returncode}: {said}")


def run_compiler(source: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    """Compile in a process of its own, which leaves its results in `directory`."""
    return subprocess.run(
        [sys.executable, "-m", _COMPILER, str(source), str(directory)],
        env=compiler_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def compiler_environment() -> dict[str, str]:
    """The user's environment without variables that change Numba's code or the order of a set of strings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return {
        **inherited,
        "PYTHONHASHSEED": "0",
        "NUMBA_DISABLE_INTEL_SVML": "1",
    }


def _assemble_arrays(toolchain: Toolchain, directory: Path) -> list[str]:
    """An object file with the bytes of large constant arrays."""
    files = sorted(path.name for path in directory.iterdir())
    symbols = [(symbol, name) for name in files if (symbol := array_symbol(name))]
    if not symbols:
        return []
    lines = ['.section .rodata.arrays, "a"']
    for symbol, name in symbols:
        lines += [".balign 64", f".globl {symbol}", f"{symbol}:", f'.incbin "{name}"']
    (directory / _ARRAYS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    target = directory / "arrays.o"
    compile_object(toolchain, directory / _ARRAYS, target, f"-I{directory}")
    return [target.name]
