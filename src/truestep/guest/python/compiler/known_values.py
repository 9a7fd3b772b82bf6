"""What is known of a function's values before it runs: constants, and the types of its arguments.

Numba compiles every branch of a function. Those that the arguments' types and the constants of the module
rule out need not be in terms that Numba knows, so they are found here, and left out by `pruning`.
"""

import ast
import collections
import dis
import enum
import functools
import operator
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numba.core import types
from numba.core.dispatcher import Dispatcher

from truestep.guest.python.compiler.known_types import (
    ARRAY_MAKERS,
    ARRAY_METHODS,
    Fact,
    Known,
    Typed,
    answer_about_one,
    as_array,
    compared_with_large,
    fact_of_attribute,
    fact_of_instance,
    fact_of_item,
    fact_of_view,
    has_attribute,
    is_same,
    kind_of,
    literal_keys,
    result_of_method,
    result_of_ufunc,
)
from truestep.guest.python.compiler.ownership import is_users_instance
from truestep.guest.python.compiler.rewriting_names import Names

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
_UFUNCS: dict[type, np.ufunc] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide, ast.Mod: np.remainder, ast.Pow: np.power,
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
_MAKE_NAMED_TUPLE: Any = vars(collections)["namedtuple"]
_ASKING: Any = (len, np.ndim, callable, np.isscalar, type, str)
"""Functions of one argument whose answer its type may give."""


def is_unchangeable(value: Any) -> bool:
    """Whether nothing can change the value."""
    kinds: Any = (tuple, frozenset)
    if isinstance(value, kinds):
        items: Any = value
        return all(map(is_unchangeable, items))
    return (
        isinstance(value, enum.Enum | type | ModuleType | np.generic | np.dtype)
        or type(value) in {*_PLAIN, object}
        or is_function(value)
    )


def is_flat(value: Any) -> bool:
    """Whether nothing inside of a container, or of an instance that is a constant, can be changed."""
    if value.__class__ is dict:
        return all(map(is_unchangeable, value.values()))
    changeable: Any = (list, set)
    items: Any = value if isinstance(value, changeable) else ()
    return not isinstance(value, np.ndarray) and all(map(is_unchangeable, items))


def are_functions(value: Any) -> bool:
    """Whether it is a list or tuple of functions, which a guest can only go through."""
    sequences: Any = (list, tuple)
    items: Any = value if isinstance(value, sequences) else ()
    return len(items) > 0 and all(map(is_function, items))


