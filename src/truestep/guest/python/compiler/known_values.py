"""What is known of a function's values before it runs: constants, and the types of its arguments.

Numba compiles every branch of a function. Those that the arguments' types and the constants of the module
rule out need not be in terms that Numba knows, so they are found here, and left out by `pruning`.
"""

import ast
import enum
import operator
from collections.abc import Callable
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numba.core import types
from numba.core.dispatcher import Dispatcher
from numba.np import numpy_support

from truestep.guest.python.compiler.ownership import is_users_instance
from truestep.guest.python.compiler.python_numbers import PythonFloat
from truestep.guest.python.compiler.rewriting_names import Names


@dataclass(frozen=True)
class Known:
    """A value that is known."""

    value: Any


@dataclass(frozen=True)
class Typed:
    """A value of which Numba's type is known. It is not None."""

    kind: Any


Fact = Known | Typed | None
"""None: nothing is known."""

_PLAIN: Any = (bool, int, float, complex, str, bytes, type(None))
_READABLE: Any = (list, dict, set, frozenset, tuple, str)
_TEXT_MAX = 4096
"""Longer texts are left to the guest, which makes them as it needs them."""


def _is_in(item: Any, container: Any) -> bool:
    return item in container


def _is_not_in(item: Any, container: Any) -> bool:
    return item not in container


