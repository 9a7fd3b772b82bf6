"""Ensembles of trees (ai.onnx.ml, versions 1 to 3)."""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from truestep.models.description import (
    Element,
    Floats,
    Function,
    Join,
    Leaf,
    Members,
    Missing,
    Operation,
    Split,
    Tree,
    Trees,
)
from truestep.models.limits import NODES_LIMIT
from truestep.models.onnx_file import Node
from truestep.models.onnx_graph import Activation, Operator, Walk, attribute
from truestep.models.onnx_operators.learning import (
    class_labels,
    complemented,
    finished,
    write_label,
)
from truestep.models.tree_shape import require_tree

Key = tuple[int, int]
"""A tree and a node of it."""
_OUTPUTS_LIMIT = 2**16
"""Targets or classes of an ensemble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ensemble:
    trees: tuple[Tree, ...]
    outputs: int


def _numbers(walk: Walk, node: Node, name: str, count: int | None) -> npt.NDArray[Any]:
    """A list of floats, which newer files keep as a tensor."""
    tensor = node.attributes.get(f"{name}_as_tensor")
    found = (
        tensor.ravel() if isinstance(tensor, np.ndarray) else np.array(attribute(node, name, ()), np.float32)
    )
    return _counted(walk, node, name, found, count)


def _integers(walk: Walk, node: Node, name: str, count: int | None) -> list[int]:
    found = np.array(attribute(node, name, ()), np.int64)
    return _counted(walk, node, name, found, count).tolist()


def _counted(
    walk: Walk, node: Node, name: str, found: npt.NDArray[Any], count: int | None
) -> npt.NDArray[Any]:
    if count is not None and len(found) != count:
        walk.refuse(node, f"with {len(found)} {name} where {count} are expected", "export the model again")
    return found


def _ensemble(walk: Walk, node: Node, features: int, prefix: str, outputs: int) -> _Ensemble:
    """The trees, whose leaves hold a number for each output, or one number for one output."""
    tree_ids = _integers(walk, node, "nodes_treeids", None)
    count = len(tree_ids)
    if not 0 < count <= NODES_LIMIT or not 0 < outputs <= _OUTPUTS_LIMIT:
        walk.refuse(node, f"with {count} nodes and {outputs} outputs", f"use 1 to {NODES_LIMIT} nodes")
    keys = list(zip(tree_ids, _integers(walk, node, "nodes_nodeids", count), strict=True))
    modes = attribute(node, "nodes_modes", ())
    if len(modes) != count or len(set(keys)) != count:
        walk.refuse(node, "with nodes of the same number, or without modes", "export the model again")
    leaves = _leaves(walk, node, prefix, outputs)
    nodes = _nodes(walk, node, keys, modes, features)
    by_tree: dict[int, dict[Key, Split | tuple[()]]] = defaultdict(dict)
    for key, found in zip(keys, nodes, strict=True):
        by_tree[key[0]][key] = found
    single = {target for each in leaves.values() for target in each}
    is_single = all(len(each) <= 1 for each in leaves.values()) and all(
        len({target for key in members for target in leaves.get(key, {})}) <= 1
        for members in by_tree.values()
    )
    if any(not 0 <= target < outputs for target in single):
        walk.refuse(node, f"whose leaves name outputs beyond {outputs}", "export the model again")
    if sum(len(each) for each in by_tree.values()) * (1 if is_single else outputs) > 8 * NODES_LIMIT:
        walk.refuse(node, "with so many nodes and outputs", "train a smaller model")
    trees = [_tree(members, leaves, 1 if is_single else outputs) for members in by_tree.values()]
    return _Ensemble(trees=tuple(trees), outputs=outputs)


def _leaves(walk: Walk, node: Node, prefix: str, outputs: int) -> dict[Key, dict[int, float]]:
    tree_ids = _integers(walk, node, f"{prefix}_treeids", None)
    count = len(tree_ids)
    node_ids = _integers(walk, node, f"{prefix}_nodeids", count)
    targets = _integers(walk, node, f"{prefix}_ids", count)
    weights = _numbers(walk, node, f"{prefix}_weights", count)
    leaves: dict[Key, dict[int, float]] = defaultdict(dict)
    for tree, number, target, weight in zip(tree_ids, node_ids, targets, weights.tolist(), strict=True):
        if target in leaves[tree, number]:
            walk.refuse(node, f"with two weights of one leaf for output {target}", "export the model again")
        leaves[tree, number][target] = weight
    return leaves


def _nodes(
    walk: Walk, node: Node, keys: list[Key], modes: tuple[str, ...], features: int
) -> list[Split | tuple[()]]:
    count = len(keys)
    columns = (
        _integers(walk, node, "nodes_featureids", count),
        _numbers(walk, node, "nodes_values", count),
        _integers(walk, node, "nodes_truenodeids", count),
        _integers(walk, node, "nodes_falsenodeids", count),
        _integers(walk, node, "nodes_missing_value_tracks_true", None) or [0] * count,
    )
    found: list[Split | tuple[()]] = []
    for mode, feature, value, yes, no, tracks in zip(modes, *columns, strict=True):
        if mode == "LEAF":
            found.append(())
            continue
        if not 0 <= feature < features:
            walk.refuse(node, f"that asks for feature {feature} of {features}", "export the model again")
        split = _split(mode, feature, value, yes, no, is_missing_yes=bool(tracks))
        if split is None:
            walk.refuse(
                node, f"with the mode {mode[:40]} of a node", "use BRANCH_LEQ, LT, GT, GTE, EQ or NEQ"
            )
        found.append(split)
    return found


def _split(mode: str, feature: int, value: Any, yes: int, no: int, *, is_missing_yes: bool) -> Split | None:
    """A decision as "at most"; others are the same with the next smaller threshold, or sides exchanged."""
    threshold, below = float(value), float(np.nextafter(value, value.dtype.type(-np.inf)))
    is_same_side = mode in {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_EQ"}
    limits = {"BRANCH_LEQ": threshold, "BRANCH_GT": threshold, "BRANCH_LT": below, "BRANCH_GTE": below}
    is_equality = mode in {"BRANCH_EQ", "BRANCH_NEQ"}
    if (
        (mode not in limits and not is_equality)
        or np.isnan(value)
        or (mode in {"BRANCH_LT", "BRANCH_GTE"} and np.isinf(value))
    ):
        return None
    # A missing value is not what is asked, unless it tracks what is true; it is unequal to everything.
    is_yes = is_missing_yes or mode == "BRANCH_NEQ"
    is_missing_left = is_yes == is_same_side
    return Split(
        feature=feature,
        threshold=limits.get(mode, threshold),
        missing=Missing.LEFT if is_missing_left else Missing.RIGHT,
        left=yes if is_same_side else no,
        right=no if is_same_side else yes,
        members=Members(number=threshold, is_missing_left=is_missing_left) if is_equality else None,
    )


def _tree(members: dict[Key, Split | tuple[()]], leaves: dict[Key, dict[int, float]], width: int) -> Tree:
    """A tree whose nodes are named by their places; the root is the node that nobody names, or the first."""
    children: dict[Key, tuple[Key, ...]] = {
        key: ((key[0], each.left), (key[0], each.right)) if isinstance(each, Split) else ()
        for key, each in members.items()
    }
    root = next(iter(members))
    require_tree(f"tree {root[0]}", root, children)
    places = {key: place for place, key in enumerate(members)}
    targets = {target for key in members for target in leaves.get(key, {})}
    first = next(iter(targets), 0) if width == 1 else 0
    nodes = [
        replace(each, left=places[key[0], each.left], right=places[key[0], each.right])
        if isinstance(each, Split)
        else Leaf(numbers=tuple(leaves.get(key, {}).get(first + place, 0.0) for place in range(width)))
        for key, each in members.items()
    ]
    return Tree(nodes=tuple(nodes), target=first)


def _sums(walk: Walk, node: Node, prefix: str, outputs: int) -> Activation:
    """What all trees add up to, before base values."""
    source = walk.activation(node)
    if len(source.shape) != 2:
        walk.refuse(node, f"of {list(source.shape)}", "give it rows of features")
    ensemble = _ensemble(walk, node, source.shape[1], prefix, outputs)
    is_double = walk.element(source.value) is Element.DOUBLE and not source.is_integer
    compared = walk.cast(source, Element.DOUBLE)
    step = Trees(trees=ensemble.trees, start=np.zeros(outputs), source=compared.value)
    value = walk.draft.add(step, outputs, Element.DOUBLE if is_double else Element.FLOAT)
    return Activation(value=value, shape=(1, outputs))


def _base_values(walk: Walk, node: Node) -> Floats:
    return _numbers(walk, node, "base_values", None)


def _regressor(walk: Walk, node: Node) -> None:
    outputs = attribute(node, "n_targets", 1)
    sums = _sums(walk, node, "target", outputs)
    aggregate = attribute(node, "aggregate_function", "SUM")
    if aggregate not in {"SUM", "AVERAGE"}:
        walk.refuse(node, f"with the aggregate_function {aggregate}", "use SUM or AVERAGE")
    if aggregate == "AVERAGE":
        trees = len(set(attribute(node, "nodes_treeids", ())))
        sums = walk.combine(Operation.DIVIDE, sums, np.array([trees]))
    base = _base_values(walk, node)
    if base.size:
        sums = walk.combine(Operation.ADD, sums, base.reshape(1, -1))
    walk.write(node, finished(walk, node, walk.cast(sums, Element.FLOAT)))


def _classifier(walk: Walk, node: Node) -> None:
    labels = class_labels(node)
    if labels is None:
        walk.refuse(node, "without class labels")
    used = set(attribute(node, "class_ids", ()))
    if len(labels) == 2 and len(used) == 1:
        _two_classes(walk, node, labels, next(iter(used)))
        return
    scores = _sums(walk, node, "class", len(labels))
    base = _base_values(walk, node)
    if base.size:
        scores = walk.combine(Operation.ADD, scores, base.reshape(1, -1))
    scores = walk.cast(scores, Element.FLOAT)
    write_label(walk, node, scores, labels)
    walk.write(node, finished(walk, node, scores), 1)


def _two_classes(walk: Walk, node: Node, labels: tuple[int | str, ...], used: int) -> None:
    """Leaves name one class: their sum is its score; the other class gets what is left, or the opposite."""
    both = _sums(walk, node, "class", 2)
    score = walk.rearranged(both, np.array([[used]]))
    base = _base_values(walk, node)
    if base.size > 1:
        walk.refuse(node, "with two base_values and one class in its leaves", "export the model again")
    if base.size:
        score = walk.combine(Operation.ADD, score, base.reshape(1, 1))
    score = walk.cast(score, Element.FLOAT)
    weights = _numbers(walk, node, "class_weights", None)
    is_probability = bool((weights >= 0).all())
    transform = attribute(node, "post_transform", "NONE")
    threshold = 0.5 if is_probability else 0.0
    is_second = walk.combine(Operation.GREATER, score, np.array([[threshold]]))
    write_label(walk, node, complemented(walk, is_second, 1.0), labels)
    if is_probability:
        scores = complemented(walk, score, 1.0)
    elif transform == "LOGISTIC":
        opposite = walk.apply(Function.EXPIT, walk.apply(Function.NEGATE, score))
        itself = walk.apply(Function.EXPIT, score)
        value = walk.add(Join(sources=(opposite.value, itself.value)), 2, score.value)
        scores = replace(score, value=value, shape=(1, 2))
    elif transform == "NONE":
        scores = complemented(walk, score, 0.0)
    else:
        walk.refuse(node, f"with the post_transform {transform} and one class in its leaves", "use LOGISTIC")
    walk.write(node, scores, 1)


TREES: dict[str, Operator] = {
    "TreeEnsembleRegressor": _regressor,
    "TreeEnsembleClassifier": _classifier,
}
