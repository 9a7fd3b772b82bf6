"""Compiles in a background process, so that an abort or excessive time in LLVM does not harm a run.

Meanwhile the reference machine steps the run. Code that cannot be compiled continues to be stepped, slowly.
"""

import logging
import queue
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress

from truestep.engine.compilation.compile import object_code

SIZE = struct.Struct(">Q")
READY = b"ready..."
"""The first message of the process."""
STARTS_LIMIT = 3
"""Processes in a row that end before they are ready. Then the cause is this computer, not a program."""

Compile = Callable[[str], bytes | None]
"""Compiles IR to object code; None if that fails."""
Job = Callable[[Compile], None]

_log = logging.getLogger(__name__)


class CompilerProcess:
    """Does jobs, which may compile, one after another. Starts no process before the first job."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._child = _Child()
        self._is_started = False
        self._lock = threading.Lock()

    def submit(self, job: Job) -> None:
        """Do a job later, in another thread. The job must not raise."""
        with self._lock:
            if not self._is_started:
                self._is_started = True
                jobs, child = self._jobs, self._child
                # The thread must not keep this object alive: when it goes, or the process, so does the child.
                threading.Thread(target=_work, args=(jobs, child), name="compiler", daemon=True).start()
                weakref.finalize(self, _stop, jobs, child)
        self._jobs.put(job)

    def wait(self) -> None:
        """Wait until every job is done."""
        self._jobs.join()


def _work(jobs: "queue.Queue[Job | None]", child: "_Child") -> None:
    while (job := jobs.get()) is not None:
        job(child.compile)
        jobs.task_done()
        # A job left in a variable would keep everything it refers to alive.
        del job
    child.end()


def _stop(jobs: "queue.Queue[Job | None]", child: "_Child") -> None:
    with suppress(queue.Empty):
        while True:
            jobs.get_nowait()
    jobs.put(None)
    child.kill()


class _Child:
    """The process: started when needed, and again if it died. For one thread, except `kill`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._failed_starts = 0
        self._is_over = False

    def compile(self, ir: str) -> bytes | None:
        """The object code of IR, or None if compiling it killed the process."""
        if self._process is None and not self._start():
            return None if self._is_over else object_code(ir)
        try:
            return self._ask(ir.encode())
        except OSError:
            if not self._is_over:
                _log.warning(
                    "the compiler process died while compiling a part of a program; that part will run slowly"
                )
            self.end()
            return None

    def kill(self) -> None:
        """End the process for good, whatever it is doing."""
        self._is_over = True
        if self._process is not None:
            self._process.kill()

    def _start(self) -> bool:
        """Start a process. Returns whether there is one now."""
        while self._failed_starts < STARTS_LIMIT and not self._is_over:
            with suppress(OSError):
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "truestep.engine.compilation.compiler_main"],
                    # A thread blocked on a buffer when the interpreter exits would be a fatal error.
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                if self._read(len(READY)) == READY:
                    self._failed_starts = 0
                    return True
            self.end()
            self._failed_starts += 1
        if not self._is_over:
            _log.warning(
                "expected to start a compiler process, which failed; compiling in this process instead"
            )
        return False

    def _ask(self, ir: bytes) -> bytes:
        self._write(SIZE.pack(len(ir)) + ir)
        (size_bytes,) = SIZE.unpack(self._read(SIZE.size))
        return self._read(size_bytes)

    def _write(self, content: bytes) -> None:
        pipe, left = self._process and self._process.stdin, memoryview(content)
        while left:
            left = left[(pipe and pipe.write(left)) or len(left) :]

    def _read(self, size_bytes: int) -> bytes:
        pipe, content = self._process and self._process.stdout, bytearray()
        while len(content) < size_bytes:
            part = pipe.read(size_bytes - len(content)) if pipe else b""
            if not part:
                raise BrokenPipeError
            content += part
        return bytes(content)

    def end(self) -> None:
        """End the process. Another one is started when it is needed."""
        if self._process is not None:
            with self._process as process:
                process.kill()
        self._process = None
