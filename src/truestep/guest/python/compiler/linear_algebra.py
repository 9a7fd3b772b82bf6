"""np.dot, `@` and np.linalg without BLAS: Numba's own code calls the routines of the guest's runtime."""

from numba.np import linalg


def install_linear_algebra() -> None:
    """Numba looks for SciPy's BLAS and LAPACK: a guest has neither, and needs neither."""
    linalg.ensure_blas = linalg.ensure_lapack = _nothing


def _nothing() -> None:
    """The runtime has the routines (guest/c/python/lapack*.c)."""
