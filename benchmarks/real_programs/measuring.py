"""Measures one program: native, cold, warm."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.real_programs.inputs import input_of
from benchmarks.real_programs.processes import Overtime, run_family
from tests.c_programs.building import CommandFailed, built
from tests.c_programs.fetching import FetchError, fetched
from tests.c_programs.manifest import Program

REPOSITORY = Path(__file__).resolve().parents[2]
FILLS_LIMIT = 5
"""Runs that may fill the cache; after so many it is as full as it gets."""

EQUAL = "equal"

Answer = dict[str, Any]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One program's. CPU time in seconds; ratios are to native."""

    name: str
    result: str
    """`equal`, or what went wrong."""
    commit: str = ""
    """The commit measured; `+` if files differ from it."""
    native_cpu_seconds: float = 0.0
    cycles: int = 0
    warm_ratio: float | None = None
    """The median of the pairs: a process that finds compiled code on disk, without Python's imports."""
    warm_least_ratio: float | None = None
    warm_greatest_ratio: float | None = None
    warm_seconds: float | None = None
    warm_stepped: int = 0
    warm_walked: int = 0
    warm_peak_bytes: int = 0
    cold_ratio: float | None = None
    """A whole process with an empty cache, and everything that it has started until it ends."""
    cold_left_ratio: float | None = None
    """What the cold process has left running: a compiler that finishes what was asked for."""
    cold_seconds: float | None = None
    second_ratio: float | None = None
    """The process after the cold one, like `warm_ratio`."""
    fills: int = 0
    """Runs until nothing more was compiled."""
    objects_bytes: int = 0
    compile_cpu_seconds: float | None = None
    compiled_instructions: int | None = None
    import_cpu_seconds: float | None = None
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    """What the cold, the second and the last warm process said."""

    @property
    def is_equal(self) -> bool:
        """Whether guest and native program have done the same."""
        return self.result == EQUAL

    @property
    def compile_seconds_per_1000(self) -> float | None:
        """CPU seconds of compiling for 1,000 instructions of the guest."""
        if not self.compiled_instructions or self.compile_cpu_seconds is None:
            return None
        return self.compile_cpu_seconds / self.compiled_instructions * 1000


class Different(Exception):
    """The guest's output or exit code is not the native one."""


def measure(program: Program, work: Path, pairs: int, tell: Tell) -> Figures:
    """Fetch and build a program, and measure it. Never raises: the result says what went wrong."""
    try:
        tell(f"{program.name}: is built")
        archive = fetched(program.source, work / "archives")
        native, guest = (built(program, archive, kind, work / "benchmarks") for kind in ("native", "guest"))
        given = input_of(program, work / "benchmarks" / "inputs")
        with tempfile.TemporaryDirectory(prefix="truestep-bench-") as directory:
            runs = _Runs(program=program, native=native, guest=guest, given=given, folder=Path(directory))
            return _measured(runs, pairs, tell)
    except (FetchError, CommandFailed, OSError, subprocess.TimeoutExpired) as error:
        return Figures(name=program.name, result=f"not built: {_first_line(error)}", commit=commit())
    except (Different, Overtime) as error:
        return Figures(name=program.name, result=_first_line(error), commit=commit())


