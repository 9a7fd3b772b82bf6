"""One run of a guest in this fresh process, which ends as any other that runs a guest.

`python -m benchmarks.real_programs.worker [--settle] PROGRAM INPUT OUTPUT`: the output goes to a file, one
line of JSON to standard output. With `--settle` it waits until the engine has nothing left to compile.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Imported here, so that `imported_cpu_seconds` covers what the engine would load later.
import truestep.engine.compilation.compiler_process
import truestep.engine.jit  # noqa: F401
from benchmarks.real_programs.processes import children_of, cpu_seconds_of
from truestep.client.runs import output_of
from truestep.composition.engines import EngineName, open_engine
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

RUN_LIMIT_CYCLES = 1 << 40
SETTLE_SECONDS = 0.1
SETTLE_LIMIT_SECONDS = 300.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settle", action="store_true")
    parser.add_argument("program", type=Path)
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    program = load_elf(arguments.program.read_bytes())
    task = Task(input=arguments.input.read_bytes())
    engine = open_engine(EngineName.JIT)
    imported_cpu_seconds, start = time.process_time(), time.perf_counter()
    machine: Any = engine.start(program, task)
    machine.advance(RUN_LIMIT_CYCLES)
    run_seconds = time.perf_counter() - start
    arguments.output.write_bytes(output_of(machine)[1])
    if arguments.settle:
        settle()
    answer = {
        "status": machine.status.name,
        "code": machine.code,
        "cycles": machine.cycle,
        "imported_cpu_seconds": imported_cpu_seconds,
        "run_seconds": run_seconds,
        "main_cpu_seconds": time.thread_time(),
        "process_cpu_seconds": time.process_time(),
        "peak_bytes": peak_bytes(),
        **asdict(machine.effort),
    }
    print(json.dumps(answer), flush=True)


def settle() -> None:
    """Wait until neither this process nor its children do anything."""
    deadline = time.monotonic() + SETTLE_LIMIT_SECONDS
    while time.monotonic() < deadline:
        before = family_cpu_seconds()
        time.sleep(SETTLE_SECONDS)
        if family_cpu_seconds() - before < SETTLE_SECONDS / 10:
            return


def family_cpu_seconds() -> float:
    """What this process and its living children took."""
    return time.process_time() + sum(map(cpu_seconds_of, children_of()))


def peak_bytes() -> int:
    """The most memory that this process has had. The kernel's `ru_maxrss` begins with the parent's."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()
