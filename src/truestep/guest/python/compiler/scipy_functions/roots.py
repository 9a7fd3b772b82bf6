"""scipy.optimize: roots and minima of functions of one number, in SciPy's steps."""

# pyright: basic
# What Numba compiles has no types of Python.

import math
from typing import Any, NamedTuple

import numpy as np

_STEP = 1e-4
_GOLDEN = 0.5 * (3.0 - math.sqrt(5.0))
_ROOT_OF_EPSILON = math.sqrt(2.2e-16)
_RTOL = 4 * float(np.finfo(np.float64).eps)


class Minimum(NamedTuple):
    """What `minimize_scalar` returns."""

    x: float
    fun: float
    nfev: int
    success: bool


def brentq(
    f: Any, a: Any, b: Any, args: Any = (), xtol: Any = 2e-12, rtol: Any = _RTOL, maxiter: Any = 100
) -> Any:
    """`scipy.optimize.brentq`: Brent's method (Algorithms for Minimization Without Derivatives, 1973)."""
    x0, x1, block = float(a), float(b), 0.0
    f0, f1, f_block = float(f(x0, *args)), float(f(x1, *args)), 0.0
    step, before = 0.0, 0.0
    _check_bracket(f0, f1)
    if f0 == 0.0:
        return x0
    if f1 == 0.0:
        return x1
    for _ in range(maxiter):
        if f0 != 0.0 and f1 != 0.0 and (f0 < 0.0) != (f1 < 0.0):
            block, f_block = x0, f0
            step = before = x1 - x0
        if abs(f_block) < abs(f1):
            x0, x1, block = x1, block, x1
            f0, f1, f_block = f1, f_block, f1
        delta = (xtol + rtol * abs(x1)) / 2
        half = (block - x1) / 2
        if f1 == 0.0 or abs(half) < delta:
            return x1
        before, step = _brent_step((x0, x1, block), (f0, f1, f_block), before, step, delta, half)
        x0, f0 = x1, f1
        if abs(step) > delta:
            x1 += step
        else:
            x1 += delta if half > 0 else -delta
        f1 = float(f(x1, *args))
    raise RuntimeError("Failed to converge")


def _brent_step(points: Any, values: Any, before: Any, step: Any, delta: Any, half: Any) -> Any:
    """The last step and the next one: by interpolation if that is short enough, else by bisection."""
    x0, x1, block = points
    f0, f1, f_block = values
    if abs(before) > delta and abs(f1) < abs(f0):
        if x0 == block:
            tried = -f1 * (x1 - x0) / (f1 - f0)
        else:
            d0 = (f0 - f1) / (x0 - x1)
            d_block = (f_block - f1) / (block - x1)
            tried = -f1 * (f_block * d_block - f0 * d0) / (d_block * d0 * (f_block - f0))
        if 2 * abs(tried) < min(abs(before), 3 * abs(half) - delta):
            return step, tried
    return half, half


def bisect(
    f: Any, a: Any, b: Any, args: Any = (), xtol: Any = 2e-12, rtol: Any = _RTOL, maxiter: Any = 100
) -> Any:
    """`scipy.optimize.bisect`."""
    low = float(a)
    f_low, f_high = float(f(low, *args)), float(f(float(b), *args))
    _check_bracket(f_low, f_high)
    if f_low == 0.0:
        return low
    if f_high == 0.0:
        return float(b)
    width = float(b) - low
    for _ in range(maxiter):
        width *= 0.5
        middle = low + width
        value = float(f(middle, *args))
        if math.copysign(1.0, value) == math.copysign(1.0, f_low):
            low = middle
        if value == 0.0 or abs(width) < xtol + rtol * abs(middle):
            return middle
    raise RuntimeError("Failed to converge")


def _check_bracket(f_low: float, f_high: float) -> None:
    if f_low != 0.0 and f_high != 0.0 and (f_low < 0.0) == (f_high < 0.0):
        raise ValueError("f(a) and f(b) must have different signs")


def newton(  # noqa: PLR0913, PLR0917 - SciPy's arguments
    func: Any,
    x0: Any,
    fprime: Any = None,
    args: Any = (),
    tol: Any = 1.48e-8,
    maxiter: Any = 50,
    fprime2: Any = None,
    x1: Any = None,
    rtol: Any = 0.0,
) -> Any:
    """`scipy.optimize.newton` from one number: Newton's, Halley's or the secant method."""
    if fprime is None:
        return _secant(func, 1.0 * x0, x1, args, tol, maxiter, rtol)
    point = 1.0 * x0
    for _ in range(maxiter):
        value = func(point, *args)
        if value == 0:
            return point
        slope = fprime(point, *args)
        if slope == 0:
            raise RuntimeError("Derivative was zero. Failed to converge")
        step = value / slope
        if fprime2 is not None:
            bend = step * fprime2(point, *args) / slope / 2
            if abs(bend) < 1:
                step /= 1.0 - bend
        after = point - step
        if abs(after - point) <= tol + rtol * abs(point):
            return after
        point = after
    raise RuntimeError("Failed to converge")


