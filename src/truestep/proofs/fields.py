"""The fields of BN254: the base field, its quadratic extension, and the field of degree twelve above it.

Values are tuples of ints. F2 is F[u] with u² = -1, F6 is F2[v] with v³ = 9 + u, F12 is F6[w] with w² = v.
"""

FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""Of the groups: what a scalar is below."""

F2 = tuple[int, int]
F6 = tuple[F2, F2, F2]
F12 = tuple[F6, F6]

ZERO2: F2 = (0, 0)
ONE2: F2 = (1, 0)
NON_RESIDUE: F2 = (9, 1)
"""v³: neither a square nor a cube of F2."""
_ZERO6: F6 = (ZERO2, ZERO2, ZERO2)
ONE12: F12 = ((ONE2, ZERO2, ZERO2), _ZERO6)


def add2(a: F2, b: F2) -> F2:
    """A + b."""
    return (a[0] + b[0]) % FIELD, (a[1] + b[1]) % FIELD


def subtract2(a: F2, b: F2) -> F2:
    """A - b."""
    return (a[0] - b[0]) % FIELD, (a[1] - b[1]) % FIELD


def multiply2(a: F2, b: F2) -> F2:
    """A · b, with three multiplications."""
    real, imaginary = a[0] * b[0], a[1] * b[1]
    cross = (a[0] + a[1]) * (b[0] + b[1])
    return (real - imaginary) % FIELD, (cross - real - imaginary) % FIELD


def square2(a: F2) -> F2:
    """a²."""
    return (a[0] + a[1]) * (a[0] - a[1]) % FIELD, 2 * a[0] * a[1] % FIELD


def scale2(a: F2, factor: int) -> F2:
    """A times a number of the base field."""
    return a[0] * factor % FIELD, a[1] * factor % FIELD


def invert2(a: F2) -> F2:
    """1 / a. Raises ValueError for zero."""
    inverse = pow(a[0] * a[0] + a[1] * a[1], -1, FIELD)
    return a[0] * inverse % FIELD, -a[1] * inverse % FIELD


def conjugate2(a: F2) -> F2:
    """A to the power of the field's characteristic."""
    return a[0], -a[1] % FIELD


def power2(a: F2, exponent: int) -> F2:
    """A to the power of a positive number."""
    result = ONE2
    for bit in bin(exponent)[2:]:
        result = square2(result)
        if bit == "1":
            result = multiply2(result, a)
    return result


def times_v(a: F2) -> F2:
    """A · (9 + u): what v³ is in F2."""
    return (9 * a[0] - a[1]) % FIELD, (9 * a[1] + a[0]) % FIELD


def _add6(a: F6, b: F6) -> F6:
    return add2(a[0], b[0]), add2(a[1], b[1]), add2(a[2], b[2])


def _subtract6(a: F6, b: F6) -> F6:
    return subtract2(a[0], b[0]), subtract2(a[1], b[1]), subtract2(a[2], b[2])


def _multiply6(a: F6, b: F6) -> F6:
    first, second, third = multiply2(a[0], b[0]), multiply2(a[1], b[1]), multiply2(a[2], b[2])
    high = subtract2(multiply2(add2(a[1], a[2]), add2(b[1], b[2])), add2(second, third))
    low = subtract2(multiply2(add2(a[0], a[1]), add2(b[0], b[1])), add2(first, second))
    outer = subtract2(multiply2(add2(a[0], a[2]), add2(b[0], b[2])), add2(first, third))
    return add2(first, times_v(high)), add2(low, times_v(third)), add2(outer, second)


def _shift6(a: F6) -> F6:
    """A · v."""
    return times_v(a[2]), a[0], a[1]


def _invert6(a: F6) -> F6:
    first = subtract2(square2(a[0]), times_v(multiply2(a[1], a[2])))
    second = subtract2(times_v(square2(a[2])), multiply2(a[0], a[1]))
    third = subtract2(square2(a[1]), multiply2(a[0], a[2]))
    mixed = times_v(add2(multiply2(a[2], second), multiply2(a[1], third)))
    inverse = invert2(add2(multiply2(a[0], first), mixed))
    return multiply2(first, inverse), multiply2(second, inverse), multiply2(third, inverse)


def multiply12(a: F12, b: F12) -> F12:
    """A · b."""
    low, high = _multiply6(a[0], b[0]), _multiply6(a[1], b[1])
    cross = _multiply6(_add6(a[0], a[1]), _add6(b[0], b[1]))
    return _add6(low, _shift6(high)), _subtract6(cross, _add6(low, high))


def square12(a: F12) -> F12:
    """a², with two multiplications in F6."""
    mixed = _multiply6(a[0], a[1])
    both = _multiply6(_add6(a[0], a[1]), _add6(a[0], _shift6(a[1])))
    return _subtract6(both, _add6(mixed, _shift6(mixed))), _add6(mixed, mixed)


def conjugate12(a: F12) -> F12:
    """A to the power of the characteristic to the sixth."""
    return a[0], _subtract6(_ZERO6, a[1])


def invert12(a: F12) -> F12:
    """1 / a. Raises ValueError for zero."""
    norm = _subtract6(_multiply6(a[0], a[0]), _shift6(_multiply6(a[1], a[1])))
    inverse = _invert6(norm)
    return _multiply6(a[0], inverse), _subtract6(_ZERO6, _multiply6(a[1], inverse))


def power12(a: F12, exponent: int) -> F12:
    """A to the power of a positive number, four bits at a time."""
    powers = [ONE12, a]
    for _ in range(14):
        powers.append(multiply12(powers[-1], a))
    result = ONE12
    for digit in f"{exponent:x}":
        for _ in range(4):
            result = square12(result)
        if digit != "0":
            result = multiply12(result, powers[int(digit, 16)])
    return result
