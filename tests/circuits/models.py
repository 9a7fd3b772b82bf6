"""Small models, made from a seed."""

import numpy as np

from truestep.circuits.model import (
    Convolution,
    Dense,
    Layer,
    Model,
    Output,
    Quantisation,
    Requantisation,
    check,
)


def rule(random: np.random.Generator, channels: int, shift: int) -> Requantisation:
    factors = random.integers(1, 256, channels).tolist()
    return Requantisation(multipliers=tuple(factors), shift=shift)


def dense(random: np.random.Generator, outputs: int, inputs: int, shift: int | None = None) -> Dense:
    return Dense(
        weights=random.integers(-128, 128, (outputs, inputs)),
        biases=random.integers(-5000, 5000, outputs),
        requantisation=rule(random, outputs, shift) if shift else None,
    )


def convolution(
    random: np.random.Generator,
    shape: tuple[int, int, int, int],
    strides: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    shift: int | None = 14,
) -> Convolution:
    return Convolution(
        weights=random.integers(-128, 128, shape),
        biases=random.integers(-5000, 5000, shape[0]),
        requantisation=rule(random, shape[0], shift) if shift else None,
        strides=strides,
        padding=padding,
        padding_value=7,
    )


def model(input_shape: tuple[int, ...], *layers: Layer, output: Output = Output.SCORES) -> Model:
    meaning = Quantisation(scale=1 / 255, zero=0)
    return check(
        Model(
            name="small",
            input_shape=input_shape,
            input_quantisation=meaning,
            layers=layers,
            output=output,
        )
    )


def small_classifier(seed: int = 1) -> Model:
    """Two convolutions, one with padding and strides, and a dense layer."""
    random = np.random.default_rng(seed)
    first = convolution(random, (2, 1, 3, 3), padding=(1, 0, 1, 2))
    second = convolution(random, (3, 2, 3, 2), strides=(2, 1))
    return model((1, 5, 5), first, second, dense(random, 4, 24), output=Output.CLASS)


def small_mlp(seed: int = 1) -> Model:
    random = np.random.default_rng(seed)
    return model((8,), dense(random, 6, 8, shift=13), dense(random, 9, 6))
