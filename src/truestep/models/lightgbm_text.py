"""Reads models that LightGBM saves as text (`Booster.save_model`, `model_to_string`)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from truestep.models.description import (
    Apply,
    Combine,
    Constant,
    Draft,
    Element,
    Function,
    Leaf,
    Members,
    Missing,
    Model,
    Operation,
    Prediction,
    Softmax,
    Split,
    Tree,
    Trees,
)
from truestep.models.errors import ModelRefused
from truestep.models.limits import FEATURES_LIMIT, NODES_LIMIT
from truestep.models.tree_shape import require_tree

ZERO = float(np.float32(1e-35))
"""LightGBM's: a feature that is not larger is 0."""
WANTED = ("predict", "raw")
_CATEGORICAL, _DEFAULT_LEFT, _MISSING_SHIFT = 1, 2, 2
_MISSING = {
    # by missing type (none, zero, NaN): to the left, to the right
    0: (Missing.ZERO, Missing.ZERO),
    1: (Missing.WITH_ZERO_LEFT, Missing.WITH_ZERO_RIGHT),
    2: (Missing.LEFT, Missing.RIGHT),
}
_LARGEST_WORD = 2**32 - 1
_IDENTITIES = (
    *(
        "regression",
        "regression_l1",
        "huber",
        "fair",
        "quantile",
        "mape",
        "lambdarank",
        "rank_xendcg",
        "custom",
    ),
    "",
)
_EXPONENTIALS = ("poisson", "gamma", "tweedie")

Fields = Mapping[str, str]
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    head: Fields
    trees: tuple[Fields, ...]


