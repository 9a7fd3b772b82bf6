"""Reads programs and inputs from files, after checking their sizes."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.guest.build import SOURCE_SUFFIXES, build_c
from truestep.guest.errors import GuestBuildError
from truestep.guest.python.build import PYTHON_SUFFIX, build_python
from truestep.machine.elf import FILE_LIMIT_BYTES, load_elf, loading_notes
from truestep.machine.layout import INPUT_LIMIT_BYTES
from truestep.machine.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFile:
    """An ELF file and the program in it."""

    elf: bytes
    program: Program
    warnings: str = ""
    """What the build of a Python guest left out."""

    @property
    def digest(self) -> Bytes32:
        """SHA-256 of the ELF file, used to find and check its bytes."""
        return Bytes32(hashlib.sha256(self.elf).digest())

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about the file for a person, one sentence each."""
        said = " ".join(self.warnings.split())
        return (*loading_notes(self.elf), *((said,) if said else ()))


def program_of(elf: bytes) -> ProgramFile:
    """The program in the bytes of an ELF file. Raises Rejected if it is not for this machine."""
    return ProgramFile(elf=elf, program=load_elf(elf))


def read_program(
    path: Path, *, defines: Mapping[str, str] | None = None, is_strict: bool = False
) -> ProgramFile:
    """The program in an ELF file, or in a C or Python source, which is built first.

    Raises Rejected if the file is not a program, GuestBuildError if the source does not compile, or is Python
    all of whose branches must compile (`is_strict`) and do not, OSError if it cannot be read.
    """
    if is_strict and path.suffix != PYTHON_SUFFIX:
        raise GuestBuildError(f"--strict is for guests in Python, and {path.name} is none; leave it out")
    if path.suffix in {*SOURCE_SUFFIXES, PYTHON_SUFFIX}:
        with tempfile.TemporaryDirectory(prefix="truestep-") as name:
            target = Path(name) / f"{path.stem}.elf"
            is_python = path.suffix == PYTHON_SUFFIX
            built = (
                build_python(path, target, is_strict=is_strict)
                if is_python
                else build_c([path], target, defines=defines)
            )
            made = program_of(built.path.read_bytes())
            return replace(made, warnings=built.warnings) if is_python else made
    return program_of(_read(path, FILE_LIMIT_BYTES, Reject.ELF_TOO_LARGE, "no program is larger"))


def read_input(path: Path | None) -> bytes:
    """A task's input; empty without a path. Raises Rejected above 512 MiB, OSError if it cannot be read."""
    if path is None:
        return b""
    advice = "that is 512 MiB; split the input over several jobs"
    return _read(path, INPUT_LIMIT_BYTES, Reject.INPUT_TOO_LARGE, advice)


def _read(path: Path, limit_bytes: int, reason: Reject, advice: str) -> bytes:
    """The bytes of a file or pipe. A file that is too long is refused by its size, a pipe at the limit."""
    with path.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        content = b"" if size_bytes > limit_bytes else file.read(limit_bytes + 1)
    if max(size_bytes, len(content)) > limit_bytes:
        found = f"{size_bytes}" if size_bytes else "more"
        raise Rejected(reason, f"expected at most {limit_bytes} bytes, got {found} in {path}; {advice}")
    return content
