"""Guests whose output is compared with what NumPy gives for the same source."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np

from truestep.client.runs import run_task
from truestep.composition.engines import EngineName, open_engine
from truestep.guest import build_python
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

HEADER = "import numpy as np\nimport truestep\n"


def npy(array: np.ndarray) -> bytes:
    """The array as a file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def outputs(
    directory: Path, functions: str, main: str, given: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(what the guest returns, what the plain function returns) for a source without its decorator."""
    kind = "" if given is None else f"input='{given.dtype}[{','.join(':' * given.ndim)}]', "
    source = directory / "model.py"
    source.write_text(f"{HEADER}{functions}@truestep.guest({kind}output='npy')\n{main}")
    guest = build_python(source, directory / "model.elf")
    content = b"" if given is None else npy(given)
    program = load_elf(guest.path.read_bytes())
    printed: list[bytes] = []
    report = run_task(open_engine(EngineName.JIT), program, Task(input=content), debug_sink=printed.append)
    assert report.exit_code == 0, b"".join(printed).decode()
    spec = importlib.util.spec_from_file_location(f"plain_{directory.name}", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with np.errstate(all="ignore"):
        expected = module.main(np.empty(0, np.uint8) if given is None else given)
    return np.load(io.BytesIO(report.output)), np.asarray(expected)