def from_lightgbm_text(text: str, *, wanted: str = "predict") -> Model:
    """The model in a LightGBM text file; `wanted` is "predict", or "raw" for the sums of the trees.

    Raises ModelRefused with what to do.
    """
    if wanted not in WANTED:
        raise ModelRefused(f"expected one of {', '.join(WANTED)} to be wanted of LightGBM, got {wanted!r}")
    file = _sections(text)
    features = _integer(file.head, "max_feature_idx") + 1
    classes = _integer(file.head, "num_tree_per_iteration")
    if not 0 < features <= FEATURES_LIMIT or not 0 < classes <= FEATURES_LIMIT:
        raise ModelRefused(
            f"expected 1 to {FEATURES_LIMIT} features and outputs, got {features} and {classes}"
        )
    if not file.trees or len(file.trees) % classes:
        raise ModelRefused(
            f"expected a tree for each of {classes} outputs and iteration, got {len(file.trees)};"
            " save the model again with Booster.save_model"
        )
    trees = tuple(
        _tree(fields, number, features, number % classes) for number, fields in enumerate(file.trees)
    )
    if sum(len(tree.nodes) for tree in trees) > NODES_LIMIT:
        raise ModelRefused(f"expected at most {NODES_LIMIT} nodes; save fewer iterations (num_iteration=)")
    draft = Draft(features)
    sums = draft.add(Trees(trees=trees, start=np.zeros(classes), flushed=ZERO), classes, Element.DOUBLE)
    if "average_output" in file.head and wanted != "raw":
        count = Constant(numbers=np.array([len(trees) // classes], np.float64))
        sums = draft.add(Combine(operation=Operation.DIVIDE, left=sums, right=count), classes, Element.DOUBLE)
    result = sums if wanted == "raw" else _converted(draft, sums, classes, file.head.get("objective", ""))
    shape = (classes,) if classes > 1 else ()
    return draft.model(f"LightGBM, {len(trees)} trees", Prediction(value=result, shape=shape))


def _sections(text: str) -> _File:
    lines = text.splitlines()
    if not lines or lines[0].strip() != "tree":
        raise ModelRefused("expected a LightGBM text model, whose first line is `tree`, got another file")
    head: dict[str, str] = {}
    trees: list[dict[str, str]] = []
    for line in lines[1:]:
        name, _, value = line.strip().partition("=")
        if name == "end of trees":
            return _File(head=head, trees=tuple(trees))
        if name == "Tree":
            trees.append({})
        elif name:
            (trees[-1] if trees else head)[name] = value
    raise ModelRefused("expected the line `end of trees`, got a file that breaks off before; copy it again")


def _integer(fields: Fields, name: str) -> int:
    values = _integers(fields, name)
    if len(values) != 1:
        raise ModelRefused(f"expected one number for {name} in the LightGBM file, got {len(values)}")
    return values[0]


def _integers(fields: Fields, name: str, count: int | None = None) -> list[int]:
    try:
        values = [int(word) for word in fields.get(name, "").split()]
    except ValueError as error:
        raise ModelRefused(f"expected integers for {name} in the LightGBM file, got {error}") from error
    return _counted(values, name, count)


def _floats(fields: Fields, name: str, count: int) -> list[float]:
    try:
        values = [float(word) for word in fields.get(name, "").split()]
    except ValueError as error:
        raise ModelRefused(f"expected numbers for {name} in the LightGBM file, got {error}") from error
    return _counted(values, name, count)


def _counted(values: list[Number], name: str, count: int | None) -> list[Number]:
    if count is not None and len(values) != count:
        raise ModelRefused(f"expected {count} numbers for {name} in the LightGBM file, got {len(values)}")
    return values


def _tree(fields: Fields, number: int, features: int, target: int) -> Tree:
    name = f"tree {number}"
    leaves = _integer(fields, "num_leaves")
    if not 0 < leaves <= NODES_LIMIT:
        raise ModelRefused(f"expected {name} to have 1 to {NODES_LIMIT} leaves, got {leaves}")
    if fields.get("is_linear", "0").strip() not in {"0", ""}:
        raise ModelRefused(
            "a guest has no linear trees (LightGBM's linear_tree=true); train with linear_tree=false"
        )
    values = _floats(fields, "leaf_value", leaves)
    splits = tuple(_splits(fields, name, leaves - 1, features))
    nodes = (*splits, *(Leaf(numbers=(value,)) for value in values))
    children = {
        place: (node.left, node.right) if isinstance(node, Split) else () for place, node in enumerate(nodes)
    }
    require_tree(name, 0, children)
    return Tree(nodes=nodes, target=target)


def _splits(fields: Fields, name: str, count: int, features: int) -> Iterator[Split]:
    """The decisions of a tree; leaves come after them, so that leaf ~n is node count + n."""
    if count == 0:
        return
    columns = (
        _integers(fields, "split_feature", count),
        _floats(fields, "threshold", count),
        _integers(fields, "decision_type", count),
        _integers(fields, "left_child", count),
        _integers(fields, "right_child", count),
    )
    sets = _category_sets(fields) if _integer(fields, "num_cat") else ()
    for feature, threshold, decision, left, right in zip(*columns, strict=True):
        if not 0 <= feature < features:
            raise ModelRefused(f"expected {name} to ask for features 0 to {features - 1}, got {feature}")
        is_categorical = bool(decision & _CATEGORICAL)
        missing = decision >> _MISSING_SHIFT & 3
        if missing not in _MISSING or math.isnan(threshold):
            raise ModelRefused(f"expected decisions of a known type in {name}, got {decision}, {threshold}")
        if is_categorical and not 0 <= threshold < len(sets):
            raise ModelRefused(f"expected {name} to have {int(threshold) + 1} sets of categories, got fewer")
        yield Split(
            feature=feature,
            threshold=threshold,
            missing=_MISSING[missing][0 if decision & _DEFAULT_LEFT else 1],
            left=left if left >= 0 else count + ~left,
            right=right if right >= 0 else count + ~right,
            members=Members(words=sets[int(threshold)]) if is_categorical else None,
        )


def _category_sets(fields: Fields) -> tuple[tuple[int, ...], ...]:
    bounds, words = _integers(fields, "cat_boundaries"), _integers(fields, "cat_threshold")
    if sorted(bounds) != bounds or not bounds or bounds[0] < 0 or bounds[-1] > len(words):
        raise ModelRefused("expected cat_boundaries that divide cat_threshold in the LightGBM file")
    if any(not 0 <= word <= _LARGEST_WORD for word in words):
        raise ModelRefused("expected words of 32 bits for cat_threshold in the LightGBM file")
    return tuple(tuple(words[low:high]) for low, high in pairwise(bounds))


def _converted(draft: Draft, sums: int, classes: int, objective: str) -> int:
    """The prediction out of the trees' sums, by the objective that the model was trained for."""
    name, *settings = objective.split() or [""]

    def apply(function: Function, source: int) -> int:
        return draft.add(Apply(function=function, source=source), classes, Element.DOUBLE)

    if name in {"binary", "multiclassova"}:
        factor = Constant(numbers=np.array([_setting(settings, "sigmoid", 1.0)]))
        scaled = Combine(operation=Operation.MULTIPLY, left=sums, right=factor)
        return apply(Function.SIGMOID, draft.add(scaled, classes, Element.DOUBLE))
    if name in {"multiclass", "softmax"}:
        return draft.add(Softmax(source=sums, length=classes), classes, Element.DOUBLE)
    if name == "cross_entropy":
        return apply(Function.SIGMOID, sums)
    if name == "cross_entropy_lambda":
        return apply(Function.LOG1P_EXP, sums)
    if name in _EXPONENTIALS:
        return apply(Function.EXP, sums)
    if name in _IDENTITIES:
        return apply(Function.SQUARE_SIGNED, sums) if "sqrt" in settings else sums
    raise ModelRefused(
        f"a guest does not know LightGBM's objective {name!r}; import the sums of the trees (--wanted raw)"
    )


def _setting(settings: list[str], name: str, default: float) -> float:
    for each in settings:
        key, _, value = each.partition(":")
        if key == name:
            return _floats({name: value}, name, 1)[0]
    return default
