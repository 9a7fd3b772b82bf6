"""A quantised model as values: what a circuit computes, in integers (docs/circuits.md, C1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import prod

import numpy as np
import numpy.typing as npt

from truestep.circuits.errors import CircuitError

Int64Array = npt.NDArray[np.int64]

MAX_ACTIVATION = 255
"""Inputs and values between layers are bytes."""
SUM_BITS = 31
"""A sum of products stays below 2^31 in absolute value, so that it is a word of the output (C1.4)."""
MAX_MULTIPLIER = 2**16 - 1
MAX_SHIFT = 40
MAX_OUTPUT_WORDS = 14
"""Two public inputs of seven words (C4.2)."""
MAX_VALUES = 2**16
"""Values of an input or between two layers: more would not be proven in useful time."""
MAX_WEIGHTS = 2**22


class Output(StrEnum):
    """What of the last layer is the result (C4)."""

    CLASS = "class"
    SCORES = "scores"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requantisation:
    """From sums to bytes: times the channel's multiplier, shifted, rounded, kept in 0…255 (C3)."""

    multipliers: tuple[int, ...]
    shift: int

    @property
    def half(self) -> int:
        """What is added so that the shift rounds to the nearest."""
        return 1 << (self.shift - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dense:
    """Every output is a sum over all inputs: Gemm and MatMul (C2.1)."""

    weights: Int64Array
    """[output, input]"""
    biases: Int64Array
    requantisation: Requantisation | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Convolution:
    """Every output is a sum over a window of all channels: Conv (C2.2)."""

    weights: Int64Array
    """[output channel, input channel, row, column]"""
    biases: Int64Array
    requantisation: Requantisation | None
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    """Rows above, columns left, rows below, columns right."""
    padding_value: int
    """The byte that stands for zero outside."""


Layer = Dense | Convolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantisation:
    """What a byte of the input means: the real number (byte - zero) * scale (C1.5)."""

    scale: float
    zero: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """Layers in a row, from bytes to words."""

    name: str
    input_shape: tuple[int, ...]
    """(values,) or (channels, rows, columns)"""
    input_quantisation: Quantisation
    layers: tuple[Layer, ...]
    output: Output

    @property
    def input_size(self) -> int:
        """The bytes of an input."""
        return prod(self.input_shape)

    @property
    def output_words(self) -> int:
        """The words of a result (C4.3)."""
        return 1 if self.output is Output.CLASS else prod(self.shapes()[-1])

    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of the input and of each layer's output. Raises `CircuitError` if they do not fit."""
        shapes = [self.input_shape]
        for number, layer in enumerate(self.layers, 1):
            shapes.append(_output_shape(layer, shapes[-1], number))
        return shapes

    @property
    def multiplications(self) -> int:
        """How many products one run adds up."""
        return sum(
            layer.weights.size * (prod(shape[1:]) if isinstance(layer, Convolution) else 1)
            for layer, shape in zip(self.layers, self.shapes()[1:], strict=True)
        )


def _output_shape(layer: Layer, shape: tuple[int, ...], number: int) -> tuple[int, ...]:
    if isinstance(layer, Dense):
        if layer.weights.shape[1] != prod(shape):
            raise CircuitError(
                f"layer {number}: expected {prod(shape)} weights an output, one for each value of the layer"
                f" before; got {layer.weights.shape[1]}"
            )
        return (layer.weights.shape[0],)
    if len(shape) != 3 or layer.weights.shape[1] != shape[0]:
        raise CircuitError(
            f"layer {number}: a convolution needs an input of (channels, rows, columns) with"
            f" {layer.weights.shape[1]} channels; got the shape {shape}"
        )
    rows, columns = (
        (shape[axis + 1] + layer.padding[axis] + layer.padding[axis + 2] - layer.weights.shape[axis + 2])
        // layer.strides[axis]
        + 1
        for axis in (0, 1)
    )
    if rows < 1 or columns < 1:
        raise CircuitError(f"layer {number}: its window is larger than its input of the shape {shape}")
    return (layer.weights.shape[0], rows, columns)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and greatest sum of each output channel (C1.4)."""

    least: Int64Array
    greatest: Int64Array

    def scaled(self, rule: Requantisation) -> int:
        """How many bits hold every scaled sum t, or -1 - t if it is negative (C3.2)."""
        factors = np.array(rule.multipliers, dtype=np.int64)
        low, high = self.least * factors + rule.half, self.greatest * factors + rule.half
        return max(int(high.max()), int((-1 - low).max()), 1).bit_length()


def bounds(layer: Layer) -> Bounds:
    """What any input of bytes can give."""
    rows = layer.weights.reshape(layer.weights.shape[0], -1)
    return Bounds(
        least=layer.biases + np.minimum(rows, 0).sum(axis=1) * MAX_ACTIVATION,
        greatest=layer.biases + np.maximum(rows, 0).sum(axis=1) * MAX_ACTIVATION,
    )


def check(model: Model) -> Model:
    """The model, if a circuit can be made of it. Raises `CircuitError`."""
    if not model.layers:
        raise CircuitError("the model has no layer; expected at least one")
    for number, layer in enumerate(model.layers, 1):
        if isinstance(layer, Convolution):
            _check_window(layer, number)
    shapes = model.shapes()
    if max(map(prod, shapes)) > MAX_VALUES:
        raise CircuitError(
            f"a layer has {max(map(prod, shapes))} values; expected at most {MAX_VALUES}: use a smaller model"
        )
    if sum(layer.weights.size for layer in model.layers) > MAX_WEIGHTS:
        raise CircuitError(f"expected at most {MAX_WEIGHTS} weights; use a smaller model")
    for number, layer in enumerate(model.layers, 1):
        _check_layer(layer, number, is_last=number == len(model.layers))
    words = 1 if model.output is Output.CLASS else prod(shapes[-1])
    if words > MAX_OUTPUT_WORDS:
        raise CircuitError(
            f"the result has {words} scores; expected at most {MAX_OUTPUT_WORDS}:"
            " end the model with ArgMax, so that the class alone is the result"
        )
    return model


def _check_layer(layer: Layer, number: int, *, is_last: bool) -> None:
    low, high = int(layer.weights.min()), int(layer.weights.max())
    if low < -128 or high > 127:
        raise CircuitError(f"layer {number}: expected weights in -128…127; got {low}…{high}")
    if layer.biases.shape != (layer.weights.shape[0],):
        raise CircuitError(f"layer {number}: expected {layer.weights.shape[0]} biases, one for each output")
    reach = bounds(layer)
    if max(int(reach.greatest.max()), -int(reach.least.min())) >= 2**SUM_BITS:
        raise CircuitError(
            f"layer {number}: a sum can leave the {SUM_BITS} bits that it has; use smaller weights or biases"
        )
    if (layer.requantisation is None) != is_last:
        raise CircuitError(
            f"layer {number}: expected a requantisation after every layer but the last, and none there"
        )
    if layer.requantisation is not None:
        _check_requantisation(layer.requantisation, layer.weights.shape[0], number)


def _check_requantisation(rule: Requantisation, channels: int, number: int) -> None:
    if len(rule.multipliers) != channels:
        raise CircuitError(f"layer {number}: expected {channels} multipliers; got {len(rule.multipliers)}")
    if not all(1 <= each <= MAX_MULTIPLIER for each in rule.multipliers):
        raise CircuitError(f"layer {number}: expected multipliers in 1…{MAX_MULTIPLIER}")
    if not 1 <= rule.shift <= MAX_SHIFT:
        raise CircuitError(f"layer {number}: expected a shift in 1…{MAX_SHIFT}; got {rule.shift}")


def _check_window(layer: Convolution, number: int) -> None:
    if min(layer.strides) < 1:
        raise CircuitError(f"layer {number}: expected strides of at least 1; got {layer.strides}")
    if not all(0 <= side < window for side, window in zip(layer.padding, _sides(layer), strict=True)):
        raise CircuitError(f"layer {number}: expected a padding smaller than the window; got {layer.padding}")
    if not 0 <= layer.padding_value <= MAX_ACTIVATION:
        raise CircuitError(f"layer {number}: expected a padding value in 0…255; got {layer.padding_value}")


def _sides(layer: Convolution) -> Sequence[int]:
    return (*layer.weights.shape[2:], *layer.weights.shape[2:])
