"""Reads from a guest's parameters and annotations the types to compile it for."""

import inspect
import re
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from truestep.guest.python.compiler.complaint import Complaint, line_of
from truestep.guest.sdk import DECLARATION, Declaration, Task

_TYPE_TEXT = re.compile(r"\s*([a-zA-Z]\w*)\s*(?:\[\s*(:(?:\s*,\s*:)*)\s*\])?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayInput:
    """The input is a .npy file of this dtype and number of dimensions."""

    dtype: "np.dtype[Any]"
    ndim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSignature:
    """How a guest is called, and how its result is written."""

    function: Callable[..., Any]
    takes_task: bool
    takes_input: bool
    array_input: ArrayInput | None
    """None means the input's bytes as a uint8 array."""
    writes_npy: bool


def read_signature(function: Callable[..., Any]) -> GuestSignature:
    """The signature of a declared guest. Raises Complaint if a guest cannot have it."""
    declaration: Declaration = getattr(function, DECLARATION)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise Complaint(
            f"expected {function.__name__} to be a function that returns its output",
            place=line_of(function),
            remedy="use `def` without `async`, and `return` instead of `yield`",
        )
    hints = _hints(function)
    names = _parameter_names(function)
    takes_task = bool(names) and (hints.get(names[0]) is Task or names[0] == "task")
    rest = names[1:] if takes_task else names
    if len(rest) > 1:
        raise Complaint(
            f"expected a guest to take (input) or (task, input), got ({', '.join(names)})",
            place=line_of(function),
            remedy="declare the two parameters `task: truestep.Task, input: np.ndarray`, or only the input",
        )
    array_input = _array_input(function, declaration.input, hints.get(rest[0]) if rest else None)
    output = declaration.output or ("npy" if array_input else "raw")
    return GuestSignature(
        function=function,
        takes_task=takes_task,
        takes_input=bool(rest),
        array_input=array_input,
        writes_npy=output == "npy",
    )


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, AttributeError, TypeError) as error:
        raise Complaint(
            f"the annotations of {function.__name__} cannot be evaluated: {error}",
            place=line_of(function),
            remedy="import the names that they use outside `if TYPE_CHECKING`",
        ) from error


def _parameter_names(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind not in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}:
            raise Complaint(
                f"expected plain parameters, got {parameter}",
                place=line_of(function),
                remedy="take (input) or (task, input)",
            )
    return [parameter.name for parameter in parameters if parameter.default is parameter.empty]


def _array_input(function: Callable[..., Any], declared: Any, hint: Any) -> ArrayInput | None:
    if isinstance(declared, str):
        match = _TYPE_TEXT.fullmatch(declared)
        dtype = _dtype(function, match[1] if match else declared)
        return ArrayInput(dtype=dtype, ndim=match[2].count(":") if match and match[2] else 0)
    if declared is not None:
        return ArrayInput(dtype=_dtype(function, declared), ndim=1)
    return _annotated_input(function, hint)


def _annotated_input(function: Callable[..., Any], hint: Any) -> ArrayInput | None:
    """`NDArray[np.float64]` has one dimension; `np.ndarray[tuple[int, int], …]` says how many it has."""
    if typing.get_origin(hint) is not np.ndarray:
        return None
    shape, dtype_hint = typing.get_args(hint)
    scalar = typing.get_args(dtype_hint)[0] if typing.get_args(dtype_hint) else None
    if not (isinstance(scalar, type) and issubclass(scalar, np.generic)):
        return None
    sizes = typing.get_args(shape)
    ndim = 1 if not sizes or sizes[-1] is Ellipsis else len(sizes)
    if scalar is np.uint8 and ndim == 1:
        return None
    return ArrayInput(dtype=_dtype(function, scalar), ndim=ndim)


def _dtype(function: Callable[..., Any], description: Any) -> "np.dtype[Any]":
    try:
        dtype = np.dtype(description)
    except TypeError as error:
        raise Complaint(
            f"expected an input type such as 'float64[:, :]', got {description!r}",
            place=line_of(function),
            remedy="write a NumPy dtype and, in brackets, one colon per dimension",
        ) from error
    if dtype.hasobject or not dtype.isnative:
        raise Complaint(
            f"a guest cannot read {dtype} from a file",
            place=line_of(function),
            remedy="use a little-endian dtype without Python objects",
        )
    return dtype
