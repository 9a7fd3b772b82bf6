"""Pi, a random walk and a game of dice by random numbers."""

import random
from dataclasses import dataclass


@dataclass
class Result:
    """A mean and how far off it may be."""

    mean: float
    error: float
    samples: int = 0


class Simulation:
    """Repeats an experiment."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def sample(self):
        """One experiment."""
        raise NotImplementedError

    def run(self, n):
        """The mean of many."""
        total = 0
        squares = 0
        for _ in range(n):
            value = self.sample()
            total += value
            squares += value * value
        mean = total / n
        variance = squares / n - mean**2
        return Result(mean, (variance / n) ** 0.5, n)


class Pi(Simulation):
    """Darts."""

    def sample(self):
        """Whether a dart hits the circle, times four."""
        return 4 if self.rng.random() ** 2 + self.rng.random() ** 2 < 1 else 0


class Dice(Simulation):
    """The sum of two dice."""

    def sample(self):
        """One throw."""
        return self.rng.randint(1, 6) + self.rng.randint(1, 6)


class Walk(Simulation):
    """How far a walker gets."""

    def sample(self):
        """A hundred steps."""
        place = 0
        for _ in range(100):
            place += self.rng.choice([-1, 1])
        return abs(place)


def program():
    """Run all three."""
    print(Pi(1).run(500))
    print(Dice(2).run(300))
    result = Walk(3).run(50)
    print(f"{result.mean:.3f} +- {result.error:.3f} of {result.samples}")
