"""np.linalg by the C of the guest's runtime, compiled for this computer."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from truestep.guest.python.runtime import RUNTIME_DIRECTORY
from truestep.guest.toolchain import find_toolchain

_STANDARD_HEADERS = "#include <stddef.h>\n#include <stdint.h>\n#include <stdlib.h>\n#include <string.h>\n"
_ALLOCATE = "#include <stdlib.h>\nvoid *truestep_allocate(size_t size) { return malloc(size); }\n"
_FLAGS = ("-shared", "-fPIC", "-O1", "-ffp-contract=off", "-fcx-limited-range", "-fno-sanitize=all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Routines:
    """The loaded library; its methods have the arguments of NumPy's functions, and their results."""

    library: ctypes.CDLL

    def svd(self, a: np.ndarray, *, full: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """u, s and the conjugate transpose of v."""
        rows, columns = a.shape
        shorter = min(rows, columns)
        u_columns, v_columns = (rows, columns) if full else (shorter, shorter)
        s, u = np.empty(shorter), np.empty((u_columns, rows), a.dtype)
        v = np.empty((v_columns, columns), a.dtype)
        work = _by_columns(a if rows >= columns else a.conj().T)
        assert self._call("svd", a, 1, rows, columns, work, s, u_columns, u, v_columns, v) == 0
        return u.T, s, v.conj()

    def eigh(self, a: np.ndarray, triangle: str) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors by one triangle."""
        size = len(a)
        w, v = np.empty(size), np.empty((size, size), a.dtype)
        assert self._call("eigh", a, 1, size, triangle == "U", 1, _by_columns(a), w, v) == 0
        return w, v.T

    def eig(self, a: np.ndarray, *, wants_vectors: bool) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues, and eigenvectors if they are wanted."""
        size = len(a)
        w, v = np.empty(size, np.complex128), np.zeros((size, size), np.complex128)
        assert self._call("eig", a, 1, size, wants_vectors, _by_columns(a), w, v) == 0
        return w, v.T

    def solve(self, a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
        """x with a x = b; None if a is singular."""
        x = _by_columns(b)
        failed = self._call("solve", a, 1, len(a), b.shape[1], _by_columns(a), x)
        return None if failed else x.reshape(b.shape[::-1]).T

    def slogdet(self, a: np.ndarray) -> tuple[Any, Any]:
        """Sign and logarithm of the determinant."""
        sign, logarithm = np.empty(1, a.dtype), np.empty(1)
        self._call("determinant", a, 1, len(a), _by_columns(a), sign, logarithm)
        return sign[0], logarithm[0]

    def cholesky(self, a: np.ndarray) -> np.ndarray | None:
        """The lower factor; None if a is not positive definite."""
        work = _by_columns(a)
        failed = self._call("cholesky", a, 1, len(a), work)
        return None if failed else work.reshape(a.shape).T

    def qr(self, a: np.ndarray, *, is_complete: bool) -> tuple[np.ndarray, np.ndarray]:
        """q and r."""
        rows, columns = a.shape
        wanted = rows if is_complete else min(rows, columns)
        work, tau = _by_columns(a), np.empty(min(rows, columns), a.dtype)
        q, r = np.empty((wanted, rows), a.dtype), np.empty((columns, wanted), a.dtype)
        self._call("qr", a, 1, rows, columns, work, tau)
        self._call("q", a, 1, rows, columns, work, tau, wanted, q)
        self._call("r", a, 1, rows, columns, work, wanted, r)
        return q.T, r.T

    def lstsq(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
        """x, what is left, the rank and the singular values."""
        rows, columns = a.shape
        x, rank = np.empty((b.shape[1], columns), a.dtype), np.zeros(1, np.int64)
        s, residuals = np.empty(min(rows, columns)), np.empty(b.shape[1])
        work = _by_columns(a if rows >= columns else a.conj().T)
        limit = ctypes.c_double(np.finfo(np.float64).eps * max(rows, columns))
        right = _by_columns(b)
        call = (rows, columns, b.shape[1], work, right, x, s, residuals, limit, rank)
        assert self._call("least_squares", a, *call) == 0
        return x.T, residuals, int(rank[0]), s

    def pinv(self, a: np.ndarray) -> np.ndarray:
        """The inverse by singular values."""
        rows, columns = a.shape
        out = np.empty((rows, columns), a.dtype)
        work = _by_columns(a if rows >= columns else a.conj().T)
        assert self._call("pseudo_inverse", a, 1, rows, columns, work, ctypes.c_double(1e-15), out) == 0
        return out.T

    def _call(self, name: str, a: np.ndarray, *arguments: Any) -> int:
        letter = "z" if np.iscomplexobj(a) else "d"
        return self.library[f"{letter}_truestep_{name}"](*map(_argument, arguments))


def _argument(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.ctypes.data_as(ctypes.c_void_p)
    return value if isinstance(value, ctypes.c_double) else ctypes.c_int64(value)


def _by_columns(a: np.ndarray) -> np.ndarray:
    return np.asfortranarray(a).ravel("K").copy()


def compile_routines(directory: Path) -> Routines:
    """Compile and load the routines."""
    (directory / "truestep.h").write_text(_STANDARD_HEADERS)
    (directory / "allocate.c").write_text(_ALLOCATE)
    sources = [str(path) for path in sorted(RUNTIME_DIRECTORY.glob("linear_*.c"))]
    find_toolchain().run(
        "cc", *_FLAGS, f"-I{directory}", "allocate.c", *sources, "-lm", "-o", "linear.so", directory=directory
    )
    return Routines(library=ctypes.CDLL(str(directory / "linear.so")))
