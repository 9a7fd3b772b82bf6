"""The compiler process: reads requests and writes object code, the hottest first.

`compiler_process` starts it with `python -m`, with the directory of kept code, its limit in bytes, and
whether it may outlive its parent. Hostile code may kill it.

When its input ends, so has the run that asked. Then it may go on with what was asked for, so that the next
run finds it on disk: as the only such process of the directory, at low priority, for a limited time, and only
while there is memory and the directory can be written to. The kernel enforces the limits of time.
"""

import fcntl
import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from truestep.engine.compilation.compile_messages import ANSWER, BEGUN, READY, REQUEST
from truestep.engine.compilation.object_cache import ObjectCache
from truestep.engine.compilation.object_code import Tier, object_code

CPU_LIMIT_SECONDS = 60
"""CPU time for one piece of IR; a unit takes half a second."""
MEMORY_LIMIT_BYTES = 4 << 30
"""Address space; a unit takes 200 MiB."""
LEFT_CPU_SECONDS = 60
"""CPU time after the end of the parent: some 200,000 instructions."""
LEFT_SECONDS = 300
"""Time after the end of the parent, on a computer with other work."""
LEFT_NICENESS = 10
LEFT_CACHE_SHARE = 8
"""After the end of the parent it writes this part of the directory's limit, which evicts little."""
SPARE_MEMORY_BYTES = 1 << 30
"""Less memory than this is for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """IR to be compiled."""

    number: int
    key: bytes
    ir: bytes
    heat: float
    tier: Tier


class Requests:
    """Requests that wait. One thread reads them, another takes them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Request] = []
        self.is_ended = False
        """Whether the input has ended: no more will come."""

    def read(self, stream: BinaryIO) -> None:
        """Read until the input ends."""
        while len(head := stream.read(REQUEST.size)) == REQUEST.size:
            number, key_size, ir_size, heat, tier = REQUEST.unpack(head)
            key, ir = stream.read(key_size), stream.read(ir_size)
            if len(ir) != ir_size:
                break
            with self._changed:
                asked = Request(number=number, key=key, ir=ir, heat=heat, tier=Tier(tier))
                self._waiting.append(asked)
                self._changed.notify_all()

    def end(self) -> None:
        """Note that no more will come."""
        with self._changed:
            self.is_ended = True
            self._changed.notify_all()

    def take(self) -> Request | None:
        """The hottest, the oldest of several; waits for one. None if no more will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.is_ended)
            if not self._waiting:
                return None
            hottest = max(self._waiting, key=lambda each: (each.heat, -each.number))
            self._waiting.remove(hottest)
            return hottest


def main() -> None:
    """Serve requests until no more will come."""
    # Ctrl-C reaches this process too, but its parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    objects = ObjectCache(Path(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else None
    may_outlive = objects is not None and objects.is_usable and sys.argv[3] == "outlives"
    # Nothing else may write to the stream of the answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    answers.write(READY)
    requests = Requests()
    left = Left(objects if may_outlive else None)
    reading = threading.Thread(target=_read, args=(requests, left), daemon=True)
    reading.start()
    while (request := requests.take()) is not None and left.may_go_on(requests):
        _limit_cpu()
        _serve(request, objects, answers)
    os._exit(0)


def _read(requests: Requests, left: "Left") -> None:
    requests.read(sys.stdin.buffer)
    left.begin()
    requests.end()


def _serve(request: Request, objects: ObjectCache | None, answers: BinaryIO) -> None:
    """Compile a request, or take it from disk if another process was faster, and answer."""
    # The parent may be gone.
    with suppress(BrokenPipeError):
        answers.write(ANSWER.pack(request.number, BEGUN))
    content = objects.load(request.key) if objects and request.key else None
    if content is None:
        content = object_code(request.ir.decode(), request.tier)
        if objects and request.key:
            objects.store(request.key, content)
    with suppress(BrokenPipeError):
        rest = memoryview(ANSWER.pack(request.number, len(content)) + content)
        while rest:
            rest = rest[answers.write(rest) :]


class Left:
    """What this process may still do after the end of its parent: nothing without a directory."""

    def __init__(self, objects: ObjectCache | None) -> None:
        self._objects = objects
        self._written_bytes = 0

    def begin(self) -> None:
        """The parent has ended: set limits, or end if there is nothing to do or another process does it."""
        if self._objects is None or not _is_alone(self._objects.directory):
            os._exit(0)
        self._written_bytes = self._objects.written_bytes
        os.chdir("/")
        # The priority of the main thread, which compiles.
        os.setpriority(os.PRIO_PROCESS, os.getpid(), LEFT_NICENESS)
        signal.alarm(LEFT_SECONDS)
        limit_seconds = _used_seconds() + LEFT_CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit_seconds, limit_seconds))

    def may_go_on(self, requests: Requests) -> bool:
        """Whether to compile one more."""
        if not requests.is_ended:
            return True
        objects = self._objects
        if objects is None or not objects.is_usable or _free_memory_bytes() < SPARE_MEMORY_BYTES:
            return False
        written_bytes = objects.written_bytes - self._written_bytes
        return written_bytes * LEFT_CACHE_SHARE < objects.limit_bytes


def _is_alone(directory: Path) -> bool:
    """Whether no other process is at work there without its parent; holds until this process ends."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _free_memory_bytes() -> int:
    """Memory that is free or easily freed; without limit where the system does not say."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return sys.maxsize


def _limit_cpu() -> None:
    """Limit the CPU time of the next request, within the limit that is there."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit_seconds = _used_seconds() + CPU_LIMIT_SECONDS
    if hard != resource.RLIM_INFINITY:
        limit_seconds = min(limit_seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (limit_seconds, hard))


def _used_seconds() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    main()
