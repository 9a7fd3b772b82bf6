"""What the types of a call's arguments rule out in a function, without compiling it."""

from __future__ import annotations

import ast
import functools
import textwrap
from typing import Any

import numpy as np
import pytest
from numba.core import types

from truestep.guest.python.compiler.known_types import argument_facts
from truestep.guest.python.compiler.known_values import Evaluator
from truestep.guest.python.compiler.pruning import Pruner
from truestep.guest.python.compiler.rewriting_names import Names

VECTOR = types.Array(types.float64, 1, "C")
NUMBERS: dict[str, Any] = {"one": 1.0, "two": 2.0, "three": (1, 2, 3)}

PRUNED = (
    ("if mph is not None and x.size > mph: return 1\nreturn 2", {"mph": None}, "return 2"),
    ("if mph is not None and x.size > mph: return 1", {"mph": 3}, "if x.size > mph:\n    return 1"),
    ("if x.ndim == 2: return x[:, 0]\nreturn x", {}, "return x"),
    ("if isinstance(x, np.ndarray): return 1\nelse: return 2", {}, "return 1"),
    ("return np.hanning if kind == 'h' else np.ones", {"kind": "o"}, "return np.ones"),
    ("x = np.asarray(x)\nassert x.ndim in [1, 2]\nreturn x", {}, "x = np.asarray(x)\nreturn x"),
    ("try:\n    n = NUMBERS[k]\nexcept KeyError:\n    n = k\nreturn n", {"k": "two"}, "n = 2.0\nreturn n"),
    ("k = k.lower()\nwhile k == 'a': pass\nreturn 0", {"k": "B"}, "k = 'b'\nreturn 0"),
    ("f = lambda y: y if k else 0\nreturn f(x)", {"k": True}, "f = lambda y: y\nreturn f(x)"),
    ("if np.isscalar(x) or not hasattr(x, '__len__'): return 1\nreturn 2", {}, "return 2"),
    ("if 'numpy' in str(type(x)): return 1\nreturn 2", {}, "return 1"),
    (
        "y = np.conj(x) if x.size else np.sqrt(x)\nif y.ndim == 1: return 1",
        {},
        "y = np.conj(x) if x.size else np.sqrt(x)\nreturn 1",
    ),
    ("if n < LARGE and n != LARGE: return 1\nreturn 2", {"n": 4}, "return 1"),
    ("if 1 < n < 3 < 2: return 1\nreturn 2", {"n": 2}, "return 2"),
    ("try:\n    a, b = np.shape(x)\nexcept:\n    a = 1\nreturn a", {}, "a = 1\nreturn a"),
    ("x = x[:, None] * 2\nif len(x.shape) == 2: return x", {}, "x = x[:, None] * 2\nreturn x"),
    ("from math import pi as k\nif k > 3: return 1", {}, "from math import pi as k\nreturn 1"),
    (
        "x = x.reshape(2, -1)[0].astype(int)\nif x.ndim == 1: return x",
        {},
        "x = x.reshape(2, -1)[0].astype(int)\nreturn x",
    ),
    (
        "f = partial(pow, k)\nreturn f(x)",
        {},
        "taken2_21$ = k\nf = partial(pow, k)\nreturn pow(taken2_21$, x)",
    ),
)
KEPT = (
    ("x = x[x > 0, 0]\nif x.ndim == 1: return x", {}),
    ("for i in x:\n    if k: return 1\n    k = True\nreturn 2", {"k": False}),
    ("if x.size: k = None\nif k is None: return 1\nreturn 2", {"k": 1.5}),
    ("k.append(1)\nif k: return 1\nreturn 2", {"k": []}),
    ("f = lambda y: y if k else 0\nk = False\nreturn f(x)", {"k": True}),
    ("def change():\n    nonlocal k\n    k = True\nchange()\nif k: return 1\nreturn 2", {"k": False}),
    ("while True:\n    if k: break\n    k = x.size > 2\nreturn 2", {"k": False}),
    ("try:\n    k = len(x)\nexcept ValueError:\n    pass\nif k == 0: return 1\nreturn 2", {"k": 0}),
    ("if [k for k in x] and (k := x.size): pass\nif k: return 1\nreturn 2", {"k": False}),
    ("try:\n    x[9] = 1\nexcept IndexError:\n    return 1\nreturn 2", {}),
    ("if f(x) and k: return 1\nreturn 2", {"k": False}),
    ("yield 1", {}),
    ("if x.size < LARGE: return 1", {}),
    ("try:\n    a, b = np.shape(x)\nexcept KeyError:\n    a = 1", {}),
)


def pruned(body: str, values: dict[str, Any]) -> str:
    """The statements of a function `f(x, …)` of a vector that are left if the others have these defaults."""
    source = f"def f({', '.join(['x', *values])}):\n{textwrap.indent(body, '    ')}\n"
    scope: dict[str, Any] = {"np": np, "NUMBERS": NUMBERS, "LARGE": 1 << 70, "partial": functools.partial}
    exec(source, scope)
    names = Names.of(scope["f"])
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    kinds = [VECTOR, *(types.Omitted(value) for value in values.values())]
    pruner = Pruner(names, tree, argument_facts(["x", *values], kinds), lambda *_: None)
    return ast.unparse(pruner.prune(tree).body)


@pytest.mark.parametrize(("body", "values", "left"), PRUNED)
def test_what_is_ruled_out_is_left_out(body: str, values: dict[str, Any], left: str) -> None:
    assert pruned(body, values) == left


@pytest.mark.parametrize(("body", "values"), KEPT)
def test_what_may_change_is_kept(body: str, values: dict[str, Any]) -> None:
    assert pruned(body, values) == ast.unparse(ast.parse(body))


def test_a_wrong_number_of_items_is_still_caught() -> None:
    assert "except" in pruned("try:\n    a, b = NUMBERS[k]\nexcept ValueError:\n    return 1", {"k": "three"})


def test_a_generator_stays_one() -> None:
    assert "yield" in pruned("if k:\n    yield 1", {"k": False})


@pytest.mark.parametrize(
    "inner", ["x[0] * ({} + 1.0)", "n * ({} + 1.0)", "(n if {} > 1.0 else 2)", "str({}).strip()"]
)
def test_work_does_not_double_at_each_level(monkeypatch: pytest.MonkeyPatch, inner: str) -> None:
    looked_at: list[ast.Name] = []
    look: Any = vars(Evaluator)["_of_name"]

    def look_and_count(evaluator: Evaluator, node: ast.Name, facts: dict[str, Any]) -> Any:
        looked_at.append(node)
        return look(evaluator, node, facts)

    monkeypatch.setattr(Evaluator, "_of_name", look_and_count)
    text = "n"
    for _ in range(12):
        text = inner.format(text)
    pruned(f"y = {text}\nreturn y", {"n": 1.5})
    assert len(looked_at) < 1 << 10
