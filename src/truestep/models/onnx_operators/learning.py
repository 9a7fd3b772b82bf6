"""Operators of classical models (ai.onnx.ml), but for trees."""

from dataclasses import replace

import numpy as np

from truestep.models.description import (
    ArgMax,
    Combine,
    Constant,
    Element,
    Function,
    Join,
    Lookup,
    Normalize,
    Operation,
    Reduction,
    Softmax,
)
from truestep.models.onnx_file import Node
from truestep.models.onnx_graph import Activation, Operator, Walk, attribute
from truestep.models.onnx_operators.matrices import dense


def as_float(walk: Walk, source: Activation) -> Activation:
    """What these operators compute with: single precision, whatever they are given."""
    return replace(walk.cast(source, Element.FLOAT), is_integer=False)


def _scaler(walk: Walk, node: Node) -> None:
    source = as_float(walk, walk.activation(node))
    offset = np.array(attribute(node, "offset", ()), np.float32)
    scale = np.array(attribute(node, "scale", ()), np.float32)
    moved = walk.combine(Operation.SUBTRACT, source, offset) if offset.size else source
    walk.write(node, walk.combine(Operation.MULTIPLY, moved, scale) if scale.size else moved)


def _normalizer(walk: Walk, node: Node) -> None:
    source = as_float(walk, walk.activation(node))
    kinds = {"L1": Reduction.L1, "L2": Reduction.L2}
    norm = attribute(node, "norm", "MAX")
    if norm not in kinds:
        walk.refuse(node, f"with norm {norm}", "use L1 or L2")
    step = Normalize(kind=kinds[norm], source=source.value, length=source.shape[-1])
    walk.computed(node, step, source)


def _linear_scores(walk: Walk, node: Node, outputs: int) -> Activation:
    source = as_float(walk, walk.activation(node))
    weights = np.array(attribute(node, "coefficients", ()), np.float32).reshape(outputs, -1)
    if len(source.shape) != 2 or weights.shape[1] != source.shape[1]:
        walk.refuse(node, f"of {list(source.shape)} with coefficients {list(weights.shape)}")
    intercepts = np.array(attribute(node, "intercepts", ()), np.float32)
    return dense(walk, source, weights.T, intercepts if intercepts.size else None)


def _linear_regressor(walk: Walk, node: Node) -> None:
    scores = _linear_scores(walk, node, attribute(node, "targets", 1))
    walk.write(node, finished(walk, node, scores))


def _linear_classifier(walk: Walk, node: Node) -> None:
    labels = class_labels(node)
    if labels is None or len(labels) < 2:
        walk.refuse(node, "without two class labels")
    coefficients, intercepts = attribute(node, "coefficients", ()), attribute(node, "intercepts", ())
    outputs = len(intercepts) or len(labels)
    if outputs != len(labels):
        walk.refuse(
            node, f"with {outputs} scores for {len(labels)} classes", "export one score for each class"
        )
    if len(coefficients) % outputs:
        walk.refuse(node, f"with {len(coefficients)} coefficients for {outputs} classes")
    scores = _linear_scores(walk, node, outputs)
    write_label(walk, node, scores, labels)
    walk.write(node, finished(walk, node, scores), 1)


def class_labels(node: Node) -> tuple[int | str, ...] | None:
    """The labels of a classifier; None if there are none."""
    for name in ("classlabels_ints", "classlabels_int64s", "classlabels_strings"):
        found = attribute(node, name, None)
        if found:
            return found
    return None


def write_label(walk: Walk, node: Node, scores: Activation, labels: tuple[int | str, ...]) -> None:
    """The label of the highest score, if a guest can write it."""
    if not node.outputs or node.outputs[0] not in walk.uses:
        return
    if any(isinstance(label, str) for label in labels):
        walk.refuse(node, "with labels that are words", "import its probabilities (--wanted NAME)")
    best = walk.add(ArgMax(source=scores.value, length=len(labels)), 1, scores.value)
    write_looked_up(walk, node, Activation(value=best, shape=(1,)), np.array(labels, np.int64))


def write_looked_up(walk: Walk, node: Node, index: Activation, table: np.ndarray) -> None:
    """The constant at a place that the row decides about."""
    exact = walk.cast(index, Element.DOUBLE)
    value = walk.add(Lookup(source=exact.value, table=table), exact.length, exact.value)
    found = Activation(value=value, shape=index.shape, is_integer=table.dtype.kind in "iub")
    walk.write(node, found)


def finished(walk: Walk, node: Node, scores: Activation) -> Activation:
    """Scores after the transform that an operator names."""
    kind = attribute(node, "post_transform", "NONE")
    if kind == "NONE":
        return scores
    if kind == "LOGISTIC":
        return walk.apply(Function.EXPIT, scores)
    if kind == "SOFTMAX":
        step = Softmax(source=scores.value, length=scores.shape[-1])
        return replace(scores, value=walk.add(step, scores.length, scores.value))
    return walk.refuse(node, f"with the post_transform {kind}", "use NONE, LOGISTIC or SOFTMAX")


def complemented(walk: Walk, positive: Activation, minus: float) -> Activation:
    """Two columns of one: `minus` less it, and itself."""
    constant = Constant(numbers=np.array([minus]))
    step = Combine(operation=Operation.SUBTRACT, left=constant, right=positive.value)
    negative = walk.add(step, 1, positive.value)
    joined = walk.add(Join(sources=(negative, positive.value)), 2, positive.value)
    return replace(positive, value=joined, shape=(1, 2))


def _array_feature_extractor(walk: Walk, node: Node) -> None:
    source, index = walk.input(node, 0), walk.input(node, 1)
    if isinstance(source, Activation) and not isinstance(index, Activation):
        places = np.take(walk.places(source), index.ravel().astype(np.int64), -1)
        walk.write(node, walk.rearranged(source, places))
    elif isinstance(index, Activation) and not isinstance(source, Activation) and index.length == 1:
        if source.dtype.kind not in "iufb":
            walk.refuse(node, "of words", "import the probabilities (--wanted NAME)")
        write_looked_up(walk, node, replace(index, shape=(1, 1)), source.ravel())
    else:
        walk.refuse(node, "whose inputs both depend on the row")


def _zip_map(walk: Walk, node: Node) -> None:
    """Columns get names, which a table of numbers has not."""
    walk.write(node, walk.activation(node))


def _binarizer(walk: Walk, node: Node) -> None:
    threshold = np.array([attribute(node, "threshold", 0.0)])
    walk.write(node, walk.combine(Operation.GREATER, walk.activation(node), threshold))


LEARNING: dict[str, Operator] = {
    "Scaler": _scaler,
    "Normalizer": _normalizer,
    "LinearRegressor": _linear_regressor,
    "LinearClassifier": _linear_classifier,
    "ArrayFeatureExtractor": _array_feature_extractor,
    "ZipMap": _zip_map,
    "Binarizer": _binarizer,
}
