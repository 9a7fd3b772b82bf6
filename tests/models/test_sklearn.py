"""scikit-learn's estimators as guests: trees to the last bit, sums of products to the last bits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tests.models.running import features, predict
from truestep.models import ModelRefused, from_sklearn

pytest.importorskip("sklearn", reason="scikit-learn is not installed: make setup")

COLUMNS = 6
LAST_BITS = 4e-15
"""Of the largest output: sums of products are added in another order, and libm's last bit."""


def estimators() -> dict[str, tuple[Any, tuple[str, ...], str]]:
    """Estimators, what they are asked, and whether each of it is exact."""
    from sklearn.ensemble import (
        ExtraTreesRegressor,
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
    )
    from sklearn.linear_model import LogisticRegression, PoissonRegressor, SGDClassifier
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, RobustScaler, StandardScaler
    from sklearn.tree import DecisionTreeRegressor

    probabilities, decision = "predict_proba", "decision_function"
    return {
        "forest": (RandomForestClassifier(8, random_state=0), ("predict", probabilities), "3 missing exact"),
        "extra trees": (ExtraTreesRegressor(5, random_state=0), ("predict",), "exact"),
        "tree": (DecisionTreeRegressor(random_state=0), ("predict",), "exact"),
        "boosting": (GradientBoostingClassifier(n_estimators=6), (decision, "predict", probabilities), "2"),
        "boosting, exponential": (
            GradientBoostingClassifier(n_estimators=3, loss="exponential"),
            (probabilities,),
            "2",
        ),
        "histograms": (HistGradientBoostingClassifier(max_iter=6), (decision, probabilities), "3 missing"),
        "histograms, counts": (HistGradientBoostingRegressor(max_iter=4, loss="poisson"), ("predict",), ""),
        "logistic": (
            make_pipeline(StandardScaler(), MinMaxScaler(clip=True), LogisticRegression()),
            (probabilities, "predict"),
            "2",
        ),
        "hinges": (
            make_pipeline(RobustScaler(), Normalizer(), SGDClassifier(loss="log_loss")),
            (probabilities,),
            "3",
        ),
        "counts": (PoissonRegressor(), ("predict",), ""),
        "network": (MLPClassifier((9, 5), max_iter=20, random_state=0), (probabilities, "predict"), "3"),
        "network, two": (
            MLPClassifier((9,), activation="tanh", max_iter=20),
            (probabilities, "predict"),
            "2",
        ),
        "network, numbers": (
            MLPRegressor(hidden_layer_sizes=(9,), activation="logistic", max_iter=20),
            ("predict",),
            "",
        ),
    }


NAMES = (
    *(
        "forest",
        "extra trees",
        "tree",
        "boosting",
        "boosting, exponential",
        "histograms",
        "histograms, counts",
    ),
    *("logistic", "hinges", "counts", "network", "network, two", "network, numbers"),
)


def test_the_names_are_those_of_the_table() -> None:
    assert tuple(estimators()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_scikit_learns(name: str) -> None:
    estimator, methods, how = estimators()[name]
    rows, asked = features(1, 300, COLUMNS), features(2, 700, COLUMNS)
    target: Any = np.abs(rows[:, 0]) * 3 + rows[:, 1] ** 2
    if how[:1] in {"2", "3"}:
        target = np.digitize(rows[:, 0] + rows[:, 1], [0] if how[0] == "2" else [-1, 1]) + 5
    if "missing" in how:
        rng = np.random.default_rng(5)
        rows[rng.random(rows.shape) < 0.1] = np.nan
        asked[rng.random(asked.shape) < 0.1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(rows, target)
    for method in methods:
        expected = getattr(estimator, method)(asked)
        found = predict(from_sklearn(estimator, method=method), asked)
        assert found.shape == expected.shape
        if "exact" in how or method == "decision_function" or found.dtype == np.int64:
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=0, atol=LAST_BITS * np.abs(expected).max())


def test_what_classifiers_give_without_a_method() -> None:
    from sklearn.svm import LinearSVC
    from sklearn.tree import DecisionTreeClassifier

    rows = features(1, 60, 2)
    words = np.where(rows[:, 0] > 0, "yes", "no")
    tree = DecisionTreeClassifier(random_state=0).fit(rows, words)
    assert from_sklearn(tree).prediction.shape == (2,)
    with pytest.raises(ModelRefused, match=r"predict_proba.*in the order of classes_"):
        from_sklearn(tree, method="predict")
    hinges = LinearSVC().fit(rows, rows[:, 0] > 0)
    assert from_sklearn(hinges).prediction.is_integer
    with pytest.raises(ModelRefused, match="LinearSVC has no predict_proba"):
        from_sklearn(hinges, method="predict_proba")


def test_what_a_guest_does_not_know_is_refused_by_name() -> None:
    from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeRegressor

    class Mine(LinearRegression):
        """A class of somebody's own may predict anything."""

    rows = np.abs(features(1, 60, 2)).round()
    categorical: dict[str, Any] = {"categorical_features": [0]}
    target = rows[:, 0]
    refused = {
        "SVC": SVC().fit(rows, target > 0),
        "Mine": Mine().fit(rows, target),
        "PolynomialFeatures in a Pipeline": make_pipeline(PolynomialFeatures(), LinearRegression()).fit(
            rows, target
        ),
        "given as init=": GradientBoostingRegressor(init=LinearRegression(), n_estimators=2).fit(
            rows, target
        ),
        "one target, got 2": DecisionTreeRegressor().fit(rows, rows),
        "categorical features": HistGradientBoostingRegressor(**categorical, max_iter=5).fit(rows, target),
        r"call its fit\(\) first": LinearRegression(),
        "trained estimator": "a string",
    }
    for said, estimator in refused.items():
        with pytest.raises(ModelRefused, match=said):
            from_sklearn(estimator)
    with pytest.raises(ModelRefused, match="expected the method to be one of"):
        from_sklearn(refused["SVC"], method="transform")
