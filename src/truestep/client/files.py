"""Programs and inputs from files: sizes are checked before anything is read."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.guest.build import SOURCE_SUFFIXES, build_c
from truestep.guest.python.build import PYTHON_SUFFIX, build_python
from truestep.machine.elf import FILE_LIMIT_BYTES, load_elf
from truestep.machine.layout import INPUT_LIMIT_BYTES
from truestep.machine.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFile:
    """An ELF file and the program in it."""

    elf: bytes
    program: Program

    @property
    def digest(self) -> Bytes32:
        """SHA-256 of the ELF file, by which its bytes are found and checked."""
        return Bytes32(hashlib.sha256(self.elf).digest())


def program_of(elf: bytes) -> ProgramFile:
    """The program in the bytes of an ELF file. Raises Rejected if it is not one for this machine."""
    return ProgramFile(elf=elf, program=load_elf(elf))


def read_program(path: Path, *, defines: Mapping[str, str] | None = None) -> ProgramFile:
    """The program in an ELF file, or made from a C or Python source on the fly.

    Raises Rejected for a file that is no program, GuestBuildError for a source that does not compile,
    OSError if it cannot be read.
    """
    if path.suffix in {*SOURCE_SUFFIXES, PYTHON_SUFFIX}:
        with tempfile.TemporaryDirectory(prefix="truestep-") as name:
            target = Path(name) / f"{path.stem}.elf"
            is_python = path.suffix == PYTHON_SUFFIX
            built = build_python(path, target) if is_python else build_c([path], target, defines=defines)
            return program_of(built.path.read_bytes())
    size_bytes = path.stat().st_size
    if size_bytes > FILE_LIMIT_BYTES:
        raise Rejected(
            Reject.ELF_TOO_LARGE, f"expected at most {FILE_LIMIT_BYTES} bytes, got {size_bytes} in {path}"
        )
    return program_of(path.read_bytes())


def read_input(path: Path | None) -> bytes:
    """A task's input, empty without a path. Raises Rejected above 512 MiB, OSError if it cannot be read."""
    if path is None:
        return b""
    size_bytes = path.stat().st_size
    if size_bytes > INPUT_LIMIT_BYTES:
        raise Rejected(
            Reject.INPUT_TOO_LARGE,
            f"expected at most {INPUT_LIMIT_BYTES} bytes (512 MiB), got {size_bytes} in {path};"
            " split the input over several jobs",
        )
    return path.read_bytes()
