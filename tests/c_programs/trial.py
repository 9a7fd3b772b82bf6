"""Builds a program twice, for this computer and as a guest, runs both on the same input, and compares."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.c_programs.fetching import FetchError, fetched, unpack
from tests.c_programs.manifest import HERE, Program
from truestep.guest.driver.tools import CMAKE_TOOLCHAIN

_BUILD_SECONDS = 2400
_RUN_SECONDS = 1200
_MAX_CYCLES = 1 << 34
_MESSAGE_CHARACTERS = 3000
_GUEST_PACKAGE = HERE.parents[1] / "src" / "truestep" / "guest"


class Result(StrEnum):
    """How a program came out."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NOT_BUILT = "not built"
    NOT_RUN = "not run"
    NOT_FETCHED = "not fetched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What happened to one program."""

    program: Program
    result: Result
    message: str = ""
    output_bytes: int = 0
    elf_bytes: int = 0
    instructions: int = 0


class _Failed(Exception):
    """A command failed; the words are its last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A folder outside the repository in which archives, sources and programs are kept between runs."""

    folder: Path

    def try_program(self, program: Program) -> Trial:
        """Fetch, build, run and compare."""
        try:
            archive = fetched(program.source, self.folder / "archives")
        except (FetchError, OSError, subprocess.TimeoutExpired) as error:
            return Trial(program=program, result=Result.NOT_FETCHED, message=str(error))
        try:
            native = self._built(program, archive, "native", native_tools())
            guest = self._built(program, archive, "guest", guest_tools())
        except (_Failed, OSError) as error:
            return Trial(program=program, result=Result.NOT_BUILT, message=str(error))
        try:
            return self._compared(program, native, guest)
        except (_Failed, OSError, subprocess.TimeoutExpired) as error:
            return Trial(program=program, result=Result.NOT_RUN, message=str(error))

    def _built(self, program: Program, archive: Path, kind: str, tools: Mapping[str, str]) -> Path:
        """The folder of the built program; what is there already is taken if nothing changed."""
        place = self.folder / kind / program.name
        stamp = place / "stamp"
        recipe = _recipe(program, kind)
        known, _, before = stamp.read_text(encoding="utf-8").partition("\n") if stamp.is_file() else ("",) * 3
        if known == recipe:
            return Path(before)
        stamp.unlink(missing_ok=True)
        root = unpack(program.source, archive, place / "source")
        environment = {**os.environ, **tools, "DRIVERS": str(HERE / "drivers")}
        _run(["sh", "-e", "-c", program.build], folder=root, environment=environment, seconds=_BUILD_SECONDS)
        if not (root / program.binary).is_file():
            raise _Failed(f"expected the build to make {program.binary}")
        stamp.write_text(f"{recipe}\n{root}", encoding="utf-8")
        return root

    def _compared(self, program: Program, native: Path, guest: Path) -> Trial:
        given = HERE / "inputs" / program.input
        given = given if given.is_file() else native / program.input
        expected = _native_run(native / program.binary, given)
        report, output, said = _guest_run(guest / program.binary, given, guest / "guest.output")
        trial = Trial(
            program=program,
            result=Result.EQUAL,
            output_bytes=len(output),
            elf_bytes=(guest / program.binary).stat().st_size,
            instructions=report["cycles"],
        )
        wanted = (expected.returncode, program.without_times(expected.stdout))
        got = (report["exit_code"], program.without_times(output))
        if wanted == got:
            return trial
        return Trial(program=program, result=Result.DIFFERENT, message=f"{_difference(wanted, got)}\n{said}")


def native_tools() -> dict[str, str]:
    """The environment in which a program is built for this computer."""
    return {
        "CC": "gcc",
        "CXX": "g++",
        "AR": "ar",
        "RANLIB": "ranlib",
        "CONFIGURE": "./configure",
        "CMAKE": "cmake",
    }


def guest_tools() -> dict[str, str]:
    """The environment in which it is built as a guest, by the compilers of this checkout."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(HERE.parents[1] / "src"),
        "CC": "truestep-cc",
        "CXX": "truestep-c++",
        "AR": "truestep-ar",
        "RANLIB": "truestep-ranlib",
        "CONFIGURE": "./configure --host=riscv64-unknown-elf",
        "CMAKE": f"cmake -DCMAKE_TOOLCHAIN_FILE={CMAKE_TOOLCHAIN}",
    }


def _recipe(program: Program, kind: str) -> str:
    """A digest of everything that a build depends on."""
    digest = hashlib.sha256(repr((kind, program.source.sha256, program.build, sys.executable)).encode())
    files = sorted((HERE / "drivers").glob(f"{program.name}.c*"))
    if kind == "guest":
        files += sorted(
            path for path in _GUEST_PACKAGE.glob("**/*") if path.is_file() and not _is_python_guest(path)
        )
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_python_guest(path: Path) -> bool:
    return "python" in path.relative_to(_GUEST_PACKAGE).parts or "__pycache__" in path.parts


def _run(
    command: list[str], *, folder: Path, environment: Mapping[str, str], seconds: int
) -> subprocess.CompletedProcess[bytes]:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _Failed(f"did not end within {seconds} s") from error
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise _Failed(f"ended with {done.returncode}:\n{said[-_MESSAGE_CHARACTERS:]}")
    return done


def _native_run(binary: Path, given: Path) -> subprocess.CompletedProcess[bytes]:
    with given.open("rb") as file:
        return subprocess.run(
            [str(binary)],
            cwd=binary.parent,
            stdin=file,
            capture_output=True,
            timeout=_RUN_SECONDS,
            check=False,
        )


def _guest_run(binary: Path, given: Path, output: Path) -> tuple[dict[str, int], bytes, str]:
    output.unlink(missing_ok=True)
    options = ["--input", str(given), "--output", str(output), "--max-cycles", str(_MAX_CYCLES), "--json"]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("truestep")), "run", str(binary), *options],
        capture_output=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    if not done.stdout.strip():
        raise _Failed(done.stderr.decode(errors="replace")[-_MESSAGE_CHARACTERS:])
    report = json.loads(done.stdout)
    said = done.stderr.decode(errors="replace")[-_MESSAGE_CHARACTERS:]
    if report.get("exit_code") is None:
        raise _Failed(f"{report}\n{said}")
    return report, output.read_bytes() if output.is_file() else b"", said


def _difference(wanted: tuple[int, bytes], got: tuple[int, bytes]) -> str:
    """Where two results differ first."""
    if wanted[0] != got[0]:
        return f"expected exit code {wanted[0]}, got {got[0]}; output {got[1][:300]!r}"
    at = next((i for i, (a, b) in enumerate(zip(*(wanted[1], got[1]), strict=False)) if a != b), None)
    place = min(len(wanted[1]), len(got[1])) if at is None else at
    part = slice(max(0, place - 60), place + 100)
    return f"differs at byte {place}: expected {wanted[1][part]!r}, got {got[1][part]!r}"
