"""Whether a single number of a function is one of Python or of NumPy, which divide by zero differently.

Types tell the numbers of Python that were written, counted or converted (`python_numbers`). What has the type
float64 or int64 may be either, so this follows a variable to where it comes from within its function.
"""

import builtins
import enum
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numba.core import ir, ir_utils, types

from truestep.guest.python.compiler.python_numbers import python_kind


class Origin(enum.Enum):
    """Whose number it is."""

    PYTHON = "Python's"
    NUMPY = "NumPy's"
    ONCE_PYTHON = "Python's until something of unknown origin is added to it"
    UNKNOWN = "unknown"


_OF_PYTHONS_CONTAINERS: Any = (types.List, types.Set, types.DictType, types.ListType)
_PYTHONS_ITERATORS: Any = (types.ListIter, types.SetIter, types.DictIteratorType, types.ListTypeIteratorType)
_CHOOSING: tuple[Any, ...] = (builtins.abs, builtins.min, builtins.max)
_COMPARING = {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge}


class Origins:
    """Those of the variables of one function whose types are known."""

    def __init__(self, lowering: Any) -> None:
        self._kinds = lowering.fndesc.typemap
        self._definitions = ir_utils.build_definitions(lowering.func_ir.blocks)
        self._known: dict[str, Origin | None] = {}

    def of(self, name: str) -> Origin:
        """The origin of a number."""
        return self._of(name) or Origin.UNKNOWN

    def _of(self, name: str) -> Origin | None:
        """As `of`; None while it is being found out."""
        if python_kind(self._kinds.get(name)):
            return Origin.PYTHON
        if name not in self._known:
            self._known[name] = None
            found = _either([self._of_value(value) for value in self._definitions.get(name, [])])
            self._known[name] = found
        return self._known[name]

    def _of_value(self, value: Any) -> Origin | None:
        if isinstance(value, ir.Var):
            return self._of(value.name)
        if isinstance(value, ir.Const | ir.Global | ir.FreeVar):
            return Origin.NUMPY if isinstance(value.value, np.generic) else Origin.PYTHON
        if not isinstance(value, ir.Expr):
            return Origin.UNKNOWN
        match value.op:
            case "phi":
                incoming = [part for part in value.incoming_values if part is not ir.UNDEFINED]
                return _either(self._of(part.name) for part in incoming)
            case "cast" | "unary":
                return self._of(value.value.name)
            case "binop" | "inplace_binop":
                return self._of_operation(value)
            case "getitem" | "static_getitem" | "typed_getitem":
                return self._of_item(value)
            case "pair_first":
                return self._of_iterator(value.value, None)
            case "call":
                return self._of_call(value)
            case _:
                return Origin.UNKNOWN

    def _of_operation(self, expression: Any) -> Origin | None:
        if expression.fn in _COMPARING:
            return Origin.UNKNOWN
        return _computed([self._of(side.name) for side in (expression.lhs, expression.rhs)])

    def _of_item(self, expression: Any) -> Origin | None:
        kind = self._kinds[expression.value.name]
        if isinstance(kind, types.Array):
            return Origin.NUMPY
        if isinstance(kind, _OF_PYTHONS_CONTAINERS):
            return Origin.PYTHON
        index = getattr(expression, "index", None)
        made = self._definitions.get(expression.value.name, [])
        if isinstance(index, int) and len(made) == 1 and isinstance(made[0], ir.Expr):
            if made[0].op == "build_tuple":
                return self._of(made[0].items[index].name)
            if made[0].op == "exhaust_iter":
                return self._of_unpacked(made[0].value, index)
        return Origin.UNKNOWN

    def _of_unpacked(self, variable: Any, index: int) -> Origin | None:
        """An item of a tuple that a loop is at."""
        made = self._definitions.get(variable.name, [])
        while len(made) == 1 and isinstance(made[0], ir.Var):
            made = self._definitions.get(made[0].name, [])
        if len(made) == 1 and isinstance(made[0], ir.Expr) and made[0].op == "pair_first":
            return self._of_iterator(made[0].value, index)
        return Origin.UNKNOWN

    def _of_iterator(self, pair: Any, index: int | None) -> Origin:
        made = self._definitions.get(pair.name, [])
        if len(made) != 1 or not isinstance(made[0], ir.Expr) or made[0].op != "iternext":
            return Origin.UNKNOWN
        kind = self._kinds[made[0].value.name]
        if index is not None and isinstance(kind, types.ZipType):
            kind = kind.source_types[index]
        elif index == 1 and isinstance(kind, types.EnumerateType):
            kind = kind.source_type
        elif index is not None:
            return Origin.PYTHON if isinstance(kind, _PYTHONS_ITERATORS) else Origin.UNKNOWN
        if isinstance(kind, types.ArrayIterator):
            return Origin.NUMPY
        return Origin.PYTHON if isinstance(kind, _PYTHONS_ITERATORS) else Origin.UNKNOWN

    def _of_call(self, call: Any) -> Origin | None:
        kind = self._kinds.get(call.func.name)
        if isinstance(kind, types.BoundFunction):
            is_arrays = isinstance(kind.this, types.Array)
            return Origin.NUMPY if is_arrays else Origin.UNKNOWN
        function = getattr(kind, "typing_key", None)
        if function is builtins.sum and call.args:
            is_lists = isinstance(self._kinds[call.args[0].name], _OF_PYTHONS_CONTAINERS)
            return Origin.PYTHON if is_lists else Origin.ONCE_PYTHON
        if any(function is choosing for choosing in _CHOOSING):
            arguments = [self._kinds[part.name] for part in call.args]
            if all(isinstance(argument, types.Number) for argument in arguments):
                return _either(self._of(part.name) for part in call.args)
            are_lists = all(isinstance(argument, _OF_PYTHONS_CONTAINERS) for argument in arguments)
            return Origin.PYTHON if are_lists else Origin.UNKNOWN
        is_numpys = (getattr(function, "__module__", None) or "").partition(".")[0] == "numpy"
        return Origin.NUMPY if is_numpys or isinstance(function, np.ufunc) else Origin.UNKNOWN


def _either(origins: Iterable[Origin | None]) -> Origin | None:
    """The origin of a variable that is set to several numbers."""
    found = {origin for origin in origins if origin is not None}
    if len(found) < 2:
        return next(iter(found), None)
    return Origin.ONCE_PYTHON if Origin.PYTHON in found or Origin.ONCE_PYTHON in found else Origin.UNKNOWN


def _computed(origins: list[Origin | None]) -> Origin | None:
    """The origin of what is computed from two numbers: NumPy's, if one of them is."""
    if Origin.NUMPY in origins:
        return Origin.NUMPY
    if Origin.UNKNOWN in origins:
        return Origin.UNKNOWN
    if Origin.ONCE_PYTHON in origins:
        return Origin.ONCE_PYTHON
    return None if None in origins else Origin.PYTHON
