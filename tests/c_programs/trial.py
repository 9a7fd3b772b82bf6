"""Builds a program twice, for this computer and as a guest, runs both on the same input, and compares."""

import json
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.c_programs.building import MESSAGE_CHARACTERS, CommandFailed, built
from tests.c_programs.fetching import FetchError, fetched
from tests.c_programs.manifest import Program

_RUN_SECONDS = 1200
_MAX_CYCLES = 1 << 34


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
            native = built(program, archive, "native", self.folder)
            guest = built(program, archive, "guest", self.folder)
        except (CommandFailed, OSError) as error:
            return Trial(program=program, result=Result.NOT_BUILT, message=str(error))
        try:
            return self._compared(program, native, guest)
        except (CommandFailed, OSError, subprocess.TimeoutExpired) as error:
            return Trial(program=program, result=Result.NOT_RUN, message=str(error))

    def _compared(self, program: Program, native: Path, guest: Path) -> Trial:
        given = program.home / "inputs" / program.input
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
        raise CommandFailed(done.stderr.decode(errors="replace")[-MESSAGE_CHARACTERS:])
    report = json.loads(done.stdout)
    said = done.stderr.decode(errors="replace")[-MESSAGE_CHARACTERS:]
    if report.get("exit_code") is None:
        raise CommandFailed(f"{report}\n{said}")
    return report, output.read_bytes() if output.is_file() else b"", said


def _difference(wanted: tuple[int, bytes], got: tuple[int, bytes]) -> str:
    """Where two results differ first."""
    if wanted[0] != got[0]:
        return f"expected exit code {wanted[0]}, got {got[0]}; output {got[1][:300]!r}"
    at = next((i for i, (a, b) in enumerate(zip(*(wanted[1], got[1]), strict=False)) if a != b), None)
    place = min(len(wanted[1]), len(got[1])) if at is None else at
    part = slice(max(0, place - 60), place + 100)
    return f"differs at byte {place}: expected {wanted[1][part]!r}, got {got[1][part]!r}"
