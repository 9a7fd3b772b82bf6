"""`random.Random(seed)`: the numbers of Python's own class.

They come from the Mersenne Twister (Matsumoto and Nishimura, 1998). What compiled code calls is this class
itself. CPython's documentation and its module `random` say how each number is made of the generator's words.
"""

# pyright: basic
# What Numba compiles has no types of Python.

import math
from typing import Any

import numpy as np

from truestep.guest.python.compiler import python_selections as selections

_WORDS = 624
_MIDDLE = 397
_ALL = 0xFFFFFFFF
_NORMAL_WIDTH = 4.0 * math.exp(-0.5) / math.sqrt(2.0)
"""Of the rectangle from which Kinderman and Monahan (1977) draw."""


class SeededRandom:
    """What a guest has in the place of `random.Random`."""

    def __init__(self, x: int) -> None:
        self._words = np.zeros(_WORDS, np.int64)
        self._place = _WORDS
        self._next_gauss = np.nan
        self.seed(x)

    def seed(self, a: int) -> None:
        """Begin with the 32-bit digits of an integer's magnitude."""
        magnitude = abs(a)
        low, high = magnitude & _ALL, magnitude >> 32
        words = self._words
        words[0] = 19650218
        for k in range(1, _WORDS):
            words[k] = (1812433253 * (words[k - 1] ^ (words[k - 1] >> 30)) + k) & _ALL
        length = 2 if high else 1
        i, j = 1, 0
        for _ in range(_WORDS):
            digit = high if j else low
            mixed = (words[i - 1] ^ (words[i - 1] >> 30)) * 1664525
            words[i] = ((words[i] ^ (mixed & _ALL)) + digit + j) & _ALL
            i += 1
            j = (j + 1) % length
            if i == _WORDS:
                words[0] = words[_WORDS - 1]
                i = 1
        for _ in range(_WORDS - 1):
            mixed = (words[i - 1] ^ (words[i - 1] >> 30)) * 1566083941
            words[i] = ((words[i] ^ (mixed & _ALL)) - i) & _ALL
            i += 1
            if i == _WORDS:
                words[0] = words[_WORDS - 1]
                i = 1
        words[0] = 0x80000000
        self._place = _WORDS
        self._next_gauss = np.nan

    def _word(self) -> int:
        """The next 32 bits."""
        words = self._words
        if self._place == _WORDS:
            for k in range(_WORDS):
                mixed = (words[k] & 0x80000000) | (words[(k + 1) % _WORDS] & 0x7FFFFFFF)
                words[k] = words[(k + _MIDDLE) % _WORDS] ^ (mixed >> 1) ^ (0x9908B0DF if mixed & 1 else 0)
            self._place = 0
        word = words[self._place]
        self._place += 1
        word ^= word >> 11
        word ^= (word << 7) & 0x9D2C5680
        word ^= (word << 15) & 0xEFC60000
        return word ^ (word >> 18)

    def random(self) -> float:
        """A number from 0 to 1, without 1."""
        high, low = self._word() >> 5, self._word() >> 6
        return (high * 67108864.0 + low) / 9007199254740992.0

    def getrandbits(self, k: int) -> int:
        """An integer of up to 63 random bits."""
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        if k > 63:
            raise OverflowError("an integer of a guest has 64 bits: getrandbits makes at most 63 of them")
        if k == 0:
            return 0
        if k <= 32:
            return self._word() >> (32 - k)
        low = self._word()
        return ((self._word() >> (64 - k)) << 32) | low

    def _below(self, n: int) -> int:
        bits, left = 0, n
        while left:
            bits += 1
            left >>= 1
        drawn = self.getrandbits(bits)
        while drawn >= n:
            drawn = self.getrandbits(bits)
        return drawn

    def randrange(self, start: int, stop: Any = None, step: int = 1) -> int:
        """An item of a range."""
        first = 0 if stop is None else start
        width = start if stop is None else stop - start
        if step == 0:
            raise ValueError("zero step for randrange()")
        count = (width + step - 1) // step if step > 0 else (width + step + 1) // step
        if count <= 0:
            raise ValueError("empty range for randrange()")
        return first + step * self._below(count)

    def randint(self, a: int, b: int) -> int:
        """An integer from `a` to `b`, both included."""
        return self.randrange(a, b + 1)

    def uniform(self, a: float, b: float) -> float:
        """A number between two."""
        return a + (b - a) * self.random()

    def choice(self, seq: Any) -> Any:
        """An item."""
        if len(seq) == 0:
            raise IndexError("Cannot choose from an empty sequence")
        return selections.item_at(seq, self._below(len(seq)))

    def shuffle(self, x: Any) -> None:
        """Put the items into another order, in place."""
        for last in range(len(x) - 1, 0, -1):
            place = self._below(last + 1)
            x[last], x[place] = x[place], x[last]

    def sample(self, population: Any, k: int) -> Any:
        """Some items, each once."""
        count = len(population)
        if k < 0 or k > count:
            raise ValueError("Sample larger than population or is negative")
        places = np.empty(k, np.int64)
        if count <= selections.size_of_set(k):
            pool = np.arange(count)
            for index in range(k):
                place = self._below(count - index)
                places[index] = pool[place]
                pool[place] = pool[count - index - 1]
        else:
            taken = {-1}
            for index in range(k):
                place = self._below(count)
                while place in taken:
                    place = self._below(count)
                taken.add(place)
                places[index] = place
        return [selections.item_at(population, int(place)) for place in places]

    def choices(self, population: Any, weights: Any = None, cum_weights: Any = None, k: int = 1) -> Any:
        """Items, of which some may come more often."""
        units = [self.random() for _ in range(k)]
        return selections.chosen_by(population, weights, cum_weights, units)

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """A normal number, of which two are made at a time (Box and Muller, 1958)."""
        z = self._next_gauss
        self._next_gauss = np.nan
        if z != z:  # noqa: PLR0124 - not a number: there is none
            angle = self.random() * (2.0 * math.pi)
            radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
            z = math.cos(angle) * radius
            self._next_gauss = math.sin(angle) * radius
        return mu + z * sigma

    def normalvariate(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """A normal number."""
        while True:
            u = self.random()
            v = 1.0 - self.random()
            z = _NORMAL_WIDTH * (u - 0.5) / v
            if z * z / 4.0 <= -math.log(v):
                return mu + z * sigma

    def lognormvariate(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """A number whose logarithm is normal."""
        return math.exp(self.normalvariate(mu, sigma))

    def expovariate(self, lambd: float = 1.0) -> float:
        """An exponential number."""
        return -math.log(1.0 - self.random()) / lambd

    def paretovariate(self, alpha: float) -> float:
        """A Pareto number."""
        return (1.0 - self.random()) ** (-1.0 / alpha)

    def weibullvariate(self, alpha: float, beta: float) -> float:
        """A Weibull number."""
        return alpha * (-math.log(1.0 - self.random())) ** (1.0 / beta)

    def triangular(self, low: float = 0.0, high: float = 1.0, mode: Any = None) -> float:
        """A triangular number."""
        u = self.random()
        share = 0.5
        if mode is not None:
            if high == low:
                return float(low)
            share = (mode - low) / (high - low)
        if u > share:
            return high + (low - high) * math.sqrt((1.0 - u) * (1.0 - share))
        return low + (high - low) * math.sqrt(u * share)
