"""Compiling in the background, in a process that may die: the runs do not care."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.compare import END, compare_runs, start_both
from tests.engine.programs import CODE_START, program_of, random_operands, random_program
from tests.machine.encode import encode
from truestep.base.errors import Bug
from truestep.engine.compilation import translation
from truestep.engine.compilation.compile_jobs import Compile, Heat, Job, no_heat
from truestep.engine.compilation.compiler_process import CompilerProcess
from truestep.engine.compilation.object_cache import ObjectCache
from truestep.engine.compilation.object_code import Tier, object_code
from truestep.engine.compilation.translation import CompilePolicy, Translation
from truestep.engine.jit import JitEngine
from truestep.engine.runtime.machine import FEWEST_WALKS
from truestep.machine.program import Task

PATIENCE_SECONDS = 60.0
"""For a loaded machine."""
FUNCTION = "define i64 @one() { ret i64 1 }"
COPIED = "define i64 @f(i64 %a) { %b = alloca i64 store i64 %a, ptr %b %c = load i64, ptr %b ret i64 %c }"
ABORTING = "define void @f() { call void @llvm.no.such.intrinsic() ret void }"
LOOP = program_of([encode("addi", rd=5, rs1=5, immediate=1), encode("jal", immediate=-4)])


@pytest.fixture
def compiler() -> Iterator[CompilerProcess]:
    made = CompilerProcess()
    yield made
    made.wait()


def compiled(compiler: CompilerProcess, *irs: str) -> list[bytes | None]:
    """What comes of these, one after the other."""
    found: list[bytes | None] = []

    def job(compile_ir: Compile) -> None:
        found.extend(compile_ir(ir) for ir in irs)

    compiler.submit(job)
    compiler.wait()
    return found


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children() -> set[str]:
    """The living processes that this one has started."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found |= {*(task / "children").read_text().split()}
    return found


def test_runs_go_on_while_code_is_compiled(compiler: CompilerProcess, rng: random.Random) -> None:
    """Whenever the code comes, the states are the same; in the end it has come."""
    engine = JitEngine(CompilePolicy(compiler=compiler))
    for _ in range(3):
        program, task = random_program(rng, 100), Task(input=random_operands(rng))
        stops = [1, 50, 1_000, *sorted(rng.randrange(20_000) for _ in range(4)), 20_000]
        assert compare_runs(engine, program, task, stops).difference is None
        compiler.wait()
        assert compare_runs(engine, program, task, stops).difference is None
    machine = engine.start(LOOP, Task())
    machine.advance(10)
    compiler.wait()
    machine.advance(10**9 + 1)
    assert (machine.cycle, machine.state().registers[5]) == (10**9 + 1, 5 * 10**8 + 1)


def test_several_runs_share_what_is_compiled(compiler: CompilerProcess, rng: random.Random) -> None:
    engine, program = JitEngine(CompilePolicy(compiler=compiler)), random_program(rng, 200)
    inputs = [random_operands(rng) for _ in range(4)]

    def run(content: bytes) -> bool:
        reference, jit = start_both(program, Task(input=content), engine)
        for stop in range(0, 6_000, 517):
            reference.advance(stop)
            jit.advance(stop)
        return reference.state() == jit.state()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, inputs))


class CountingCompiler(CompilerProcess):
    """Counts the jobs that it is given. Other tests' compilers may start and end processes meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = 0

    def submit(self, job: Job, heat: Heat = no_heat) -> None:
        """Do a job later."""
        self.jobs += 1
        super().submit(job, heat)


def test_nothing_is_compiled_before_the_program_is_warm() -> None:
    started = CountingCompiler()
    policy = CompilePolicy(compiler=started, warm_up_steps=10_000, walk_after_steps=0)
    machine = JitEngine(policy).start(LOOP, Task())
    machine.advance(9_999)
    assert started.jobs == 0
    machine.advance(30_000)
    started.wait()
    assert started.jobs > 0


def test_what_kills_the_compiler_is_not_had_and_the_rest_is(compiler: CompilerProcess) -> None:
    first, broken, second = compiled(compiler, FUNCTION, ABORTING, FUNCTION)
    assert first
    assert (broken, second) == (None, first)


def test_the_process_compiles_as_well_as_asked(compiler: CompilerProcess) -> None:
    found: dict[Tier, bytes | None] = {}

    def job(compile_ir: Compile) -> None:
        found.update({tier: compile_ir(COPIED, tier=tier) for tier in Tier})

    compiler.submit(job)
    compiler.wait()
    assert found == {tier: object_code(COPIED, tier) for tier in Tier}
    assert found[Tier.BASELINE] != found[Tier.OPTIMISED]


def test_a_program_that_kills_the_compiler_is_stepped(
    compiler: CompilerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translation, "module_ir", lambda *_: ABORTING)
    engine = JitEngine(CompilePolicy(compiler=compiler))
    reference, jit = start_both(LOOP, engine=engine)
    for stop in (10, 5_000, 20_001):
        reference.advance(stop)
        jit.advance(stop)
        compiler.wait()
    assert reference.state() == jit.state()


def test_without_a_process_this_one_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert compiled(CompilerProcess(), FUNCTION)[0]


def test_a_process_that_cannot_be_started_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert compiled(CompilerProcess(), FUNCTION)[0]


@pytest.mark.parametrize("python", [sys.executable, "/nowhere/python"])
def test_what_a_run_waits_for_is_compiled_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    """By the process, or by this one if there is none."""
    monkeypatch.setattr(sys, "executable", python)
    objects = ObjectCache(tmp_path / "objects")
    assert CompilerProcess(objects).compile(COPIED, b"key", Tier.OPTIMISED) == object_code(COPIED)
    assert objects.load(b"key") == object_code(COPIED)


def test_what_kills_the_process_is_compiled_here(compiler: CompilerProcess) -> None:
    with pytest.raises(RuntimeError, match=r"no\.such\.intrinsic"):
        compiler.compile(ABORTING, b"", Tier.OPTIMISED)


def test_nobody_waits_for_a_busy_process(compiler: CompilerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiler.compile(FUNCTION, b"", Tier.OPTIMISED)
    monkeypatch.setattr("truestep.engine.compilation.compiler_process._Child.is_busy", True)
    monkeypatch.setattr("truestep.engine.compilation.compiler_process._Child.compile", None)
    assert compiler.compile(FUNCTION, b"", Tier.OPTIMISED) == object_code(FUNCTION)


def test_a_first_run_does_not_load_llvm(tmp_path: Path) -> None:
    """Twice the memory of a run, for what another process loads anyway."""
    code = """
