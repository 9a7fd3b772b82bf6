"""One shard of a classification: what a trained network makes of its share of the images.

The weights are part of the program: its number on the chain stands for this network and no other.
Input: images, shape (count, 64), uint8 from 0 to 16, as a .npy file.
Output: float32, the ten probabilities of each of this shard's images, one image after the other.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

import truestep

_NETWORK = np.load(Path(__file__).with_name("network.npz"))
HIDDEN_WEIGHTS = np.ascontiguousarray(_NETWORK["hidden_weights"].T)
HIDDEN_BIASES = _NETWORK["hidden_biases"]
OUTPUT_WEIGHTS = np.ascontiguousarray(_NETWORK["output_weights"].T)
OUTPUT_BIASES = _NETWORK["output_biases"]


def layer(
    values: npt.NDArray[np.float32], weights: npt.NDArray[np.float32], biases: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """`weights @ values + biases`, each sum in the order of the values: the same bits wherever it runs."""
    sums = biases.copy()
    for unit in range(len(sums)):
        total = sums[unit]
        for index in range(len(values)):
            total += values[index] * weights[unit, index]
        sums[unit] = total
    return sums


def softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scores to probabilities."""
    powers = np.exp(scores - np.max(scores))
    return powers / np.sum(powers)


@truestep.guest(input="uint8[:, :]", output="raw")
def main(task: truestep.Task, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Classify images number shard_index, shard_index + shard_count, ..."""
    own = images[task.shard_index :: task.shard_count]
    probabilities = np.empty((len(own), 10), np.float32)
    for index in range(len(own)):
        pixels = own[index].astype(np.float32) / np.float32(16)
        hidden = np.maximum(layer(pixels, HIDDEN_WEIGHTS, HIDDEN_BIASES), np.float32(0))
        probabilities[index] = softmax(layer(hidden, OUTPUT_WEIGHTS, OUTPUT_BIASES))
    return probabilities
