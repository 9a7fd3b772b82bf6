"""Walks an ONNX graph and describes what it computes for one row.

Each row is computed as a batch of one, so every shape is known, and the first axis of what depends on the
input is 1. An operator that would mix rows is refused.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from truestep.models.description import (
    Apply,
    Combine,
    Constant,
    Convert,
    Draft,
    Element,
    Function,
    Join,
    Model,
    Operation,
    Prediction,
    Shape,
    Step,
    Take,
)
from truestep.models.errors import ModelRefused
from truestep.models.limits import AXES_LIMIT, FEATURES_LIMIT, NUMBERS_LIMIT, TOTAL_LIMIT
from truestep.models.onnx_file import DTYPES, DataType, Graph, Node, Port, Tensor, shortened


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What depends on the input: the number of a value, and its shape, whose first axis is 1."""

    value: int
    shape: Shape
    is_integer: bool = False

    @property
    def length(self) -> int:
        """Of one row."""
        return math.prod(self.shape)


Known = Activation | Tensor
Operator = Callable[["Walk", Node], None]

_RECURSIVE = {"Loop", "If", "Scan", "SequenceMap"}


class Walk:
    """The state of a walk: what each name of the graph stands for."""

    def __init__(self, graph: Graph, needed: Sequence[Node]) -> None:
        self.graph = graph
        self.known: dict[str, Known] = dict(graph.initializers)
        ports = [port for port in graph.inputs if port.name not in graph.initializers]
        self.draft = Draft(sum(_row_length(port) for port in ports))
        self.uses = Counter(name for node in needed for name in node.inputs)
        self._constants = 0
        self.has_free_rows = any(port.shape and port.shape[0] is None for port in ports)
        """Whether the graph takes any number of rows, not one alone."""
        self._enter(ports)

    def _enter(self, ports: Sequence[Port]) -> None:
        """Several inputs are columns of one row, one after the other."""
        at = 0
        for port in ports:
            length = _row_length(port)
            places = np.arange(at, at + length)
            value = 0 if length == self.draft.features else self.add(Take(source=0, places=places), length, 0)
            if port.data_type == DataType.FLOAT:
                value = self.draft.add(Convert(source=value), length, Element.FLOAT)
            is_integer = port.data_type not in {DataType.FLOAT, DataType.DOUBLE}
            self.known[port.name] = Activation(value=value, shape=_row_shape(port), is_integer=is_integer)
            at += length

    def element(self, value: int) -> Element:
        """The type of a value's numbers."""
        return self.draft.values[value].element

    def add(self, step: Step, length: int, like: int) -> int:
        """A step whose result is of the same type as the value `like`."""
        return self.draft.add(step, length, self.element(like))

    def input(self, node: Node, place: int) -> Known:
        """What an operator reads at a place, which must be there."""
        found = self.optional(node, place)
        if found is None:
            raise ModelRefused(f"expected {node.title} to have an input number {place}, got none")
        return found

    def optional(self, node: Node, place: int) -> Known | None:
        """The same for one that may be left out."""
        if place >= len(node.inputs) or not node.inputs[place]:
            return None
        name = node.inputs[place]
        if name not in self.known:
            raise ModelRefused(
                f"{node.title} reads {shortened(name)!r}, which no operator before it writes: the graph has a"
                " cycle, or is not in order; export the model again"
            )
        return self.known[name]

    def activation(self, node: Node, place: int = 0) -> Activation:
        """An input that depends on the row."""
        found = self.input(node, place)
        if not isinstance(found, Activation):
            self.refuse(node, "of constants alone")
        return found

    def constant(self, node: Node, place: int) -> Tensor:
        """An input that is a constant of the model."""
        found = self.input(node, place)
        if isinstance(found, Activation):
            self.refuse(node, f"whose input number {place} depends on the row")
        return found

    def numbers(self, node: Node, place: int) -> tuple[int, ...] | None:
        """Integers of a small constant input, such as axes; None if it is left out."""
        found = self.optional(node, place)
        if found is None:
            return None
        constant = self.constant(node, place)
        if constant.size > NUMBERS_LIMIT or constant.dtype.kind not in "iub":
            self.refuse(node, f"whose input number {place} is not a list of integers")
        return tuple(int(number) for number in constant.ravel())

    def refuse(self, node: Node, what: str, advice: str = "export the model without it") -> NoReturn:
        """Say that a guest does not have this operator in this form."""
        raise ModelRefused(f"a guest has no {node.title} {what}; {advice}")

    def write(self, node: Node, result: Known, place: int = 0) -> None:
        """What an operator writes. Raises ModelRefused if rows would be mixed, or it is too large."""
        if place >= len(node.outputs) or not node.outputs[place]:
            return
        shape = result.shape
        if math.prod(shape) > NUMBERS_LIMIT or len(shape) > AXES_LIMIT:
            self.refuse(node, f"with a result of the shape {list(shape[:AXES_LIMIT])}", "use a smaller model")
        if isinstance(result, Activation) and (not shape or shape[0] != 1):
            self.refuse(
                node,
                f"that mixes rows: its result for one row has the shape {list(shape)}",
                "keep the first axis for rows in all layers",
            )
        if not isinstance(result, Activation):
            self._constants += result.size
            if self._constants > TOTAL_LIMIT:
                self.refuse(node, "that makes so many constants", "use a smaller model")
        self.known[node.outputs[place]] = result

    def require_rows(self, node: Node, *, is_kept: bool) -> None:
        """Refuse what would move the axis of rows, in a graph that takes any number of them."""
        if self.has_free_rows and not is_kept:
            self.refuse(node, "that moves the axis of rows", "keep the first axis for rows in all layers")

    def computed(self, node: Node, step: Step, source: Activation, shape: Shape | None = None) -> None:
        """Write the result of a step on `source`."""
        shape = source.shape if shape is None else shape
        value = self.add(step, math.prod(shape), source.value)
        self.write(node, replace(source, value=value, shape=shape))

    def rearranged(self, source: Activation, places: Tensor, filler: float = 0.0) -> Activation:
        """The numbers of `source` at `places`, in the shape of `places`."""
        flat = places.ravel()
        if flat.size > NUMBERS_LIMIT:
            raise ModelRefused(
                f"expected at most {NUMBERS_LIMIT} numbers of a row in one place, got {flat.size}"
            )
        if flat.size == source.length and np.array_equal(flat, np.arange(flat.size)):
            return replace(source, shape=places.shape)
        step = Take(source=source.value, places=flat.astype(np.int32), filler=filler)
        return replace(source, value=self.add(step, flat.size, source.value), shape=places.shape)

    def places(self, source: Activation) -> Tensor:
        """The places of its numbers, in its shape: what is done to them is done to the numbers."""
        return np.arange(source.length, dtype=np.int64).reshape(source.shape)

    def cast(self, source: Activation, element: Element) -> Activation:
        """The same in another type of numbers."""
        if self.element(source.value) is element:
            return source
        value = self.draft.add(Convert(source=source.value), source.length, element)
        return replace(source, value=value)

    def apply(
        self, function: Function, source: Activation, alpha: float = 0.0, beta: float = 0.0
    ) -> Activation:
        """A function of each number."""
        step = Apply(function=function, source=source.value, alpha=alpha, beta=beta)
        return replace(source, value=self.add(step, source.length, source.value))

    def combine(self, operation: Operation, left: Known, right: Known) -> Activation:
        """An operation on two operands with NumPy's rules for shapes; one at least is an activation."""
        shape = np.broadcast_shapes(left.shape, right.shape)
        if math.prod(shape) > NUMBERS_LIMIT:
            raise ModelRefused(
                f"expected at most {NUMBERS_LIMIT} numbers of a row, got the shape {list(shape)}"
            )
        activations = [each for each in (left, right) if isinstance(each, Activation)]
        if self.has_free_rows and any(len(each.shape) != len(shape) for each in activations):
            raise ModelRefused(
                f"a guest has no operands of the shapes {list(left.shape)} and {list(right.shape)}, for one"
                " row: they mix rows; give both as many axes"
            )
        pattern = activations[0]
        operands = [self._operand(each, shape) for each in (left, right)]
        step = Combine(operation=operation, left=operands[0], right=operands[1])
        return replace(pattern, value=self.add(step, math.prod(shape), pattern.value), shape=shape)

    def _operand(self, each: Known, shape: Shape) -> int | Constant:
        is_single = math.prod(each.shape) == 1
        if not isinstance(each, Activation):
            return Constant(numbers=(each if is_single else np.broadcast_to(each, shape)).ravel())
        if is_single or each.shape == shape:
            return each.value
        return self.rearranged(each, np.broadcast_to(self.places(each), shape)).value

    def join(self, sources: Sequence[Activation]) -> Activation:
        """Values one after the other, in one axis."""
        length = sum(source.length for source in sources)
        step = Join(sources=tuple(source.value for source in sources))
        return replace(sources[0], value=self.add(step, length, sources[0].value), shape=(length,))


