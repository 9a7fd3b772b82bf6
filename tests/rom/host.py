"""The ROM's C, compiled for the host."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.rom.operations import Operation
from truestep.guest.rom import ROM_SOURCES
from truestep.guest.toolchain import find_toolchain

U64Array = NDArray[np.uint64]
_FLAGS = ("-std=c11", "-O2", "-fPIC", "-shared", "-fno-sanitize=all", "-g0")
_HARNESS = Path(__file__).with_name("host.c")


class HostRom:
    """The same routines as native code."""

    def __init__(self, directory: Path, folder: Path = ROM_SOURCES) -> None:
        """Compile the sources in `folder` into `directory`."""
        library = directory / "rom.so"
        sources = (str(path) for path in (*sorted(folder.glob("*.c")), _HARNESS))
        find_toolchain().run("cc", *_FLAGS, *sources, "-o", str(library))
        self._library = ctypes.CDLL(str(library))
        self._mathematics = ctypes.CDLL(ctypes.util.find_library("m"))

    def apply(self, operation: Operation, a: U64Array, b: U64Array, c: U64Array) -> U64Array:
        """What the routine gives for each a0, a1, a2."""
        results = np.empty_like(a)
        routine = getattr(self._library, operation.routine)
        self._library.apply(routine, *_arguments(a, b, c, results))
        return results

    def fused_double(self, a: NDArray, b: NDArray, c: NDArray) -> NDArray:
        """The C library's `fma`."""
        results = np.empty_like(a)
        self._library.apply_double(self._mathematics.fma, *_arguments(a, b, c, results))
        return results

    def fused_single(self, a: NDArray, b: NDArray, c: NDArray) -> NDArray:
        """The C library's `fmaf`."""
        results = np.empty_like(a)
        self._library.apply_single(self._mathematics.fmaf, *_arguments(a, b, c, results))
        return results


def _arguments(*arrays: NDArray) -> tuple[object, ...]:
    if not all(array.flags.c_contiguous and array.shape == arrays[0].shape for array in arrays):
        raise ValueError("expected contiguous arrays of one shape")
    return ctypes.c_size_t(arrays[0].size), *(ctypes.c_void_p(array.ctypes.data) for array in arrays)
