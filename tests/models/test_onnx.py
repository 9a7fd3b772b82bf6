"""ONNX models as guests, compared with ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.models.running import features, predict
from truestep.models import from_onnx

onnx = pytest.importorskip("onnx", reason="onnx is not installed: make setup")
runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: make setup")

RNG = np.random.default_rng(7)
LAST_BITS = 1e-6
"""Of the largest output: sums of products in single precision are added in another order."""


def weights(*shape: int) -> np.ndarray:
    return (RNG.normal(size=shape) / np.sqrt(max(shape[-1], 1))).astype(np.float32)


def singles(rows: np.ndarray) -> np.ndarray:
    """In single precision, in which numbers that are too large are infinite."""
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)


def model_file(
    nodes: list[Any],
    shape: list[Any],
    constants: dict[str, np.ndarray],
    outputs: tuple[str, ...] = ("y",),
    opset: int = 17,
) -> bytes:
    """An ONNX file with one input `x`."""
    helper = onnx.helper
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [onnx.numpy_helper.from_array(numbers, name) for name, numbers in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def expected(content: bytes, rows: np.ndarray, name: str = "y") -> np.ndarray:
    """What ONNX Runtime says."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run([name], {"x": rows})[0]


def assert_alike(content: bytes, rows: np.ndarray, *, is_exact: bool = False, name: str = "y") -> None:
    wanted = expected(content, rows, name)
    found = predict(from_onnx(content, wanted=name), rows).reshape(wanted.shape)
    assert found.dtype == wanted.dtype
    if is_exact:
        np.testing.assert_array_equal(found, wanted)
    else:
        np.testing.assert_allclose(found, wanted, rtol=0, atol=LAST_BITS * np.abs(wanted).max())


def node(operator: str, inputs: str, output: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(operator, inputs.split(), output.split(), **attributes)


def test_a_convolutional_network_as_torch_exports_it() -> None:
    constants = {
        "w1": weights(6, 2, 3, 3),
        "b1": weights(6),
        "scale": np.abs(weights(6)) + 1,
        "shift": weights(6),
        "mean": weights(6),
        "variance": np.abs(weights(6)) + 1,
        "w2": weights(4, 3, 3, 2),
        "w3": weights(10, 4 * 3 * 3),
        "b3": weights(10),
        "zero": np.array(0),
        "axes": np.array([0]),
        "rest": np.array([-1]),
        "slope": np.abs(weights(4, 1, 1)),
    }
    nodes = [
        node("Conv", "x w1 b1", "c1", pads=[1, 1, 1, 1], strides=[2, 1], dilations=[1, 2]),
        node("BatchNormalization", "c1 scale shift mean variance", "n1"),
        node("Relu", "n1", "r1"),
        node("MaxPool", "r1", "p1", kernel_shape=[3, 2], strides=[1, 2], pads=[1, 0, 1, 1], ceil_mode=1),
        node("Conv", "p1 w2", "c2", group=2, auto_pad="SAME_LOWER"),
        node("PRelu", "c2 slope", "r2"),
        node("AveragePool", "r2", "p2", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 0, 0]),
        node("Shape", "p2", "shape"),
        node("Gather", "shape zero", "rows"),
        node("Unsqueeze", "rows axes", "first"),
        node("Concat", "first rest", "flat", axis=0),
        node("Reshape", "p2 flat", "f"),
        node("Gemm", "f w3 b3", "g", transB=1),
        node("LogSoftmax", "g", "y", axis=1),
    ]
    content = model_file(nodes, ["N", 2, 9, 12], constants)
    assert_alike(content, RNG.normal(size=(5, 2, 9, 12)).astype(np.float32))


