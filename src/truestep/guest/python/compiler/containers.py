"""Lists, dictionaries and sets: deletion of items, views in the place of lists, sets of one item, `:=`."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import importlib
import operator
from typing import Any

from numba.core import byteflow, errors, imputils, interpreter, ir, typeinfer, types
from numba.core.extending import overload
from numba.core.typing import templates
from numba.typed.typedobjectutils import _nonoptional

from truestep.guest.python.compiler.byte_arrays import ByteList


def install_containers() -> None:
    """Add what Numba lacks."""
    overload(operator.contains, strict=False)(_contains)
    overload(sum, strict=False)(_sum)
    importlib.import_module("numba.typed.dictobject")
    _replace_method(types.DictType, "get", _get)
    _replace_method(types.DictType, "update", _update)
    importlib.import_module("numba.cpython.setobj")
    for name, method in _OF_SETS.items():
        _let_take_iterables(name, method)
    registry: Any = imputils.builtin_registry
    registry.lower("set.update", types.Set, types.UnicodeType)(_update_with_text)
    build_set: Any = typeinfer.BuildSetConstraint
    build_set.container_type = staticmethod(_set_of)
    flow: Any = byteflow.TraceRunner
    flow.op_COPY = _noting_assignment(flow.op_COPY)
    interpreter.Interpreter.op_COPY = _copy
    views: tuple[Any, ...] = (
        types.DictKeysIterableType,
        types.DictValuesIterableType,
        types.DictItemsIterableType,
    )
    for view in views:
        view.__init__ = _without_first_items(view.__init__)


def _without_first_items(make: Any) -> Any:
    """A view of a dictionary, whatever items it was written with: in a loop, the type forgets them."""

    def make_view(self: Any, parent: Any) -> None:
        make(
            self,
            parent if parent.initial_value is None else types.DictType(parent.key_type, parent.value_type),
        )

    return make_view


def either(value: Any, default: Any) -> Any:
    """`value or default`. Compiled only."""
    raise NotImplementedError


@overload(either)
def _either(value: Any, default: Any) -> Any:
    if isinstance(value, types.Optional):

        def either_or_none(value: Any, default: Any) -> Any:
            if value is not None:
                held = _nonoptional(value)
                if held:
                    return held
            return default

        return either_or_none
    return lambda value, default: value if value else default


def _update_with_text(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """`letters.update(text)`; Numba asks a text for its dtype."""

    def add_each(letters: Any, text: Any) -> None:
        for letter in text:
            letters.add(letter)

    return context.compile_internal(builder, add_each, signature, arguments)


def _replace_method(kind: Any, name: str, method: Any) -> None:
    """Put a method of ours in the place of Numba's."""
    overload(method, strict=False)(method)
    for template in templates.builtin_registry.attributes:
        if template.key is kind and getattr(template, "_attr", "") == name:
            template._overload_func = staticmethod(method)


_OF_SETS: dict[str, Any] = {
    "union": lambda a, b: a.union(set(b)),
    "intersection": lambda a, b: a.intersection(set(b)),
    "difference": lambda a, b: a.difference(set(b)),
    "symmetric_difference": lambda a, b: a.symmetric_difference(set(b)),
    "issubset": lambda a, b: a.issubset(set(b)),
    "issuperset": lambda a, b: a.issuperset(set(b)),
    "isdisjoint": lambda a, b: a.isdisjoint(set(b)),
    "intersection_update": lambda a, b: a.intersection_update(set(b)),
    "difference_update": lambda a, b: a.difference_update(set(b)),
    "symmetric_difference_update": lambda a, b: a.symmetric_difference_update(set(b)),
}
"""Methods of sets, for what is no set."""


def _let_take_iterables(name: str, method: Any) -> None:
    """Let a method of sets, which Numba has for two sets, take any iterable."""
    numbas = [
        template._overload_func
        for template in templates.builtin_registry.attributes
        if template.key is types.Set and getattr(template, "_attr", "") == name
    ]
    _replace_method(types.Set, name, _for_iterables(numbas[0], method))


def _for_iterables(of_sets: Any, of_others: Any) -> Any:
    def method_of_sets(a: Any, b: Any) -> Any:
        is_other = isinstance(a, types.Set) and isinstance(b, types.IterableType | types.Sequence)
        return of_others if is_other and not isinstance(b, types.Set) else of_sets(a, b)

    return method_of_sets


def _get(dct: Any, key: Any, default: Any = None) -> Any:
    """`d.get(key, default)` has the type of the values, and `d.get(key)` may be None."""
    if isinstance(default, types.Omitted | types.NoneType | types.Optional) or default is None:
        return _get_or_none
    return _get_or_default


def _get_or_none(dct: Any, key: Any, default: Any = None) -> Any:
    if key not in dct:
        return None
    return dct[key]


def _get_or_default(dct: Any, key: Any, default: Any = None) -> Any:
    if key not in dct:
        return default
    return dct[key]


