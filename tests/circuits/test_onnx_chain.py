import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Invoke
from truestep.circuits.errors import CircuitError
from truestep.circuits.model import Output
from truestep.circuits.onnx_chain import chain
from truestep.models.onnx_file import DataType, Graph, Node, Port

RANDOM = np.random.default_rng(1)
IMAGE = (None, 1, 6, 6)
CONSTANTS = {
    "w1": RANDOM.normal(size=(2, 1, 3, 3)).astype(np.float32),
    "b1": RANDOM.normal(size=2).astype(np.float32),
    "w2": RANDOM.normal(size=(3, 8)).astype(np.float32),
    "b2": RANDOM.normal(size=3).astype(np.float32),
    "w3": RANDOM.normal(size=(3, 4)).astype(np.float32),
    "b3": RANDOM.normal(size=4).astype(np.float32),
}
CHAIN: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    ("Conv", ("w1", "b1"), {"strides": (2, 2), "pads": (0, 0, 0, 0)}),
    ("Relu", (), {}),
    ("Flatten", (), {}),
    ("Gemm", ("w2", "b2"), {"transB": 1}),
    ("Relu", (), {}),
    ("MatMul", ("w3",), {}),
    ("Add", ("b3",), {}),
]


def graph(operators: list[tuple[str, tuple[str, ...], dict[str, Any]]], shape: Any = IMAGE) -> Graph:
    nodes: list[Node] = []
    at = "x"
    for number, (operator, constants, attributes) in enumerate(operators):
        nodes.append(
            Node(
                operator=operator,
                domain="",
                name=f"n{number}",
                inputs=(at, *constants),
                outputs=(f"v{number}",),
                attributes=attributes,
            )
        )
        at = f"v{number}"
    port = Port(name="x", data_type=DataType.FLOAT, shape=shape)
    return Graph(nodes=tuple(nodes), initializers=CONSTANTS, inputs=(port,), outputs=(), opset=17)


def expected(images: np.ndarray) -> np.ndarray:
    """The chain with loops."""
    first = np.zeros((len(images), 2, 2, 2))
    for o in range(2):
        for r in range(2):
            for c in range(2):
                window = images[:, 0, 2 * r : 2 * r + 3, 2 * c : 2 * c + 3]
                sums = (window * CONSTANTS["w1"][o, 0]).sum(axis=(1, 2))
                first[:, o, r, c] = np.maximum(sums + CONSTANTS["b1"][o], 0)
    flat = first.reshape(len(images), 8)
    second = np.maximum(flat @ CONSTANTS["w2"].T + CONSTANTS["b2"], 0)
    return second @ CONSTANTS["w3"] + CONSTANTS["b3"]


def test_a_row_of_operators_is_read() -> None:
    images = RANDOM.normal(size=(7, 1, 6, 6))
    model = chain(graph(CHAIN), "net")
    assert model.output is Output.SCORES and model.input_shape == (1, 6, 6)
    assert np.allclose(model.values(images)[-1], expected(images))


@pytest.mark.parametrize("end", [["Softmax"], ["ArgMax"], ["Softmax", "ArgMax"]])
def test_a_classifier_ends_with_its_class(end: list[str]) -> None:
    assert chain(graph([*CHAIN, *((name, (), {}) for name in end)]), "net").output is Output.CLASS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda row: [*row[:1], ("Tanh", (), {}), *row[2:]], r"Tanh.*is no operator of circuits"),
        (lambda row: [*row[:1], *row[2:]], "follows a sum without a ReLU"),
        (lambda row: [*row, ("Relu", (), {})], "ends with a ReLU"),
        (lambda row: [*row, ("Sigmoid", (), {})], "ends with Sigmoid"),
        (lambda row: [*row, ("Softmax", (), {}), ("Relu", (), {})], "must be at the end"),
        (lambda row: [("Conv", ("w1", "b1"), {"group": 2}), *row[1:]], "groups or dilations"),
        (lambda row: [("Conv", ("w1", "b1"), {"auto_pad": "SAME_UPPER"}), *row[1:]], "explicit pads"),
        (lambda row: [("Conv", ("missing",), {}), *row[1:]], "no constant of the model"),
        (lambda row: row[1:2], "is no operator"),
        (lambda row: row[2:3], "no layer with weights"),
        (lambda row: [*row[:3], ("Gemm", ("w2", "b2"), {"transA": 1})], "transposes its input"),
    ],
)
def test_what_no_circuit_is_made_of_is_named(change: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(CircuitError, match=words):
        chain(graph(change(CHAIN)), "net")


def test_a_graph_with_branches_is_refused() -> None:
    whole = graph(CHAIN)
    branch = Node(operator="Relu", domain="", name="b", inputs=("x",), outputs=("y",), attributes={})
    with pytest.raises(CircuitError, match="operators are in a row"):
        chain(replace(whole, nodes=(*whole.nodes, branch)), "net")
    with pytest.raises(CircuitError, match="only the first size may be free"):
        chain(graph(CHAIN, (None, 1, None, 6)), "net")


def test_the_command_quantises_an_onnx_file(truestep: Invoke, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    make = onnx.helper.make_node
    nodes = [
        make("Gemm", ["x", "w2", "b2"], ["a"], transB=1),
        make("Relu", ["a"], ["b"]),
        make("MatMul", ["b", "w3"], ["c"]),
        make("Add", ["c", "b3"], ["d"]),
        make("ArgMax", ["d"], ["y"], axis=1),
    ]
    kind = onnx.helper.make_tensor_value_info
    ports = [kind("x", onnx.TensorProto.FLOAT, [None, 8])], [kind("y", onnx.TensorProto.INT64, [None, 1])]
    constants = [onnx.numpy_helper.from_array(CONSTANTS[name], name) for name in ("w2", "b2", "w3", "b3")]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "net", *ports, constants))
    onnx.save(model, tmp_path / "net.onnx")
    samples = RANDOM.normal(size=(300, 8))
    hidden = np.maximum(samples @ CONSTANTS["w2"].T + CONSTANTS["b2"], 0)
    np.save(tmp_path / "x.npy", samples)
    np.save(tmp_path / "y.npy", (hidden @ CONSTANTS["w3"] + CONSTANTS["b3"]).argmax(axis=1))
    files = ("--samples", tmp_path / "x.npy", "--labels", tmp_path / "y.npy", "-o", tmp_path / "m.json")
    finished = truestep("quantise", tmp_path / "net.onnx", *files, "--json")
    assert finished.exit_code == 0, finished.stderr
    fields = json.loads(finished.stdout)
    assert fields["float_accuracy"] == 1 and fields["quantised_accuracy"] == fields["agreement"] > 0.97


def test_a_pickle_is_not_opened(truestep: Invoke, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"cos\nsystem\n(S'touch opened'\ntR.")
    np.save(tmp_path / "x.npy", np.zeros((1, 1)))
    finished = truestep("quantise", tmp_path / "model.pkl", "--samples", tmp_path / "x.npy")
    assert (
        finished.exit_code == 1 and "from_sklearn" in finished.stderr and "\n" not in finished.stderr.strip()
    )
