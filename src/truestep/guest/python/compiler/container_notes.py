"""What containers of which only a part is known tell about their items, in calls and beside others."""

from typing import Any

from numba.core import types

from truestep.guest.python.compiler.classes import Growing
from truestep.guest.python.compiler.inferring import forget_inferred
from truestep.guest.python.compiler.item_tuples import ItemTuple
from truestep.guest.python.compiler.python_numbers import PythonInt
from truestep.guest.python.compiler.unknown_types import MARK, MaybeInt, Unknown

CONTAINERS: Any = (types.List, types.Set, types.DictType)


def is_unknown(kind: Any) -> bool:
    """Whether a type has unknown parts."""
    if isinstance(kind, Growing):
        return any(map(is_unknown, kind.fields.values()))
    return MARK in kind.name


def unknown_parts(kind: Any) -> set[Any]:
    """The parts of a type that are to be found out."""
    if isinstance(kind, Unknown | MaybeInt):
        return {kind}
    if isinstance(kind, types.List | types.Set | ItemTuple):
        return unknown_parts(kind.dtype)
    if isinstance(kind, types.Optional):
        return unknown_parts(kind.type)
    if isinstance(kind, types.DictType):
        return unknown_parts(kind.key_type) | unknown_parts(kind.value_type)
    if isinstance(kind, Growing):
        return {part for field in kind.fields.values() for part in unknown_parts(field)}
    if isinstance(kind, types.BaseTuple):
        return {part for member in kind.types for part in unknown_parts(member)}
    return set()


def number_of(part: Any) -> int:
    """Types are learnt in the order in which they were met."""
    return int(part.name.rpartition(" ")[2])


def with_open_numbers(kind: Any) -> Any:
    """The type of what fills a container, whose integers may meet floats yet."""
    kind = types.unliteral(kind)
    if kind == types.int64 or type(kind) is PythonInt:
        return MaybeInt("a container")
    if type(kind) in {types.Tuple, types.UniTuple}:
        return types.Tuple.from_types([with_open_numbers(member) for member in kind.types])
    return kind


def note_parts(field: Any, value: Any) -> None:
    """Note what fills the container that a field holds, which may be None."""
    parts = [
        (getattr(field, name), getattr(value, name))
        for name in ("dtype", "key_type", "value_type")
        if type(field) is type(value) and hasattr(value, name)
    ]
    for known, unknown in parts:
        if isinstance(known, types.Optional) and isinstance(unknown, Unknown) and known not in unknown.noted:
            unknown.noted.append(known)
            forget_inferred()


def note_call(context: Any, function: Any, arguments: Any) -> Any:
    """The type that a call returns whose arguments are put together, after a note; None for all others."""
    key: Any = getattr(function, "typing_key", None)
    if isinstance(function, types.BoundFunction):
        if isinstance(function.this, types.List) and key[1] == "sort" and not arguments:
            return types.none
        is_of_dictionary = isinstance(function.this, types.DictType)
        return _note_method(context, function.this, key[1], arguments) if is_of_dictionary else None
    if key is hash:
        return types.int64
    name = getattr(function if key is None else key, "__name__", "")
    is_of_list = len(arguments) == 1 and isinstance(arguments[0], types.List)
    if name in {"heappop", "sum", "max", "min"} and is_of_list:
        return arguments[0].dtype
    if name == "sorted" and len(arguments) == 1 and isinstance(arguments[0], types.IterableType):
        return types.List(arguments[0].iterator_type.yield_type)
    if len(arguments) != 2:
        return None
    left, right = arguments
    if name in {"heappush", "heappushpop", "heapreplace", "insort_left", "insort_right"}:
        if isinstance(left, types.List):
            context.unify_types(left.dtype, right)
            return types.none if name == "heappush" or "insort" in name else left.dtype
    elif name in {"eq", "ne"} and isinstance(left, CONTAINERS) and isinstance(right, CONTAINERS):
        context.unify_types(left, right)
        return types.boolean
    elif name in {"add", "iadd"} and isinstance(left, types.List) and isinstance(right, types.List):
        return context.unify_types(left, right)
    return None


def _note_method(context: Any, dictionary: Any, name: str, arguments: Any) -> Any:
    """As `note_call`, for a dictionary's method with a default."""
    if len(arguments) != 2 or isinstance(arguments[1], types.NoneType | types.Omitted):
        return None
    if name not in {"setdefault", "get", "pop"}:
        return None
    if name == "setdefault":
        context.unify_types(dictionary.key_type, arguments[0])
    context.unify_types(dictionary.value_type, arguments[1])
    return dictionary.value_type


def unifying_parts(unify: Any) -> Any:
    """Dictionaries with unknown parts are unified part by part."""

    def unify_parts(self: Any, typingctx: Any, other: Any) -> Any:
        if not isinstance(other, types.DictType) or not (is_unknown(self) or is_unknown(other)):
            return unify(self, typingctx, other)
        key = typingctx.unify_pairs(self.key_type, other.key_type)
        value = typingctx.unify_pairs(self.value_type, other.value_type)
        return None if key is None or value is None else types.DictType(key, value)

    return unify_parts


def _unify_containers(inferer: Any, names: list[str]) -> Any:
    """The type of all these variables, if they hold containers of one type or empty ones."""
    kinds = [inferer.typevars[name].type for name in names]
    if not kinds or not all(isinstance(kind, CONTAINERS) for kind in kinds):
        return None
    kinds = [types.unliteral(kind) for kind in kinds]
    unified = inferer.context.unify_types(*kinds)
    if unified is None or not unified.is_precise():
        return None
    if any(kind.is_precise() and not is_unknown(kind) and kind != unified for kind in kinds):
        return None
    return types.unliteral(unified)


def with_equal_items(constrain: Any) -> Any:
    """`[[], [1]]`: the first list is one of integers, too."""

    def constrain_items(self: Any, inferer: Any) -> None:
        unified = _unify_containers(inferer, [item.name for item in self.items])
        if unified is not None:
            for item in self.items:
                if not inferer.typevars[item.name].type.is_precise():
                    inferer.add_type(item.name, unified, loc=self.loc)
        constrain(self, inferer)

    return constrain_items


def with_equal_values(constrain: Any) -> Any:
    """`{"a": [1], "b": []}` is a dictionary of lists; Numba takes it for a record of lists."""

    def constrain_values(self: Any, inferer: Any) -> None:
        unified = _unify_containers(inferer, [value.name for _, value in self.items])
        keys = [inferer.typevars[key.name].type for key, _ in self.items]
        key = None if unified is None or None in keys else inferer.context.unify_types(*keys)
        if key is None:
            constrain(self, inferer)
            return
        for _, value in self.items:
            if not inferer.typevars[value.name].type.is_precise():
                inferer.add_type(value.name, unified, loc=self.loc)
        inferer.add_type(self.target, types.DictType(types.unliteral(key), unified), loc=self.loc)

    return constrain_values
