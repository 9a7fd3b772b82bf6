"""Loops over instances, and instances as arguments of functions that go through an iterable.

A loop goes through what `__iter__` returns. If that has a `__next__`, or if there is only `__getitem__`, a
generator asks for one item after another.
"""

# pyright: basic
# What Numba compiles has no types of Python.

import functools
import itertools
from typing import Any

import numba
import numpy as np
from numba.core import imputils, typeinfer, types
from numba.core.extending import infer, overload
from numba.core.registry import cpu_target
from numba.core.typing import templates
from numba.experimental.jitclass import base

from truestep.guest.python.compiler.catching import caught_exception, is_caught, raise_again
from truestep.guest.python.compiler.class_instances import PlainInstance
from truestep.guest.python.compiler.recursive_generators import is_generator, note_recursive
from truestep.guest.python.compiler.starting_over import when_starting_over

_jitclass: Any = base
_lowering: Any = imputils.builtin_registry

_CONSUMERS: tuple[Any, ...] = (
    *(list, set, tuple, sum, sorted, max, min, any, all, map, filter),
    *(np.array, np.asarray, np.mean, np.sum, np.std, np.var, np.median, np.max, np.min, np.cumsum),
    *(itertools.islice, itertools.chain, itertools.accumulate),
)
"""These take all items at once."""
_LAZY: tuple[Any, ...] = (zip, enumerate)
"""These take an item when one is asked for."""


def install_instance_iteration() -> None:
    """Give such functions what the instance gives."""
    kind: Any = types.Function
    kind.get_call_type = _first_for_instances(kind.get_call_type)
    constraint: Any = typeinfer.ExhaustIterConstraint
    constraint.__call__ = _unpacking(constraint.__call__)
    instance: Any = PlainInstance
    instance.iterator_type = property(lambda kind: iterator_type_of(cpu_target.typing_context, kind))


def _first_for_instances(get_call_type: Any) -> Any:
    def call_type(self: Any, context: Any, args: Any, kws: Any) -> Any:
        places = frozenset(place for place, kind in enumerate(args) if is_iterable(kind))
        if self.typing_key is sum:
            places &= {0}
        is_eager = bool(places) and any(self.typing_key is known for known in _CONSUMERS)
        is_lazy = bool(places) and any(self.typing_key is known for known in _LAZY)
        if not (is_eager or is_lazy):
            return get_call_type(self, context, args, kws)
        if self.typing_key in {max, min} and len(args) > 1:
            return get_call_type(self, context, args, kws)
        if is_lazy:
            return _with_iterators(get_call_type, self, context, args, kws)
        given = _stand_in(self.typing_key, len(args), places, tuple(kws))
        function = context.resolve_value_type(given)
        signature = function.get_call_type(context, args, kws)
        self._impl_keys[signature.args] = function.get_impl_key(signature)
        return signature

    return call_type


def _with_iterators(get_call_type: Any, function: Any, context: Any, args: Any, kws: Any) -> Any:
    """The signature of a call that is given iterators in the places of instances."""
    given = tuple(iterator_type_of(context, kind) if is_iterable(kind) else kind for kind in args)
    return get_call_type(function, context, given, kws)


@_lowering.lower_cast(PlainInstance, types.IteratorType)
def _as_iterator(context: Any, builder: Any, fromty: Any, toty: Any, val: Any) -> Any:
    iterate = context.get_function("getiter", templates.signature(toty, fromty))
    return iterate(builder, (val,))


def is_iterable(kind: Any) -> bool:
    """Whether a loop can go through an instance."""
    return isinstance(kind, PlainInstance) and not {"__iter__", "__getitem__"}.isdisjoint(kind.jit_methods)


def _steps(iterator: Any) -> Any:
    """What `__next__` gives, until it raises StopIteration."""
    while True:
        try:
            item = iterator.__next__()
        except Exception:
            if not is_caught(StopIteration):
                raise_again(caught_exception())
            break
        yield item


def _places(instance: Any) -> Any:
    """What `__getitem__` gives, until it raises IndexError."""
    place = 0
    while True:
        try:
            item = instance[place]
        except Exception:
            if not is_caught(IndexError):
                raise_again(caught_exception())
            break
        yield item
        place += 1


@functools.cache
def _compiled(function: Any) -> Any:
    """A generator as Numba compiles it, which it does for this machine once it is prepared."""
    return numba.njit(function)


def _begun(context: Any, kind: Any) -> Any:
    """The type of what a loop over an instance begins with, and the key of what makes it."""
    if "__iter__" not in kind.jit_methods:
        function = types.Dispatcher(_compiled(_places))
        signature = function.get_call_type(context, (kind,), {})
        return signature.return_type, function
    function = kind.jit_methods["__iter__"].py_func
    if is_generator(function) and context.callstack.match(function, (kind,)) is not None:
        note_recursive(function)
    method = context.resolve_getattr(kind, "__iter__")
    return method.get_call_type(context, (), {}).return_type, (PlainInstance, "__iter__")


