"""The test vectors as Python objects: steps, float steps and whole runs, for every twin of the machine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.program import Program, Segment, Task
from truestep.machine.state import Status

FOLDER = Path(__file__).parent
STEPS_FILE, FLOATS_FILE, RUNS_FILE = (FOLDER / f"{name}.json" for name in ("steps", "floats", "runs"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCase:
    """One step: the state before, the hashes on both sides, and the witness that shows it."""

    name: str
    pc: int
    cycle: int
    status: int
    code: int
    registers: dict[str, int]
    """Those that are not zero, by number."""
    memory: dict[str, str]
    """Bytes (hex) by address; the rest is zero."""
    hash_before: str
    hash_after: str
    witness: str

    def machine(self) -> ReferenceMachine:
        """The reference machine in the state before."""
        memory = Memory()
        for address, content in self.memory.items():
            memory.write(int(address), bytes.fromhex(content))
        machine = ReferenceMachine(memory, self.pc)
        for number, value in self.registers.items():
            machine.registers[int(number)] = value
        machine.cycle, machine.status, machine.code = self.cycle, Status(self.status), self.code
        return machine


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatCase:
    """A step of a float instruction with a result, and the micro-run that decides it (M9)."""

    step: StepCase
    rd: int
    result: str
    """Hex, as all registers here."""
    template: str
    micro_pc: int
    micro_arguments: list[str]
    """a0, a1, a2; the ROM's root is left out, so that a new ROM changes nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCase:
    """A run of a small program from its initial state: the state hash at every cycle, the final one last."""

    name: str
    entry: int
    code: str
    """At 0x1000, hex."""
    constants: str
    """At 0x20000000, hex."""
    seed: str
    shard_index: int
    shard_count: int
    input: str
    state_hashes: list[str]
    exit_code: int
    status: int

    def program(self) -> Program:
        """The program's image."""
        code = Segment(address=0x1000, content=bytes.fromhex(self.code), is_executable=True)
        constants = Segment(address=0x2000_0000, content=bytes.fromhex(self.constants), is_executable=False)
        return Program(entry=self.entry, segments=(code, constants))

    def task(self) -> Task:
        """The task's header and input."""
        return Task(
            seed=bytes.fromhex(self.seed),
            shard_index=self.shard_index,
            shard_count=self.shard_count,
            input=bytes.fromhex(self.input),
        )


def dump(cases: Iterable[StepCase | FloatCase | RunCase]) -> str:
    """JSON with a case a line, so that a change shows as the lines it changes."""
    return "[\n" + ",\n".join(json.dumps(asdict(case)) for case in cases) + "\n]\n"


def read_steps() -> list[StepCase]:
    """The committed steps."""
    return [StepCase(**fields) for fields in _read(STEPS_FILE)]


def read_floats() -> list[FloatCase]:
    """The committed float steps."""
    cases = _read(FLOATS_FILE)
    for fields in cases:
        fields["step"] = StepCase(**fields["step"])
    return [FloatCase(**fields) for fields in cases]


def read_runs() -> list[RunCase]:
    """The committed runs."""
    return [RunCase(**fields) for fields in _read(RUNS_FILE)]


def _read(file: Path) -> list[dict[str, Any]]:
    return json.loads(file.read_text(encoding="utf-8"))
