"""Operators that look at each number by itself."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from truestep.models.description import Element, Function, Operation
from truestep.models.onnx_file import DTYPES, DataType, Node, Tensor
from truestep.models.onnx_graph import Activation, Known, Operator, Walk, attribute

_FUNCTIONS: dict[str, tuple[Function, tuple[tuple[str, float], ...]]] = {
    "Relu": (Function.RELU, ()),
    "LeakyRelu": (Function.LEAKY_RELU, (("alpha", 0.01),)),
    "Elu": (Function.ELU, (("alpha", 1.0),)),
    "Selu": (Function.SELU, (("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875))),
    "Celu": (Function.CELU, (("alpha", 1.0),)),
    "Sigmoid": (Function.SIGMOID, ()),
    "HardSigmoid": (Function.HARD_SIGMOID, (("alpha", 0.2), ("beta", 0.5))),
    "HardSwish": (Function.HARD_SWISH, ()),
    "Tanh": (Function.TANH, ()),
    "Softplus": (Function.SOFTPLUS, ()),
    "Softsign": (Function.SOFTSIGN, ()),
    "Exp": (Function.EXP, ()),
    "Log": (Function.LOG, ()),
    "Sqrt": (Function.SQRT, ()),
    "Abs": (Function.ABS, ()),
    "Neg": (Function.NEGATE, ()),
    "Reciprocal": (Function.RECIPROCAL, ()),
    "Floor": (Function.FLOOR, ()),
    "Ceil": (Function.CEIL, ()),
    "Sign": (Function.SIGN, ()),
    "Erf": (Function.ERF, ()),
    "ThresholdedRelu": (Function.THRESHOLDED_RELU, (("alpha", 1.0),)),
    "Not": (Function.NOT_TRUE, ()),
}
_OPERATIONS: dict[str, tuple[Operation, Callable[[Any, Any], Any]]] = {
    "Add": (Operation.ADD, np.add),
    "Sub": (Operation.SUBTRACT, np.subtract),
    "Mul": (Operation.MULTIPLY, np.multiply),
    "Div": (Operation.DIVIDE, np.true_divide),
    "Pow": (Operation.POWER, np.power),
    "And": (Operation.MULTIPLY, np.logical_and),
    "Or": (Operation.MAXIMUM, np.logical_or),
    "Equal": (Operation.EQUAL, np.equal),
    "Greater": (Operation.GREATER, np.greater),
    "GreaterOrEqual": (Operation.GREATER_OR_EQUAL, np.greater_equal),
    "Less": (Operation.LESS, np.less),
    "LessOrEqual": (Operation.LESS_OR_EQUAL, np.less_equal),
}
_COMPARISONS = {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or"}
_OF_CONSTANTS: dict[str, Callable[[Tensor], Tensor]] = {
    "Neg": np.negative,
    "Sqrt": np.sqrt,
    "Abs": np.abs,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Exp": np.exp,
    "Log": np.log,
    "Reciprocal": np.reciprocal,
    "Not": np.logical_not,
}


def _function(walk: Walk, node: Node) -> None:
    function, parameters = _FUNCTIONS[node.operator]
    source = walk.input(node, 0)
    if not isinstance(source, Activation):
        if node.operator not in _OF_CONSTANTS:
            walk.refuse(node, "of constants alone")
        walk.write(node, _OF_CONSTANTS[node.operator](source).astype(source.dtype))
        return
    values = [float(attribute(node, name, default)) for name, default in parameters]
    alpha, beta = (*values, 0.0, 0.0)[:2]
    walk.write(node, walk.apply(function, source, alpha, beta))


def _operation(walk: Walk, node: Node) -> None:
    operation, of_constants = _OPERATIONS[node.operator]
    left, right = walk.input(node, 0), walk.input(node, 1)
    if not isinstance(left, Activation) and not isinstance(right, Activation):
        result = (
            np.floor_divide(left, right)
            if _is_integer(left) and node.operator == "Div"
            else of_constants(left, right)
        )
        walk.write(node, np.asarray(result))
        return
    is_integer = _is_integer(left) and _is_integer(right)
    if is_integer and node.operator in {"Div", "Pow"}:
        walk.refuse(node, "of integers", "cast them to float first")
    combined = walk.combine(operation, left, right)
    walk.write(
        node,
        Activation(
            value=combined.value, shape=combined.shape, is_integer=is_integer or node.operator in _COMPARISONS
        ),
    )


def _is_integer(each: Known) -> bool:
    return each.is_integer if isinstance(each, Activation) else each.dtype.kind in "iub"


def _fold(operation: Operation, *, is_mean: bool = False) -> Operator:
    """Of any number of operands, from left to right."""

    def take(walk: Walk, node: Node) -> None:
        operands = [walk.input(node, place) for place in range(len(node.inputs))]
        if not any(isinstance(each, Activation) for each in operands):
            walk.refuse(node, "of constants alone")
        # The row's values come first, so that each operation has one of them.
        operands.sort(key=lambda each: not isinstance(each, Activation))
        total = operands[0]
        for each in operands[1:]:
            total = walk.combine(operation, total, each)
        if is_mean:
            total = walk.combine(Operation.DIVIDE, total, np.array([len(operands)], np.float64))
        walk.write(node, total)

    return take


def _clip(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    limits = [_limit(walk, node, place, name, default) for place, name, default in _CLIP_LIMITS]
    walk.write(node, walk.apply(Function.CLIP, source, *limits))


_CLIP_LIMITS = ((1, "min", -np.inf), (2, "max", np.inf))


def _limit(walk: Walk, node: Node, place: int, name: str, default: float) -> float:
    if name in node.attributes:
        return float(attribute(node, name, 0.0))
    return default if walk.optional(node, place) is None else float(walk.constant(node, place).item())


def _prelu(walk: Walk, node: Node) -> None:
    source, slope = walk.activation(node), walk.constant(node, 1)
    zero = np.zeros(1)
    below = walk.combine(Operation.MULTIPLY, walk.combine(Operation.MINIMUM, source, zero), slope)
    walk.write(node, walk.combine(Operation.ADD, walk.combine(Operation.MAXIMUM, source, zero), below))


def _gelu(walk: Walk, node: Node) -> None:
    is_exact = attribute(node, "approximate", "none") == "none"
    walk.write(node, walk.apply(Function.GELU if is_exact else Function.GELU_TANH, walk.activation(node)))


def _cast(walk: Walk, node: Node) -> None:
    source, to = walk.input(node, 0), attribute(node, "to", 0)
    if to not in DTYPES or to == DataType.FLOAT16:
        walk.refuse(node, f"to ONNX's type {to}", "keep float32, float64 or integers")
    if not isinstance(source, Activation):
        walk.write(node, source.astype(DTYPES[DataType(to)]))
    elif to in {DataType.FLOAT, DataType.DOUBLE}:
        result = walk.cast(source, Element.FLOAT if to == DataType.FLOAT else Element.DOUBLE)
        walk.write(node, Activation(value=result.value, shape=result.shape))
    elif to == DataType.BOOL:
        result = walk.apply(Function.IS_TRUE, source)
        walk.write(node, Activation(value=result.value, shape=result.shape, is_integer=True))
    else:
        whole = source if source.is_integer else walk.apply(Function.TRUNCATE, source)
        result = walk.cast(whole, Element.DOUBLE)
        walk.write(node, Activation(value=result.value, shape=result.shape, is_integer=True))


def _same(walk: Walk, node: Node) -> None:
    """At prediction, what only matters in training."""
    walk.write(node, walk.input(node, 0))


def _operators(names: Sequence[str], operator: Operator) -> dict[str, Operator]:
    return dict.fromkeys(names, operator)


ARITHMETIC: dict[str, Operator] = {
    **_operators(tuple(_FUNCTIONS), _function),
    **_operators(tuple(_OPERATIONS), _operation),
    **_operators(("Identity", "Dropout"), _same),
    "Sum": _fold(Operation.ADD),
    "Mean": _fold(Operation.ADD, is_mean=True),
    "Min": _fold(Operation.MINIMUM),
    "Max": _fold(Operation.MAXIMUM),
    "Clip": _clip,
    "PRelu": _prelu,
    "Gelu": _gelu,
    "Cast": _cast,
}
