"""Train the network of this example: 64 pixels, 32 hidden units, 10 digits. Writes network.npz.

Plain NumPy on the first 1,200 digits of the set; the other 597 are what `classify.py` is shown. A program
with other weights is another program, with another number on the chain.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).parent
DIGITS = HERE / "training.npy"
HIDDEN = 32
PASSES = 60
BATCH = 32
STEP_SIZE = 0.2

Array = npt.NDArray[np.float64]


def train(pixels: Array, labels: npt.NDArray[np.uint8]) -> dict[str, Array]:
    """Gradient descent on cross-entropy."""
    random = np.random.default_rng(7)
    hidden_weights = random.normal(0, np.sqrt(2 / 64), (64, HIDDEN))
    output_weights = random.normal(0, np.sqrt(2 / HIDDEN), (HIDDEN, 10))
    hidden_biases, output_biases = np.zeros(HIDDEN), np.zeros(10)
    for _ in range(PASSES):
        order = random.permutation(len(pixels))
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            hidden = np.maximum(pixels[batch] @ hidden_weights + hidden_biases, 0)
            error = softmax(hidden @ output_weights + output_biases)
            error[np.arange(len(batch)), labels[batch]] -= 1
            error *= STEP_SIZE / len(batch)
            hidden_error = error @ output_weights.T * (hidden > 0)
            output_weights -= hidden.T @ error
            output_biases -= error.sum(axis=0)
            hidden_weights -= pixels[batch].T @ hidden_error
            hidden_biases -= hidden_error.sum(axis=0)
    return {
        "hidden_weights": hidden_weights,
        "hidden_biases": hidden_biases,
        "output_weights": output_weights,
        "output_biases": output_biases,
    }


def softmax(scores: Array) -> Array:
    """Scores to probabilities, row by row."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    digits = np.load(DIGITS)
    weights = train(digits[:, :64] / 16, digits[:, 64])
    np.savez(HERE / "network.npz", **{name: array.astype(np.float32) for name, array in weights.items()})