_OPERATORS: Any = operator
_BINARY: dict[type, Callable[..., Any]] = {
    ast.Add: _OPERATORS.add, ast.Sub: _OPERATORS.sub, ast.Mult: _OPERATORS.mul, ast.Div: _OPERATORS.truediv,
    ast.FloorDiv: _OPERATORS.floordiv, ast.Mod: _OPERATORS.mod,
}  # fmt: skip
_COMPARED: dict[type, Callable[..., Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.In: _is_in, ast.NotIn: _is_not_in,
}  # fmt: skip
READING = {
    *("lower", "upper", "strip", "lstrip", "rstrip", "startswith", "endswith", "replace", "capitalize"),
    *("title", "casefold", "get", "keys", "values", "items", "index", "count", "isdigit", "isalpha"),
}
"""Methods of texts and containers that change nothing."""

_FUNCTIONS: Any = (
    *(FunctionType, BuiltinFunctionType, MethodType, np.ufunc, Dispatcher),
    *(type(np.sum), type(np.concatenate)),
)
_DTYPE: Any = np.dtype
_ARRAY_MAKERS: Any = (np.asarray, np.array, np.asanyarray, np.ascontiguousarray, np.atleast_1d)


def argument_facts(names: list[str], kinds: Any) -> dict[str, Fact]:
    """What the types of a call's arguments say."""
    return {name: _fact_of_type(kind) for name, kind in zip(names, kinds, strict=False)}


def _fact_of_type(kind: Any) -> Fact:
    if isinstance(kind, types.Omitted):
        return Known(None if isinstance(kind.value, types.NoneType) else kind.value)
    if isinstance(kind, types.NoneType):
        return Known(None)
    if isinstance(kind, types.IntegerLiteral | types.StringLiteral | types.BooleanLiteral):
        return Known(kind.literal_value)
    if isinstance(kind, types.Optional | types.Undefined | types.Poison | types.DeferredType):
        return None
    return Typed(kind)


def is_unchangeable(value: Any) -> bool:
    """Whether nothing can change the value."""
    kinds: Any = (tuple, frozenset)
    if isinstance(value, kinds):
        items: Any = value
        return all(map(is_unchangeable, items))
    return (
        isinstance(value, enum.Enum | type | ModuleType | np.generic | np.dtype)
        or type(value) in _PLAIN
        or is_function(value)
    )


def is_function(value: Any) -> bool:
    """Whether it is a function of Python, NumPy or Numba."""
    return isinstance(value, _FUNCTIONS)


def class_of(value: Any) -> Any:
    """The class of a value."""
    kind: Any = type
    return kind(value)


class Evaluator:
    """Finds out what is known of expressions."""

    def __init__(self, names: Names, local_names: set[str]) -> None:
        self._names = names
        self._local_names = local_names

    def truth(self, node: ast.expr, facts: dict[str, Fact]) -> bool | None:
        """Whether a condition holds; None if that is unknown."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand, facts)
            return None if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            return self._joined_truth(node, facts)
        fact = self.fact(node, facts)
        if isinstance(fact, Typed) and isinstance(fact.kind, types.BaseTuple):
            return len(fact.kind) > 0
        if not isinstance(fact, Known):
            return None
        try:
            return bool(fact.value)
        except Exception:  # an array of several items, or a class of the user's, may refuse to be asked
            return None

    def _joined_truth(self, node: ast.BoolOp, facts: dict[str, Fact]) -> bool | None:
        """`x.size and False` is false whatever the first is, if that has no other effect."""
        decides = isinstance(node.op, ast.Or)
        truths: list[bool | None] = []
        for part in node.values:
            truths.append(self.truth(part, facts))
            if truths[-1] is decides:
                return decides
            if truths[-1] is None and not is_without_effect(part):
                return None
        return None if None in truths else not decides

    def fact(self, node: ast.AST, facts: dict[str, Fact]) -> Fact:
        """What is known of an expression."""
        method = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        if method is None:
            return None
        try:
            fact = method(node, facts)
        except Exception:  # what a user's constant raises, the guest raises too
            return None
        return None if isinstance(fact, Known) and _is_large(fact.value) else fact

    def value(self, node: ast.AST, facts: dict[str, Fact]) -> Any:
        """What is known of an expression; raises LookupError if its value is not."""
        fact = self.fact(node, facts)
        if not isinstance(fact, Known):
            raise LookupError
        return fact.value

    def _of_constant(self, node: ast.Constant, facts: dict[str, Fact]) -> Fact:
        del facts
        return Known(node.value)

    def _of_name(self, node: ast.Name, facts: dict[str, Fact]) -> Fact:
        if node.id in self._local_names:
            return facts.get(node.id)
        found = self._names.lookup(node.id)
        return None if found is None else Known(found[0])

    def _of_attribute(self, node: ast.Attribute, facts: dict[str, Fact]) -> Fact:
        owner = self.fact(node.value, facts)
        if isinstance(owner, Typed):
            return _fact_of_attribute(owner.kind, node.attr)
        if owner is None or isinstance(owner.value, np.ndarray):
            return None
        return _attribute(owner.value, node.attr)

    def _of_subscript(self, node: ast.Subscript, facts: dict[str, Fact]) -> Fact:
        container = self.fact(node.value, facts)
        if isinstance(container, Typed):
            return _fact_of_item(container.kind, self.fact(node.slice, facts))
        if container is None or not isinstance(container.value, _READABLE):
            return None
        return Known(container.value[self.value(node.slice, facts)])

    def _of_tuple(self, node: ast.Tuple, facts: dict[str, Fact]) -> Fact:
        parts = [self.fact(part, facts) for part in node.elts]
        values = [part.value for part in parts if isinstance(part, Known)]
        if len(values) == len(parts):
            return Known(tuple(values))
        kinds = [_kind_of(part) for part in parts]
        return Typed(types.Tuple(kinds)) if None not in kinds else None

    def _of_list(self, node: ast.List, facts: dict[str, Fact]) -> Fact:
        return Known([self.value(part, facts) for part in node.elts])

    def _of_set(self, node: ast.Set, facts: dict[str, Fact]) -> Fact:
        items: Any = {self.value(part, facts) for part in node.elts}
        return Known(items)

    def _of_dict(self, node: ast.Dict, facts: dict[str, Fact]) -> Fact:
        pairs = zip(node.keys, node.values, strict=True)
        return Known({self.value(key, facts): self.value(part, facts) for key, part in pairs if key})

    def _of_compare(self, node: ast.Compare, facts: dict[str, Fact]) -> Fact:
        if len(node.ops) != 1:
            return None
        left, right = self.fact(node.left, facts), self.fact(node.comparators[0], facts)
        comparison = node.ops[0]
        if isinstance(comparison, ast.Is | ast.IsNot):
            same = _is_same(left, right)
            return None if same is None else Known(same == isinstance(comparison, ast.Is))
        if not isinstance(left, Known) or not isinstance(right, Known):
            return None
        result = _COMPARED[type(comparison)](left.value, right.value)
        return Known(bool(result)) if type(result) in {bool, np.bool_} else None

    def _of_unaryop(self, node: ast.UnaryOp, facts: dict[str, Fact]) -> Fact:
        if isinstance(node.op, ast.Not):
            truth = self.truth(node.operand, facts)
            return None if truth is None else Known(not truth)
        value = self.value(node.operand, facts)
        if isinstance(node.op, ast.USub) and type(value) in {int, float, complex}:
            return Known(-value)
        return None

    def _of_binop(self, node: ast.BinOp, facts: dict[str, Fact]) -> Fact:
        values = [self.value(node.left, facts), self.value(node.right, facts)]
        kinds = {*map(type, values)}
        if not kinds <= {int, float, bool} and kinds != {str}:
            return None
        return Known(_BINARY[type(node.op)](*values))

    def _of_boolop(self, node: ast.BoolOp, facts: dict[str, Fact]) -> Fact:
        for part in node.values[:-1]:
            fact = self.fact(part, facts)
            if not isinstance(fact, Known):
                return None
            if bool(fact.value) is isinstance(node.op, ast.Or):
                return fact
        return self.fact(node.values[-1], facts)

    def _of_ifexp(self, node: ast.IfExp, facts: dict[str, Fact]) -> Fact:
        truth = self.truth(node.test, facts)
        return None if truth is None else self.fact(node.body if truth else node.orelse, facts)

    def _of_call(self, node: ast.Call, facts: dict[str, Fact]) -> Fact:
        if any(isinstance(part, ast.Starred) for part in node.args):
            return None
        function: Any = node.func
        if isinstance(function, ast.Attribute) and function.attr in READING and not node.keywords:
            owner = self.value(function.value, facts)
            if isinstance(owner, _READABLE):
                arguments = [self.value(part, facts) for part in node.args]
                return Known(getattr(owner, function.attr)(*arguments))
        called = self.value(function, facts)
        return self._of_function(called, node, [self.fact(part, facts) for part in node.args])

    @staticmethod
    def _of_function(called: Any, node: ast.Call, given: list[Fact]) -> Fact:
        """The result of a function of Python or NumPy that asks for types."""
        first = given[0] if given else None
        if any(called is maker for maker in _ARRAY_MAKERS):
            return _as_array(called, first) if len(given) == 1 and not node.keywords else None
        if node.keywords or first is None:
            return None
        if called is isinstance and isinstance(given[1], Known):
            return _fact_of_instance(first, given[1].value)
        if called is len or called is np.ndim or called is callable:
            return _asked(called, first)
        if called is hasattr and isinstance(first, Typed) and isinstance(first.kind, types.Array):
            name = given[1]
            return Known(hasattr(np.ndarray, name.value)) if isinstance(name, Known) else None
        if called is issubclass or called is np.issubdtype:
            values = [part.value for part in given if isinstance(part, Known)]
            return Known(bool(called(*values))) if len(values) == len(given) else None
        return None


def _is_large(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) > _TEXT_MAX
    return type(value) is int and not -(1 << 63) <= value < 1 << 63


def is_without_effect(node: ast.AST) -> bool:
    """Whether an expression only looks at values."""
    looking = (
        *(ast.Name, ast.Constant, ast.Attribute, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp),
        *(ast.operator, ast.cmpop, ast.boolop, ast.unaryop, ast.expr_context),
    )
    return all(isinstance(part, looking) for part in ast.walk(node))


def _attribute(owner: Any, name: str) -> Fact:
    """An attribute that is stored, not computed."""
    if isinstance(owner, ModuleType):
        return Known(getattr(owner, name))
    if isinstance(owner, enum.Enum) and name in {"value", "name"}:
        return Known(getattr(owner, name))
    if isinstance(owner, type):
        value: Any = getattr(owner, name)
        is_readable = is_unchangeable(value) or isinstance(value, (MethodType, *_READABLE))
        return Known(value) if is_readable or is_users_instance(value) else None
    is_named_tuple = issubclass(owner.__class__, tuple) and hasattr(owner, "_fields")
    if is_named_tuple or (isinstance(owner, _DTYPE) and name in {"kind", "itemsize", "name", "char", "type"}):
        return Known(getattr(owner, name))
    stored: dict[str, Any] = getattr(owner, "__dict__", {})
    is_plain = class_of(class_of(owner)) is type and not is_function(owner)
    return Known(stored[name]) if is_plain and name in stored else None


def _fact_of_attribute(kind: Any, name: str) -> Fact:
    if not isinstance(kind, types.Array):
        return None
    if name == "ndim":
        return Known(kind.ndim)
    if name == "shape":
        return Typed(types.UniTuple(types.intp, kind.ndim))
    if name == "dtype":
        return Known(numpy_support.as_dtype(kind.dtype))
    return Typed(kind.copy(layout="A")) if name in {"real", "T"} and name == "T" else None


def _fact_of_item(kind: Any, index: Fact) -> Fact:
    if isinstance(kind, types.BaseTuple) and isinstance(index, Known) and type(index.value) is int:
        return _fact_of_type(kind.types[index.value])
    return None


def _kind_of(fact: Fact) -> Any:
    if isinstance(fact, Typed):
        return fact.kind
    if isinstance(fact, Known) and type(fact.value) in {int, float, bool, str}:
        kinds: dict[Any, Any] = {
            int: types.int64, float: types.float64, bool: types.boolean, str: types.unicode_type
        }  # fmt: skip
        return kinds[type(fact.value)]
    return None


def _as_array(maker: Any, fact: Fact) -> Fact:
    """The type of an array that is made of an array or a number."""
    if isinstance(fact, Typed) and isinstance(fact.kind, types.Array):
        return fact if fact.kind.ndim or maker is not np.atleast_1d else Typed(fact.kind.copy(ndim=1))
    return None


def _is_same(left: Fact, right: Fact) -> bool | None:
    """`left is right`, where that does not depend on how Python keeps equal values."""
    if isinstance(left, Known) and isinstance(right, Known):
        are_single = any(_is_single(fact.value) for fact in (left, right))
        return left.value is right.value if are_single else None
    if isinstance(left, Typed) or isinstance(right, Typed):
        other = right if isinstance(left, Typed) else left
        typed: Any = left if isinstance(left, Typed) else right
        if isinstance(other, Known) and other.value is None:
            return False
        if isinstance(other, Known) and isinstance(other.value, bool):
            return None if isinstance(typed.kind, types.Boolean) else False
    return None


def _is_single(value: Any) -> bool:
    return value is None or isinstance(value, bool | enum.Enum | type | FunctionType)


def _asked(called: Any, fact: Fact) -> Fact:
    if isinstance(fact, Known):
        return Known(called(fact.value)) if called is not np.ndim else None
    kind: Any = fact.kind if isinstance(fact, Typed) else None
    if called is callable:
        return Known(isinstance(kind, types.Callable))
    if called is np.ndim:
        return Known(kind.ndim) if isinstance(kind, types.Array) else None
    return Known(len(kind)) if isinstance(kind, types.BaseTuple) else None


def _fact_of_instance(fact: Fact, asked: Any) -> Fact:
    """`isinstance`: of what may be a number of Python or of NumPy, only where both agree."""
    if isinstance(fact, Known):
        return Known(isinstance(fact.value, asked))
    kinds = _classes(fact.kind) if isinstance(fact, Typed) else ()
    answers = {issubclass(kind, asked) for kind in kinds}
    return Known(answers.pop()) if len(answers) == 1 else None


def _classes(kind: Any) -> tuple[Any, ...]:
    """The classes of which a value of the type may be."""
    if isinstance(kind, PythonFloat):
        return (float,)
    if isinstance(kind, types.NamedTuple | types.NamedUniTuple):
        return (kind.instance_class,)
    if isinstance(kind, types.Float | types.Integer | types.Complex | types.Boolean):
        pythons: dict[Any, Any] = {
            types.int64: int, types.float64: float, types.complex128: complex, types.boolean: bool
        }  # fmt: skip
        kind = types.unliteral(kind)
        number = numpy_support.as_dtype(types.int64 if kind.name == "pyint" else kind).type
        return (number, pythons[kind]) if kind in pythons else (number, int)
    for numbas, pythons_class in (
        (types.Array, np.ndarray), (types.List, list), (types.UnicodeType, str), (types.BaseTuple, tuple),
        (types.DictType, dict), (types.Set, set), (types.Bytes, bytes), (types.Dispatcher, FunctionType),
    ):  # fmt: skip
        if isinstance(kind, numbas):
            return (pythons_class,)
    return ()
