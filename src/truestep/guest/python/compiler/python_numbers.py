"""Types of Python's own numbers, which NumPy fits to the dtype of what they are combined with (NEP 50).

For NumPy, `0.5` and `np.float64(0.5)` are different: a float32 array times the first stays float32, times the
second becomes float64. Numba types both as float64. So Python's floats and integers get types of their own,
which have the memory of float64 and int64 and become these wherever nothing else is said (`literal_type`).
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models, registry

_registry: Any = registry
_INTEGER: Any = types.Integer


class PythonFloat(types.Float):
    """A float of Python."""

    literal_type = types.float64

    def __init__(self) -> None:
        types.Number.__init__(self, "pyfloat")  # the constructor of Float reads the size from the name
        self.bitwidth = 64

    def can_convert_to(self, typingctx: Any, other: Any) -> Any:
        """How a call converts it."""
        return typingctx.can_convert(types.float64, other)

    def can_convert_from(self, typingctx: Any, other: Any) -> Any:
        """How a call converts to it."""
        return typingctx.can_convert(other, types.float64)

    def unify(self, typingctx: Any, other: Any) -> Any:
        """The type of a variable that holds either."""
        if isinstance(other, PythonInt | types.IntegerLiteral):
            return self
        return typingctx.unify_pairs(types.float64, other)


class PythonInt(types.Integer):
    """An integer of Python, which in a guest has 64 bits."""

    literal_type = types.int64

    def __init__(self, name: str = "pyint") -> None:
        _INTEGER.__init__(self, name, bitwidth=64, signed=True)

    def can_convert_to(self, typingctx: Any, other: Any) -> Any:
        """How a call converts it."""
        return typingctx.can_convert(types.int64, other)

    def can_convert_from(self, typingctx: Any, other: Any) -> Any:
        """How a call converts to it."""
        return typingctx.can_convert(other, types.int64)

    def unify(self, typingctx: Any, other: Any) -> Any:
        """The type of a variable that holds either."""
        if isinstance(other, PythonFloat):
            return other
        if isinstance(other, types.IntegerLiteral | PythonInt):
            return PYTHON_INT
        return typingctx.unify_pairs(types.int64, other)


class NegatedInt(PythonInt):
    """`-k` for an integer of Python: as an exponent, it makes the power a float."""

    def __init__(self) -> None:
        super().__init__("negated pyint")


@_registry.register_default(PythonFloat)
class PythonFloatModel(models.PrimitiveModel):
    """The memory of a float64."""

    def __init__(self, dmm: Any, fe_type: Any) -> None:
        model: Any = super()
        model.__init__(dmm, fe_type, ir.DoubleType())


for _kind in (PythonInt, NegatedInt):
    _registry.register_default(_kind)(models.IntegerModel)

PYTHON_FLOAT = PythonFloat()
PYTHON_INT = PythonInt()
NEGATED_INT = NegatedInt()


def python_kind(kind: Any) -> type | None:
    """`int` or `float` for the type of a number of Python, which has no dtype; else None."""
    if isinstance(kind, PythonFloat):
        return float
    return int if isinstance(kind, PythonInt | types.IntegerLiteral) else None


def holds_pythons(kind: Any) -> bool:
    """Whether it is a type of this module, or a tuple with one."""
    if isinstance(kind, types.BaseTuple):
        return any(map(holds_pythons, kind.types))
    return isinstance(kind, PythonFloat | PythonInt)


def as_pythons(kind: Any) -> Any:
    """The type of the same number, or tuple of numbers, as Python's own."""
    if kind == types.float64:
        return PYTHON_FLOAT
    if kind == types.int64:
        return PYTHON_INT
    if isinstance(kind, types.UniTuple):
        return types.UniTuple(as_pythons(kind.dtype), kind.count)
    if isinstance(kind, types.Tuple):
        return types.Tuple(tuple(map(as_pythons, kind.types)))
    return kind