_known: dict[Any, Any] = {}
"""What loops begin with, by the type of the instance: a method that calls itself is typed only once."""


when_starting_over(_known.clear)


def _has_steps(kind: Any) -> bool:
    return isinstance(kind, PlainInstance) and "__next__" in kind.jit_methods


def _stepped(context: Any, kind: Any) -> Any:
    return types.Dispatcher(_compiled(_steps)).get_call_type(context, (kind,), {}).return_type


def iterator_type_of(context: Any, kind: Any) -> Any:
    """The type of the iterator of a loop over an instance."""
    _known[kind] = _begun(context, kind)
    begun = _known[kind][0]
    if _has_steps(begun):
        begun = _stepped(context, begun)
    return context.resolve_function_type("getiter", (begun,), {}).return_type


@infer
class _Iteration(templates.AbstractTemplate):
    key = "getiter"

    def generic(self, args: Any, kws: Any) -> Any:
        """A loop over an instance."""
        del kws
        if not is_iterable(args[0]):
            return None
        return templates.signature(iterator_type_of(self.context, args[0]), args[0])


@_lowering.lower("getiter", PlainInstance)
def _iterator(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    typing_context = context.typing_context
    kind, key = _known[sig.args[0]]
    made = _called(context, builder, key, kind, sig.args[0], args[0])
    if _has_steps(kind):
        stepped = _stepped(typing_context, kind)
        made = _called(context, builder, types.Dispatcher(_compiled(_steps)), stepped, kind, made)
        kind = stepped
    iterate = context.get_function("getiter", templates.signature(sig.return_type, kind))
    return imputils.impl_ret_new_ref(context, builder, sig.return_type, iterate(builder, (made,)))


def _called(context: Any, builder: Any, key: Any, returned: Any, kind: Any, value: Any) -> Any:
    """What a function of one argument returns."""
    call = context.get_function(key, templates.signature(returned, kind))
    _jitclass._add_linking_libs(context, call)
    return call(builder, [value])


def _unpacking(exhaust: Any) -> Any:
    def unpack(self: Any, inferer: Any) -> None:
        """`a, b = instance`."""
        for kind in inferer.typevars[self.iterator.name].get():
            if is_iterable(kind):
                item = iterator_type_of(inferer.context, kind).yield_type
                inferer.add_type(self.target, types.UniTuple(item, self.count), loc=self.loc)
                return
        exhaust(self, inferer)

    return unpack


@overload(next, strict=False)
def _next(iterator: Any) -> Any:
    if isinstance(iterator, PlainInstance) and "__next__" in iterator.jit_methods:
        return lambda iterator: iterator.__next__()
    return None


@overload(next, strict=False)
def _next_or(iterator: Any, default: Any) -> Any:
    if not isinstance(iterator, PlainInstance) or "__next__" not in iterator.jit_methods:
        return None

    def next_or(iterator: Any, default: Any) -> Any:
        try:
            item = iterator.__next__()
        except Exception:
            if not is_caught(StopIteration):
                raise_again(caught_exception())
            item = default
        return item

    return next_or


@overload(iter, strict=False)
def _iter(iterable: Any) -> Any:
    if not is_iterable(iterable):
        return None
    if "__iter__" in iterable.jit_methods:
        return lambda iterable: iterable.__iter__()
    places = _compiled(_places)
    return lambda iterable: places(iterable)  # noqa: PLW0108 - what Numba compiles


def items_of_instance(instance: Any) -> Any:
    """The list of what a loop over the instance goes through. Compiled only."""
    raise NotImplementedError


@overload(items_of_instance, strict=False)
def _items_of_instance(instance: Any) -> Any:
    return lambda instance: [item for item in instance]  # noqa: C416 - Numba's list() does not know it


@functools.cache
def _stand_in(function: Any, count: int, places: frozenset[int], named: tuple[str, ...]) -> Any:
    """A function that calls another with lists in the places of instances. Compiled only."""
    names = [f"given{place}" for place in range(count)]
    given = [f"items_of({name})" if place in places else name for place, name in enumerate(names)]
    names += named
    given += [f"{name}={name}" for name in named]
    scope = {"function": function, "items_of": items_of_instance}
    head = ", ".join(names)
    compiled = eval(f"lambda {head}: function({', '.join(given)})", scope)
    stand_in = eval(f"lambda {head}: None", scope)
    overload(stand_in, strict=False)(eval(f"lambda {head}: compiled", {"compiled": compiled}))
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    return stand_in
