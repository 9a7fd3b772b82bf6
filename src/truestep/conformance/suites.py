"""Runs a folder of RISC-V tests on every implementation of the machine (docs/conformance.md)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from truestep.base.errors import Reject, Rejected
from truestep.conformance.on_chain_steps import StepContract, run_on_chain
from truestep.machine.bare_metal import BareMetalTest, load_bare_metal
from truestep.machine.decode import ECALL_WORD, Kind, decode
from truestep.machine.elf import FILE_LIMIT_BYTES
from truestep.machine.float_words import FLOAT_OPCODE, is_rounded
from truestep.machine.interpreter import ECALL_EXIT
from truestep.machine.layout import may_fetch
from truestep.machine.prelude import MRET_WORD
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState, Status, TrapCause
from truestep.ports.engine import Engine

DEFAULT_MAX_CYCLES = 1_000_000
"""The official tests take up to 2,000 steps. The reference machine takes a million in a few seconds."""
ON_CHAIN_LIMIT_STEPS = 3_000
"""Longer runs are not run in the contract, where a step takes milliseconds."""

_ELF_MAGIC, _ELF_TYPE_OBJECT = b"\x7fELF", b"\x01\0"
_ELF_HEAD_SIZE_BYTES = 18
"""The bytes up to the end of the field `e_type`."""
_GP = 3
_FLOAT_ACCESS_OPCODES = (0x07, 0x27)
"""Float loads and stores."""
_FLOAT_MOVES = (0b11100, 0b11110)
_ROUNDING_FIELD = 7 << 12

ProgressSink = Callable[[int, str], None]
"""Called with the number of tests done and the name of the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one test ended."""

    name: str
    reason: str | None = None
    """Why it failed; None if it passed on every implementation."""
    steps: int = 0
    steps_on_chain: int = 0
    """Steps that ran in the contract: all of them, or none if the run is too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformanceReport:
    """The verdicts on all tests of a folder, by name."""

    tests: tuple[Verdict, ...]

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The tests that did not pass."""
        return tuple(test for test in self.tests if test.reason is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """The end of one run: its last state and, if it trapped, the instruction that trapped."""

    engine: str
    last: MachineState
    pc: int
    gp: int
    word: int
    """The instruction at `pc`; 0 if none can be fetched there."""


def find_tests(folder: Path) -> list[Path]:
    """The ELF files in a folder and its subfolders, sorted by name; other files are ignored.

    Raises OSError if the folder cannot be read, Rejected if it has no ELF file.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and _is_program(path))
    if not paths:
        raise Rejected(Reject.ELF_NOT_ELF, f"expected a folder with ELF files, got {folder}, which has none")
    return paths


def run_tests(
    folder: Path,
    paths: Sequence[Path],
    engines: Sequence[Engine],
    *,
    step_call: StepContract | None = None,
    max_cycles: int = DEFAULT_MAX_CYCLES,
    progress: ProgressSink | None = None,
) -> ConformanceReport:
    """Run a folder's tests on every engine, and short ones step by step in the contract `step_call`.

    Raises OSError if a file cannot be read.
    """
    reports: list[Verdict] = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        if progress:
            progress(len(reports), name)
        reports.append(run_test(name, _read(path), engines, step_call=step_call, max_cycles=max_cycles))
    return ConformanceReport(tests=tuple(reports))


def run_test(
    name: str,
    file: bytes,
    engines: Sequence[Engine],
    *,
    step_call: StepContract | None = None,
    max_cycles: int = DEFAULT_MAX_CYCLES,
) -> Verdict:
    """Run one test, given as an ELF file, to its end."""
    try:
        test = load_bare_metal(file)
    except Rejected as error:
        return Verdict(name=name, reason=str(error))
    endings = [_run(engine, test.program, max_cycles) for engine in engines]
    steps = endings[0].last.cycle
    reason = _verdict(test, endings)
    if reason is not None or step_call is None or steps > ON_CHAIN_LIMIT_STEPS:
        return Verdict(name=name, reason=reason, steps=steps)
    reason = run_on_chain(test.program, step_call, test.original)
    return Verdict(name=name, reason=reason, steps=steps, steps_on_chain=steps)