import sys
from tests.engine.test_compiler_process import LOOP, Task
from truestep.composition.engines import EngineName, open_engine
machine = open_engine(EngineName.JIT).start(LOOP, Task())
machine.advance(10_000)
assert machine.effort.walked, "the walk is there"
assert "llvmlite.binding" not in sys.modules
"""
    root = Path(__file__).parent.parent.parent
    places = {"PYTHONPATH": os.pathsep.join([str(root), str(root / "src")]), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=root, env={**os.environ, **places}, check=True)


def test_a_fault_of_the_translator_is_loud(
    compiler: CompilerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise KeyError("add")

    monkeypatch.setattr(translation, "module_ir", fail)
    machine = JitEngine(CompilePolicy(compiler=compiler)).start(LOOP, Task())
    machine.advance(10)
    compiler.wait()
    with pytest.raises(Bug, match="the translator failed"):
        machine.advance(END)


def test_process_and_thread_end_with_the_engine() -> None:
    before = children()
    engine = JitEngine(CompilePolicy(compiler=CompilerProcess()))
    machine = engine.start(LOOP, Task())
    machine.advance(2 * FEWEST_WALKS)
    until(lambda: len(children() - before) == 1)
    del engine, machine
    gc.collect()
    until(lambda: not children() - before)


def test_what_nobody_runs_any_more_is_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = CompilerProcess(ahead=1)
    asked, go_on = list[object](), threading.Event()
    monkeypatch.setattr(translation, "module_ir", lambda *given: asked.append(given) or ABORTING)

    def wait(_: Compile) -> None:
        go_on.wait(PATIENCE_SECONDS)

    compiler.submit(wait)
    policy = CompilePolicy(compiler=compiler)
    kept, dropped = Translation(program_of([encode("ecall")]), policy), Translation(LOOP, policy)
    for each in (kept, dropped):
        each.prepare(CODE_START)
    del each, dropped
    gc.collect()
    go_on.set()
    compiler.wait()
    assert len(asked) == 1


def test_units_kept_on_disk_are_entered_at_once(tmp_path: Path) -> None:
    objects = ObjectCache(tmp_path / "objects")
    assert Translation(LOOP, CompilePolicy(objects=objects)).prepare(CODE_START)
    never = CompilePolicy(objects=objects, free_cost=0, hot_steps_per_cost=1 << 40, warm_up_steps=1 << 40)
    assert Translation(LOOP, never).prepare(CODE_START)


def test_the_process_loads_nothing_that_only_runs_need() -> None:
    """NumPy and the hashes would take four times as long to load as LLVM."""
    code = (
        "import sys, truestep.engine.compilation.compiler_main, truestep.engine.compilation.llvm_code;"
        "print(*{'numpy', 'cffi', 'Crypto'} & sys.modules.keys())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not found.stdout.split()


EXITING = """
import sys
from tests.engine.test_compiler_process import LOOP, CompilePolicy, CompilerProcess, JitEngine, Task, compiled
compiler = CompilerProcess()
machine = JitEngine(CompilePolicy(compiler=compiler)).start(LOOP, Task())
machine.advance(10)
if sys.argv[1] == "late":
    compiler.wait()
    machine.advance(10**8)
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_the_interpreter_ends_cleanly_whatever_is_under_way(when: str) -> None:
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    words = [sys.executable, "-c", EXITING, when]
    ended = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
