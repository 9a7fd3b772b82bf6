"""The compiler process after the end of the run that asked: it finishes within limits, or ends."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from truestep.engine.compilation.compile_messages import REQUEST
from truestep.engine.compilation.object_cache import ObjectCache
from truestep.engine.compilation.object_code import Tier

PATIENCE_SECONDS = 60.0
"""For a loaded machine."""
REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src")])}
COUNT = 6
# Asks for COUNT functions, and ends when all requests are on their way.
ASKING = """
import os, signal, sys, threading
from pathlib import Path
from tests.engine.test_left_compiler import COUNT, high_products
from truestep.engine.compilation.compiler_process import CompilerProcess
from truestep.engine.compilation.object_cache import ObjectCache

compiler = CompilerProcess(ObjectCache(Path(sys.argv[1])), outlives=sys.argv[2] == "outlives")
is_first_sent = threading.Event()

def job_of(number):
    def job(compile_ir):
        if number:
            is_first_sent.set()
        compile_ir(high_products(100), b"key %d" % number, float(number))
    return job

for number in range(COUNT + 1):
    compiler.submit(job_of(number), lambda number=number: float(-number))
while compiler._jobs._jobs or not is_first_sent.is_set():
    pass
print(compiler._child._process.pid, flush=True)
if sys.argv[3] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""
# The compiler process with tighter limits than usual.
LIMITED = """
from truestep.engine.compilation import compiler_main
compiler_main.LEFT_CPU_SECONDS = 1
compiler_main.main()
"""


def high_products(count: int) -> str:
    """A function on which LLVM's time grows exponentially: 100 take some 0.1 s, 500 take hours."""
    lines = [
        f"%w{i} = sext i64 %v{i} to i128\n%p{i} = mul i128 %w{i}, %w{i}\n"
        f"%h{i} = lshr i128 %p{i}, 64\n%v{i + 1} = trunc i128 %h{i} to i64\n"
        for i in range(count)
    ]
    return f"define i64 @f(i64 %v0) {{\n{''.join(lines)}ret i64 %v{count}\n}}\n"


def ask(
    directory: Path, *, outlives: bool = True, end: str = "", before: Callable[[], None] | None = None
) -> int:
    """Have a process ask and end. Returns the compiler's process id."""
    words = [str(directory), "outlives" if outlives else "ends", end]
    done = subprocess.run(
        [sys.executable, "-c", ASKING, *words],
        env=ENVIRONMENT,
        preexec_fn=before,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (-9 if end else 0), done.stderr
    return int(done.stdout)


def is_alive(process_id: int) -> bool:
    try:
        status = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(") ")[2][0] not in "ZX"


def wait_for_end(process_id: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_alive(process_id):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kept(directory: Path) -> int:
    """How many of the functions are on disk."""
    objects = ObjectCache(directory)
    return sum(objects.load(b"key %d" % number) is not None for number in range(COUNT))


@pytest.mark.parametrize("end", ["", "killed"])
def test_it_finishes_what_was_asked_for(tmp_path: Path, end: str) -> None:
    wait_for_end(ask(tmp_path / "objects", end=end))
    assert kept(tmp_path / "objects") == COUNT


def test_it_ends_with_the_run_unless_it_may_outlive_it(tmp_path: Path) -> None:
    wait_for_end(ask(tmp_path / "objects", outlives=False))
    assert kept(tmp_path / "objects") < COUNT


def test_it_ends_if_another_is_at_work(tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    objects.mkdir(mode=0o700)
    descriptor = os.open(objects, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        wait_for_end(ask(objects))
    finally:
        os.close(descriptor)
    assert kept(objects) < COUNT


def test_two_runs_at_once(tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    words = [sys.executable, "-c", ASKING, str(objects), "outlives", ""]
    both = [subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in [int(each.communicate()[0]) for each in both]:
        wait_for_end(process)
    assert kept(objects) == COUNT


def test_it_ends_when_the_disk_is_full(tmp_path: Path) -> None:
    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))

    wait_for_end(ask(tmp_path / "objects", before=limit_files))
    assert kept(tmp_path / "objects") == 0
    assert not any((tmp_path / "objects").iterdir())


def test_it_ends_when_the_directory_is_removed(tmp_path: Path) -> None:
    process = ask(tmp_path / "objects")
    shutil.rmtree(tmp_path / "objects")
    wait_for_end(process)
    assert not (tmp_path / "objects").exists()


def test_hostile_code_does_not_keep_it_alive(tmp_path: Path) -> None:
    """The kernel ends it in the middle of a compilation that would take hours."""
    ir = high_products(500).encode()
    words = [sys.executable, "-c", LIMITED, str(tmp_path / "objects"), str(1 << 20), "outlives"]
    with subprocess.Popen(
        words, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        process.communicate(
            REQUEST.pack(1, 3, len(ir), 0.0, Tier.OPTIMISED) + b"key" + ir, timeout=PATIENCE_SECONDS
        )
    assert process.returncode < 0
    assert ObjectCache(tmp_path / "objects").load(b"key") is None
