"""Compiles in a background process, so that an abort or excessive time in LLVM does not harm a run.

Meanwhile the run walks. Several requests may be on their way: the process takes the hottest first, keeps what
it makes on disk, and may finish what was asked for after the run has ended (`compiler_main`).
"""

import logging
import math
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass, field

from truestep.engine.compilation.compile_jobs import Heat, Job, JobQueue, no_heat
from truestep.engine.compilation.compile_messages import ANSWER, BEGUN, READY, REQUEST
from truestep.engine.compilation.object_cache import ObjectCache
from truestep.engine.compilation.object_code import Tier, object_code

STARTS_LIMIT = 3
"""Processes in a row that end before they compile. Then the cause is this computer, not a program."""
AHEAD = 16
"""Requests on their way at a time, with a MiB of IR each. What a run has asked for beyond is lost with it."""

_log = logging.getLogger(__name__)


class CompilerProcess:
    """Does jobs, which may compile, hottest first. Starts no process before the first job.

    What is compiled under a key is kept in `objects`. If it `outlives` its parent, the process goes on for a
    while with what was asked for.
    """

    def __init__(
        self, objects: ObjectCache | None = None, *, outlives: bool = False, ahead: int = AHEAD
    ) -> None:
        self._jobs = JobQueue()
        self._child = _Child(objects, outlives=outlives)
        self._ahead = ahead
        self._turn = threading.Lock()
        self._threads = 0
        self._lock = threading.Lock()
        # The threads must not keep this object alive: when it goes, or the process, so does the child.
        weakref.finalize(self, _stop, self._jobs, self._child)

    def submit(self, job: Job, heat: Heat = no_heat) -> None:
        """Do a job later, in another thread. The job must not raise. Its heat is asked when one is chosen."""
        self._jobs.put(job, heat)
        with self._lock:
            if self._threads < min(self._ahead, self._jobs.unfinished):
                self._threads += 1
                work = (self._jobs, self._child, self._turn)
                threading.Thread(target=_work, args=work, name="compiler", daemon=True).start()

    def compile(self, ir: str, key: bytes, tier: Tier) -> bytes:
        """Compile at once: in the process, which keeps the code under `key`, or here if it is busy or fails.

        Here loads LLVM, and the caller keeps the code.
        """
        request = _Request(ir=ir.encode(), key=key, heat=math.inf, tier=tier)
        content = None if self._child.is_busy else self._child.compile(request, _Held(threading.Lock()))
        return object_code(ir, tier) if content is None else content

    def wait(self) -> None:
        """Wait until every job is done."""
        self._jobs.wait()


def _work(jobs: JobQueue, child: "_Child", turn: threading.Lock) -> None:
    """Do jobs. One thread at a time chooses and translates; the next does while it waits for the compiler."""
    while True:
        held = _Held(turn)
        job = jobs.take()
        if job is None:
            held.let_go()
            return

        def compile_ir(
            ir: str,
            key: bytes = b"",
            heat: float = 0.0,
            tier: Tier = Tier.OPTIMISED,
            held: _Held = held,
        ) -> bytes | None:
            request = _Request(ir=ir.encode(), key=key, heat=heat, tier=tier)
            # It takes memory for as long as the request is on its way.
            del ir
            return child.compile(request, held)

        job(compile_ir)
        held.let_go()
        jobs.note_done()
        # A job left in a variable would keep everything it refers to alive.
        del job


class _Held:
    """A lock that is held until `let_go` is called the first time."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock: threading.Lock | None = lock
        lock.acquire()

    def let_go(self) -> None:
        """Release it if it is still held."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()


def _stop(jobs: JobQueue, child: "_Child") -> None:
    jobs.close()
    child.leave()


@dataclass(slots=True, kw_only=True)
class _Request:
    """IR on its way, and what came of it."""

    ir: bytes
    key: bytes
    heat: float
    tier: Tier
    is_settled: threading.Event = field(default_factory=threading.Event)
    is_lost: bool = False
    """The process died before it began with this one: ask again."""
    content: bytes | None = None

    def settle(self, content: bytes | None, *, is_lost: bool = False) -> None:
        """Let the thread go on that waits for it."""
        self.content, self.is_lost = content, is_lost
        self.is_settled.set()


