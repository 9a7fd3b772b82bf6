"""The dtypes of results, as NumPy 2 chooses them (NEP 50), in the user's own functions.

NumPy itself is asked (`ufunc.resolve_dtypes`) what a number of Python becomes beside an array or a number of
NumPy; Numba then sees a number of that dtype. Functions of Numba keep the rules for which they were written.
"""

import math
import operator
import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba.core import errors, typeinfer, types
from numba.core.typing import context as typing_context
from numba.core.typing import templates
from numba.core.typing.npydecl import NumpyRulesArrayOperator, NumpyRulesInplaceArrayOperator
from numba.np import arraymath, numpy_support

from truestep.guest.python.compiler.exact_fractions import ExactFraction
from truestep.guest.python.compiler.numpy_functions.extending import ITEM_OF_ARRAY
from truestep.guest.python.compiler.ownership import is_ours, is_users_function
from truestep.guest.python.compiler.powers import resolve_power
from truestep.guest.python.compiler.python_numbers import (
    NEGATED_INT,
    PYTHON_FLOAT,
    NegatedInt,
    PythonFloat,
    PythonInt,
    as_pythons,
    holds_pythons,
    python_kind,
)
from truestep.guest.python.compiler.rounding import resolve_round
from truestep.guest.python.compiler.unknown_types import NOTHING

_SIGNATURE: Any = templates.Signature
_INFERER: Any = typeinfer.TypeInferer
_CONTEXT: Any = typing_context.BaseContext

_RULES: tuple[Any, ...] = (NumpyRulesArrayOperator, NumpyRulesInplaceArrayOperator)
_UFUNCS: dict[Any, Any] = {key: getattr(np, name) for rules in _RULES for key, name in rules._op_map.items()}
"""The ufunc of each binary operator."""

_COMPARISONS = {np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal}

_ARITHMETIC = {np.add, np.subtract, np.multiply, np.true_divide, np.floor_divide, np.remainder, np.power}

_OF_MATH: set[Any] = {value for value in vars(math).values() if callable(value)}
_OF_RANDOM: set[Any] = {
    random.random, random.uniform, random.triangular, random.gauss, random.normalvariate, random.expovariate,
    random.lognormvariate, random.vonmisesvariate, random.gammavariate, random.betavariate,
    random.paretovariate, random.weibullvariate, random.randrange, random.randint, random.getrandbits,
}  # fmt: skip
_OF_PYTHON: set[Any] = {
    len, int, float, round, np.size, np.ndim, np.shape, ITEM_OF_ARRAY, *_OF_MATH, *_OF_RANDOM
}  # fmt: skip
"""Functions that return a number of Python, whatever they are given."""

_KEEPING = {operator.neg, operator.pos, operator.invert, abs, min, max, pow}
"""Functions that return a number of Python if they are given only such."""

_ATTRIBUTES_OF_PYTHON = {"shape", "size", "ndim", "itemsize", "nbytes", "strides"}

_is_users: list[bool] = [False]
"""Whether the function whose types are being inferred is the user's; the innermost last."""


def install_promotion() -> None:
    """Make Numba infer NumPy's types."""
    numpy_support.ufunc_can_cast = _can_cast
    _watch_inference()
    _type_numbers_of_python()
    _compile_as_found()
    _fill_containers_with_numpys()
    _count_with_pythons()
    _INFERER.resolve_call = _resolving_calls(_INFERER.resolve_call)


def _can_cast(from_: Any, to: Any, has_mixed_inputs: bool, casting: Any = "safe") -> bool:
    """NumPy's rule. Numba's makes a float32 of a float32 array and an int32 array."""
    del has_mixed_inputs
    return np.can_cast(np.dtype(from_), np.dtype(to), casting)


def _watch_inference() -> None:
    propagate = _INFERER.propagate

    def propagate_and_know_whose(inferer: Any, raise_errors: bool = True) -> Any:
        function = inferer.func_id.func
        with _inferring(is_users=is_users_function(function) and not is_ours(function)):
            return propagate(inferer, raise_errors)

    _INFERER.propagate = propagate_and_know_whose


@contextmanager
def _inferring(*, is_users: bool) -> Generator[None]:
    _is_users.append(is_users)
    try:
        yield
    finally:
        _is_users.pop()


def is_users_inference() -> bool:
    """Whether the types of a function of the user are being inferred."""
    return _is_users[-1]