def _set_of(item: Any) -> types.Set:
    """The type of `{2}`, which Numba takes for a set of the one number 2."""
    kind = types.unliteral(item)
    if not isinstance(kind, types.Hashable | types.Undefined):
        raise errors.TypingError(
            f"a guest's set cannot hold {kind}: keep a dictionary of what identifies it, such as a tuple"
        )
    return types.Set(kind)


def _noting_assignment(copy: Any) -> Any:
    """What `x := value` puts on the stack a second time gets a name, or Numba forgets it."""

    def copy_or_name(flow: Any, state: Any, inst: Any) -> None:
        following = state._bytecode[inst.next] if inst.arg == 1 else None
        if following is None or not following.opname.startswith("STORE_FAST"):
            copy(flow, state, inst)
            return
        value = state.peek(1)
        result = state.make_temp()
        state.append(inst, value=value, res=result)
        state.pop()
        state.push(result)
        state.push(value)

    return copy_or_name


def _copy(interpreter: Any, inst: Any, value: Any, res: Any) -> None:
    interpreter.store(ir.Expr.cast(interpreter.get(value), loc=interpreter.loc), res)


def _contains(container: Any, item: Any) -> Any:
    """`key in d.keys()`, `value in d.values()`, `(key, value) in d.items()`, `10 in b"text"`."""
    is_byte = isinstance(container, types.Bytes) and isinstance(item, types.Integer)
    if isinstance(container, types.DictKeysIterableType):

        def is_key(container: Any, item: Any) -> bool:
            return item in container._parent

        return is_key
    if not is_byte and not isinstance(container, types.DictValuesIterableType | types.DictItemsIterableType):
        return None

    def is_among(container: Any, item: Any) -> bool:
        for member in container:  # noqa: SIM110 - compiled by Numba, which has no generator expressions
            if member == item:
                return True
        return False

    return is_among


_SUMMED: tuple[Any, ...] = (types.Set, types.DictType, types.IteratorType, types.Bytes, ByteList)
_SUMMED_VIEWS: tuple[Any, ...] = (types.DictKeysIterableType, types.DictValuesIterableType)


def _sum(iterable: Any, start: Any = 0) -> Any:
    """Of sets, bytes, of views of dictionaries and of iterators; Numba has the others."""
    if not isinstance(iterable, _SUMMED + _SUMMED_VIEWS):
        return None
    if isinstance(start, types.UnicodeType):
        raise errors.TypingError('a guest cannot add texts by sum(): write "".join(…)')

    def total(iterable: Any, start: Any = 0) -> Any:
        result = start
        for item in iterable:
            result = result + item
        return result

    return total


def delete(container: Any, place: Any) -> None:
    """`del container[place]`. Compiled only."""
    raise NotImplementedError


@overload(delete, strict=False)
def _delete(container: Any, place: Any) -> Any:
    if isinstance(container, types.List) and isinstance(place, types.SliceType) and place.has_step:
        return _delete_steps
    if isinstance(container, types.List | ByteList) and isinstance(place, types.Integer):

        def delete_from_list(container: Any, place: Any) -> None:
            container.pop(place)

        return delete_from_list

    def delete_item(container: Any, place: Any) -> None:
        del container[place]

    return delete_item


def _delete_steps(container: Any, place: Any) -> None:
    """`del items[first:end:step]`."""
    first, end, step = place.indices(len(container))
    if step < 0:
        count = max(0, (first - end - step - 1) // -step)
        first, step = first + (count - 1) * step, -step
    else:
        count = max(0, (end - first + step - 1) // step)
    kept = 0
    for at in range(len(container)):
        is_deleted = first <= at < first + count * step and (at - first) % step == 0
        if not is_deleted:
            container[kept] = container[at]
            kept += 1
    del container[kept:]


def _update(d: Any, other: Any) -> Any:
    """`d.update(other)` of a dictionary, of one with methods of its own, or of pairs."""
    if not isinstance(d, types.DictType):
        return None

    def set_values(d: Any, other: Any) -> None:
        for key, value in other.items():
            d[key] = value

    def set_pairs(d: Any, other: Any) -> None:
        for key, value in other:
            d[key] = value

    return set_values if isinstance(other, types.DictType | types.ClassInstanceType) else set_pairs


def copied(dictionary: Any) -> Any:
    """A dictionary of the same keys and values. Compiled only."""
    raise NotImplementedError


@overload(copied, strict=False)
def _copied(dictionary: Any) -> Any:
    if not isinstance(dictionary, types.DictType):
        return None

    def copy(dictionary: Any) -> Any:
        return dictionary.copy()

    return copy


def merged(first: Any, second: Any) -> Any:
    """A dictionary that nobody else has, with what another one sets. Compiled only."""
    raise NotImplementedError


@overload(merged, strict=False)
def _merged(first: Any, second: Any) -> Any:
    if not isinstance(first, types.DictType) or not isinstance(second, types.DictType):
        return None

    def merge(first: Any, second: Any) -> Any:
        for key, value in second.items():
            first[key] = value
        return first

    return merge
