"""The edit distance of two sequences of bytes."""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.int64]:
    """The last row of the table."""
    first = (np.arange(1500 * task.shard_count) * 7919 % 251 % 4).astype(np.uint8)
    second = (np.arange(1600 * task.shard_count) * 104729 % 241 % 4).astype(np.uint8)
    row = np.arange(len(second) + 1)
    for i in range(len(first)):
        above = row[0]
        row[0] = i + 1
        for j in range(len(second)):
            change = above + (first[i] != second[j])
            above = row[j + 1]
            row[j + 1] = min(change, above + 1, row[j] + 1)
    return row