class _Child:
    """The process: started when needed, and again if it died."""

    def __init__(self, objects: ObjectCache | None, *, outlives: bool) -> None:
        self._objects = objects
        self._outlives = outlives and objects is not None
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, _Request] = {}
        self._begun = 0
        self._number = 0
        self._failed_starts = 0
        self._is_over = False
        self._lock = threading.Lock()
        """Held while the process is started or written to, or while its end is noted."""

    def compile(self, request: _Request, turn: _Held) -> bytes | None:
        """The object code of IR, or None if compiling it killed the process. `turn` ends once it is sent."""
        while self._is_sent(request):
            turn.let_go()
            request.is_settled.wait()
            if not request.is_lost:
                return request.content
            request.is_settled.clear()
        if self._is_over:
            return None
        content = object_code(request.ir.decode(), request.tier)
        if self._objects and request.key:
            self._objects.store(request.key, content)
        return content

    @property
    def is_busy(self) -> bool:
        """Whether it has requests: one of them may take a minute."""
        return bool(self._waiting)

    def leave(self) -> None:
        """Leave the process to what was asked for, or end it, whatever it is doing."""
        self._is_over = True
        process = self._process
        if process is None:
            return
        if not self._outlives:
            process.kill()
        elif process.stdin and self._lock.acquire(timeout=1.0):
            # The end of its input tells it. At the end of this process the kernel closes it anyway.
            with suppress(OSError):
                process.stdin.close()
            self._lock.release()

    def _is_sent(self, request: _Request) -> bool:
        """Send a request to the process. Returns whether there is one."""
        with self._lock:
            if self._is_over or (self._process is None and not self._start()):
                return False
            self._number += 1
            self._waiting[self._number] = request
            sizes = len(request.key), len(request.ir)
            head = REQUEST.pack(self._number, *sizes, request.heat, request.tier)
            # If the process is dead, the thread that listens to it settles all requests.
            with suppress(OSError):
                self._write(head + request.key + request.ir)
        if self._is_over:
            self.leave()
        return True

    def _start(self) -> bool:
        """Start a process. Returns whether there is one now."""
        while self._failed_starts < STARTS_LIMIT and not self._is_over:
            with suppress(OSError):
                process = subprocess.Popen(
                    [sys.executable, "-m", "truestep.engine.compilation.compiler_main", *self._arguments()],
                    # A thread blocked on a buffer when the interpreter exits would be a fatal error.
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                self._process = process
                if _read(process, len(READY)) == READY:
                    listen = threading.Thread(target=self._listen, args=(process,), daemon=True)
                    listen.start()
                    return True
                self._end(process)
                _close(process)
            self._process = None
            self._failed_starts += 1
        if not self._is_over:
            _log.warning(
                "expected to start a compiler process, which failed; compiling in this process instead"
            )
        return False

    def _arguments(self) -> list[str]:
        if self._objects is None:
            return []
        directory = str(self._objects.directory.absolute())
        return [directory, str(self._objects.limit_bytes), "outlives" if self._outlives else "ends"]

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Take answers until the process ends; then settle what it has not answered."""
        has_begun = False
        with suppress(OSError):
            while True:
                number, size_bytes = ANSWER.unpack(_read(process, ANSWER.size))
                if size_bytes == BEGUN:
                    self._begun, has_begun = number, True
                else:
                    content = _read(process, size_bytes)
                    self._waiting.pop(number).settle(content)
        self._end(process)
        with self._lock:
            unanswered, self._waiting = self._waiting, {}
            self._process = None
            _close(process)
            self._failed_starts = 0 if has_begun else self._failed_starts + 1
        if self._begun in unanswered and not self._is_over:
            _log.warning(
                "the compiler process died while compiling a part of a program; that part will run slowly"
            )
        for number, request in unanswered.items():
            request.settle(None, is_lost=number != self._begun)

    def _write(self, content: bytes) -> None:
        pipe, left = self._process and self._process.stdin, memoryview(content)
        while left:
            left = left[(pipe and pipe.write(left)) or len(left) :]

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the process has ended, which it has been told to unless it is left to its work."""
        if not (self._is_over and self._outlives):
            process.kill()
        process.wait()


def _close(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes of a process that has ended."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def _read(process: subprocess.Popen[bytes], size_bytes: int) -> bytes:
    """So many bytes of its answers. Raises `BrokenPipeError` if there are no more."""
    pipe, content = process.stdout, bytearray()
    while len(content) < size_bytes:
        part = pipe.read(size_bytes - len(content)) if pipe else b""
        if not part:
            raise BrokenPipeError
        content += part
    return bytes(content)
