"""Imported models as guests against native Numba of the same functions. Writes docs/model-benchmarks.md.

`--check` measures once and writes nothing. Needs what `make setup` installs.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _native_models as native
import lightgbm
import numpy as np
import onnx
from _kernels import REPOSITORY
from _machine import machine_description
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

from truestep.client.runs import run_task
from truestep.composition.engines import EngineName, open_engine
from truestep.machine.elf import load_elf
from truestep.machine.program import Task
from truestep.models import Model, build_model, from_lightgbm, from_onnx, from_sklearn
from truestep.models.description import Leaf, Trees
from truestep.ports.engine import Engine

PAGE = REPOSITORY / "docs" / "model-benchmarks.md"
ROUNDS = 9
WARMING_RUNS = 4
"""Until the engine has compiled what is hot."""
BAR = 2.0
ALIKE = 1e-5
SEED = 0

HEAD = """# Imported models against native Numba

Written by `benchmarks/models.py` (`make bench`), never by hand. Models that [`truestep import`](models.md)
has made guests of, in the engine, against native Numba of the same functions
(`benchmarks/_native_models.py`): one thread, no fast-math. CPU time of the run alone, warm, which for a
guest includes reading the rows and writing the predictions; medians over {rounds} rounds, native and guest
in turn.

*Loops* are plain loops whose sums go in the guest's order, as somebody writes a network for Numba. *Matrix
products* are the same function with `@`, a BLAS that uses the processor's vector units and takes all rows
together: a guest, which has no vector instructions, does not reach it.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model, rows for it, and native functions of the same."""

    name: str
    model: Model
    rows: Any
    loops: Callable[[], Any]
    products: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One model's."""

    name: str
    native_seconds: float
    ratio: float
    products_ratio: float | None
    cycles: int
    build_seconds: float
    size_bytes: int


def tables_of(model: Model) -> tuple[Any, ...]:
    """A model's trees as arrays: features, thresholds, children, values, roots."""
    (ensemble,) = (step for step in model.steps if isinstance(step, Trees))
    columns: list[tuple[int, float, int, int]] = []
    values: list[tuple[float, ...]] = []
    roots: list[int] = []
    width = next(len(node.numbers) for node in ensemble.trees[0].nodes if isinstance(node, Leaf))
    for tree in ensemble.trees:
        root = len(columns)
        roots.append(root)
        for node in tree.nodes:
            is_leaf = isinstance(node, Leaf)
            columns.append(
                (0, 0.0, -1, -1)
                if is_leaf
                else (node.feature, node.threshold, root + node.left, root + node.right)
            )
            values.append(node.numbers if is_leaf else (0.0,) * width)
    features, thresholds, left, right = zip(*columns, strict=True)
    return (
        np.array(features, np.int32),
        np.array(thresholds),
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array(values),
        np.array(roots, np.int32),
    )


def boosted() -> Case:
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(20_000, 30))
    target = (rows[:, :5].sum(axis=1) + rows[:, 5] * rows[:, 6] > 0).astype(int)
    settings = {"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1, "seed": SEED}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, target), 100)
    model = from_lightgbm(booster)
    tables = tables_of(model)
    return Case(
        name="LightGBM, 100 trees of 31 leaves, 20,000 rows",
        model=model,
        rows=rows,
        loops=lambda: native.boosted_trees(rows, *tables),
    )


def forest() -> Case:
    rng = np.random.default_rng(SEED)
    rows = rng.normal(size=(5_000, 20)).astype(np.float32).astype(np.float64)
    target = np.digitize(rows[:, 0] + rows[:, 1] ** 2, [0, 1])
    trained = RandomForestClassifier(100, random_state=SEED).fit(rows[:3_000], target[:3_000])
    model = from_sklearn(trained)
    tables = tables_of(model)
    return Case(
        name="random forest, 100 trees, 5,000 rows",
        model=model,
        rows=rows,
        loops=lambda: native.forest(rows, *tables),
    )


def weights(rng: np.random.Generator, *shape: int) -> Any:
    return (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def onnx_model(nodes: list[Any], shape: list[Any], constants: dict[str, Any]) -> Model:
    kind, helper = onnx.TensorProto.FLOAT, onnx.helper
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, ["N", 10])],
        [onnx.numpy_helper.from_array(numbers, name) for name, numbers in constants.items()],
    )
    return from_onnx(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    )


