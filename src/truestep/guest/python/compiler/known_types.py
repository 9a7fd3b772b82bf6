"""What Numba's types say about values, and what functions of Python and NumPy that ask for types answer."""

from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
from numba.core import types
from numba.np import numpy_support

from truestep.guest.python.compiler.byte_arrays import ByteList
from truestep.guest.python.compiler.ownership import is_users_instance
from truestep.guest.python.compiler.python_numbers import PythonFloat


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

ARRAY_MAKERS: Any = (
    *(np.asarray, np.array, np.asanyarray, np.ascontiguousarray, np.atleast_1d, np.atleast_2d),
)
_SCALARS: Any = (types.Number, types.Boolean, types.UnicodeType)
_SEQUENCES: Any = (types.Array, types.List, types.BaseTuple, types.DictType, types.Set)
_PLAIN_NUMBERS: Any = {types.int64, types.float64, types.complex128, types.boolean}
_LIMITS = {True: (-(1 << 63), (1 << 63) - 1), False: (0, (1 << 64) - 1)}
"""The range of signed and of unsigned integers."""


def argument_facts(names: list[str], kinds: Any) -> dict[str, Fact]:
    """What the types of a call's arguments say."""
    return {name: fact_of_type(kind) for name, kind in zip(names, kinds, strict=False)}


def fact_of_type(kind: Any) -> Fact:
    """What a type says about its values."""
    if isinstance(kind, types.Omitted):
        return Known(None if isinstance(kind.value, types.NoneType) else kind.value)
    if isinstance(kind, types.NoneType):
        return Known(None)
    if isinstance(kind, types.IntegerLiteral | types.StringLiteral | types.BooleanLiteral):
        return Known(kind.literal_value)
    if isinstance(kind, types.Optional | types.Undefined | types.Poison | types.DeferredType):
        return None
    return Typed(kind)


def fact_of_attribute(kind: Any, name: str) -> Fact:
    """An attribute of an array."""
    if not isinstance(kind, types.Array):
        return None
    if name == "ndim":
        return Known(kind.ndim)
    if name == "shape":
        return Typed(types.UniTuple(types.intp, kind.ndim))
    if name == "dtype":
        return Known(numpy_support.as_dtype(kind.dtype))
    return Typed(kind.copy(layout="A")) if name == "T" else None


def fact_of_item(kind: Any, index: Fact) -> Fact:
    """An item of a tuple, or of a dictionary whose values have types of their own."""
    if isinstance(kind, types.LiteralStrKeyDict):
        found = literal_keys(Typed(kind)) or {}
        return fact_of_type(found[index.value]) if isinstance(index, Known) else None
    if isinstance(kind, types.BaseTuple) and isinstance(index, Known) and type(index.value) is int:
        return fact_of_type(kind.types[index.value])
    return None


def fact_of_each(fact: Fact) -> Fact:
    """What a loop over a value goes through."""
    kind: Any = fact.kind if isinstance(fact, Typed) else None
    if isinstance(kind, types.Array) and kind.ndim:
        return Typed(kind.copy(ndim=kind.ndim - 1, layout="A") if kind.ndim > 1 else kind.dtype)
    if isinstance(kind, types.List | types.Set | types.UniTuple) and kind.dtype.is_precise():
        return fact_of_type(kind.dtype)
    return None


def fact_of_view(kind: Any, indices: list[Fact]) -> Fact:
    """What numbers, slices, `None` and `...` take out of an array."""
    taken, left = 0, 0
    for index in indices:
        value = index.value if isinstance(index, Known) else index
        is_number = type(value) is int or (isinstance(value, Typed) and isinstance(value.kind, types.Integer))
        if is_number:
            taken += 1
        elif isinstance(value, slice):
            taken += 1
            left += 1
        elif isinstance(index, Known) and value is None:
            left += 1
        elif value is not ...:
            return None
    has_dots = any(isinstance(index, Known) and index.value is ... for index in indices)
    ndim = kind.ndim - taken + left
    if taken > kind.ndim or (ndim == 0 and has_dots):
        return None
    return Typed(kind.copy(ndim=ndim, layout="A") if ndim else kind.dtype)


