"""Compiles many one-liners as one guest, runs it, and compares each result with plain Python's."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numba.core.compiler_lock import global_compiler_lock

from tests.guest.one_liners.cases import Case, main_of, source_of
from tests.guest.one_liners.outcomes import Outcome
from tests.guest.one_liners.values import Delivered, difference
from truestep.client.runs import run_task
from truestep.composition.engines import EngineName, open_engine
from truestep.guest.errors import GuestBuildError
from truestep.guest.link import DEFAULT_STACK_SIZE_BYTES
from truestep.guest.python import build
from truestep.guest.python.compiler import program, session
from truestep.guest.python.compiler.complaint import Complaint
from truestep.guest.python.compiler.explain import explain
from truestep.guest.python.compiler.signature import read_signature
from truestep.guest.sdk import guest as declare
from truestep.guest.toolchain import find_toolchain
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task

_MAX_CYCLES = 1 << 32
"""A one-liner that takes longer is stuck."""
_COMPILATION_SECONDS = 60
"""CPU time after which a one-liner is given up."""
_AT = re.compile(r"@@ (\d+)\n")
_RAISED = re.compile(r"^\S+:\d+: (\w+)")


class _TooLongError(BaseException):
    """Compiling does not end; not an Exception, which the compiler would catch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A one-liner's outcome; the message is empty if it is right."""

    case: Case
    outcome: Outcome
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How a one-liner ended, in a guest or in Python: what it raised, else its value; and what it printed."""

    value: Any
    raised: str
    printed: str
    is_trap: bool = False


def run_cases(cases: list[Case]) -> list[Result]:
    """The outcome of each. Needs a process in which Numba is prepared, and which does nothing afterwards."""
    with tempfile.TemporaryDirectory(prefix="truestep-lines-") as name:
        source = Path(name) / "lines.py"
        source.write_text(source_of(cases), encoding="utf-8")
        sys.path.insert(0, name)
        try:
            module = _load(source)
        except Exception as error:
            text = explain(error, source).text()
            return [Result(case=case, outcome=Outcome.REFUSED, message=text) for case in cases]
        complaints = [_complaint_about(getattr(module, f"run_{k}"), source) for k in range(len(cases))]
        built = [index for index, complaint in enumerate(complaints) if not complaint]
        ended = _run_each(_build(source.parent, built), built) if built else {}
        return [
            Result(case=case, outcome=Outcome.REFUSED, message=complaints[index])
            if complaints[index]
            else _compare(case, ended[index], _ended_in_python(getattr(module, f"plain_{index}")))
            for index, case in enumerate(cases)
        ]


def _load(source: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(source.stem, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[source.stem] = module
    spec.loader.exec_module(module)
    return module


@global_compiler_lock
def _complaint_about(run: Any, source: Path) -> str:
    """Why a one-liner cannot be built; empty if it can. What is compiled here is kept for the program."""
    try:
        with _limited():
            program.compile_all(read_signature(declare(run)), {})
    except _TooLongError:
        return f"compiling it takes more than {_COMPILATION_SECONDS} s of CPU time"
    except Complaint as complaint:
        return complaint.text()
    except Exception as error:
        return explain(error, source).text()
    finally:
        del run.__truestep_guest__
    return ""


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Raises _TooLongError in the middle of what takes too much CPU time."""

    def stop(*_: object) -> None:
        raise _TooLongError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, _COMPILATION_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _build(directory: Path, indexes: list[int]) -> Program:
    """One program that runs the one-liners that it is told to run. Raises GuestBuildError."""
    source = directory / "model.py"
    runs = ", ".join(f"run_{index}" for index in indexes)
    source.write_text(f"from lines import {runs}\n{main_of(indexes)}", encoding="utf-8")

    def compile_here(source: Path, directory: Path) -> subprocess.CompletedProcess[str]:
        code = session.compile_prepared(source, directory)
        return subprocess.CompletedProcess([], code, stdout="", stderr="")

    build.run_compiler = compile_here
    return load_elf(build._build(find_toolchain(), source, DEFAULT_STACK_SIZE_BYTES)[0])


def _run_each(built: Program, indexes: list[int]) -> dict[int, _Ended]:
    """How each ended. A run goes on until one raises; the next run begins after it."""
    ended: dict[int, _Ended] = {}
    while len(ended) < len(indexes):
        ended |= _run_until_failure(built, [index for index in indexes if index not in ended])
    return ended


def _run_until_failure(built: Program, indexes: list[int]) -> dict[int, _Ended]:
    """How the first ones ended, up to the first that failed."""
    file = io.BytesIO()
    np.save(file, np.array(indexes))
    debug: list[bytes] = []
    report = run_task(
        open_engine(EngineName.JIT),
        built,
        Task(input=file.getvalue()),
        max_cycles=_MAX_CYCLES,
        debug_sink=debug.append,
    )
    said = _AT.split(b"".join(debug).decode(errors="replace"))[1:]
    printed = dict(zip(map(int, said[::2]), said[1::2], strict=True))
    failed = None if report.exit_code == 0 else int(said[-2])
    delivered = Delivered(report.output)
    ended = {
        index: _Ended(value=delivered.next(), raised="", printed=printed[index])
        for index in printed
        if index != failed
    }
    if failed is not None:
        how = printed[failed].strip() or f"exit code {report.exit_code}, trap {report.trap}"
        ended[failed] = _Ended(value=None, raised=how, printed="", is_trap=report.exit_code != 138)
    return ended


def _ended_in_python(plain: Any) -> _Ended:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), np.errstate(all="ignore"):
            value = plain()
    except Exception as error:
        return _Ended(value=None, raised=type(error).__name__, printed="")
    return _Ended(value=value, raised="", printed=printed.getvalue())


def _compare(case: Case, guest: _Ended, python: _Ended) -> Result:
    outcome, message = Outcome.RIGHT, ""
    if guest.is_trap:
        outcome, message = Outcome.CRASHED, guest.raised
    elif guest.raised:
        raised = _RAISED.search(guest.raised)
        if not raised or raised[1] != python.raised:
            outcome, message = Outcome.REFUSED, guest.raised
    elif python.raised:
        outcome, message = Outcome.WRONG, f"gave {guest.value!r}, expected a {python.raised}"
    elif guest.printed != python.printed:
        outcome, message = Outcome.WRONG, f"printed {guest.printed!r}, expected {python.printed!r}"
    elif text := difference(guest.value, python.value, is_close_enough=case.is_close_enough):
        outcome, message = Outcome.WRONG, text
    return Result(case=case, outcome=outcome, message=message)


def crashed(case: Case, message: str) -> Result:
    """The result of a one-liner that ended the process, or that cannot be built although it compiles."""
    return Result(case=case, outcome=Outcome.CRASHED, message=message)


def run_or_explain(cases: list[Case]) -> list[Result] | str:
    """The outcome of each, or why they cannot be built together."""
    try:
        return run_cases(cases)
    except GuestBuildError as error:
        return str(error)
