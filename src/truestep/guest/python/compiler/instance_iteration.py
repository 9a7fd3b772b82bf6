"""Instances with `__iter__` as arguments of functions that go through all of an iterable."""

# pyright: basic
# What Numba compiles has no types of Python.

import functools
import itertools
from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload
from numba.core.registry import cpu_target

from truestep.guest.python.compiler.class_instances import PlainInstance

_CONSUMERS: tuple[Any, ...] = (
    *(list, set, tuple, sum, sorted, max, min, any, all, map, filter),
    *(np.array, np.asarray, np.mean, np.sum, np.std, np.var, np.median, np.max, np.min, np.cumsum),
    *(itertools.islice, itertools.chain, itertools.accumulate),
)


def install_instance_iteration() -> None:
    """Give such functions a list of what the instance gives."""
    kind: Any = types.Function
    kind.get_call_type = _first_for_instances(kind.get_call_type)


def _first_for_instances(get_call_type: Any) -> Any:
    def call_type(self: Any, context: Any, args: Any, kws: Any) -> Any:
        places = frozenset(place for place, kind in enumerate(args) if _is_iterable(kind))
        is_consumer = bool(places) and any(self.typing_key is known for known in _CONSUMERS)
        if not is_consumer or kws:
            return get_call_type(self, context, args, kws)
        function = context.resolve_value_type(_stand_in(self.typing_key, len(args), places))
        signature = function.get_call_type(context, args, kws)
        self._impl_keys[signature.args] = function.get_impl_key(signature)
        return signature

    return call_type


def _is_iterable(kind: Any) -> bool:
    return isinstance(kind, PlainInstance) and "__iter__" in kind.jit_methods


def items_of_instance(instance: Any) -> Any:
    """The list of what a loop over the instance goes through. Compiled only."""
    raise NotImplementedError


@overload(items_of_instance, strict=False)
def _items_of_instance(instance: Any) -> Any:
    return lambda instance: [item for item in instance]  # noqa: C416 - Numba's list() does not know it


@functools.cache
def _stand_in(function: Any, count: int, places: frozenset[int]) -> Any:
    """A function that calls another with lists in the places of instances. Compiled only."""
    names = [f"given{place}" for place in range(count)]
    given = [f"items_of({name})" if place in places else name for place, name in enumerate(names)]
    scope = {"function": function, "items_of": items_of_instance}
    head = ", ".join(names)
    compiled = eval(f"lambda {head}: function({', '.join(given)})", scope)
    stand_in = eval(f"lambda {head}: None", scope)
    overload(stand_in, strict=False)(eval(f"lambda {head}: compiled", {"compiled": compiled}))
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    return stand_in
