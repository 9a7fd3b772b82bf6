"""The runtime of compiled Python: our own C, and the C of Numba's dictionaries, lists and sets."""

import functools
import importlib.util
import tempfile
from pathlib import Path

from truestep.guest.errors import ToolchainMissing
from truestep.guest.toolchain import C_DIRECTORY, COMPILE_FLAGS, TARGET_FLAGS, Toolchain, system_includes

RUNTIME_DIRECTORY = C_DIRECTORY / "python"

_CONTAINERS = ("dictobject.c", "listobject.c", "setobject.c", "utils.c")


@functools.cache
def runtime_archive(toolchain: Toolchain) -> bytes:
    """The runtime as an archive, so that a guest includes only what it uses."""
    strict = [flag for flag in COMPILE_FLAGS if flag not in TARGET_FLAGS]
    numba = _numba_directory()
    headers = system_includes(toolchain)
    # Complex products are the plain four products and two sums, without the rules for infinities.
    own = ["-cflags", *strict, "-O2", "-fcx-limited-range", *headers, f"-I{numba}", "--"]
    own += map(str, _own_sources())
    shim = RUNTIME_DIRECTORY / "include"
    containers = ["-cflags", *strict, "-O2", "-DNDEBUG", "-w", *headers, f"-I{shim}", "--"]
    containers += (str(numba / "cext" / name) for name in _CONTAINERS)
    options = ["-static", "--name", "python", "-fno-unwind-tables", "-fstrip", "-ffunction-sections"]
    with tempfile.TemporaryDirectory(prefix="truestep-python-runtime-") as name:
        directory = Path(name)
        arguments = ("-O", "ReleaseFast", *options, "-fdata-sections", *own, *containers)
        toolchain.run("build-lib", *TARGET_FLAGS, *arguments, directory=directory)
        return (directory / "libpython.a").read_bytes()


def _own_sources() -> list[Path]:
    return sorted(path for path in RUNTIME_DIRECTORY.iterdir() if path.suffix == ".c")


def _numba_directory() -> Path:
    spec = importlib.util.find_spec("numba")
    if spec is None or not spec.submodule_search_locations:
        raise ToolchainMissing("expected Numba, found none; install it with: pip install 'truestep[python]'")
    return Path(spec.submodule_search_locations[0])