def _secant(func: Any, x0: Any, x1: Any, args: Any, tol: Any, maxiter: Any, rtol: Any) -> Any:
    if x1 is None:
        second = x0 * (1 + _STEP)
        second += _STEP if second >= 0 else -_STEP
    else:
        second = 1.0 * x1
    first = x0
    f0, f1 = func(first, *args), func(second, *args)
    if abs(f1) < abs(f0):
        first, second, f0, f1 = second, first, f1, f0
    for _ in range(maxiter):
        if f1 == f0:
            if second != first:
                raise RuntimeError("Tolerance reached. Failed to converge")
            return (second + first) / 2.0
        if abs(f1) > abs(f0):
            after = (-f0 / f1 * second + first) / (1 - f0 / f1)
        else:
            after = (-f1 / f0 * first + second) / (1 - f1 / f0)
        if abs(after - second) <= tol + rtol * abs(second):
            return after
        first, f0 = second, f1
        second = after
        f1 = func(second, *args)
    raise RuntimeError("Failed to converge")


def fminbound(func: Any, x1: Any, x2: Any, args: Any = (), xtol: Any = 1e-5, maxfun: Any = 500) -> Any:
    """`scipy.optimize.fminbound`."""
    return _bounded(func, float(x1), float(x2), args, xtol, maxfun)[0]


def minimize_scalar(
    fun: Any, bracket: Any = None, bounds: Any = None, args: Any = (), method: Any = None, tol: Any = None
) -> Any:
    """`scipy.optimize.minimize_scalar` within bounds, as a tuple with names."""
    del bracket
    if bounds is None or (method is not None and method != "bounded"):
        raise ValueError("a guest's minimize_scalar needs bounds=(a, b), with method='bounded' or none")
    x, value, calls = _bounded(
        fun, float(bounds[0]), float(bounds[1]), args, 1e-5 if tol is None else tol, 500
    )
    return Minimum(x, value, calls, calls < 500)


def _bounded(func: Any, a: Any, b: Any, args: Any, tolerance: Any, calls_max: Any) -> Any:
    """Brent's method within bounds: golden sections, and parabolas where they are short."""
    third = a + _GOLDEN * (b - a)
    second, best = third, third
    step, before = 0.0, 0.0
    f_best = float(func(best, *args))
    f_third, f_second, calls = f_best, f_best, 1
    middle = 0.5 * (a + b)
    near = _ROOT_OF_EPSILON * abs(best) + tolerance / 3.0
    while abs(best - middle) > 2.0 * near - 0.5 * (b - a):
        is_golden = True
        if abs(before) > near:
            r = (best - second) * (f_best - f_third)
            q = (best - third) * (f_best - f_second)
            p = (best - third) * q - (best - second) * r
            q = 2.0 * (q - r)
            if q > 0.0:
                p = -p
            q = abs(q)
            r, before = before, step
            if abs(p) < abs(0.5 * q * r) and p > q * (a - best) and p < q * (b - best):
                is_golden = False
                step = (p + 0.0) / q
                x = best + step
                if x - a < 2.0 * near or b - x < 2.0 * near:
                    step = near if middle - best >= 0 else -near
        if is_golden:
            before = a - best if best >= middle else b - best
            step = _GOLDEN * before
        x = best + (1.0 if step >= 0 else -1.0) * max(abs(step), near)
        value = float(func(x, *args))
        calls += 1
        if value <= f_best:
            a, b = (best, b) if x >= best else (a, best)
            third, f_third, second, f_second = second, f_second, best, f_best
            best, f_best = x, value
        else:
            a, b = (x, b) if x < best else (a, x)
            if value <= f_second or second == best:
                third, f_third, second, f_second = second, f_second, x, value
            elif value <= f_third or third in (best, second):
                third, f_third = x, value
        middle = 0.5 * (a + b)
        near = _ROOT_OF_EPSILON * abs(best) + tolerance / 3.0
        if calls >= calls_max:
            break
    return best, f_best, calls
