"""A process of its own for one measurement, so that its CPU time is clean. Started by the other modules.

`_worker.py MODE PROGRAM INPUT [NUMBER …]`: one line of JSON for each answer. Modes `jit`, `reference` and
`wasm` answer at once, then each line "run" on standard input; the others answer once.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUN_LIMIT_CYCLES = 1 << 40
SETTLE_SECONDS = 0.05
SETTLE_LIMIT_SECONDS = 300.0

Answer = dict[str, Any]


def cpu_seconds() -> float:
    """What this process and its living children took: an engine compiles in one."""
    return time.process_time() + sum(map(_child_cpu_seconds, _children()))


def _children() -> list[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return [child for task in tasks for child in task.read_text().split()]


def _child_cpu_seconds(process_id: str) -> float:
    """User and system time, the 14th and 15th field; the second field may hold anything in parentheses."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Stopwatch:
    """Wall-clock and CPU time (of all threads and child processes) since it was made."""

    wall_start: float
    cpu_start: float

    @staticmethod
    def start() -> Stopwatch:
        return Stopwatch(time.perf_counter(), cpu_seconds())

    def times(self, name: str) -> Answer:
        return {
            f"{name}_seconds": time.perf_counter() - self.wall_start,
            f"{name}_cpu_seconds": cpu_seconds() - self.cpu_start,
        }


def settle() -> None:
    """Wait until this process has nothing more to do in the background: an engine may still be compiling."""
    deadline = time.monotonic() + SETTLE_LIMIT_SECONDS
    while time.monotonic() < deadline:
        before = cpu_seconds()
        time.sleep(SETTLE_SECONDS)
        if cpu_seconds() - before < SETTLE_SECONDS / 10:
            return


def open_machine(mode: str, program_path: Path, input_path: Path) -> Callable[[], Any]:
    """A function that starts the program once more, in the same engine."""
    from truestep.composition.engines import EngineName, open_engine
    from truestep.machine.elf import load_elf
    from truestep.machine.program import Task

    program = load_elf(program_path.read_bytes())
    task = Task(input=input_path.read_bytes())
    engine = open_engine(EngineName(mode))
    return lambda: engine.start(program, task)


def output_of(machine: Any) -> str:
    """What the guest wrote, in hex; an error if it failed."""
    from truestep.client.runs import output_of

    if machine.status.name != "EXITED" or machine.code != 0:
        raise SystemExit(f"expected the guest to exit with 0, got {machine.status.name} {machine.code}")
    return output_of(machine)[1].hex()


def machine_run(start: Callable[[], Any]) -> Answer:
    """One run from start to end; the run's own time is apart from the start's."""
    watch = Stopwatch.start()
    machine = start()
    started = watch.times("start")
    watch = Stopwatch.start()
    machine.advance(RUN_LIMIT_CYCLES)
    answer: Answer = {**started, **watch.times("run"), "cycles": machine.cycle, "output": output_of(machine)}
    effort = getattr(machine, "effort", None)
    return answer if effort is None else {**answer, "stepped": effort.stepped, "walked": effort.walked}


def wasm_run(program_path: Path, input_path: Path) -> Callable[[], Answer]:
    """A function that instantiates the module and runs it; compiled once."""
    import wasmtime

    engine = wasmtime.Engine()
    module = wasmtime.Module.from_file(engine, str(program_path))
    linker = wasmtime.Linker(engine)
    linker.define_wasi()

    def run() -> Answer:
        with tempfile.NamedTemporaryFile() as output:
            wasi = wasmtime.WasiConfig()
            wasi.stdin_file = str(input_path)
            wasi.stdout_file = output.name
            store = wasmtime.Store(engine)
            store.set_wasi(wasi)
            start: Any = linker.instantiate(store, module).exports(store)["_start"]
            watch = Stopwatch.start()
            try:
                start(store)
            except wasmtime.ExitTrap as exit_trap:
                if exit_trap.code != 0:
                    raise
            times = watch.times("run")
            return {**times, "output": Path(output.name).read_bytes().hex()}

    return run


def serve(run: Callable[[], Answer]) -> None:
    """Run once to warm up, answer with that run, then run again for each line of input."""
    watch = Stopwatch.start()
    first = run()
    settle()
    answer({**first, **watch.times("warm_up")})
    for _ in sys.stdin:
        answer(run())


def answer(fields: Answer) -> None:
    print(json.dumps(fields), flush=True)


def measure_start(program_path: Path, input_path: Path) -> Answer:
    """From nothing to the first instruction, and to the end, in this fresh process."""
    watch = Stopwatch.start()
    start = open_machine("jit", program_path, input_path)
    imported = watch.times("import")
    watch = Stopwatch.start()
    machine = start()
    machine.advance(1)
    first = watch.times("first")
    machine.advance(RUN_LIMIT_CYCLES)
    ended = watch.times("end")
    settle()
    return {**imported, **first, **ended, "cycles": machine.cycle, "output": output_of(machine)}


