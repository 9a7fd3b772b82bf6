"""Decision trees, forests and boosted trees of scikit-learn."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from truestep.models.description import (
    Combine,
    Constant,
    Convert,
    Draft,
    Element,
    Floats,
    Leaf,
    Missing,
    Operation,
    Split,
    Tree,
    Trees,
)
from truestep.models.errors import ModelRefused
from truestep.models.limits import NODES_LIMIT

_LEAF = -1


def add_tree(draft: Draft, source: int, estimator: Any) -> int:
    """What one tree says."""
    return _add_ensemble(draft, source, [_tree(estimator.tree_)], np.zeros(_outputs(estimator)))


def add_forest(draft: Draft, source: int, estimator: Any) -> int:
    """The mean of what the trees say, added in their order."""
    members = [_tree(each.tree_) for each in estimator.estimators_]
    outputs = _outputs(estimator.estimators_[0])
    sums = _add_ensemble(draft, source, members, np.zeros(outputs))
    count = Constant(numbers=np.array([len(members)], np.float64))
    return draft.add(Combine(operation=Operation.DIVIDE, left=sums, right=count), outputs, Element.DOUBLE)


def add_gradient_boosting(draft: Draft, source: int, estimator: Any) -> int:
    """The start and the sum of all stages."""
    start = estimator._raw_predict_init(np.zeros((2, estimator.n_features_in_), np.float32))
    if estimator.init_ != "zero" and type(estimator.init_).__name__ not in {
        "DummyClassifier",
        "DummyRegressor",
    }:
        raise ModelRefused(
            "a guest does not know the estimator that was given as init=; train without init, or with"
            " init='zero'"
        )
    trees = [
        _tree(each.tree_, target=output, scale=float(estimator.learning_rate))
        for stage in estimator.estimators_
        for output, each in enumerate(stage)
    ]
    return _add_ensemble(draft, source, trees, start[0])


def add_histogram_boosting(draft: Draft, source: int, estimator: Any) -> int:
    """The same of HistGradientBoosting…, which looks at features in doubles."""
    trees = [
        _histogram_tree(predictor.nodes, output)
        for stage in estimator._predictors
        for output, predictor in enumerate(stage)
    ]
    start = np.asarray(estimator._baseline_prediction, np.float64).ravel()
    _require_few_nodes(trees)
    return draft.add(Trees(trees=tuple(trees), start=start, source=source), len(start), Element.DOUBLE)


def _outputs(estimator: Any) -> int:
    if estimator.n_outputs_ != 1:
        raise ModelRefused(
            f"a guest has trees with one target, got {estimator.n_outputs_}; train a model for each target"
        )
    return int(estimator.tree_.value.shape[2])


def _add_ensemble(draft: Draft, source: int, trees: list[Tree], start: Floats) -> int:
    """scikit-learn rounds features to single precision before it compares them."""
    _require_few_nodes(trees)
    features = draft.values[source].length
    rounded = draft.add(Convert(source=source), features, Element.FLOAT)
    compared = draft.add(Convert(source=rounded), features, Element.DOUBLE)
    return draft.add(Trees(trees=tuple(trees), start=start, source=compared), len(start), Element.DOUBLE)


def _require_few_nodes(trees: Iterable[Tree]) -> None:
    count = sum(len(tree.nodes) for tree in trees)
    if count > NODES_LIMIT:
        raise ModelRefused(
            f"expected at most {NODES_LIMIT} nodes in all trees, got {count}; train fewer or smaller trees"
        )


def _tree(tree: Any, target: int = 0, scale: float = 1.0) -> Tree:
    values = np.asarray(tree.value, np.float64)[:, 0, :] * scale
    goes_left = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count, np.uint8))
    columns = zip(
        tree.children_left.tolist(),
        tree.children_right.tolist(),
        tree.feature.tolist(),
        tree.threshold.tolist(),
        goes_left.tolist(),
        values.tolist(),
        strict=True,
    )
    nodes = tuple(
        Leaf(numbers=tuple(numbers))
        if left == _LEAF
        else Split(
            feature=feature,
            threshold=threshold,
            missing=Missing.LEFT if is_missing_left else Missing.RIGHT,
            left=left,
            right=right,
        )
        for left, right, feature, threshold, is_missing_left, numbers in columns
    )
    return Tree(nodes=nodes, target=target)


def _histogram_tree(nodes: Any, target: int) -> Tree:
    if nodes["is_categorical"].any():
        raise ModelRefused(
            "a guest has no categorical features of HistGradientBoosting; encode them before as numbers,"
            " or train LightGBM, whose categorical splits are known"
        )
    return Tree(nodes=tuple(map(_histogram_node, nodes)), target=target)


def _histogram_node(node: Any) -> Split | Leaf:
    if node["is_leaf"]:
        return Leaf(numbers=(float(node["value"]),))
    return Split(
        feature=int(node["feature_idx"]),
        threshold=float(node["num_threshold"]),
        missing=Missing.LEFT if node["missing_go_to_left"] else Missing.RIGHT,
        left=int(node["left"]),
        right=int(node["right"]),
    )
