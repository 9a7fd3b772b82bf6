"""Compiling in another process, in the background: an abort or an explosion in LLVM there harms no run.

Runs go on meanwhile, stepped by the reference machine. What cannot be compiled stays stepped, slowly.
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

from truestep.engine.compile import object_code

SIZE = struct.Struct(">Q")
READY = b"ready..."
"""What the process says first."""
STARTS_LIMIT = 3
"""Processes in a row that end before they are ready: then it is this computer's fault, not a program's."""

Compile = Callable[[str], bytes | None]
"""From IR to object code; None if that is not to be had."""
Job = Callable[[Compile], None]

_log = logging.getLogger(__name__)


class CompilerProcess:
    """Does jobs one after the other, each of which may compile. Starts nothing before there is a job."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._child = _Child()
        self._is_started = False
        self._lock = threading.Lock()

    def submit(self, job: Job) -> None:
        """Do it later, in another thread; it must not raise."""
        with self._lock:
            if not self._is_started:
                self._is_started = True
                jobs, child = self._jobs, self._child
                # The thread may not keep this object alive; at its end, and at the process's, the child goes.
                threading.Thread(target=_work, args=(jobs, child), name="compiler", daemon=True).start()
                weakref.finalize(self, _stop, jobs, child)
        self._jobs.put(job)

    def wait(self) -> None:
        """Until every job is done."""
        self._jobs.join()


def _work(jobs: "queue.Queue[Job | None]", child: "_Child") -> None:
    while (job := jobs.get()) is not None:
        job(child.compile)
        jobs.task_done()
        # A job that stays in a variable would keep all that it is about.
        del job
    child.end()


def _stop(jobs: "queue.Queue[Job | None]", child: "_Child") -> None:
    with suppress(queue.Empty):
        while True:
            jobs.get_nowait()
    jobs.put(None)
    child.kill()


class _Child:
    """The process, started when it is needed and again when it died. For one thread; `kill` is for all."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._failed_starts = 0
        self._is_over = False

    def compile(self, ir: str) -> bytes | None:
        """Object code of IR, or None if the process died of it."""
        if self._process is None and not self._start():
            return None if self._is_over else object_code(ir)
        try:
            return self._ask(ir.encode())
        except OSError:
            if not self._is_over:
                _log.warning("the compiler process died of a part of a program, which stays slow")
            self.end()
            return None

    def kill(self) -> None:
        """End it for good, whatever it does."""
        self._is_over = True
        if self._process is not None:
            self._process.kill()

    def _start(self) -> bool:
        """Whether there is a process now."""
        while self._failed_starts < STARTS_LIMIT and not self._is_over:
            with suppress(OSError):
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "truestep.engine.compiler_main"],
                    # A thread that waits in a buffer at the interpreter's end would be a fatal error.
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
            _log.warning("expected a compiler process, none can be started: compiling in this process")
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
        """End the process; another one is started when it is needed."""
        if self._process is not None:
            with self._process as process:
                process.kill()
        self._process = None
