"""np.dot, `@` and np.linalg without BLAS: Numba's code calls routines of the guest's runtime instead."""

from typing import Any

from numba.core import errors
from numba.np import linalg


def install_linear_algebra() -> None:
    """Keep Numba from looking for SciPy's BLAS and LAPACK, which a guest neither has nor needs."""
    linalg.ensure_blas = linalg.ensure_lapack = _nothing
    linalg._LAPACK.numba_ez_rgeev = classmethod(_no_general_eigenvalues)
    linalg._LAPACK.numba_ez_cgeev = classmethod(_no_general_eigenvalues)


def _nothing() -> None:
    """The runtime has the routines (guest/c/python/linear.c)."""


def _no_general_eigenvalues(routines: Any, dtype: Any) -> Any:
    del routines, dtype
    raise errors.TypingError(
        "a guest has no np.linalg.eig and eigvals, whose matrices need not be symmetric;"
        " use np.linalg.eigh and eigvalsh for a symmetric one"
    )