def attribute(node: Node, name: str, default: Any) -> Any:
    """An attribute, of the type of its default; of any type if the default is None."""
    if name not in node.attributes or default is None:
        return node.attributes.get(name, default)
    found = node.attributes[name]
    if isinstance(default, float):
        is_like = isinstance(found, int | float) and math.isfinite(found)
    else:
        is_like = type(found) is type(default)
    if not is_like:
        raise ModelRefused(
            f"expected the attribute {name} of {node.title} to be like {default!r}, got {found!r:.80}"
        )
    return found


def axis_of(node: Node, axis: int, count: int) -> int:
    """An axis counted from the front."""
    if not -count <= axis < count:
        raise ModelRefused(f"expected {node.title} to have an axis from {-count} to {count - 1}, got {axis}")
    return axis % count


def _row_shape(port: Port) -> Shape:
    """The shape of a batch of one."""
    title = f"the input {shortened(port.name)!r}"
    if port.data_type not in DTYPES or port.data_type == DataType.FLOAT16:
        raise ModelRefused(
            f"expected {title} to be a tensor of float32, float64 or integers, got ONNX's type"
            f" {port.data_type}; export the model with numbers as input"
        )
    if not port.shape or len(port.shape) > AXES_LIMIT:
        raise ModelRefused(
            f"expected {title} to have a shape (rows, …), got none; export the model with shapes"
        )
    first, *others = port.shape
    if first not in {None, 1}:
        raise ModelRefused(
            f"expected the first axis of {title} to be rows, of any number, got {first};"
            " export the model with a dynamic first axis, or with 1"
        )
    if any(size is None for size in others):
        raise ModelRefused(
            f"expected {title} to have fixed sizes but for its first axis, got {list(port.shape)}"
        )
    shape = (1, *(size for size in others if size is not None))
    if math.prod(shape) > FEATURES_LIMIT:
        raise ModelRefused(
            f"expected at most {FEATURES_LIMIT} numbers of a row, got {math.prod(shape)} in {title}"
        )
    return shape