def commit() -> str:
    """The commit of this checkout; `+` if files differ from it."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _measured(runs: _Runs, pairs: int, tell: Tell) -> Figures:
    name = runs.program.name
    _, exit_code, output = runs.native_run()
    runs.expected = (exit_code, output)
    tell(f"{name}: cold")
    cold = runs.guest_run()
    second = runs.guest_run()
    filling = [cold, second]
    while len(filling) < FILLS_LIMIT:
        tell(f"{name}: fills the cache, {len(filling) - 1}")
        before = runs.object_names()
        filling.append(runs.guest_run("--settle"))
        if runs.object_names() == before:
            break
    warm: list[Answer] = []
    ratios: list[float] = []
    natives: list[float] = []
    for number in range(pairs):
        tell(f"{name}: pair {number + 1} of {pairs}")
        natives.append(runs.native_run()[0])
        warm.append(runs.guest_run())
        ratios.append(_run_seconds(warm[-1]) / natives[-1])
    native_seconds = statistics.median(natives)
    return Figures(
        name=name,
        result=EQUAL,
        commit=commit(),
        native_cpu_seconds=native_seconds,
        cycles=cold["cycles"],
        warm_ratio=statistics.median(ratios),
        warm_least_ratio=min(ratios),
        warm_greatest_ratio=max(ratios),
        warm_seconds=statistics.median(each["run_seconds"] for each in warm),
        warm_stepped=round(statistics.median(each["stepped"] for each in warm)),
        warm_walked=round(statistics.median(each["walked"] for each in warm)),
        warm_peak_bytes=max(each["peak_bytes"] for each in warm),
        cold_ratio=cold["family_cpu_seconds"] / native_seconds,
        cold_left_ratio=cold["left_cpu_seconds"] / native_seconds,
        cold_seconds=cold["run_seconds"],
        second_ratio=_run_seconds(second) / native_seconds,
        fills=len(filling),
        objects_bytes=runs.objects_bytes(),
        compile_cpu_seconds=sum(map(_compile_seconds, filling)),
        compiled_instructions=sum(each["compiled_cost"] for each in filling),
        import_cpu_seconds=statistics.median(each["imported_cpu_seconds"] for each in warm),
        answers={"cold": cold, "second": second, "warm": warm[-1]},
    )


def _run_seconds(answer: Answer) -> float:
    """CPU time after Python's modules were imported, of children too."""
    return answer["family_cpu_seconds"] - answer["imported_cpu_seconds"]


def _compile_seconds(answer: Answer) -> float:
    """CPU time of children and of threads in the background."""
    return answer["family_cpu_seconds"] + answer["left_cpu_seconds"] - answer["main_cpu_seconds"]


@dataclass(slots=True, kw_only=True)
class _Runs:
    """Both forms of a program, what they read, and a cache of compiled code for the guest."""

    program: Program
    native: Path
    guest: Path
    given: Path
    folder: Path
    expected: tuple[int, bytes] = (0, b"")

    def native_run(self) -> tuple[float, int, bytes]:
        """CPU seconds, exit code and output."""
        output = self.folder / "native.output"
        done = run_family([str(self.native / self.program.binary)], given=self.given, output=output)
        return done.cpu_seconds, done.exit_code, self.program.without_times(output.read_bytes())

    def guest_run(self, *options: str) -> Answer:
        """What the worker says, and the CPU time of it and its descendants."""
        output, answer = self.folder / "guest.output", self.folder / "answer"
        command = [sys.executable, "-m", "benchmarks.real_programs.worker", *options]
        files = map(str, (self.guest / self.program.binary, self.given, output))
        python_path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src")])
        done = run_family(
            [*command, *files],
            given=Path(os.devnull),
            output=answer,
            environment={**os.environ, "XDG_CACHE_HOME": str(self.folder), "PYTHONPATH": python_path},
        )
        said = answer.read_text(encoding="utf-8")
        if done.exit_code or not said:
            raise Different(f"the worker ended with {done.exit_code}")
        fields = json.loads(said)
        got = (fields["code"], self.program.without_times(output.read_bytes()))
        if fields["status"] != "EXITED" or got != self.expected:
            code, words = self.expected
            raise Different(
                f"different: exit code {code} and {len(words):,} bytes of output natively,"
                f" {fields['status']} {fields['code']} and {len(got[1]):,} bytes as a guest"
            )
        return {
            **fields,
            "family_cpu_seconds": done.cpu_seconds,
            "left_cpu_seconds": done.left_cpu_seconds,
        }

    def object_names(self) -> set[str]:
        """The files in the cache."""
        return {path.name for path in self._objects()}

    def objects_bytes(self) -> int:
        """Their size."""
        return sum(path.stat().st_size for path in self._objects())

    def _objects(self) -> list[Path]:
        return [path for path in (self.folder / "truestep" / "objects").glob("**/*") if path.is_file()]