def test_operators_of_single_numbers() -> None:
    """All in one model, whose outputs are joined."""
    plain = ("Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Abs", "Neg", "Floor", "Ceil", "Sign", "Erf")
    plain = (*plain, "Selu", "HardSwish", "Elu", "Celu", "Identity")
    settings = {
        "LeakyRelu": {"alpha": 0.3},
        "HardSigmoid": {"alpha": 0.3},
        "ThresholdedRelu": {"alpha": 0.7},
    }
    nodes = [node(name, "x", f"o_{name}", **settings.get(name, {})) for name in (*plain, *settings)]
    positive = [
        node("Abs", "x", "a"),
        *(node(name, "a", f"o_{name}") for name in ("Exp", "Log", "Sqrt", "Reciprocal")),
    ]
    nodes += [
        *positive,
        node("Clip", "x low high", "o_clip"),
        node("Clip", "x low", "o_half"),
        node("Dropout", "x", "o_same"),
    ]
    outputs = [each.output[0] for each in nodes if each.output[0] != "a"]
    nodes.append(node("Concat", " ".join(outputs), "y", axis=-1))
    constants = {"low": np.array(-0.5, np.float32), "high": np.array(0.75, np.float32)}
    assert_alike(model_file(nodes, ["N", 3], constants), features(3, 60, 3).astype(np.float32))


def test_operators_of_two_numbers_and_of_groups() -> None:
    constants = {
        "row": weights(4),
        "column": weights(3, 1),
        "one": np.array([2.0], np.float32),
        "axes": np.array([2]),
        "shape": np.array([0, -1]),
        "start": np.array([-1]),
        "end": np.array([-100]),
        "step": np.array([-2]),
        "pads": np.array([0, 1, 0, 0, 0, 2]),
        "places": np.array([2, 0, -1]),
        "matrix": weights(4, 5),
    }
    nodes = [
        node("Add", "x row", "t0"),
        node("Mul", "column x", "t1"),
        node("Sub", "one x", "t2"),
        node("Div", "x one", "t3"),
        node("Max", "x row one", "t4"),
        node("Min", "row x", "t5"),
        node("Transpose", "x", "moved", perm=[0, 2, 1]),
        node("MatMul", "x moved", "t6"),
        node("ReduceMean", "x", "t7", axes=[1], keepdims=0),
        node("ReduceSum", "x axes", "t8", keepdims=1),
        node("ReduceMax", "x", "t9", axes=[-1]),
        node("ReduceL2", "x", "t10", axes=[1, 2]),
        node("Softmax", "x", "t11", axis=1),
        node("Slice", "x start end axes step", "t12"),
        node("Pad", "x pads one", "t13"),
        node("Gather", "x places", "t14", axis=1),
        node("Split", "x", "part0 t15", axis=2),
        node("MatMul", "x matrix", "t16"),
        node("Mean", "x row", "t17"),
        node("Add", "t9 x", "t18"),
        node("GlobalAveragePool", "x", "t19"),
        node("Flatten", "x", "flat0", axis=1),
        node("ReduceMin", "x", "t20", axes=[2]),
    ]
    nodes += [node("Reshape", f"t{number} shape", f"f{number}") for number in range(21)]
    nodes.append(node("Concat", "flat0 " + " ".join(f"f{number}" for number in range(21)), "y", axis=1))
    assert_alike(
        model_file(nodes, ["N", 3, 4], constants), features(4, 40, 12).astype(np.float32).reshape(40, 3, 4)
    )


def with_integers(content: bytes) -> bytes:
    """The same model whose first output is of integers."""
    model = onnx.load_model_from_string(content)
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    return model.SerializeToString()


def test_labels_are_integers() -> None:
    nodes = [
        node("ArgMax", "x", "best", axis=1, keepdims=0),
        node("Cast", "best", "y", to=onnx.TensorProto.INT64),
    ]
    content = with_integers(model_file(nodes, ["N", 5], {}))
    rows = np.round(features(5, 50, 5)).astype(np.float32)
    np.testing.assert_array_equal(predict(from_onnx(content), rows), expected(content, rows))
    assert predict(from_onnx(content), rows).dtype == np.int64


MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


@pytest.mark.parametrize("modes", [MODES, MODES[:4]], ids=["all", "without equality"])
def test_trees_of_every_mode(modes: tuple[str, ...]) -> None:
    """Three nodes and four leaves for each mode, and both ways for missing values."""
    lists: dict[str, list[Any]] = {
        name: [] for name in ("treeids", "nodeids", "featureids", "values", "modes")
    }
    lists |= {name: [] for name in ("truenodeids", "falsenodeids", "missing_value_tracks_true")}
    leaves: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for tree, mode in enumerate((*modes, *modes)):
        for number in range(7):
            is_leaf = number > 2
            row = (tree, number, tree % 3, float(number - 1) / 2, "LEAF" if is_leaf else mode)
            row += (
                0 if is_leaf else 2 * number + 1,
                0 if is_leaf else 2 * number + 2,
                int(tree >= len(modes)),
            )
            for name, value in zip(lists, row, strict=True):
                lists[name].append(value)
            if is_leaf:
                for name, value in zip(leaves, (tree, number, 0, float(RNG.normal())), strict=True):
                    leaves[name].append(value)
    attributes = {f"nodes_{name}": values for name, values in lists.items()}
    attributes |= {f"target_{name}": values for name, values in leaves.items()}
    ensemble = node(
        "TreeEnsembleRegressor", "x", "y", domain="ai.onnx.ml", n_targets=1, base_values=[0.25], **attributes
    )
    rows = singles(features(6, 400, 3, strange=True).round() / 2)
    assert_alike(model_file([ensemble], ["N", 3], {}), rows, is_exact=True)


def converted(estimator: Any, rows: np.ndarray, **options: Any) -> bytes:
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed: make setup")
    opsets = {"": 17, "ai.onnx.ml": 3}
    return skl2onnx.to_onnx(estimator, rows[:1], target_opset=opsets, **options).SerializeToString()


def named(content: bytes, name: str) -> bytes:
    """The same model whose input is called x."""
    model = onnx.load_model_from_string(content)
    for each in model.graph.node:
        each.input[:] = ["x" if old == name else old for old in each.input]
    model.graph.input[0].name = "x"
    return model.SerializeToString()


def test_models_that_skl2onnx_wrote() -> None:
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, asked = features(1, 200, 4).astype(np.float32), singles(features(2, 300, 4, strange=True))
    plain = features(2, 300, 4).astype(np.float32)
    score = rows[:, 0] + rows[:, 1] ** 2
    two, three = (score > 0.5).astype(int), np.digitize(score, [0, 1])
    for estimator, target, is_exact in (
        (RandomForestRegressor(12, random_state=0), score, True),
        (RandomForestClassifier(7, random_state=0), three, True),
        (GradientBoostingClassifier(n_estimators=4), two, False),
        (MLPClassifier((6,), max_iter=5), three, False),
        (make_pipeline(StandardScaler(), LogisticRegression()), two, False),
    ):
        estimator.fit(rows, target)
        is_regressor = target is score
        content = named(
            converted(estimator, rows, **({} if is_regressor else {"options": {"zipmap": False}})), "X"
        )
        given = asked if "Forest" in str(estimator) or "Boosting" in str(estimator) else plain
        assert_alike(content, given, is_exact=is_exact, name="variable" if is_regressor else "probabilities")
        if not is_regressor:
            assert_alike(content, given, is_exact=True, name="label")


def test_what_is_written_of_several_outputs_is_said() -> None:
    nodes = [node("ArgMax", "x", "label", axis=1), node("Softmax", "x", "shares", axis=1)]
    found = from_onnx(with_integers(model_file(nodes, ["N", 5], {}, ("label", "shares"))))
    assert found.prediction.shape == (5,)
    assert found.notes == ("the guest writes the output shares; the model also has label (--wanted NAME)",)
