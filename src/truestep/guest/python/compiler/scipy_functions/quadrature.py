"""scipy.integrate.quad: QUADPACK's QAGS and QAGI, and rules for samples.

The algorithms are those of Piessens, de Doncker-Kapenga, Überhuber and Kahaner, QUADPACK (Springer, 1983):
rules of Gauss and Kronrod, halving of the interval with the largest error, and Wynn's epsilon algorithm.
"""

# pyright: basic
# What Numba compiles has no types of Python.

import math
from typing import Any

import numpy as np

from truestep.guest.python.compiler.scipy_functions.epsilon_algorithm import LARGEST, extrapolated

_EPSILON = float(np.finfo(np.float64).eps)
_SMALLEST = float(np.finfo(np.float64).tiny)

_NODES_21 = np.array([
    0.9956571630258081, 0.9739065285171717, 0.9301574913557082,
    0.8650633666889845, 0.7808177265864169, 0.6794095682990244,
    0.5627571346686047, 0.4333953941292472, 0.2943928627014602,
    0.14887433898163122, 0.0,
])  # fmt: skip
_WEIGHTS_21 = np.array([
    0.011694638867371874, 0.032558162307964725, 0.054755896574351995,
    0.07503967481091996, 0.0931254545836976, 0.10938715880229764,
    0.12349197626206584, 0.13470921731147334, 0.14277593857706009,
    0.14773910490133849, 0.1494455540029169,
])  # fmt: skip
_GAUSS_10 = np.array([
    0.06667134430868814, 0.1494513491505806, 0.21908636251598204,
    0.26926671930999635, 0.29552422471475287,
])  # fmt: skip
_NODES_15 = np.array([
    0.9914553711208126, 0.9491079123427585, 0.8648644233597691,
    0.7415311855993945, 0.5860872354676911, 0.4058451513773972,
    0.20778495500789848, 0.0,
])  # fmt: skip
_WEIGHTS_15 = np.array([
    0.022935322010529224, 0.06309209262997856, 0.10479001032225019,
    0.14065325971552592, 0.1690047266392679, 0.19035057806478542,
    0.20443294007529889, 0.20948214108472782,
])  # fmt: skip
_GAUSS_7 = np.array([
    0.1294849661688697, 0.27970539148927664, 0.3818300505051189,
    0.4179591836734694,
])  # fmt: skip


def quad(
    func: Any, a: Any, b: Any, args: Any = (), epsabs: Any = 1.49e-8, epsrel: Any = 1.49e-8, limit: Any = 50
) -> Any:
    """`scipy.integrate.quad`: the integral and an estimate of its error."""
    low, high = float(a), float(b)
    if low == high:
        return 0.0, 0.0
    is_finite = math.isfinite(low) and math.isfinite(high)
    if is_finite:
        return _adaptive((func, args, 0, 0.0), low, high, epsabs, epsrel, limit)
    if low > high:
        found, error = _infinite(func, high, low, args, epsabs, epsrel, limit)
        return -found, error
    return _infinite(func, low, high, args, epsabs, epsrel, limit)


def _infinite(func: Any, low: Any, high: Any, args: Any, epsabs: Any, epsrel: Any, limit: Any) -> Any:
    if math.isfinite(low):
        return _adaptive((func, args, 1, low), 0.0, 1.0, epsabs, epsrel, limit)
    if math.isfinite(high):
        return _adaptive((func, args, -1, high), 0.0, 1.0, epsabs, epsrel, limit)
    return _adaptive((func, args, 2, 0.0), 0.0, 1.0, epsabs, epsrel, limit)


def _adaptive(integrand: Any, a: Any, b: Any, epsabs: Any, epsrel: Any, limit: Any) -> Any:
    """The integral from a to b of (function, its other arguments, kind of range, end of the range).

    The kind is 0 for the function itself. All others are for infinite ranges, which become (0, 1).
    """
    result, error, size, spread = _rule(integrand, a, b)
    wanted = max(epsabs, epsrel * abs(result))
    is_rounded = error <= 100 * _EPSILON * size and error > wanted
    if limit == 1 or is_rounded or (error <= wanted and error != spread) or error == 0.0:
        return result, error
    parts = np.zeros((limit + 1, 4))  # begin, end, integral, error; the first row is not used
    parts[1] = np.array([a, b, result, error])
    order = np.zeros(limit + 2, np.int64)
    order[1] = 1
    last, found, found_error = _bisect(integrand, parts, order, epsabs, epsrel)
    if math.isnan(found):
        total = 0.0
        for place in range(1, last + 1):
            total += parts[place, 2]
        return total, found_error
    return found, found_error