def network() -> Case:
    rng = np.random.default_rng(SEED)
    constants = {
        "w1": weights(rng, 128, 784),
        "b1": weights(rng, 128),
        "w2": weights(rng, 10, 128),
        "b2": weights(rng, 10),
    }
    rows = rng.random((2_000, 784)).astype(np.float32)
    make = onnx.helper.make_node
    nodes = [
        make("Gemm", ["x", "w1", "b1"], ["h"], transB=1),
        make("Relu", ["h"], ["r"]),
        make("Gemm", ["r", "w2", "b2"], ["s"], transB=1),
        make("Softmax", ["s"], ["y"]),
    ]
    given = tuple(constants.values())
    return Case(
        name="network 784-128-10, 2,000 rows",
        model=onnx_model(nodes, ["N", 784], constants),
        rows=rows,
        loops=lambda: native.network(rows, *given),
        products=lambda: native.network_with_blas(rows, *given),
    )


def images() -> Case:
    rng = np.random.default_rng(SEED)
    constants = {
        "w1": weights(rng, 8, 1, 3, 3),
        "b1": weights(rng, 8),
        "w2": weights(rng, 16, 8, 3, 3),
        "b2": weights(rng, 16),
    }
    constants |= {"w3": weights(rng, 10, 784), "b3": weights(rng, 10)}
    rows = rng.random((300, 1, 28, 28)).astype(np.float32)
    make = onnx.helper.make_node
    nodes = [
        make("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        make("Relu", ["c1"], ["r1"]),
        make("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        make("Conv", ["p1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1]),
        make("Relu", ["c2"], ["r2"]),
        make("MaxPool", ["r2"], ["p2"], kernel_shape=[2, 2], strides=[2, 2]),
        make("Flatten", ["p2"], ["f"]),
        make("Gemm", ["f", "w3", "b3"], ["s"], transB=1),
        make("Softmax", ["s"], ["y"]),
    ]
    given = tuple(constants.values())
    return Case(
        name="images of 28 by 28, two convolutions, 300 rows",
        model=onnx_model(nodes, ["N", 1, 28, 28], constants),
        rows=rows,
        loops=lambda: native.images(rows, *given),
        products=lambda: native.images_with_blas(rows, *given),
    )


CASES = (boosted, forest, network, images)


def cpu_seconds(call: Callable[[], Any]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def measure(case: Case, engine: Engine, rounds: int) -> Figures:
    """Rounds in turn: native loops, native products, guest."""
    with tempfile.TemporaryDirectory(prefix="truestep-bench-") as name:
        started = time.perf_counter()
        built = build_model(case.model, Path(name) / "model.elf")
        build_seconds = time.perf_counter() - started
        program = load_elf(built.path.read_bytes())
    content = io.BytesIO()
    np.save(content, case.rows)
    task = Task(input=content.getvalue())
    for _ in range(WARMING_RUNS):
        run_task(engine, program, task)
    report = run_task(engine, program, task)
    said = np.load(io.BytesIO(report.output))
    for function in (case.loops, case.products):
        if function is not None:
            np.testing.assert_allclose(said, np.reshape(function(), said.shape), rtol=ALIKE, atol=ALIKE)
    loops: list[float] = []
    ratios: list[float] = []
    products: list[float] = []
    for _ in range(rounds):
        loops.append(cpu_seconds(case.loops))
        guest = run_task(engine, program, task).run_cpu_seconds
        ratios.append(guest / loops[-1])
        if case.products is not None:
            products.append(guest / cpu_seconds(case.products))
    return Figures(
        name=case.name,
        native_seconds=statistics.median(loops),
        ratio=statistics.median(ratios),
        products_ratio=statistics.median(products) if products else None,
        cycles=report.cycles,
        build_seconds=build_seconds,
        size_bytes=built.size_bytes,
    )


def page(figures: list[Figures], rounds: int) -> str:
    """docs/model-benchmarks.md."""
    lines = [
        "| model | loops, s | guest / loops | guest / products | M instructions | build, s | program, kB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in figures:
        products = "" if each.products_ratio is None else f"{each.products_ratio:.2f}"
        lines.append(
            f"| {each.name} | {each.native_seconds:.3f} | {each.ratio:.2f} | {products} |"
            f" {each.cycles / 1e6:,.0f} | {each.build_seconds:.2f} | {each.size_bytes / 1e3:,.0f} |"
        )
    slowest = max(each.ratio for each in figures)
    reached = "reached" if slowest <= BAR else "**missed**"
    lines += ["", f"Target: at most {BAR} times the loops; the slowest model takes {slowest:.2f}: {reached}."]
    machine = machine_description()
    lines += ["", "| measured on | |", "| --- | --- |"]
    lines += [f"| {label} | {machine[label]} |" for label in ("processor", "engine", "date", "load")]
    return HEAD.format(rounds=rounds) + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="measure once, write nothing")
    arguments = parser.parse_args()
    rounds = 1 if arguments.check else ROUNDS
    engine = open_engine(EngineName.JIT)
    with threadpool_limits(1):
        text = page([measure(case(), engine, rounds) for case in CASES], rounds)
    print(text)
    if not arguments.check:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
