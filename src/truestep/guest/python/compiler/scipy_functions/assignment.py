"""scipy.optimize.linear_sum_assignment, by shortest augmenting paths.

The method is that of D. F. Crouse, On implementing 2D rectangular assignment algorithms (2016).
"""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np


def linear_sum_assignment(cost_matrix: Any, maximize: Any = False) -> Any:
    """`scipy.optimize.linear_sum_assignment`: the rows and the columns of the best assignment."""
    cost = np.asarray(cost_matrix).astype(np.float64)
    if maximize:
        cost = -cost
    for value in cost.ravel():
        if np.isnan(value) or value == -np.inf:
            raise ValueError("matrix contains invalid numeric entries")
    is_tall = cost.shape[1] < cost.shape[0]
    if is_tall:
        columns = _assigned(np.ascontiguousarray(cost.T))
        order = np.argsort(columns)
        return columns[order], order
    return np.arange(cost.shape[0]), _assigned(cost)


def _assigned(cost: Any) -> Any:
    """The column of each row, of which there are not more than columns."""
    rows, columns = cost.shape
    prices_of_rows, prices_of_columns = np.zeros(rows), np.zeros(columns)
    path, row_of = np.full(columns, -1), np.full(columns, -1)
    column_of = np.full(rows, -1)
    for row in range(rows):
        costs = np.full(columns, np.inf)
        seen_rows, seen_columns = np.zeros(rows, np.bool_), np.zeros(columns, np.bool_)
        prices = prices_of_rows, prices_of_columns
        sink, least = _shortest_path(cost, prices, path, row_of, row, costs, (seen_rows, seen_columns))
        if sink < 0:
            raise ValueError("cost matrix is infeasible")
        prices_of_rows[row] += least
        for other in range(rows):
            if seen_rows[other] and other != row:
                prices_of_rows[other] += least - costs[column_of[other]]
        for column in range(columns):
            if seen_columns[column]:
                prices_of_columns[column] -= least - costs[column]
        column = sink
        while True:
            other = path[column]
            row_of[column] = other
            column_of[other], column = column, column_of[other]
            if other == row:
                break
    return column_of


def _shortest_path(cost: Any, prices: Any, path: Any, row_of: Any, row: Any, costs: Any, seen: Any) -> Any:
    """The free column at the end of the shortest path from a row, -1 if there is none, and its cost."""
    prices_of_rows, prices_of_columns = prices
    seen_rows, seen_columns = seen
    columns = cost.shape[1]
    left = np.arange(columns)[::-1].copy()
    count, least = columns, 0.0
    while True:
        place, lowest = -1, np.inf
        seen_rows[row] = True
        for at in range(count):
            column = left[at]
            reduced = least + cost[row, column] - prices_of_rows[row] - prices_of_columns[column]
            if reduced < costs[column]:
                path[column] = row
                costs[column] = reduced
            if costs[column] < lowest or (costs[column] == lowest and row_of[column] == -1):
                lowest, place = costs[column], at
        least = lowest
        if least == np.inf:
            return -1, least
        column = left[place]
        seen_columns[column] = True
        count -= 1
        left[place] = left[count]
        if row_of[column] == -1:
            return column, least
        row = row_of[column]