def is_equal(one: Fact, other: Fact) -> bool:
    """Whether two branches know the same."""
    if isinstance(one, Known) and isinstance(other, Known):
        return one.value is other.value or (
            type(one.value) is type(other.value) and type(one.value) in _PLAIN and one.value == other.value
        )
    return one == other


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
        self.tables: dict[str, dict[Any, None]] = {}
        """The keys of dictionaries of methods, by their names."""
        self._found: dict[ast.AST, Fact] | None = None
        """What was found of the parts of the expression that is being looked at; None between expressions."""

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
        """What is known of an expression.

        Each part is looked at once. Several rules ask for a part twice, which would double the work at
        each level.
        """
        if self._found is not None:
            if node not in self._found:
                self._found[node] = self._fact(node, facts)
            return self._found[node]
        self._found = {}
        try:
            return self._fact(node, facts)
        finally:
            self._found = None

    def _fact(self, node: ast.AST, facts: dict[str, Fact]) -> Fact:
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
            return fact_of_attribute(owner.kind, node.attr)
        if owner is None or isinstance(owner.value, np.ndarray):
            return None
        return _attribute(owner.value, node.attr)

    def _of_subscript(self, node: ast.Subscript, facts: dict[str, Fact]) -> Fact:
        container = self.fact(node.value, facts)
        if isinstance(container, Typed) and isinstance(container.kind, types.Array):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return fact_of_view(container.kind, [self._index(part, facts) for part in parts])
        if isinstance(container, Typed):
            return fact_of_item(container.kind, self.fact(node.slice, facts))
        if container is None or not isinstance(container.value, _READABLE):
            return None
        return Known(container.value[self.value(node.slice, facts)])

    def _index(self, node: ast.expr, facts: dict[str, Fact]) -> Fact:
        """What is known of an index; a slice is what it is called by."""
        return Known(slice(None)) if isinstance(node, ast.Slice) else self.fact(node, facts)

    def _of_tuple(self, node: ast.Tuple, facts: dict[str, Fact]) -> Fact:
        parts = [self.fact(part, facts) for part in node.elts]
        values = [part.value for part in parts if isinstance(part, Known)]
        if len(values) == len(parts):
            return Known(tuple(values))
        kinds = [kind_of(part) for part in parts]
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
        operands = [node.left, *node.comparators]
        found: list[Fact] = []
        for left, comparison, right in zip(operands, node.ops, operands[1:], strict=False):
            found.append(self._of_pair(left, comparison, right, facts))
            if found[-1] == Known(False):
                return found[-1] if len(found) == 1 or None not in found else None
        return None if None in found else Known(True)

    def _of_pair(
        self, left_node: ast.expr, comparison: ast.cmpop, right_node: ast.expr, facts: dict[str, Fact]
    ) -> Fact:
        left, right = self.fact(left_node, facts), self.fact(right_node, facts)
        keys = literal_keys(right) if isinstance(comparison, ast.In | ast.NotIn) else None
        keys = self.tables.get(right_node.id, keys) if isinstance(right_node, ast.Name) else keys
        if keys is not None and isinstance(left, Known):
            return Known((left.value in keys) == isinstance(comparison, ast.In))
        if isinstance(comparison, ast.Is | ast.IsNot):
            same = is_same(left, right, _is_single)
            return None if same is None else Known(same == isinstance(comparison, ast.Is))
        if not isinstance(left, Known) or not isinstance(right, Known):
            left, right = self._with_large(left_node, left), self._with_large(right_node, right)
            if not isinstance(left, Known) or not isinstance(right, Known):
                return compared_with_large(left, type(comparison).__name__, right)
        result = _COMPARED[type(comparison)](left.value, right.value)
        return Known(bool(result)) if type(result) in {bool, np.bool_} else None

    def _with_large(self, node: ast.expr, fact: Fact) -> Fact:
        """What is known, where an integer of the module may have more than 64 bits."""
        if fact is None and isinstance(node, ast.Name | ast.Constant):
            value = node.value if isinstance(node, ast.Constant) else self._names.value(node)
            return Known(value) if type(value) is int and _is_large(value) else None
        return fact

    def _of_unaryop(self, node: ast.UnaryOp, facts: dict[str, Fact]) -> Fact:
        if isinstance(node.op, ast.Not):
            truth = self.truth(node.operand, facts)
            return None if truth is None else Known(not truth)
        value = self.value(node.operand, facts)
        if isinstance(node.op, ast.USub) and type(value) in {int, float, complex}:
            return Known(-value)
        return None

    def _of_binop(self, node: ast.BinOp, facts: dict[str, Fact]) -> Fact:
        given = [self.fact(node.left, facts), self.fact(node.right, facts)]
        if any(isinstance(fact, Typed) and isinstance(fact.kind, types.Array) for fact in given):
            return result_of_ufunc(_UFUNCS[type(node.op)], given)
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
        if truth is not None:
            return self.fact(node.body if truth else node.orelse, facts)
        found, other = self.fact(node.body, facts), self.fact(node.orelse, facts)
        return found if isinstance(found, Typed) and found == other else None

    def _of_call(self, node: ast.Call, facts: dict[str, Fact]) -> Fact:
        if any(isinstance(part, ast.Starred) for part in node.args):
            return None
        function: Any = node.func
        if isinstance(function, ast.Attribute) and function.attr in READING and not node.keywords:
            owner = self.value(function.value, facts)
            if isinstance(owner, _READABLE):
                arguments = [self.value(part, facts) for part in node.args]
                return Known(getattr(owner, function.attr)(*arguments))
        if isinstance(function, ast.Attribute) and function.attr in ARRAY_METHODS:
            owner = self.fact(function.value, facts)
            if isinstance(owner, Typed) and not node.keywords:
                return result_of_method(owner.kind, function.attr, [self.fact(p, facts) for p in node.args])
        called = self.value(function, facts)
        if called is globals and not node.args:
            return Known(self._names.of_module)
        given = [self.fact(part, facts) for part in node.args]
        if any(isinstance(fact, Known) and isinstance(fact.value, ModuleType) for fact in given):
            looked_up = _answer_about_module(called, given, node.keywords)
            if looked_up is not None:
                return looked_up
        if called is _MAKE_NAMED_TUPLE and not node.keywords:
            name, fields = [self.value(part, facts) for part in node.args]
            return Known(_named_tuple(name, fields if isinstance(fields, str) else tuple(fields)))
        if any(called is maker for maker in ARRAY_MAKERS):
            named = {str(part.arg): self.fact(part.value, facts) for part in node.keywords}
            return as_array(called, given[0], named) if len(given) == 1 else None
        return None if node.keywords or not given else self._of_function(called, given)

    @staticmethod
    def _of_function(called: Any, given: list[Fact]) -> Fact:
        """The result of a function of Python or NumPy that asks for types."""
        first = given[0]
        if isinstance(called, np.ufunc) and any(isinstance(fact, Typed) for fact in given):
            return result_of_ufunc(called, given)
        if called is isinstance and isinstance(given[1], Known):
            return fact_of_instance(first, given[1].value)
        if len(given) == 1 and first is not None and any(called is function for function in _ASKING):
            return answer_about_one(called, first)
        if called is np.shape and len(given) == 1 and isinstance(first, Typed):
            return fact_of_attribute(first.kind, "shape")
        if called is getattr and len(given) == 2 and isinstance(first, Known) and isinstance(given[1], Known):
            return _attribute(first.value, given[1].value)
        if called is hasattr and isinstance(first, Typed):
            return has_attribute(first, given[1])
        if called is issubclass or called is np.issubdtype:
            values = [part.value for part in given if isinstance(part, Known)]
            return Known(bool(called(*values))) if len(values) == len(given) else None
        return None


