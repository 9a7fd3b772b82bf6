"""Python guests compiled by copies of one process that has Numba loaded already.

`Compiler` replaces the process that each build starts, which spends its first two seconds on imports. Run
as a program, this file is the one process. It forks for each guest, since compiling changes a process.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path


class Compiler:
    """Compiles guests like `truestep.guest.python.build.run_compiler`; starts when first asked."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def run(self, source: Path, directory: Path) -> subprocess.CompletedProcess[str]:
        """Compile one guest; how its process ended and what it said."""
        server = self._server = self._server or self._start()
        assert server.stdin is not None and server.stdout is not None
        print(json.dumps([str(source), str(directory), str(Path.cwd())]), file=server.stdin, flush=True)
        code = server.stdout.readline()
        if not code:
            raise RuntimeError("the process that compiles guests has ended; see what it said above")
        said = (directory / "said.txt").read_text(encoding="utf-8", errors="replace")
        return subprocess.CompletedProcess([str(source)], int(code), stdout="", stderr=said)

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._server is not None:
            self._server.communicate()

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        from truestep.guest.python.build import compiler_environment

        command = [sys.executable, __file__]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=compiler_environment(), stdin=pipe, stdout=pipe, text=True)


def _serve() -> None:
    from truestep.guest.python.compiler.session import compile_prepared, prepare

    prepare()
    # A guest's recipe names all files of modules that are not installed; this one is no part of a guest.
    del sys.modules["__main__"].__file__
    sys.path.pop(0)
    # A copy lives for seconds: it need not look for garbage among the hundred thousand objects of Numba.
    gc.freeze()
    gc.disable()
    for line in sys.stdin:
        source, directory, current = map(Path, json.loads(line))
        process = os.fork()
        if process == 0:
            os.chdir(current)
            sys.path.insert(0, str(current))
            said = os.open(directory / "said.txt", os.O_WRONLY | os.O_CREAT)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(said, 1)
            os.dup2(said, 2)
            code = 1
            try:
                code = compile_prepared(source, directory)
            except BaseException:
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