def _row_length(port: Port) -> int:
    return math.prod(_row_shape(port))


def from_graph(graph: Graph, operators: Mapping[tuple[str, str], Operator], wanted: str | None) -> Model:
    """What a graph computes for its output `wanted`, or for the one that says most."""
    if not any(port.name not in graph.initializers for port in graph.inputs):
        raise ModelRefused("expected a model with an input, got none; export the model again")
    output = _output(graph, wanted)
    nodes = _needed(graph, output.name)
    walk = Walk(graph, nodes)
    walk.uses[output.name] += 1
    for node in nodes:
        _take_node(walk, node, operators)
    result = walk.known.get(output.name)
    if not isinstance(result, Activation):
        raise ModelRefused(
            f"expected the output {shortened(output.name)!r} to depend on the input, got a constant"
        )
    shape = result.shape[1:] if result.shape[1:] != (1,) else ()
    others = ", ".join(shortened(port.name) for port in graph.outputs if port is not output)
    notes = (
        f"the guest writes the output {shortened(output.name)}; the model also has {others} (--wanted NAME)",
    )
    prediction = Prediction(value=result.value, shape=shape, is_integer=result.is_integer)
    return walk.draft.model(f"ONNX, {len(nodes)} operators", prediction, notes if others else ())


def _output(graph: Graph, wanted: str | None) -> Port:
    if not graph.outputs:
        raise ModelRefused("expected a model with an output, got none; export the model again")
    names = ", ".join(shortened(port.name) for port in graph.outputs)
    if wanted is not None:
        found = [port for port in graph.outputs if port.name == wanted]
        if not found:
            raise ModelRefused(f"expected the name of an output ({names}), got {wanted!r}")
        return found[0]
    floats = {DataType.FLOAT, DataType.DOUBLE, 0}
    return next((port for port in graph.outputs if port.data_type in floats), graph.outputs[0])


def _needed(graph: Graph, wanted: str) -> list[Node]:
    """The nodes that an output depends on, in the file's order."""
    writers: dict[str, int] = {}
    for place, node in enumerate(graph.nodes):
        for name in filter(None, node.outputs):
            if writers.setdefault(name, place) != place:
                raise ModelRefused(
                    f"{node.title} writes {shortened(name)!r}, which is written before;"
                    " export the model again"
                )
    needed: set[int] = set()
    waiting = [wanted]
    while waiting:
        place = writers.get(waiting.pop())
        if place is not None and place not in needed:
            needed.add(place)
            waiting += graph.nodes[place].inputs
    return [graph.nodes[place] for place in sorted(needed)]


def _take_node(walk: Walk, node: Node, operators: Mapping[tuple[str, str], Operator]) -> None:
    operator = operators.get((node.domain, node.operator))
    if operator is None or node.operator in _RECURSIVE:
        known = ", ".join(sorted(name for domain, name in operators if domain == node.domain))
        raise ModelRefused(
            f"a guest does not have the operator {node.title};"
            f" export the model without it, or write the guest in Python. Known of this kind:"
            f" {known or 'none'}"
        )
    try:
        operator(walk, node)
    except (ValueError, IndexError, OverflowError, TypeError, ZeroDivisionError) as error:
        # NumPy and index arithmetic refuse shapes that do not fit each other.
        raise ModelRefused(
            f"{node.title} has inputs or attributes that do not fit each other: {error}"
        ) from error