def _is_program(path: Path) -> bool:
    """Whether a file is an ELF file, but not an object file."""
    with path.open("rb") as file:
        head = file.read(_ELF_HEAD_SIZE_BYTES)
    return head.startswith(_ELF_MAGIC) and head[16:] != _ELF_TYPE_OBJECT


def _read(path: Path) -> bytes:
    """The bytes of a test, up to one byte more than the limit, so that a file that is too long shows."""
    with path.open("rb") as file:
        return file.read(FILE_LIMIT_BYTES + 1)


def _run(engine: Engine, program: Program, max_cycles: int) -> _Ending:
    machine = engine.start(program, Task())
    machine.advance(max_cycles)
    last = state = machine.state()
    if last.status is Status.TRAPPED:
        # A final state has no registers (M2.3), so run again, to one step before the end.
        machine = engine.start(program, Task())
        machine.advance(last.cycle - 1)
        state = machine.state()
    word = int.from_bytes(machine.read_memory(state.pc, 4), "little") if may_fetch(state.pc) else 0
    return _Ending(engine=engine.name, last=last, pc=state.pc, gp=state.registers[_GP], word=word)


def _verdict(test: BareMetalTest, endings: list[_Ending]) -> str | None:
    """Why a test failed; None if it passed on every engine."""
    reasons = {ending.engine: _why_failed(test, ending) for ending in endings}
    differing = [ending.engine for ending in endings if ending.last != endings[0].last]
    if differing:
        words = "; ".join(f"{engine}: {reason or 'passed'}" for engine, reason in reasons.items())
        return f"{endings[0].engine} and {', '.join(differing)} end in different states ({words})"
    return reasons[endings[0].engine]


def _why_failed(test: BareMetalTest, ending: _Ending) -> str | None:
    """Why a run failed, by the new and old conventions of the RISC-V tests (docs/conformance.md)."""
    last = ending.last
    if last.status is Status.RUNNING:
        return f"no end after {last.cycle:,} steps, at {test.original(last.pc):#x}"
    if last.status is Status.EXITED:
        return None if last.code == 0 else _failed_case(last.code)
    if ending.word == ECALL_WORD:
        return None if ending.gp == 1 else _failed_case(ending.gp)
    return _trap_words(test, ending)


def _failed_case(code: int) -> str:
    """The failed case in words; the code is 2 * (number of the case) + 1."""
    if code % 2 and code > 1:
        return f"case {code >> 1} failed"
    return f"expected an ecall with a7 = {ECALL_EXIT} and a0 = 0, or with gp = 1, got code {code}"


def _trap_words(test: BareMetalTest, ending: _Ending) -> str:
    cause = TrapCause(ending.last.code)
    words = f"trap {cause.name.lower().replace('_', ' ')} at {test.original(ending.pc):#x}"
    match cause:
        case TrapCause.ILLEGAL_INSTRUCTION:
            return f"{words}: {ending.word:#010x}{_illegal_words(ending.word)}"
        case TrapCause.FETCH_ACCESS:
            return f"{words}: only memory that cannot be written is executed (M3.3)"
        case TrapCause.STORE_ACCESS:
            return f"{words}: only the data range can be written; code never changes (M3.3)"
        case _:
            return words


def _illegal_words(word: int) -> str:
    if word & 3 != 3:
        return ", a compressed instruction; the machine has none (M1.1)"
    if word == MRET_WORD:
        return ", mret: expected a plain csrw to mepc just before it"
    if word & 0x7F in _FLOAT_ACCESS_OPCODES or _is_float_move(word):
        return ", of the registers f0 to f31; floats are in the integer registers here (M8.1)"
    if (
        (nearest := decode(word & ~_ROUNDING_FIELD))
        and nearest.kind is Kind.FLOAT
        and is_rounded(nearest.name)
    ):
        return f", {nearest.name} with a rounding mode that it does not have (M8.2)"
    return ""


def _is_float_move(word: int) -> bool:
    """`fmv` between an integer register and a float register, in either direction."""
    return word & 0x7F == FLOAT_OPCODE and word >> 27 in _FLOAT_MOVES and word >> 12 & 7 == 0
