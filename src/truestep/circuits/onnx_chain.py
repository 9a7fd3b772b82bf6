"""Reads a float model from an ONNX graph whose operators are in a row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from truestep.circuits.errors import CircuitError
from truestep.circuits.float_model import FloatArray, FloatLayer, FloatModel
from truestep.circuits.model import Output
from truestep.models.onnx_file import Graph, Node, read_onnx

_SHAPING = {"Flatten", "Reshape", "Identity", "Cast", "Dropout"}
_MONOTONIC = {"Softmax", "LogSoftmax", "Sigmoid"}
_KNOWN = "Gemm, MatMul, Add, Conv, Relu, Flatten, Reshape, Softmax and ArgMax at the end"


def read_onnx_model(content: bytes, name: str) -> FloatModel:
    """The model of an ONNX file. Raises `CircuitError` for an operator that no circuit is made of."""
    return chain(read_onnx(content), name)


def chain(graph: Graph, name: str) -> FloatModel:
    """Follow the graph from its input, operator by operator."""
    ports = [port for port in graph.inputs if port.name not in graph.initializers]
    if len(ports) != 1:
        raise CircuitError(f"expected a model with one input; got {len(ports)}")
    walk = _Walk(graph.initializers)
    at = ports[0].name
    for node in graph.nodes:
        if node.operator == "Constant":
            walk.constants[node.outputs[0]] = np.asarray(node.attributes["value"])
            continue
        if at not in node.inputs:
            raise CircuitError(
                f"{node.title} does not read what the operator before it wrote; circuits are made of models"
                " whose operators are in a row: use `truestep import`, which runs them as guests"
            )
        walk.take(node, at)
        at = node.outputs[0]
    shape = ports[0].shape or ()
    sizes = tuple(size for size in shape[1:] if size is not None)
    if len(shape) < 2 or len(sizes) != len(shape) - 1:
        raise CircuitError(f"the model's input has the shape {shape}; only the first size may be free")
    return walk.model(name, sizes)


class _Walk:
    def __init__(self, constants: Mapping[str, Any]) -> None:
        self.constants = dict(constants)
        self.layers: list[FloatLayer] = []
        self.is_open = False
        """Whether a ReLU may follow: the operator before it was a sum."""
        self.is_class = False
        self.ends_with = ""

    def take(self, node: Node, at: str) -> None:
        """One more operator."""
        if self.ends_with and node.operator != "ArgMax" and node.operator not in _SHAPING:
            raise CircuitError(f"{node.title} follows {self.ends_with}, which must be at the end")
        match node.operator:
            case "Gemm" | "MatMul" | "Conv":
                self._need_relu(node)
                self.layers.append(self._conv(node) if node.operator == "Conv" else self._dense(node, at))
                self.is_open = True
            case "Add":
                self._add(node, at)
            case "Relu" if self.is_open:
                self.is_open = False
            case "ArgMax":
                self.is_class = True
                self.ends_with = node.title
            case operator if operator in _SHAPING:
                pass
            case operator if operator in _MONOTONIC:
                self.ends_with = node.title
            case _:
                raise CircuitError(
                    f"{node.title} is no operator of circuits, which have {_KNOWN}: leave it out of the"
                    " model, or run the model as a guest (`truestep import`)"
                )

    def _need_relu(self, node: Node) -> None:
        if self.is_open:
            raise CircuitError(
                f"{node.title} follows a sum without a ReLU; put one between them, or multiply their weights"
            )

    def _constant(self, node: Node, place: int) -> FloatArray:
        name = node.inputs[place] if place < len(node.inputs) else ""
        if name not in self.constants:
            raise CircuitError(f"{node.title} reads {name!r}, which is no constant of the model")
        return np.asarray(self.constants[name], dtype=np.float64)

    def _dense(self, node: Node, at: str) -> FloatLayer:
        if node.inputs[0] != at:
            raise CircuitError(f"{node.title} multiplies constants by the input; expected the input first")
        weights = self._constant(node, 1)
        if weights.ndim != 2:
            raise CircuitError(f"{node.title} has weights of {weights.ndim} axes; expected 2")
        settings: Mapping[str, Any] = node.attributes if node.operator == "Gemm" else {}
        if settings.get("transA"):
            raise CircuitError(f"{node.title} transposes its input; export the model without that")
        rows = weights if settings.get("transB") else weights.T
        has_bias = node.operator == "Gemm" and len(node.inputs) > 2 and node.inputs[2] != ""
        biases = self._constant(node, 2) * settings.get("beta", 1.0) if has_bias else np.zeros(1)
        scale = float(settings.get("alpha", 1.0))
        return FloatLayer(weights=rows * scale, biases=np.broadcast_to(biases.reshape(-1), (len(rows),)))

    def _conv(self, node: Node) -> FloatLayer:
        weights = self._constant(node, 1)
        settings: Mapping[str, Any] = node.attributes
        if weights.ndim != 4:
            raise CircuitError(f"{node.title} has weights of {weights.ndim} axes; expected 4, of an image")
        if settings.get("group", 1) != 1 or set(settings.get("dilations", (1, 1))) != {1}:
            raise CircuitError(f"{node.title} has groups or dilations; circuits have neither")
        if settings.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
            raise CircuitError(f"{node.title} pads by itself; export the model with explicit pads")
        pads = tuple(settings.get("pads", (0, 0, 0, 0)))
        strides = tuple(settings.get("strides", (1, 1)))
        biases = self._constant(node, 2) if len(node.inputs) > 2 else np.zeros(len(weights))
        return FloatLayer(
            weights=weights,
            biases=biases,
            strides=(strides[0], strides[1]),
            padding=(pads[0], pads[1], pads[2], pads[3]),
        )

    def _add(self, node: Node, at: str) -> None:
        """A bias behind a MatMul."""
        place = 1 - node.inputs.index(at)
        if not self.is_open or self.layers[-1].is_convolution:
            raise CircuitError(f"{node.title} adds to something else than a MatMul; circuits add only biases")
        last = self.layers[-1]
        biases = last.biases + np.broadcast_to(self._constant(node, place).reshape(-1), last.biases.shape)
        self.layers[-1] = FloatLayer(weights=last.weights, biases=biases)

    def model(self, name: str, shape: tuple[int, ...]) -> FloatModel:
        """What the walk has found."""
        if not self.layers:
            raise CircuitError("the model has no layer with weights")
        if not self.is_open:
            raise CircuitError("the model ends with a ReLU; leave it out: scores are proven as they are")
        is_class = self.is_class or self.ends_with.startswith(("Softmax", "LogSoftmax"))
        if self.ends_with.startswith("Sigmoid"):
            raise CircuitError("the model ends with Sigmoid; leave it out: the score before it says the same")
        return FloatModel(
            name=name,
            input_shape=shape,
            layers=tuple(self.layers),
            output=Output.CLASS if is_class else Output.SCORES,
        )


def read_float_model(path: Path, content: bytes) -> FloatModel:
    """The model of a file that a user names."""
    if path.suffix != ".onnx":
        raise CircuitError(
            f"{path} is no .onnx file; of a scikit-learn model `truestep.circuits.float_model.from_sklearn`"
            " makes one for the quantiser, in Python: a pickle is not opened, because it can run anything"
        )
    return read_onnx_model(content, path.stem)
