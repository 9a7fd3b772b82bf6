"""Vectors with operators, as every course has them."""

# pyright: basic, reportArgumentType=false

import math


class Vector:
    """A point of the plane."""

    def __init__(self, x=0, y=0):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    def __rmul__(self, factor):
        return self * factor

    def __truediv__(self, divisor):
        return Vector(self.x / divisor, self.y / divisor)

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __eq__(self, other):
        return self.x == other.x and self.y == other.y

    def __abs__(self):
        return math.hypot(self.x, self.y)

    def __bool__(self):
        return bool(self.x or self.y)

    def __iter__(self):
        yield self.x
        yield self.y

    def __repr__(self):
        return f"Vector({self.x}, {self.y})"

    def dot(self, other):
        """The inner product."""
        return self.x * other.x + self.y * other.y


def program():
    """Compute with vectors."""
    a = Vector(3, 4)
    b = Vector(1, 2.5)
    print(a, b, a + b, a - b, a * 2, 2 * a, a / 2, -a)
    print(abs(a), a.dot(b), a == Vector(3, 4), a == b, bool(Vector()), bool(b))
    x, y = b
    print(x, y, list(a))
    total = Vector()
    for v in [a, b, Vector(0.5)]:
        total = total + v
    print(total)
