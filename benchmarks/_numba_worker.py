"""A Python guest compiled by Numba for this computer: `_numba_worker.py MODULE [INPUT]` answers as a worker.

The same function, the same settings as a guest's: no fast-math, one thread, errors as NumPy has them.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from _worker import Answer, Stopwatch, serve

import truestep


def compiled_guest(path: Path) -> Any:
    """`main` of the module at `path`, it and the module's other functions compiled at their first call."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise SystemExit(f"expected a Python module, got {path}")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    for name, value in list(vars(module).items()):
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            setattr(module, name, numba.njit(error_model="numpy", boundscheck=False)(value))
    return vars(module)["main"]


def main() -> None:
    guest = compiled_guest(Path(sys.argv[1]))
    content = [np.load(path) for path in sys.argv[2:]]
    task = truestep.Task(np.zeros(32, np.uint8), 0, 1)

    def run() -> Answer:
        watch = Stopwatch.start()
        output = guest(task, *content)
        return {**watch.times("run"), "output": np.ascontiguousarray(output).tobytes().hex()}

    serve(run)


if __name__ == "__main__":
    main()
