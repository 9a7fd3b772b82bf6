"""Polynomials with operators, derivatives and Newton's method."""


class Polynomial:
    """Coefficients, the constant one first."""

    def __init__(self, *coefficients):
        self.coefficients = list(coefficients)
        while len(self.coefficients) > 1 and self.coefficients[-1] == 0:
            self.coefficients.pop()

    @property
    def degree(self):
        """The largest exponent."""
        return len(self.coefficients) - 1

    def __call__(self, x):
        result = 0
        for coefficient in reversed(self.coefficients):
            result = result * x + coefficient
        return result

    def __add__(self, other):
        n = max(len(self.coefficients), len(other.coefficients))
        total = [0] * n
        for i, c in enumerate(self.coefficients):
            total[i] += c
        for i, c in enumerate(other.coefficients):
            total[i] += c
        return Polynomial(*total)

    def __mul__(self, other):
        product = [0] * (self.degree + other.degree + 1)
        for i, a in enumerate(self.coefficients):
            for j, b in enumerate(other.coefficients):
                product[i + j] += a * b
        return Polynomial(*product)

    def __eq__(self, other):
        return self.coefficients == other.coefficients

    def derivative(self):
        """The slope."""
        return Polynomial(*[i * c for i, c in enumerate(self.coefficients)][1:])

    def root(self, x, rounds=20):
        """A root by Newton's method."""
        slope = self.derivative()
        for _ in range(rounds):
            x = x - self(x) / slope(x)
        return x

    def __str__(self):
        terms = []
        for power, c in enumerate(self.coefficients):
            if c == 0:
                continue
            if power == 0:
                terms.append(str(c))
            elif power == 1:
                terms.append(f"{c}x")
            else:
                terms.append(f"{c}x^{power}")
        return " + ".join(terms) if terms else "0"


def program():
    """Compute with polynomials."""
    p = Polynomial(-2, 0, 1)
    q = Polynomial(1, 1)
    print(p, "|", q, "|", p + q, "|", p * q, "|", p.degree)
    print(p(3), p(0.5), q(2), p.derivative())
    print(p.root(1), p * q == q * p, p == q)
    print(Polynomial(0.5, 0, 2.25) + q)
