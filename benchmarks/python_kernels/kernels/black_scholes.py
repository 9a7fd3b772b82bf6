"""Prices of options by the formula of Black and Scholes."""

import math

import numpy as np
import numpy.typing as npt

import truestep


def normal(x: float) -> float:
    """The normal distribution."""
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.float64]:
    """Many options."""
    count = 300_000 * task.shard_count
    prices = np.empty(count)
    for i in range(len(prices)):
        spot = 80.0 + i % 41
        strike = 90.0 + i % 23
        years = 0.25 + (i % 17) / 8.0
        spread = 0.2 * math.sqrt(years)
        first = (math.log(spot / strike) + (0.03 + 0.02) * years) / spread
        prices[i] = spot * normal(first) - strike * math.exp(-0.03 * years) * normal(first - spread)
    return prices
