"""From a model of real numbers to one of integers, and what that loses."""

from dataclasses import dataclass
from math import floor, log2

import numpy as np

from truestep.circuits.errors import CircuitError
from truestep.circuits.float_model import FloatArray, FloatLayer, FloatModel
from truestep.circuits.model import (
    MAX_ACTIVATION,
    MAX_MULTIPLIER,
    MAX_SHIFT,
    SUM_BITS,
    Convolution,
    Dense,
    Layer,
    Model,
    Output,
    Quantisation,
    Requantisation,
    check,
)
from truestep.circuits.model_file import quantised_input
from truestep.circuits.reference import run

GREATEST_WEIGHT = 127
BIAS_BITS = 29
"""A bias is kept below 2^29, so that the sum of products has room beside it."""
KEPT_QUANTILE = 0.9999
"""Of a layer's values; the few above it are cut, so that one outlier does not cost everybody's precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What quantising changes on the samples."""

    samples: int
    agreement: float | None
    """The share of samples of which both models name the same class."""
    float_accuracy: float | None
    quantised_accuracy: float | None
    greatest_error: float | None
    """Of a score, in units of the model of real numbers."""
    score_range: float | None


def quantise(model: FloatModel, samples: FloatArray) -> Model:
    """The integer model whose scales are taken from samples of the input. Raises `CircuitError`."""
    values = _checked(model, samples)
    meaning = _input_quantisation(values)
    scale, zero = meaning.scale, meaning.zero
    layers: list[Layer] = []
    for number, (layer, after) in enumerate(zip(model.layers, model.values(values), strict=True), 1):
        is_last = number == len(model.layers)
        weight_scales = _weight_scales(layer, scale, is_last=is_last)
        next_scale = max(float(np.quantile(after, KEPT_QUANTILE)), 1e-12) / MAX_ACTIVATION
        rule = None if is_last else _requantisation(scale * weight_scales / next_scale)
        layers.append(_layer(layer, weight_scales, scale, zero, rule))
        scale, zero = next_scale, 0
    return check(
        Model(
            name=model.name,
            input_shape=model.input_shape,
            input_quantisation=meaning,
            layers=tuple(layers),
            output=model.output,
        )
    )


def _checked(model: FloatModel, samples: FloatArray) -> FloatArray:
    values = np.asarray(samples, dtype=np.float64)
    size = int(np.prod(model.input_shape))
    if values.ndim < 2 or len(values) == 0 or values[0].size != size:
        raise CircuitError(
            f"expected samples of {size} numbers each, the first axis counting them; got the shape"
            f" {values.shape}"
        )
    if not np.isfinite(values).all():
        raise CircuitError("the samples hold a NaN or an infinity; expected finite numbers")
    parts = (part for layer in model.layers for part in (layer.weights, layer.biases))
    if not all(np.isfinite(part).all() for part in parts):
        raise CircuitError("the model holds a NaN or an infinity; train it again")
    return values


def _input_quantisation(values: FloatArray) -> Quantisation:
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    scale = (high - low) / MAX_ACTIVATION or 1.0
    return Quantisation(scale=scale, zero=round(-low / scale))


def _weight_scales(layer: FloatLayer, scale: float, *, is_last: bool) -> FloatArray:
    """What one unit of a channel's weights is; of a last layer the same for all, so that scores compare."""
    rows = np.abs(layer.weights.reshape(len(layer.weights), -1))
    scales = np.maximum(rows.max(axis=1) / GREATEST_WEIGHT, np.abs(layer.biases) / scale / 2**BIAS_BITS)
    scales = np.maximum(scales, 1e-30)
    return np.full_like(scales, scales.max()) if is_last else scales


def _requantisation(ratios: FloatArray) -> Requantisation:
    """Multipliers and a shift that come nearest to the ratios."""
    shift = min(MAX_SHIFT, floor(log2(MAX_MULTIPLIER / float(ratios.max()))))
    if shift < 1:
        raise CircuitError("a layer's values are too large for the one after it; scale the model's weights")
    multipliers = np.clip(np.rint(ratios * 2.0**shift), 1, MAX_MULTIPLIER).astype(int)
    return Requantisation(multipliers=tuple(multipliers.tolist()), shift=shift)


def _layer(
    layer: FloatLayer, scales: FloatArray, scale: float, zero: int, rule: Requantisation | None
) -> Layer:
    shape = (-1, *(1,) * (layer.weights.ndim - 1))
    weights = np.rint(layer.weights / scales.reshape(shape)).astype(np.int64)
    offsets = zero * weights.reshape(len(weights), -1).sum(axis=1)
    biases = np.rint(layer.biases / (scale * scales)).astype(np.int64) - offsets
    if np.abs(biases).max() >= 2**SUM_BITS:
        raise CircuitError("a bias is too large for its layer's weights; scale the model's weights")
    if not layer.is_convolution:
        return Dense(weights=weights, biases=biases, requantisation=rule)
    return Convolution(
        weights=weights,
        biases=biases,
        requantisation=rule,
        strides=layer.strides,
        padding=layer.padding,
        padding_value=zero,
    )


def loss(model: FloatModel, quantised: Model, samples: FloatArray, labels: FloatArray | None = None) -> Loss:
    """Compare both models on samples, and with the right classes if they are known."""
    values = _checked(model, samples)
    scores = model.values(values)[-1].reshape(len(values), -1)
    words = np.array([run(quantised, quantised_input(quantised, sample)).words for sample in values])
    if model.output is Output.CLASS:
        expected, found = scores.argmax(axis=1), words[:, 0]
        right = None if labels is None else np.asarray(labels).reshape(-1)
        if right is not None and len(right) != len(values):
            raise CircuitError(f"expected {len(values)} labels, one for each sample; got {len(right)}")
        return Loss(
            samples=len(values),
            agreement=float((expected == found).mean()),
            float_accuracy=None if right is None else float((expected == right).mean()),
            quantised_accuracy=None if right is None else float((found == right).mean()),
            greatest_error=None,
            score_range=None,
        )
    errors = np.abs((words - 2.0**SUM_BITS) * score_scale(model, values) - scores)
    return Loss(
        samples=len(values),
        agreement=None,
        float_accuracy=None,
        quantised_accuracy=None,
        greatest_error=float(errors.max()),
        score_range=float(scores.max() - scores.min()),
    )


def score_scale(model: FloatModel, samples: FloatArray) -> float:
    """What one unit of a quantised score stands for."""
    scale, last = _input_quantisation(samples).scale, model.layers[-1]
    if last is not model.layers[0]:
        before = model.values(samples)[-2]
        scale = max(float(np.quantile(before, KEPT_QUANTILE)), 1e-12) / MAX_ACTIVATION
    return scale * float(_weight_scales(last, scale, is_last=True)[0])
