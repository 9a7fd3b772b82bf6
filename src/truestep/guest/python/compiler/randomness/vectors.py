"""Distributions of vectors: multinomial, dirichlet, multivariate_hypergeometric, multivariate_normal."""

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness import generator_draws
from truestep.guest.python.compiler.randomness.counts import binomial
from truestep.guest.python.compiler.randomness.drawing import function_from, is_array, is_integer, is_size
from truestep.guest.python.compiler.randomness.draws import standard_gamma
from truestep.guest.python.compiler.randomness.sources import standard_normal
from truestep.guest.python.compiler.sums import is_none

_SMALL_ALPHA = 0.1
"""Generator.dirichlet breaks a stick if no parameter is larger."""
_SUM_TOLERANCE = 1e-12


@register_jitable
def check_shares(pvals: Any) -> None:
    """Raises ValueError if multinomial refuses the probabilities."""
    total = 0.0
    for index in range(len(pvals)):
        share = pvals[index]
        if not 0.0 <= share <= 1.0:
            raise ValueError("pvals < 0, pvals > 1 or pvals contains NaNs")
        if index < len(pvals) - 1:
            total += share
    if total > 1.0 + _SUM_TOLERANCE:
        raise ValueError("sum(pvals[:-1]) > 1.0")


@register_jitable
def multinomial_row(bits: Any, n: int, pvals: Any, row: Any) -> None:
    """How often each of several outcomes happens in `n` trials."""
    left = n
    share_left = 1.0
    row[:] = 0
    for index in range(len(pvals) - 1):
        row[index] = binomial(bits, left, pvals[index] / share_left)
        left -= row[index]
        if left <= 0:
            return
        share_left -= pvals[index]
    row[len(pvals) - 1] = left


@register_jitable
def check_alpha(alpha: Any) -> None:
    """Raises ValueError if dirichlet refuses a parameter."""
    for parameter in alpha:
        if parameter < 0.0:
            raise ValueError("alpha < 0")


@register_jitable
def check_alpha_of_random_state(alpha: Any) -> None:
    """Raises ValueError if RandomState's dirichlet refuses a parameter."""
    for parameter in alpha:
        if parameter <= 0.0:
            raise ValueError("alpha <= 0")


@register_jitable
def gamma_shares(bits: Any, alpha: Any, row: Any) -> None:
    """Gamma numbers divided by their sum."""
    total = 0.0
    for index in range(len(alpha)):
        row[index] = standard_gamma(bits, alpha[index])
        total += row[index]
    inverse = 1.0 / total
    for index in range(len(alpha)):
        row[index] *= inverse


@register_jitable
def dirichlet_row(bits: Any, alpha: Any, row: Any) -> None:
    """Generator.dirichlet's: beta numbers break a stick if all parameters are small."""
    count = len(alpha)
    largest = 0.0
    for parameter in alpha:
        largest = max(largest, parameter)
    if count == 0 or largest >= _SMALL_ALPHA:
        gamma_shares(bits, alpha, row)
        return
    rest = np.empty(count)
    total = 0.0
    for index in range(count - 1, -1, -1):
        total += alpha[index]
        rest[index] = total
    stick = 1.0
    row[:] = 0.0
    for index in range(count - 1):
        piece = generator_draws.beta(bits, alpha[index], rest[index + 1])
        row[index] = stick * piece
        stick *= 1.0 - piece
        if rest[index + 1] == 0.0:
            return
    row[count - 1] = stick


@register_jitable
def check_colors(colors: Any, nsample: int) -> None:
    """Raises ValueError if multivariate_hypergeometric refuses its parameters."""
    total = 0
    for color in colors:
        if color < 0:
            raise ValueError("colors must be nonnegative")
        total += color
    if nsample < 0 or nsample > total:
        raise ValueError("nsample > sum(colors) or nsample < 0")
    if total >= 1_000_000_000:
        raise ValueError("sum(colors) must be less than 1000000000")


@register_jitable
def hypergeometric_row(bits: Any, nsample: int, colors: Any, row: Any) -> None:
    """How many of each colour are drawn, colour by colour."""
    total = 0
    for color in colors:
        total += color
    is_inverted = nsample > total // 2
    to_draw = total - nsample if is_inverted else nsample
    row[:] = 0
    left = total
    for index in range(len(colors) - 1):
        if to_draw <= 0:
            break
        left -= colors[index]
        row[index] = generator_draws.hypergeometric(bits, colors[index], left, to_draw)
        to_draw -= row[index]
    if to_draw > 0:
        row[len(colors) - 1] = to_draw
    if is_inverted:
        for index in range(len(colors)):
            row[index] = colors[index] - row[index]


def rows_function(head: str, vector: str, size: Any, dtype: str, lines: str, call: str, names: Any) -> Any:
    """A function that draws one row as long as `vector`, or an array of them.

    `lines` come first and may refuse the parameters; `call` fills `row`.
    """
    body = f"{head}    width = len({vector})\n{lines}"
    if is_none(size):
        body += f"    row = np.empty(width, {dtype})\n    {call}\n    return row\n"
    else:
        shape = "(size, width)" if is_integer(size) else "size + (width,)"
        body += f"    out = np.empty({shape}, {dtype})\n    rows = out.reshape((-1, width))\n"
        body += f"    for row in rows:\n        {call}\n    return out\n"
    return function_from(body, {**names, "np": np})