ARRAY_METHODS = {"astype", "copy", "flatten", "ravel", "reshape", "transpose"}
"""Methods of an array whose result is an array of a type that their arguments give."""


def result_of_method(kind: Any, name: str, given: list[Fact]) -> Fact:
    """The type of what a method of an array gives."""
    if not isinstance(kind, types.Array):
        return None
    if name == "astype":
        dtype = given[0]
        if len(given) != 1 or not isinstance(dtype, Known):
            return None
        return Typed(kind.copy(dtype=numpy_support.from_dtype(np.dtype(dtype.value)), layout="A"))
    if name == "reshape":
        ndim = _dimensions_of(given)
        return None if ndim is None else Typed(kind.copy(ndim=ndim, layout="A"))
    return Typed(kind.copy(ndim=1 if name in {"flatten", "ravel"} else kind.ndim, layout="A"))


def _dimensions_of(shape: list[Fact]) -> int | None:
    """How many numbers there are, be they in a tuple or not."""
    parts: list[Any] = [kind_of(part) for part in shape]
    value: Any = shape[0].value if shape and isinstance(shape[0], Known) else None
    if len(shape) == 1 and value.__class__ is tuple:
        return len(value)
    if len(parts) == 1 and isinstance(parts[0], types.BaseTuple):
        return len(parts[0])
    return len(parts) if parts and all(isinstance(part, types.Integer) for part in parts) else None


def literal_keys(fact: Fact) -> dict[str, Any] | None:
    """The types of the values of a dictionary, if each of its keys is known."""
    kind: Any = fact.kind if isinstance(fact, Typed) else None
    if not isinstance(kind, types.LiteralStrKeyDict):
        return None
    return {getattr(key, "literal_value", key): value for key, value in kind.literal_value.items()}


def kind_of(fact: Fact) -> Any:
    """The type of a value; None if that is unknown."""
    if isinstance(fact, Typed):
        return fact.kind
    if isinstance(fact, Known) and type(fact.value) in {int, float, bool, str}:
        kinds: dict[Any, Any] = {
            int: types.int64, float: types.float64, bool: types.boolean, str: types.unicode_type
        }  # fmt: skip
        return kinds[type(fact.value)]
    return None


def as_array(maker: Any, given: Fact, options: dict[str, Fact]) -> Fact:
    """The type of an array that is made of an array or of a number, and of a known dtype if one is given."""
    kind: Any = types.unliteral(kind_of(given) or types.none)
    if isinstance(kind, types.Array):
        made: Any = kind
    elif kind in _PLAIN_NUMBERS:
        made = types.Array(kind, 0, "C")
    else:
        return None
    if options:
        dtype = options.get("dtype")
        if len(options) > 1 or not isinstance(dtype, Known):
            return None
        made = made.copy(dtype=numpy_support.from_dtype(np.dtype(dtype.value)), layout="A")
    least = {np.atleast_1d: 1, np.atleast_2d: 2}.get(maker, 0)
    return Typed(made.copy(ndim=max(made.ndim, least), layout="A")) if made.ndim < least else Typed(made)


def result_of_ufunc(called: Any, given: list[Fact]) -> Fact:
    """The type that a ufunc of NumPy's gives for numbers and arrays, be the numbers Python's or NumPy's."""
    kinds = [types.unliteral(kind_of(fact)) for fact in given if fact is not None]
    if called.nout != 1 or len(kinds) != len(given) or called.nin != len(given):
        return None
    if not all(isinstance(kind, types.Array) or kind in _PLAIN_NUMBERS for kind in kinds):
        return None
    with np.errstate(all="ignore"):
        made, other = [
            called(*(_example(kind, maker) for kind in kinds)) for maker in (np.generic.item, None)
        ]
    if made.dtype != other.dtype:
        return None
    dtype = numpy_support.from_dtype(made.dtype)
    return Typed(types.Array(dtype, made.ndim, "A") if made.ndim else dtype)


