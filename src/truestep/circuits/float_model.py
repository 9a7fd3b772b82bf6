"""A model of real numbers, as the quantiser takes it: sums and ReLU in a row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from truestep.circuits.errors import CircuitError
from truestep.circuits.model import Output

FloatArray = npt.NDArray[np.float64]
REQUIRED_ACTIVATION = "relu"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloatLayer:
    """Weights of two axes are of a dense layer, of four of a convolution. A ReLU follows all but the last."""

    weights: FloatArray
    biases: FloatArray
    strides: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def is_convolution(self) -> bool:
        """Whether windows are summed up."""
        return self.weights.ndim == 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloatModel:
    """Layers in a row."""

    name: str
    input_shape: tuple[int, ...]
    layers: tuple[FloatLayer, ...]
    output: Output

    def values(self, samples: FloatArray) -> list[FloatArray]:
        """What each layer gives for each sample, after the ReLU; of the last one, the scores."""
        found: list[FloatArray] = []
        values = samples.reshape(len(samples), *self.input_shape)
        for number, layer in enumerate(self.layers, 1):
            values = _sums(layer, values)
            if number < len(self.layers):
                values = np.maximum(values, 0)
            found.append(values)
        return found


def _sums(layer: FloatLayer, values: FloatArray) -> FloatArray:
    if not layer.is_convolution:
        return values.reshape(len(values), -1) @ layer.weights.T + layer.biases
    top, left, bottom, right = layer.padding
    padded = np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, layer.weights.shape[2:], axis=(2, 3))
    windows = windows[:, :, :: layer.strides[0], :: layer.strides[1]]
    sums = np.einsum("oiyx,nirsyx->nors", layer.weights, windows, optimize=True)
    return sums + layer.biases[:, None, None]


def from_sklearn(estimator: Any, name: str = "model") -> FloatModel:
    """The model of a fitted scikit-learn MLP or linear model. Raises `CircuitError` if it is another one."""
    kind = type(estimator).__name__
    is_classifier = hasattr(estimator, "classes_")
    if hasattr(estimator, "coefs_"):
        if len(estimator.coefs_) > 1 and estimator.activation != REQUIRED_ACTIVATION:
            raise CircuitError(
                f"{kind} has the activation {estimator.activation!r}; circuits have {REQUIRED_ACTIVATION!r}:"
                " train it with that"
            )
        pairs = zip(estimator.coefs_, estimator.intercepts_, strict=True)
        layers = [(np.asarray(weights, float).T, np.asarray(biases, float)) for weights, biases in pairs]
    elif hasattr(estimator, "coef_"):
        weights = np.atleast_2d(np.asarray(estimator.coef_, float))
        layers = [(weights, np.broadcast_to(np.asarray(estimator.intercept_, float), (len(weights),)))]
    else:
        raise CircuitError(
            f"expected an MLP or a linear model of scikit-learn, fitted; got {kind}: trees and others run as"
            " guests (`truestep import`)"
        )
    if is_classifier and len(layers[-1][1]) == 1:
        weights, biases = layers[-1]
        layers[-1] = np.vstack([np.zeros_like(weights), weights]), np.append(0.0, biases)
    return FloatModel(
        name=name,
        input_shape=(layers[0][0].shape[1],),
        layers=tuple(FloatLayer(weights=weights, biases=biases) for weights, biases in layers),
        output=Output.CLASS if is_classifier else Output.SCORES,
    )