def _type_numbers_of_python() -> None:
    resolve_value = _INFERER.resolve_value_type
    resolve_default = _CONTEXT.resolve_value_type_prefer_literal
    resolve_attribute = _CONTEXT.resolve_getattr

    def resolve_value_type(inferer: Any, inst: Any, value: Any) -> Any:
        function = inferer.func_id.func
        if type(value) is float and is_users_function(function) and not is_ours(function):
            return PYTHON_FLOAT
        return resolve_value(inferer, inst, value)

    def resolve_value_type_prefer_literal(context: Any, value: Any) -> Any:
        return PYTHON_FLOAT if type(value) is float and _is_users[-1] else resolve_default(context, value)

    def resolve_getattr(context: Any, kind: Any, name: str) -> Any:
        found = resolve_attribute(context, kind, name)
        return as_pythons(found) if _is_users[-1] and _is_of_python(kind, name) else found

    _INFERER.resolve_value_type = resolve_value_type
    _CONTEXT.resolve_value_type_prefer_literal = resolve_value_type_prefer_literal
    _CONTEXT.resolve_getattr = resolve_getattr


def _is_of_python(kind: Any, attribute: str) -> bool:
    """Whether an attribute is a number of Python, or a tuple of some."""
    if isinstance(kind, types.Array | types.DType):
        return attribute in _ATTRIBUTES_OF_PYTHON
    return getattr(kind, "instance_class", None) is arraymath.iinfo


def _fill_containers_with_numpys() -> None:
    """The items of lists and sets have a dtype, because arrays are made of them."""
    add_type = _INFERER.add_type

    def add_type_of_container(inferer: Any, variable: Any, kind: Any, *arguments: Any, **named: Any) -> Any:
        if isinstance(kind, types.List | types.Set) and holds_pythons(kind.dtype):
            kind = kind.copy(dtype=types.unliteral(kind.dtype))
        return add_type(inferer, variable, kind, *arguments, **named)

    _INFERER.add_type = add_type_of_container


def _count_with_pythons() -> None:
    """The numbers of `enumerate` have no dtype, as those of `range`."""
    enumerated: Any = types.EnumerateType
    begin = enumerated.__init__

    def begin_with_pythons(kind: Any, iterable: Any) -> None:
        begin(kind, iterable)
        if _is_users[-1]:
            kind.name = f"{kind.name} of Python"
            kind._yield_type = types.Tuple([as_pythons(types.int64), kind.source_type.yield_type])

    enumerated.__init__ = begin_with_pythons
    enumerated.key = property(lambda kind: (kind.source_type, kind.yield_type))


