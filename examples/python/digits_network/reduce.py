"""The labels of all images, from the shards' probabilities.

Input: the outputs of all shards of `classify.py`, one after the other, as float32.
Output: uint8, for each image, shard by shard, its label and its probability in percent.
"""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest
def main(records: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The likeliest digit of each image."""
    rows = records.view(np.float32).reshape(-1, 10)
    labels = np.empty((len(rows), 2), np.uint8)
    for index in range(len(rows)):
        label = np.argmax(rows[index])
        labels[index, 0] = label
        labels[index, 1] = int(rows[index, label] * 100)
    return labels