def _answer_about_module(called: Any, given: list[Fact], named: list[ast.keyword]) -> Fact:
    """What a function finds in a module, which does not change while a guest runs."""
    values = [fact.value for fact in given if isinstance(fact, Known)]
    if called is vars:
        return Known(vars(*values)) if len(values) == len(given) == 1 else None
    is_asking = called is dir or getattr(called, "__module__", "") == "inspect"
    if named or len(values) < len(given) or not (is_asking or _only_looks(called)):
        return None
    found = called(*values)
    return Known(found) if _has_no_numbers(found) else None


def _has_no_numbers(value: Any) -> bool:
    """Whether it is made of names and functions; numbers are the guest's to compute."""
    if isinstance(value, _READABLE) and not isinstance(value, str):
        items: Any = value
        parts: list[Any] = [*items, *(items.values() if value.__class__ is dict else ())]
        return all(map(_has_no_numbers, parts))
    return isinstance(value, str | bool | type | ModuleType) or value is None or is_function(value)


def _only_looks(called: Any) -> bool:
    """Whether a function of the user's sets nothing outside of it."""
    setting = {"STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "STORE_SUBSCR", "IMPORT_NAME"}
    if not isinstance(called, FunctionType) or {"print", "open", "input"} & set(called.__code__.co_names):
        return False
    return not any(part.opname in setting for part in dis.get_instructions(called))


@functools.cache
def _named_tuple(name: str, fields: str | tuple[str, ...]) -> Any:
    """The class of tuples that a function makes, one for each list of names."""
    return _MAKE_NAMED_TUPLE(name, fields)


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


def _is_single(value: Any) -> bool:
    is_object = class_of(value) is object or is_users_instance(value)
    return value is None or is_object or isinstance(value, bool | enum.Enum | type | FunctionType)
