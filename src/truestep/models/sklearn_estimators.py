"""Turns trained estimators of scikit-learn into descriptions. scikit-learn itself is not imported here."""

from collections.abc import Callable
from typing import Any

import numpy as np

from truestep.models.description import (
    Apply,
    ArgMax,
    Combine,
    Constant,
    Dense,
    Draft,
    Element,
    Floats,
    Function,
    Join,
    Lookup,
    Model,
    Normalize,
    Operation,
    Prediction,
    Reduction,
    Softmax,
)
from truestep.models.errors import ModelRefused
from truestep.models.limits import FEATURES_LIMIT
from truestep.models.sklearn_trees import (
    add_forest,
    add_gradient_boosting,
    add_histogram_boosting,
    add_tree,
)

METHODS = ("predict", "predict_proba", "decision_function")

_LINEAR_REGRESSORS = (
    *("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC"),
    *("ElasticNet", "ElasticNetCV", "BayesianRidge", "ARDRegression", "HuberRegressor", "TheilSenRegressor"),
    *("Lars", "LarsCV", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "SGDRegressor"),
    *("PassiveAggressiveRegressor", "QuantileRegressor", "LinearSVR"),
)
_LINEAR_CLASSIFIERS = (
    *("LogisticRegression", "LogisticRegressionCV", "LinearSVC", "SGDClassifier", "RidgeClassifier"),
    *("RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier"),
)
_LOGARITHMIC = ("PoissonRegressor", "GammaRegressor")
_EXPONENTIAL_LOSSES = ("HalfPoissonLoss", "HalfGammaLoss", "HalfTweedieLoss")
_SIGMOID_LOSSES = ("HalfBinomialLoss",)
_SOFTMAX_LOSSES = ("HalfMultinomialLoss",)

Scaling = Callable[["_Importer", Any], None]
Scoring = Callable[["_Importer", Any], None]


def from_sklearn(estimator: Any, *, method: str | None = None) -> Model:
    """The model of a trained scikit-learn estimator, or of a Pipeline of scalers and an estimator.

    `method` is what the guest computes: "predict", "predict_proba" or "decision_function". Without it,
    classifiers give probabilities if they have them, and everything else predicts.

    Raises ModelRefused with what to do.
    """
    if method not in {None, *METHODS}:
        raise ModelRefused(f"expected the method to be one of {', '.join(METHODS)}, got {method!r}")
    steps = [step for _, step in estimator.steps] if _name(estimator) == "Pipeline" else [estimator]
    features = int(getattr(estimator, "n_features_in_", 0))
    if not 0 < features <= FEATURES_LIMIT:
        raise ModelRefused("expected a trained estimator of scikit-learn; call its fit() first")
    importer = _Importer(Draft(features))
    for step in steps[:-1]:
        importer.scale(step)
    return importer.model(steps[-1], method)


def _name(estimator: Any) -> str:
    """The class of scikit-learn; "" for classes of others, which may compute anything."""
    full_name = _full_name(estimator)
    return full_name.rpartition(".")[2] if full_name.startswith("sklearn.") else ""


def _full_name(estimator: Any) -> str:
    return f"{estimator.__class__.__module__}.{estimator.__class__.__name__}"


