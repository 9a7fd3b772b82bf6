"""Generator's distributions of vectors."""

from typing import Any

from numba.core import errors

from truestep.guest.python.compiler.randomness.overloading import implement_method
from truestep.guest.python.compiler.randomness.owners import Generator, bits_of
from truestep.guest.python.compiler.randomness.vectors import (
    dirichlet_function,
    hypergeometric_function,
    literal,
    multinomial_function,
    normal_function,
)

_NAMES = {"bits_of": bits_of}
_BITS = "    bits = bits_of(self)\n"


def install_vectors() -> None:
    """Register the methods."""
    implement_method(Generator, "multinomial", _multinomial)
    implement_method(Generator, "dirichlet", _dirichlet)
    implement_method(Generator, "multivariate_hypergeometric", _multivariate_hypergeometric)
    implement_method(Generator, "multivariate_normal", _multivariate_normal)


def _multinomial(self: Any, n: Any, pvals: Any, size: Any = None) -> Any:
    del self
    head = f"def draw(self, n, pvals, size=None):\n{_BITS}"
    return multinomial_function(head, n, pvals, size, _NAMES)


def _dirichlet(self: Any, alpha: Any, size: Any = None) -> Any:
    del self
    return dirichlet_function(f"def draw(self, alpha, size=None):\n{_BITS}", alpha, size, False, _NAMES)


def _multivariate_hypergeometric(
    self: Any, colors: Any, nsample: Any, size: Any = None, method: Any = "marginals"
) -> Any:
    del self
    head = f"def draw(self, colors, nsample, size=None, method='marginals'):\n{_BITS}"
    return hypergeometric_function(head, colors, nsample, size, method, _NAMES)


def _multivariate_normal(
    self: Any,
    mean: Any,
    cov: Any,
    size: Any = None,
    check_valid: Any = "warn",
    tol: Any = 1e-8,
    method: Any = "svd",
) -> Any:
    del self, check_valid, tol
    chosen = literal(method)
    if chosen not in {"svd", "eigh", "cholesky"}:
        raise errors.TypingError(
            "a guest has multivariate_normal by svd, eigh and cholesky; pass one as method="
        )
    head = f"def draw(self, mean, cov, size=None, check_valid='warn', tol=1e-8, method='svd'):\n{_BITS}"
    return normal_function(head, mean, cov, size, _NAMES, chosen)