def multinomial_function(head: str, n: Any, pvals: Any, size: Any, names: Any) -> Any:
    """Multinomial for one n and one row of probabilities."""
    if not (is_integer(n) and _is_row(pvals) and is_size(size)):
        return None
    lines = (
        "    shares = np.asarray(pvals).astype(np.float64)\n    check(shares)\n"
        "    if n < 0:\n        raise ValueError('n < 0')\n"
    )
    names = {**names, "check": check_shares, "draw_row": multinomial_row}
    return rows_function(head, "pvals", size, "np.int64", lines, "draw_row(bits, n, shares, row)", names)


def dirichlet_function(head: str, alpha: Any, size: Any, is_legacy: bool, names: Any) -> Any:
    """Dirichlet for one row of parameters."""
    if not (_is_row(alpha) and is_size(size)):
        return None
    check, draw_row = (
        (check_alpha_of_random_state, gamma_shares) if is_legacy else (check_alpha, dirichlet_row)
    )
    lines = "    parameters = np.asarray(alpha).astype(np.float64)\n    check(parameters)\n"
    names = {**names, "check": check, "draw_row": draw_row}
    return rows_function(head, "alpha", size, "np.float64", lines, "draw_row(bits, parameters, row)", names)


def hypergeometric_function(head: str, colors: Any, nsample: Any, size: Any, method: Any, names: Any) -> Any:
    """multivariate_hypergeometric by marginals."""
    if literal(method) != "marginals":
        raise errors.TypingError("a guest has multivariate_hypergeometric only with method='marginals'")
    if not (_is_row(colors) and is_integer(nsample) and is_size(size)):
        return None
    lines = "    counts = np.asarray(colors).astype(np.int64)\n    check(counts, nsample)\n"
    names = {**names, "check": check_colors, "draw_row": hypergeometric_row}
    call = "draw_row(bits, nsample, counts, row)"
    return rows_function(head, "colors", size, "np.int64", lines, call, names)


_FACTORS = {
    "cholesky": "    transposed = np.ascontiguousarray(np.linalg.cholesky(cov_).T)\n",
    "svd": (
        "    u, s, vh = np.linalg.svd(cov_)\n    transposed = np.ascontiguousarray((u * np.sqrt(s)).T)\n"
    ),
    "eigh": (
        "    s, u = np.linalg.eigh(cov_)\n    transposed = np.ascontiguousarray((u * np.sqrt(np.abs(s))).T)\n"
    ),
    "legacy": (
        "    u, s, vh = np.linalg.svd(cov_)\n"
        "    transposed = np.ascontiguousarray(np.sqrt(s).reshape(-1, 1) * vh)\n"
    ),
}
"""Lines that make the factor by which normal numbers are multiplied, by the method; RandomState has one."""


def normal_function(head: str, mean: Any, cov: Any, size: Any, names: Any, method: str) -> Any:
    """Multivariate_normal by a factor of the covariance."""
    if isinstance(cov, types.BaseTuple):
        raise errors.TypingError("a guest has multivariate_normal for arrays and lists: write np.array(cov)")
    fits = isinstance(cov, types.List) or (isinstance(cov, types.Array) and cov.ndim == 2)
    if not (_is_row(mean) and fits and is_size(size)):
        return None
    lines = (
        "    cov_ = np.ascontiguousarray(np.array(cov)).astype(np.float64)\n"
        "    means = np.asarray(mean).astype(np.float64)\n    check(means, cov_)\n" + _FACTORS[method]
    )
    names = {**names, "check": check_covariance, "draw_row": normal_row}
    call = "draw_row(bits, means, transposed, row)"
    return rows_function(head, "mean", size, "np.float64", lines, call, names)


@register_jitable
def check_covariance(mean: Any, cov: Any) -> None:
    """Raises ValueError if the shapes do not fit."""
    if cov.shape[0] != cov.shape[1]:
        raise ValueError("cov must be 2 dimensional and square")
    if cov.shape[0] != len(mean):
        raise ValueError("mean and cov must have same length")


@register_jitable
def normal_row(bits: Any, mean: Any, transposed: Any, row: Any) -> None:
    """Normal numbers, multiplied by a factor of the covariance."""
    count = len(mean)
    normals = np.empty(count)
    for index in range(count):
        normals[index] = standard_normal(bits)
    for column in range(count):
        total = 0.0
        for index in range(count):
            total += normals[index] * transposed[index, column]
        row[column] = mean[column] + total


def literal(kind: Any) -> Any:
    """The value of an argument that is known when compiling."""
    return getattr(kind, "literal_value", getattr(kind, "value", kind))


def _is_row(kind: Any) -> bool:
    return is_array(kind) and getattr(kind, "ndim", 1) == 1
