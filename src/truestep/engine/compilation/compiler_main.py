"""The compiler process: reads IR and writes object code, until its standard input ends.

`compiler_process` starts it with `python -m`. Hostile code may kill it.
"""

import os
import resource
import signal
import sys

from truestep.engine.compilation.compile import object_code
from truestep.engine.compilation.compiler_process import READY, SIZE

CPU_LIMIT_SECONDS = 60
"""CPU time for one piece of IR; a unit takes half a second."""
MEMORY_LIMIT_BYTES = 4 << 30
"""Address space; a unit takes 200 MiB."""


def main() -> None:
    """Serve compilations until standard input ends."""
    # Ctrl-C reaches this process too, but its parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    # Nothing else may write to the stream of the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answers.write(READY)
    answers.flush()
    while len(size := sys.stdin.buffer.read(SIZE.size)) == SIZE.size:
        ir = sys.stdin.buffer.read(*SIZE.unpack(size)).decode()
        _limit_cpu()
        code = object_code(ir)
        answers.write(SIZE.pack(len(code)) + code)
        answers.flush()


def _limit_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit_seconds = int(used.ru_utime + used.ru_stime) + CPU_LIMIT_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit_seconds, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