def _example(kind: Any, convert: Any) -> Any:
    """A number or an array of the type."""
    if isinstance(kind, types.Array):
        return np.ones((1,) * kind.ndim, numpy_support.as_dtype(kind.dtype))
    number = numpy_support.as_dtype(kind).type(1)
    return convert(number) if convert else number


def compared_with_large(left: Fact, comparison: str, right: Fact) -> Fact:
    """A comparison of an integer of 64 bits with one that has more."""
    swapped = {"Lt": "Gt", "LtE": "GtE", "Gt": "Lt", "GtE": "LtE"}
    if isinstance(left, Known):
        left, right, comparison = right, left, swapped.get(comparison, comparison)
    if not isinstance(left, Typed) or not isinstance(right, Known) or type(right.value) is not int:
        return None
    if not isinstance(left.kind, types.Integer):
        return None
    least, largest = _LIMITS[left.kind.signed]
    if least <= right.value <= largest:
        return None
    answers = {"Lt": right.value > 0, "LtE": right.value > 0, "Eq": False, "NotEq": True}
    return Known(answers.get(comparison, right.value < 0))


def is_same(left: Fact, right: Fact, is_single: Any) -> bool | None:
    """`left is right`, where that does not depend on how Python keeps equal values."""
    if isinstance(left, Known) and isinstance(right, Known):
        are_single = any(is_single(fact.value) for fact in (left, right))
        return left.value is right.value if are_single else None
    if isinstance(left, Typed) or isinstance(right, Typed):
        other = right if isinstance(left, Typed) else left
        typed: Any = left if isinstance(left, Typed) else right
        if isinstance(other, Known) and other.value is None:
            return False
        is_known = isinstance(other, Known)
        if is_known and (is_users_instance(other.value) or other.value.__class__ is object):
            return None if isinstance(typed.kind, types.ClassInstanceType) else False
        if isinstance(other, Known) and isinstance(other.value, bool):
            return None if isinstance(typed.kind, types.Boolean) else False
    return None


def answer_about_one(called: Any, fact: Fact) -> Fact:
    """What a function that asks for the type of its only argument gives."""
    kind: Any = fact.kind if isinstance(fact, Typed) else None
    if called is np.ndim:
        return Known(kind.ndim) if isinstance(kind, types.Array) else None
    if called is np.isscalar and kind is not None:
        is_known = isinstance(kind, (*_SCALARS, *_SEQUENCES))
        return Known(isinstance(kind, _SCALARS)) if is_known else None
    if called is type or called is str:
        return _class_or_text(called, fact)
    if isinstance(fact, Known):
        return Known(called(fact.value))
    if called is callable:
        return Known(isinstance(kind, types.Callable))
    items: Any = kind if called is len and isinstance(kind, types.BaseTuple) else None
    return None if items is None else Known(len(items))


def _class_or_text(called: Any, fact: Fact) -> Fact:
    """`type(x)` where the class is known, and the text of a class."""
    if called is str:
        is_class = isinstance(fact, Known) and isinstance(fact.value, type | str | int)
        return Known(str(fact.value)) if isinstance(fact, Known) and is_class else None
    if isinstance(fact, Known):
        return Known(fact.value.__class__)
    found = _classes(fact.kind) if isinstance(fact, Typed) else ()
    return Known(found[0]) if len(found) == 1 else None


def has_attribute(fact: Fact, name: Fact) -> Fact:
    """`hasattr`: of what may be a number of Python or of NumPy, only where both agree."""
    found = _classes(fact.kind) if isinstance(fact, Typed) else ()
    if not isinstance(name, Known) or not isinstance(name.value, str):
        return None
    answers = {hasattr(kind, name.value) for kind in found}
    return Known(answers.pop()) if len(answers) == 1 else None


def fact_of_instance(fact: Fact, asked: Any) -> Fact:
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
    if isinstance(kind, types.ClassInstanceType) and hasattr(kind.class_type, "origin"):
        return (kind.class_type.origin,)
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
        (ByteList, bytearray),
    ):  # fmt: skip
        if isinstance(kind, numbas):
            return (pythons_class,)
    return ()
