"""One shard of a Monte-Carlo simulation: the losses of a portfolio over one year, the worst of them kept.

Input: monthly prices, shape (months, stocks), float64, as a .npy file.
Output: float64, `[paths, sum of losses, worst loss, next worst, ...]`, TAIL_PATHS losses in all.
"""

import numpy as np
import numpy.typing as npt

import truestep

PATHS = 20_000
"""Of each shard."""
TAIL_PATHS = PATHS // 20
"""What is kept: five times what a risk of one percent needs, as the worst may all come from one shard."""
MONTHS = 12


def cholesky(covariance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The lower triangular root of a covariance matrix."""
    size = len(covariance)
    root = np.zeros((size, size))
    for row in range(size):
        for column in range(row + 1):
            rest = covariance[row, column] - np.sum(root[row, :column] * root[column, :column])
            root[row, column] = np.sqrt(rest) if row == column else rest / root[column, column]
    return root


def simulate(
    mean: npt.NDArray[np.float64], root: npt.NDArray[np.float64], paths: int
) -> npt.NDArray[np.float64]:
    """The loss of each path: what one unit of money, in equal parts of each stock, has lost after a year."""
    stocks = len(mean)
    losses = np.empty(paths)
    growth, normal = np.empty(stocks), np.empty(stocks)
    for path in range(paths):
        growth[:] = 0.0
        for _ in range(MONTHS):
            for stock in range(stocks):
                normal[stock] = np.random.standard_normal()
            for stock in range(stocks):
                growth[stock] += mean[stock]
                for factor in range(stock + 1):
                    growth[stock] += root[stock, factor] * normal[factor]
        losses[path] = 1.0 - np.mean(np.exp(growth))
    return losses


@truestep.guest(input="float64[:, :]", output="raw")
def main(task: truestep.Task, prices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Fit the monthly returns, then walk this shard's own paths."""
    returns = np.log(prices[1:] / prices[:-1])
    mean = np.array([np.mean(returns[:, stock]) for stock in range(returns.shape[1])])
    centred = returns - mean
    covariance = centred.T @ centred / (len(returns) - 1)
    seed = np.uint32(0)
    for byte in task.seed[:4]:
        seed = np.uint32(seed << 8 | byte)
    np.random.seed(np.uint32(seed + task.shard_index))
    losses = np.sort(simulate(mean, cholesky(covariance), PATHS))[::-1]
    return np.concatenate((np.array([PATHS, np.sum(losses)]), losses[:TAIL_PATHS]))
