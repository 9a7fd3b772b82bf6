from types import SimpleNamespace

import numpy as np
import pytest

from truestep.circuits.errors import CircuitError
from truestep.circuits.float_model import FloatLayer, FloatModel, from_sklearn
from truestep.circuits.model import Output
from truestep.circuits.model_file import quantised_input
from truestep.circuits.quantiser import loss, quantise
from truestep.circuits.reference import run


def network(seed: int, output: Output) -> tuple[FloatModel, np.ndarray]:
    random = np.random.default_rng(seed)
    layers = (
        FloatLayer(
            weights=random.normal(size=(4, 1, 3, 3)), biases=random.normal(size=4), padding=(1, 1, 1, 1)
        ),
        FloatLayer(weights=random.normal(size=(6, 4, 3, 3)), biases=random.normal(size=6), strides=(2, 2)),
        FloatLayer(weights=random.normal(size=(5, 96)) / 10, biases=random.normal(size=5)),
    )
    model = FloatModel(name="net", input_shape=(1, 10, 10), layers=layers, output=output)
    return model, random.normal(size=(60, 1, 10, 10))


@pytest.mark.parametrize("seed", range(3))
def test_the_classes_stay_the_same(seed: int) -> None:
    """Inputs are negative too, so that the zero of the bytes is not 0."""
    model, samples = network(seed, Output.CLASS)
    quantised = quantise(model, samples)
    assert quantised.input_quantisation.zero > 0
    labels = model.values(samples)[-1].argmax(axis=1)
    found = loss(model, quantised, samples, labels)
    assert found.agreement is not None and found.agreement >= 0.95
    assert found.float_accuracy == 1 and found.quantised_accuracy == found.agreement


def test_scores_are_near() -> None:
    model, samples = network(7, Output.SCORES)
    found = loss(model, quantise(model, samples), samples)
    assert found.greatest_error is not None and found.score_range is not None
    assert found.greatest_error < 0.03 * found.score_range


def mlp(**changes: object) -> SimpleNamespace:
    random = np.random.default_rng(3)
    fields = {
        "coefs_": [random.normal(size=(6, 8)), random.normal(size=(8, 1))],
        "intercepts_": [random.normal(size=8), random.normal(size=1)],
        "activation": "relu",
        "classes_": np.array([0, 1]),
    }
    return SimpleNamespace(**(fields | changes))


def test_an_mlp_of_two_classes_has_two_scores() -> None:
    model = from_sklearn(mlp())
    samples = np.random.default_rng(4).normal(size=(200, 6))
    fitted = mlp()
    hidden = np.maximum(samples @ fitted.coefs_[0] + fitted.intercepts_[0], 0)
    expected = (hidden @ fitted.coefs_[1] + fitted.intercepts_[1])[:, 0] > 0
    quantised = quantise(model, samples)
    found = [run(quantised, quantised_input(quantised, sample)).words[0] for sample in samples]
    assert (np.array(found) == expected).mean() > 0.95


def test_a_linear_model_is_one_layer() -> None:
    model = from_sklearn(SimpleNamespace(coef_=np.array([0.5, -2.0]), intercept_=0.25))
    assert model.output is Output.SCORES and model.layers[0].weights.shape == (1, 2)


@pytest.mark.parametrize(
    ("estimator", "words"),
    [(mlp(activation="tanh"), "'tanh'"), (SimpleNamespace(), "expected an MLP or a linear model")],
)
def test_an_estimator_that_makes_no_circuit_is_refused(estimator: SimpleNamespace, words: str) -> None:
    with pytest.raises(CircuitError, match=words):
        from_sklearn(estimator)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((0, 6)), "expected samples of 6 numbers"),
        (np.zeros((2, 5)), "expected samples of 6 numbers"),
        (np.full((2, 6), np.nan), "NaN"),
    ],
)
def test_bad_samples_are_refused(samples: np.ndarray, words: str) -> None:
    with pytest.raises(CircuitError, match=words):
        quantise(from_sklearn(mlp()), samples)


def test_constant_and_dead_channels_do_no_harm() -> None:
    layers = (
        FloatLayer(weights=np.array([[0.0, 0.0], [1.0, 1.0]]), biases=np.array([1e6, 0.0])),
        FloatLayer(weights=np.zeros((2, 2)), biases=np.array([0.0, 1.0])),
    )
    model = FloatModel(name="dead", input_shape=(2,), layers=layers, output=Output.CLASS)
    samples = np.zeros((3, 2))
    assert loss(model, quantise(model, samples), samples).agreement == 1
