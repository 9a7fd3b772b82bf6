"""Operators of instances: the left side's method, or the right side's reflected one; and max and min.

Numba knows some of them, takes the first method that it finds, and hides why one does not compile.
"""

# pyright: basic
# What Numba compiles has no types of Python.

import functools
import operator
from typing import Any

import numba
from numba.core import errors, imputils, types
from numba.core.registry import cpu_target
from numba.core.typing import templates

from truestep.guest.python.compiler.class_instances import PlainInstance
from truestep.guest.python.compiler.instance_iteration import is_iterable
from truestep.guest.python.compiler.sentinels import Sentinel

_lowering: Any = imputils.builtin_registry

_ARITHMETIC = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "truediv", "floordiv": "floordiv", "mod": "mod",
    "pow": "pow", "matmul": "matmul", "lshift": "lshift", "rshift": "rshift", "and_": "and", "or_": "or",
    "xor": "xor",
}  # fmt: skip
"""Names of operators in `operator`, and in methods."""
_REFLECTED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}


def _methods() -> dict[Any, tuple[tuple[str, bool], ...]]:
    """By operator: the methods that are asked, and whether it is the right side's."""
    found: dict[Any, tuple[tuple[str, bool], ...]] = {}
    for name, method in _ARITHMETIC.items():
        both = (f"__{method}__", False), (f"__r{method}__", True)
        found[getattr(operator, name)] = both
        found[getattr(operator, f"i{name.rstrip('_')}")] = ((f"__i{method}__", False), *both)
    for name, reflected in _REFLECTED.items():
        found[getattr(operator, name)] = (f"__{name}__", False), (f"__{reflected}__", True)
    return found


_METHODS = _methods()


def install_instance_operators() -> None:
    """Ask the methods of instances before anything else."""
    kind: Any = types.Function
    kind.get_call_type = _first_for_instances(kind.get_call_type)


def _first_for_instances(get_call_type: Any) -> Any:
    def call_type(self: Any, context: Any, args: Any, kws: Any) -> Any:
        key = self.typing_key
        found = None
        if not kws and any(isinstance(kind, PlainInstance) for kind in args):
            if len(args) == 2 and key in _METHODS:
                found = _operated(context, key, args)
            elif key is operator.contains and _is_gone_through(args[0]):
                found = _resolved(context, _contains(), args)
            elif key in {max, min} and len(args) > 1:
                found = _resolved(context, _extreme_of(key, len(args)), args)
        elif not kws and key in {max, min} and len(args) == 1 and _holds_instances(args[0]):
            found = _resolved(context, _extreme(key), args)
        if found is None:
            return get_call_type(self, context, args, kws)
        implementation, signature = found
        self._impl_keys[signature.args] = implementation
        return signature

    return call_type


def _holds_instances(kind: Any) -> bool:
    return isinstance(getattr(kind, "dtype", None), PlainInstance)


def _is_gone_through(kind: Any) -> bool:
    return is_iterable(kind) and "__contains__" not in kind.jit_methods


def _resolved(context: Any, function: Any, args: Any) -> Any:
    """The key of what lowers a call of a function, and its signature."""
    kind = context.resolve_value_type(function)
    signature = kind.get_call_type(context, args, {})
    return kind.get_impl_key(signature), signature


def _operated(context: Any, key: Any, args: Any) -> Any:
    """As `_resolved`, for an operator. Raises the first method's TypingError if none fits."""
    first: Any = None
    for name, is_reflected in _METHODS[key]:
        side, other = reversed(args) if is_reflected else args
        if not isinstance(side, PlainInstance) or name not in side.jit_methods:
            continue
        try:
            found = _asked(context, side, name, other, is_reflected)
        except errors.TypingError as error:
            first = first or error
            continue
        if not _is_not_implemented(found[1].return_type):
            return found
    if first is not None and not _has_other_meaning(key, args):
        raise first
    return None


def _asked(context: Any, side: Any, name: str, other: Any, is_reflected: bool) -> Any:
    """As `_resolved`, for a method of one operand that is given the other."""
    method = context.resolve_getattr(side, name)
    found = method.get_call_type(context, (other,), {})
    if len(found.args) != 1:
        args = (other, side) if is_reflected else (side, other)
        return _resolved(context, _method(name, is_reflected), args)
    if is_reflected:
        _lower_reflected(name)
        return ("reflected", name), templates.signature(found.return_type, *found.args, side)
    return (PlainInstance, name), templates.signature(found.return_type, side, *found.args)


@functools.cache
def _lower_reflected(name: str) -> None:
    """Let a method be called with its instance last."""

    def call_method(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        signature = templates.signature(sig.return_type, sig.args[1], sig.args[0])
        call = context.get_function((PlainInstance, name), signature)
        return call(builder, (args[1], args[0]))

    _lowering.lower(("reflected", name), types.Any, PlainInstance)(call_method)
    cpu_target.target_context.refresh()


def _has_other_meaning(key: Any, args: Any) -> bool:
    """Whether Python answers without a method: instances beside other things are not equal to them."""
    return key in {operator.eq, operator.ne} and not all(isinstance(kind, PlainInstance) for kind in args)


def _is_not_implemented(kind: Any) -> bool:
    return isinstance(kind, Sentinel) and kind.value is NotImplemented


@functools.cache
def _method(name: str, is_reflected: bool) -> Any:
    """A function that calls the method of one side. Compiled only."""
    call = f"y.{name}(x)" if is_reflected else f"x.{name}(y)"
    return numba.njit(eval(f"lambda x, y: {call}", {}))


@functools.cache
def _contains() -> Any:
    """`value in instance` of one that only can be gone through. Compiled only."""

    def contains(instance: Any, value: Any) -> bool:
        for item in instance:  # noqa: SIM110 - as Numba compiles it
            if item == value:
                return True
        return False

    return numba.njit(contains)


@functools.cache
def _extreme(function: Any) -> Any:
    """`max(items)` or `min(items)`. Compiled only."""
    sign = ">" if function is max else "<"
    text = f"""def extreme(items):
    if len(items) == 0:
        raise ValueError("{function.__name__}() arg is an empty sequence")
    best = items[0]
    for place in range(1, len(items)):
        if items[place] {sign} best:
            best = items[place]
    return best
"""
    scope: dict[str, Any] = {}
    exec(text, scope)
    return numba.njit(scope["extreme"])


@functools.cache
def _extreme_of(function: Any, count: int) -> Any:
    """`max(a, b, …)` or `min(a, b, …)`. Compiled only."""
    names = ", ".join(f"x{place}" for place in range(count))
    return numba.njit(eval(f"lambda {names}: extreme([{names}])", {"extreme": _extreme(function)}))
