"""A layer of a network as a matrix product: `@` is BLAS natively, plain loops in a guest."""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest(input="float32[:, :]", output="raw")
def main(task: truestep.Task, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """All images times weights that are made up."""
    weights = (np.arange(images.shape[1] * 32) % 7 - 3).astype(np.float32).reshape(-1, 32)
    return np.maximum(images @ weights, np.float32(task.shard_index))