def measure_split(program_path: Path, input_path: Path, cycles: int, parts: int) -> Answer:
    """The plain run to `cycles`; the hashes of a split into `parts`; then one part split again."""
    from truestep.engine.compilation.translation import CompilePolicy
    from truestep.engine.jit import JitEngine
    from truestep.machine.elf import load_elf
    from truestep.machine.program import Task

    # The walk is compiled before, as for a worker, which keeps it on disk.
    engine = JitEngine(CompilePolicy(walk_after_steps=0))
    program, task = load_elf(program_path.read_bytes()), Task(input=input_path.read_bytes())
    engine.start(program, task).advance(cycles)
    settle()
    machine = engine.start(program, task)
    watch = Stopwatch.start()
    machine.advance(cycles)
    plain = watch.times("plain")
    end_hash = machine.state().hash()
    del machine
    replay = engine.replay(program, task)
    watch = Stopwatch.start()
    stops = [cycles * part // parts for part in range(1, parts + 1)]
    hashes = replay.hashes(stops)
    split = watch.times("split")
    if hashes[-1] != end_hash:
        raise SystemExit("expected the split run to end in the plain run's state, got another")
    snapshots_bytes = replay.size_bytes
    first, last = stops[parts // 2 - 1], stops[parts // 2]
    watch = Stopwatch.start()
    later_hashes = replay.hashes([first + (last - first) * part // parts for part in range(1, parts + 1)])
    later = watch.times("later")
    if later_hashes[-1] != hashes[parts // 2]:
        raise SystemExit("expected the later split to end where the first one passed, got another state")
    watch = Stopwatch.start()
    replay.witness(first + (last - first) // 2)
    witness = watch.times("witness")
    del replay
    return {
        **plain,
        **split,
        **later,
        **witness,
        "cycles": cycles,
        "parts": parts,
        "snapshots_bytes": snapshots_bytes,
        "nodes": changed_nodes(engine.start(program, task), cycles, parts),
    }


def changed_nodes(machine: Any, cycles: int, parts: int) -> int:
    """The tree nodes above changed words, summed over the parts: no engine can hash fewer."""
    import numpy as np

    from truestep.machine.layout import DATA_START

    window_bytes, levels_above = 1 << 26, 6  # 64 MiB of data, and a few nodes up to the root
    before = np.frombuffer(machine.read_memory(DATA_START, window_bytes), np.uint64)
    nodes = 0
    for part in range(1, parts + 1):
        machine.advance(cycles * part // parts)
        after = np.frombuffer(machine.read_memory(DATA_START, window_bytes), np.uint64)
        changed = (before != after).reshape(-1, 4).any(axis=1)
        while len(changed) > 1:
            changed = changed.reshape(-1, 2).any(axis=1)
            nodes += int(changed.sum())
        nodes += levels_above
        before = after
    return nodes


def measure_keccak(node_count: int) -> Answer:
    """Hashes of 64-byte nodes a CPU second, by the engine's batches and by the plain library."""
    from truestep.commitments.keccak import hash_pairs
    from truestep.engine.runtime.keccak import vector_hash_pairs

    # Digests of numbers, cheap to make and without a pattern.
    nodes = hash_pairs(bytes(64) + b"".join(n.to_bytes(64, "little") for n in range(4095)))
    nodes *= max(1, node_count * 64 // len(nodes))
    sample = nodes[: 64 * 256]
    if bytes(vector_hash_pairs(sample)) != hash_pairs(sample):
        raise SystemExit("expected batched Keccak to agree with the library, got other digests")
    rates: list[float] = []
    for _ in range(5):
        watch = Stopwatch.start()
        vector_hash_pairs(nodes)
        rates.append(len(nodes) / 64 / watch.times("hash")["hash_cpu_seconds"])
    watch = Stopwatch.start()
    hash_pairs(nodes[: 64 * 65536])
    plain = len(nodes[: 64 * 65536]) / 64 / watch.times("hash")["hash_cpu_seconds"]
    return {"nodes_per_second": sorted(rates)[2], "plain_nodes_per_second": plain, "nodes": len(nodes) // 64}


def main(mode: str, program: str, input_name: str, *numbers: str) -> None:
    program_path, input_path = Path(program), Path(input_name)
    match mode:
        case "wasm":
            serve(wasm_run(program_path, input_path))
        case "jit" | "reference":
            start = open_machine(mode, program_path, input_path)
            serve(lambda: machine_run(start))
        case "start":
            answer(measure_start(program_path, input_path))
        case "split":
            answer(measure_split(program_path, input_path, *map(int, numbers)))
        case "keccak":
            answer(measure_keccak(*map(int, numbers)))
        case _:
            raise SystemExit(f"expected a mode that the docstring names, got {mode!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