def _bisect(integrand: Any, parts: Any, order: Any, epsabs: Any, epsrel: Any) -> Any:
    """Halve the worst parts. Returns how many there are, and what was extrapolated: NaN for their sum."""
    limit = len(parts) - 1
    table, last_results = np.zeros(53), np.zeros(4)
    area, errors, worst, worst_error = parts[1, 2], parts[1, 3], 1, parts[1, 3]
    table[1], count, calls, rounds = area, 2, 0, 0
    result, error, correction = area, LARGEST, 0.0
    place, last = 1, 1
    state = np.zeros(
        5
    )  # roundings before and during extrapolation, growing errors, the smallest part, errors of larger
    is_extrapolating, is_final, is_rough, code = False, False, False, 0
    aim = max(epsabs, epsrel * abs(area))
    width = abs(parts[1, 1] - parts[1, 0])
    while last < limit:
        last += 1
        previous = worst_error
        change = _halved(integrand, parts, worst, last, state, is_extrapolating)
        errors += change[1] - worst_error
        area += change[0]
        code = _state_code(state, last, limit, change[3], code)
        is_rough = is_rough or state[1] >= 5
        wanted = max(epsabs, epsrel * abs(area))
        worst, worst_error, place = _sorted_in(parts, order, last, worst, place, limit)
        if errors <= wanted:
            return last, math.nan, errors
        if code != 0:
            break
        if last == 2:
            state[3], state[4], aim, table[2] = width * 0.375, errors, wanted, area
            continue
        if is_final:
            continue
        state[4] -= previous
        if change[2] > state[3]:
            state[4] += change[1]
        if not is_extrapolating:
            if abs(parts[worst, 1] - parts[worst, 0]) > state[3]:
                continue
            is_extrapolating, place = True, 2
        if not is_rough and state[4] > aim:
            worst, worst_error, place, is_larger = _next_large(parts, order, last, place, limit, state[3])
            if is_larger:
                continue
        count += 1
        table[count] = area
        count, guess, guess_error, calls = extrapolated(count, table, last_results, calls)
        rounds += 1
        if rounds > 5 and error < 1e-3 * errors:
            code = 5
        if guess_error < error:
            rounds, error, result, correction = 0, guess_error, guess, state[4]
            aim = max(epsabs, epsrel * abs(guess))
            if error <= aim:
                break
        is_final = is_final or count == 1
        if code == 5:
            break
        worst, place, is_extrapolating = order[1], 1, False
        worst_error, state[3], state[4] = parts[worst, 3], state[3] * 0.5, errors
    return last, *_chosen(result, error, correction, area, errors, code, is_rough)


def _chosen(
    result: Any, error: Any, correction: Any, area: Any, errors: Any, code: Any, is_rough: Any
) -> Any:
    """What was extrapolated and its error, or NaN and the error of the sum if that is the better one."""
    if error == LARGEST:
        return math.nan, errors
    if code != 0 or is_rough:
        if is_rough:
            error += correction
        if result != 0.0 and area != 0.0:
            if error / abs(result) > errors / abs(area):
                return math.nan, errors
        elif error > errors:
            return math.nan, errors
    return result, error


def _halved(integrand: Any, parts: Any, worst: Any, last: Any, state: Any, is_extrapolating: Any) -> Any:
    """Integrate both halves of a part.

    Returns the change of the integral, the new error, the new width, and whether that is too small.
    """
    begin, end = parts[worst, 0], parts[worst, 1]
    middle = 0.5 * (begin + end)
    left, left_error, _, left_spread = _rule(integrand, begin, middle)
    right, right_error, _, right_spread = _rule(integrand, middle, end)
    both, error = left + right, left_error + right_error
    before, before_error = parts[worst, 2], parts[worst, 3]
    if left_spread != left_error and right_spread != right_error:
        if abs(before - both) <= 1e-5 * abs(both) and error >= 0.99 * before_error:
            state[1 if is_extrapolating else 0] += 1
        if last > 10 and error > before_error:
            state[2] += 1
    lower = np.array([begin, middle, left, left_error])
    upper = np.array([middle, end, right, right_error])
    if right_error > left_error:
        parts[worst], parts[last] = upper, lower
    else:
        parts[worst], parts[last] = lower, upper
    is_small = max(abs(begin), abs(end)) <= (1 + 100 * _EPSILON) * (abs(middle) + 1000 * _SMALLEST)
    return both - before, error, abs(middle - begin), is_small