class _Importer:
    """A description under construction."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.value = 0

    @property
    def length(self) -> int:
        """Of the value so far."""
        return self.draft.values[self.value].length

    def add(self, step: Any, length: int | None = None) -> None:
        """A step on the value so far."""
        self.value = self.draft.add(step, length or self.length, Element.DOUBLE)

    def apply(self, function: Function) -> None:
        """A function of each number."""
        self.add(Apply(function=function, source=self.value))

    def combine(self, operation: Operation, numbers: Any) -> None:
        """An operation with constants."""
        constants = _array(numbers).ravel()
        self.add(Combine(operation=operation, left=self.value, right=Constant(numbers=constants)))

    def dense(self, weights: Floats, biases: Floats) -> None:
        """A layer."""
        self.add(Dense(source=self.value, weights=weights, biases=biases), weights.shape[1])

    def scale(self, step: Any) -> None:
        """A step of a Pipeline before the last."""
        if step is None or (isinstance(step, str) and step == "passthrough"):
            return
        scaling = _SCALINGS.get(_name(step))
        if scaling is None:
            raise ModelRefused(
                f"a guest does not know {type(step).__name__} in a Pipeline, only {', '.join(_SCALINGS)};"
                " compute the rest before, and give its result as rows"
            )
        scaling(self, step)

    def model(self, estimator: Any, method: str | None) -> Model:
        """The whole, with the estimator at its end."""
        name = _name(estimator)
        scoring = _SCORINGS.get(name)
        if scoring is None:
            known = ", ".join(sorted(_SCORINGS))
            raise ModelRefused(
                f"a guest does not know the estimator {_full_name(estimator)};"
                f" known are {known}; others may be exported to ONNX and imported from there"
            )
        scoring(self, estimator)
        is_classifier = hasattr(estimator, "classes_")
        has_probabilities = is_classifier and hasattr(estimator, "predict_proba")
        chosen = method or ("predict_proba" if has_probabilities else "predict")
        if not hasattr(estimator, chosen):
            raise ModelRefused(f"{name} has no {chosen}; choose another method of {', '.join(METHODS)}")
        kind = f"scikit-learn {name}.{chosen}"
        if is_classifier:
            return self._classifier(estimator, chosen, kind)
        self._regress(estimator)
        return self._finished(kind)

    def _regress(self, estimator: Any) -> None:
        loss = type(getattr(estimator, "_loss", None)).__name__
        is_logarithmic = _name(estimator) in _LOGARITHMIC
        if is_logarithmic or (_name(estimator).startswith("Hist") and loss in _EXPONENTIAL_LOSSES):
            self.apply(Function.EXP)

    def _finished(self, kind: str, *, is_integer: bool = False) -> Model:
        shape = (self.length,) if self.length > 1 else ()
        return self.draft.model(kind, Prediction(value=self.value, shape=shape, is_integer=is_integer))

    def _classifier(self, estimator: Any, method: str, kind: str) -> Model:
        name = _name(estimator)
        is_averaged = name in _AVERAGED
        if method == "decision_function":
            return self._finished(kind)
        if method == "predict" and not is_averaged:
            return self._label(estimator, self.value, kind)
        if not is_averaged:
            self._to_probabilities(estimator)
        return self._label(estimator, self.value, kind) if method == "predict" else self._finished(kind)

    def _to_probabilities(self, estimator: Any) -> None:
        name, loss = _name(estimator), type(getattr(estimator, "_loss", None)).__name__
        is_boosted = name in {"GradientBoostingClassifier", "HistGradientBoostingClassifier"}
        if is_boosted and loss not in {*_SIGMOID_LOSSES, *_SOFTMAX_LOSSES, "ExponentialLoss"}:
            raise ModelRefused(f"a guest does not know the loss {loss}; train with loss='log_loss'")
        if loss == "ExponentialLoss":
            self.combine(Operation.MULTIPLY, [2.0])
        if name == "MLPClassifier" and estimator.out_activation_ == "logistic" and self.length > 1:
            self.apply(Function.EXPIT)
            return
        if self.length == 1:
            self.apply(Function.EXPIT)
            positive = self.value
            one = Constant(numbers=np.ones(1))
            self.add(Combine(operation=Operation.SUBTRACT, left=one, right=positive))
            self.add(Join(sources=(self.value, positive)), 2)
        elif name == "SGDClassifier":
            self.apply(Function.EXPIT)
            self.add(Normalize(kind=Reduction.SUM, source=self.value, length=self.length))
        else:
            self.add(Softmax(source=self.value, length=self.length))

    def _label(self, estimator: Any, scores: int, kind: str) -> Model:
        classes = np.asarray(estimator.classes_)
        if classes.dtype.kind not in "iufb" or classes.ndim != 1:
            raise ModelRefused(
                "a guest writes numbers, and the classes of this estimator are"
                f" {classes.dtype}; use method='predict_proba': its columns are in the order of classes_"
            )
        if self.draft.values[scores].length == 1:
            limit = Constant(numbers=np.zeros(1))
            is_at_zero = _name(estimator) == "GradientBoostingClassifier"
            operation = Operation.GREATER_OR_EQUAL if is_at_zero else Operation.GREATER
            self.add(Combine(operation=operation, left=scores, right=limit), 1)
        else:
            self.add(ArgMax(source=scores, length=self.draft.values[scores].length), 1)
        self.add(Lookup(source=self.value, table=classes.astype(np.float64)))
        return self._finished(kind, is_integer=classes.dtype.kind in "iub")


def _array(numbers: Any) -> Floats:
    if hasattr(numbers, "toarray"):
        numbers = numbers.toarray()
    return np.asarray(numbers, np.float64)


def _standard(importer: _Importer, scaler: Any) -> None:
    if scaler.with_mean:
        importer.combine(Operation.SUBTRACT, scaler.mean_)
    if scaler.with_std:
        importer.combine(Operation.DIVIDE, scaler.scale_)


def _robust(importer: _Importer, scaler: Any) -> None:
    if scaler.with_centering:
        importer.combine(Operation.SUBTRACT, scaler.center_)
    if scaler.with_scaling:
        importer.combine(Operation.DIVIDE, scaler.scale_)


def _min_max(importer: _Importer, scaler: Any) -> None:
    importer.combine(Operation.MULTIPLY, scaler.scale_)
    importer.combine(Operation.ADD, scaler.min_)
    if scaler.clip:
        low, high = scaler.feature_range
        importer.add(Apply(function=Function.CLIP, source=importer.value, alpha=low, beta=high))


def _max_abs(importer: _Importer, scaler: Any) -> None:
    importer.combine(Operation.DIVIDE, scaler.scale_)


def _normalizer(importer: _Importer, scaler: Any) -> None:
    kinds = {"l1": Reduction.L1, "l2": Reduction.L2}
    if scaler.norm not in kinds:
        raise ModelRefused(f"a guest knows Normalizer with norm l1 or l2, got {scaler.norm!r}")
    importer.add(Normalize(kind=kinds[scaler.norm], source=importer.value, length=importer.length))


def _linear(importer: _Importer, estimator: Any) -> None:
    weights = np.atleast_2d(_array(estimator.coef_)).T
    biases = np.broadcast_to(_array(estimator.intercept_).ravel(), weights.shape[1])
    importer.dense(weights, biases)


def _network(importer: _Importer, estimator: Any) -> None:
    functions = {
        "identity": Function.NONE,
        "relu": Function.RELU,
        "tanh": Function.TANH,
        "logistic": Function.EXPIT,
    }
    last = len(estimator.coefs_) - 1
    for place, (weights, biases) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        importer.dense(_array(weights), _array(biases))
        if place < last and estimator.activation != "identity":
            importer.apply(functions[estimator.activation])
    if estimator.out_activation_ == "exp":
        importer.apply(Function.EXP)


def _trees_scoring(add: Callable[[Draft, int, Any], int]) -> Scoring:
    def score(importer: _Importer, estimator: Any) -> None:
        importer.value = add(importer.draft, importer.value, estimator)

    return score


_SCALINGS: dict[str, Scaling] = {
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "Normalizer": _normalizer,
}
_AVERAGED = (
    *("DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier"),
)
"""Their trees say probabilities."""
_SCORINGS: dict[str, Scoring] = {
    **dict.fromkeys((*_LINEAR_REGRESSORS, *_LINEAR_CLASSIFIERS, *_LOGARITHMIC), _linear),
    **dict.fromkeys(("MLPClassifier", "MLPRegressor"), _network),
    **dict.fromkeys(
        ("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"),
        _trees_scoring(add_tree),
    ),
    **dict.fromkeys(
        ("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"),
        _trees_scoring(add_forest),
    ),
    **dict.fromkeys(
        ("GradientBoostingClassifier", "GradientBoostingRegressor"), _trees_scoring(add_gradient_boosting)
    ),
    **dict.fromkeys(
        ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
        _trees_scoring(add_histogram_boosting),
    ),
}