def _resolving_calls(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_call(inferer: Any, function: Any, arguments: Any, named: Any) -> Any:
        if not _is_users[-1] and not _is_array_expression(inferer):
            return resolve(inferer, function, arguments, named)
        key = getattr(function, "typing_key", function)
        ufunc = key if isinstance(key, np.ufunc) else _UFUNCS.get(_hashable(key))
        if ufunc is not None and len(arguments) >= 2 and ufunc.nin == 2:
            if not _is_users[-1]:
                return resolve(inferer, function, _of_one_sign(ufunc, arguments), named)
            return _resolve_binary(resolve, inferer, function, ufunc, arguments, named)
        if not _is_users[-1]:
            return resolve(inferer, function, arguments, named)
        if _hashable(key) in _OF_MATH:  # Python's math has no float32
            arguments = tuple(types.float64 if kind == types.float32 else kind for kind in arguments)
        found = resolve(inferer, function, arguments, named)
        if key is round and len(arguments) == 2 and isinstance(arguments[0], PythonFloat):
            found = resolve_round(function, found)
        if key is pow and len(arguments) == 2 and isinstance(arguments[0], PythonFloat):
            found = resolve_power(function, found)
        return found if found is None else _returning_pythons(_hashable(key), arguments, named, found)

    return resolve_call


def _hashable(key: Any) -> Any:
    return key if getattr(key, "__hash__", None) else None


def _returning_pythons(key: Any, arguments: Any, named: Any, found: Any) -> Any:
    """The signature, with a number of Python where the function returns one."""
    if key == "iternext" and isinstance(arguments[0], types.RangeIteratorType):
        return found.replace(return_type=types.Pair(as_pythons(found.return_type.first_type), types.boolean))
    if key is operator.neg and isinstance(arguments[0], PythonInt | types.IntegerLiteral):
        return _returning(NEGATED_INT, found)
    is_kept = key in _KEEPING and not named and all(map(python_kind, arguments))
    return _returning_python(found) if is_kept or key in _OF_PYTHON else found


def _resolve_binary(
    resolve: Callable[..., Any], inferer: Any, function: Any, ufunc: Any, arguments: Any, named: Any
) -> Any:
    kinds = [python_kind(argument) for argument in arguments[:2]]
    if all(kinds):
        if ufunc is np.power and kinds == [int, int] and _is_negative(arguments[1]):
            arguments = (types.float64, types.float64)
        found = resolve(inferer, function, arguments, named)
        is_of_ufunc = isinstance(getattr(function, "typing_key", None), np.ufunc)
        if ufunc is np.power and found is not None and found.return_type == types.float64 and not is_of_ufunc:
            found = resolve_power(function, found)
        return found if found is None or is_of_ufunc else _returning_python(found)
    if not any(kinds):
        return resolve(inferer, function, _of_one_sign(ufunc, arguments), named)
    if any(isinstance(argument, ExactFraction) for argument in arguments):
        found = resolve(inferer, function, arguments, named)
        return found if found is None else _returning_python(found)
    fitted = _fitted(ufunc, arguments, kinds)
    return resolve(inferer, function, (*fitted, *arguments[2:]), named)


def _is_array_expression(inferer: Any) -> bool:
    """Whether it is what Numba makes of the items of an expression of arrays."""
    return inferer.func_id.func_name.startswith("__numba_array_expr")


def _of_one_sign(ufunc: Any, arguments: Any) -> Any:
    if ufunc in _ARITHMETIC and _mixes_signs(arguments[0], arguments[1]):
        return (types.float64, types.float64, *arguments[2:])
    return arguments


def _mixes_signs(left: Any, right: Any) -> bool:
    """Whether one is a uint64 and the other a signed integer, both of NumPy, which then takes float64.

    Numba says the same of arrays, but computes in int64.
    """
    if not (isinstance(left, types.Integer) and isinstance(right, types.Integer)):
        return False
    if python_kind(left) or python_kind(right):
        return False
    return left.signed != right.signed and types.uint64 in {left, right}


def _is_negative(kind: Any) -> bool:
    """Whether a type says that the integer is negative, or the negative of another."""
    return isinstance(kind, NegatedInt) or (isinstance(kind, types.IntegerLiteral) and kind.literal_value < 0)


class _Retyped(_SIGNATURE):
    """A signature whose result is known to be a number of Python; `original` says how it is compiled."""

    __slots__ = ("original",)


def _returning_python(found: Any) -> Any:
    return _returning(as_pythons(found.return_type), found)


def _returning(kind: Any, found: Any) -> Any:
    retyped: Any = _Retyped(kind, found.args, found.recvr, found.pysig)
    retyped.original = found
    return retyped


def _compile_as_found() -> None:
    get_signature = typeinfer.CallConstraint.get_call_signature

    def get_call_signature(constraint: Any) -> Any:
        found = get_signature(constraint)
        return getattr(found, "original", found)

    typeinfer.CallConstraint.get_call_signature = get_call_signature


def _fitted(ufunc: Any, arguments: Any, kinds: list[type | None]) -> tuple[Any, Any]:
    """The two types with the number of Python as a number of the dtype in which NumPy computes."""
    place = 0 if kinds[0] else 1
    number, other = arguments[place], arguments[1 - place]
    dtype = _dtype_of(other)
    if dtype is None or _keeps_numbas_integers(other, kinds[place]):
        return arguments[0], arguments[1]
    asked = [dtype, dtype, *[None] * ufunc.nout]
    asked[place] = kinds[place]
    try:
        wanted = ufunc.resolve_dtypes(tuple(asked))[place]
    except TypeError:
        return arguments[0], arguments[1]
    if ufunc in _COMPARISONS and wanted.kind in "iu" and not _is_in_range(number, wanted):
        return arguments[0], arguments[1]
    if isinstance(number, types.IntegerLiteral) and wanted.kind in "iu":
        _check_range(number.literal_value, wanted)
    fitted = [arguments[0], arguments[1]]
    fitted[place] = numpy_support.from_dtype(wanted)
    return fitted[0], fitted[1]


def _dtype_of(kind: Any) -> Any:
    item = kind.dtype if isinstance(kind, types.Array) else kind
    if kind == NOTHING:
        return np.dtype(np.int64)  # a sum of no numbers is the integer 0
    if not isinstance(item, types.Integer | types.Float | types.Complex) and not (
        isinstance(kind, types.Array) and isinstance(item, types.Boolean)
    ):
        return None
    return numpy_support.as_dtype(item)


def _keeps_numbas_integers(other: Any, kind: type | None) -> bool:
    """Whether it is an integer of Python beside a NumPy integer of fewer than 64 bits, which Numba widens."""
    return kind is int and isinstance(other, types.Integer) and other.bitwidth < 64


def _is_in_range(kind: Any, dtype: Any) -> bool:
    """Whether it is known while the guest is compiled that the dtype holds the integer."""
    limits = np.iinfo(dtype)
    return isinstance(kind, types.IntegerLiteral) and limits.min <= kind.literal_value <= limits.max


def _check_range(value: int, dtype: Any) -> None:
    limits = np.iinfo(dtype)
    if not limits.min <= value <= limits.max:
        raise errors.TypingError(
            f"a guest cannot compute with the Python integer {value} and {dtype}, out of whose range it is;"
            f" convert one of them, as in np.int64({value})"
        )