def _state_code(state: Any, last: Any, limit: Any, is_small: Any, code: Any) -> Any:
    """Why to stop; 0 to go on."""
    if state[0] + state[1] >= 10 or state[2] >= 20:
        code = 2
    if last == limit:
        code = 1
    return 4 if is_small else code


def _sorted_in(parts: Any, order: Any, last: Any, worst: Any, place: Any, limit: Any) -> Any:
    """Keep the largest errors in order. Returns the next part to halve, its error and its place."""
    if last <= 2:
        order[1], order[2] = 1, 2
    else:
        largest, smallest = parts[worst, 3], parts[last, 3]
        while place > 1 and largest > parts[order[place - 1], 3]:
            order[place] = order[place - 1]
            place -= 1
        end = last if last <= limit // 2 + 2 else limit + 3 - last
        at = place + 1
        while at <= end - 1 and largest < parts[order[at], 3]:
            order[at - 1] = order[at]
            at += 1
        if at > end - 1:
            order[end - 1], order[end] = worst, last
        else:
            order[at - 1] = worst
            behind = end - 1
            while behind >= at and smallest >= parts[order[behind], 3]:
                order[behind + 1] = order[behind]
                behind -= 1
            order[behind + 1] = last
    worst = order[place]
    return worst, parts[worst, 3], place


def _next_large(parts: Any, order: Any, last: Any, place: Any, limit: Any, smallest: Any) -> Any:
    """The next part that is wider than the smallest ones, and whether there is one."""
    end = last if last <= 2 + limit // 2 else limit + 3 - last
    worst = order[place]
    for _ in range(place, end + 1):
        worst = order[place]
        if abs(parts[worst, 1] - parts[worst, 0]) > smallest:
            return worst, parts[worst, 3], place, True
        place += 1
    return worst, parts[worst, 3], place, False


def _rule(integrand: Any, a: Any, b: Any) -> Any:
    """By 21 or, on (0, 1), by 15 points: the integral, its error, and those of |f| and |f - mean|."""
    if integrand[2] != 0:
        return _points(integrand, a, b, _NODES_15, _WEIGHTS_15, _GAUSS_7)
    return _points(integrand, a, b, _NODES_21, _WEIGHTS_21, _GAUSS_10)


def _points(integrand: Any, a: Any, b: Any, nodes: Any, weights: Any, gauss: Any) -> Any:
    is_transformed = integrand[2] != 0
    half, centre = 0.5 * (b - a), 0.5 * (a + b)
    count = len(nodes) - 1
    middle = _value(integrand, centre)
    coarse = gauss[-1] * middle if is_transformed else 0.0
    fine = weights[count] * middle
    size = abs(fine)
    lower, upper = np.zeros(count), np.zeros(count)
    for step in range(count):
        # QAGS goes through the nodes of Gauss's rule first, QAGI through all of them in order.
        place = 2 * step + 1 if step < count // 2 else 2 * (step - count // 2)
        if is_transformed:
            place = step
        lower[place] = _value(integrand, centre - half * nodes[place])
        upper[place] = _value(integrand, centre + half * nodes[place])
        both = lower[place] + upper[place]
        if place % 2 == 1:
            coarse += gauss[place // 2] * both
        fine += weights[place] * both
        size += weights[place] * (abs(lower[place]) + abs(upper[place]))
    mean = 0.5 * fine
    spread = weights[count] * abs(middle - mean)
    for place in range(count):
        spread += weights[place] * (abs(lower[place] - mean) + abs(upper[place] - mean))
    width = abs(half)
    size, spread = size * width, spread * width
    error = abs((fine - coarse) * half)
    if spread != 0.0 and error != 0.0:
        error = spread * min(1.0, (200 * error / spread) ** 1.5)
    if size > _SMALLEST / (50 * _EPSILON):
        error = max(50 * _EPSILON * size, error)
    return fine * half, error, size, spread


def _value(integrand: Any, x: Any) -> Any:
    """The function, or for an infinite range that of t = (1 - x) / x, times its derivative."""
    func, args, kind, bound = integrand
    if kind == 0:
        return float(func(x, *args))
    t = (1.0 - x) / x
    if kind == 2:
        return (float(func(t, *args)) + float(func(-t, *args))) / x / x
    return float(func(bound + kind * t, *args)) / x / x
