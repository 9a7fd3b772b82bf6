"""What a plain class has, in terms that Numba knows: methods, properties, and what `dataclass` writes."""

import dataclasses
import dis
import functools
import inspect
from types import CodeType, FunctionType, MemberDescriptorType
from typing import Any, cast

from numba.core import errors

from truestep.guest.python.compiler.alike import has_one_type
from truestep.guest.python.compiler.derived_methods import as_static_method, derived_order
from truestep.guest.python.compiler.module_state import (
    Place,
    can_be_kept,
    change_object,
    place_in_class,
    place_of_object,
    start_over_if_more_is_kept,
)
from truestep.guest.python.compiler.ownership import is_ours, is_users_function
from truestep.guest.python.compiler.rewriting import without_others
from truestep.guest.python.compiler.rewriting_super import methods_after, own_members

_DROPPED = {
    "__annotations__", "__dataclass_fields__", "__dataclass_params__", "__delattr__", "__dict__", "__doc__",
    "__eq__", "__firstlineno__", "__ge__", "__getstate__", "__gt__", "__hash__", "__le__", "__lt__",
    "__match_args__", "__module__", "__ne__", "__orig_bases__", "__parameters__", "__replace__", "__repr__",
    "__setattr__", "__setstate__", "__slots__", "__static_attributes__", "__weakref__",
}  # fmt: skip
"""What Python or `dataclass` adds to a class and a guest does without, unless the user wrote it."""


_MADE = {"<string>", dataclasses.__file__}
"""Where the code of methods is that `dataclass` writes."""

_EMPTY: dict[Any, str] = {list: "[]", dict: "{}", set: "set()"}

_ORDERS = {"__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}

_BEGUN: Any = (bool, int, float, str, type(None))
"""Constants of a class that may be the first values of an instance's own fields."""

_UNKNOWN = {
    "__new__",
    "__getattribute__",
    "__setattr__",
    "__delattr__",
    "__del__",
    "__init_subclass__",
}
"""What changes how instances are made or used, and a guest would ignore."""


@functools.cache
def begun_fields(origin: type) -> dict[str, Any]:
    """The constants of a class that its methods set: an instance begins with them."""
    stored = {
        name
        for member in _vars_of(origin).values()
        for function in _functions_of(member)
        for name in _stored_attributes(function.__code__)
    }
    return {
        name: value
        for name, value in _vars_of(origin).items()
        if name in stored
        and not name.startswith("__")
        and isinstance(value, _BEGUN)
        and place_in_class(origin, name) is None
    }


def makes_itself(origin: type) -> bool:
    """Whether methods of a class make instances of it, as those of a tree do."""
    functions = (function for member in _vars_of(origin).values() for function in _functions_of(member))
    return any(
        function.__globals__.get(name) is origin
        for function in functions
        for name in function.__code__.co_names
    )


def _stored_attributes(code: Any) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    own = {str(part.argval) for part in dis.get_instructions(code) if part.opname == "STORE_ATTR"}
    return own.union(*map(_stored_attributes, inner))


def _vars_of(origin: Any) -> dict[str, Any]:
    """What a class and those that it is derived from define."""
    found: dict[str, Any] = {}
    for kind in reversed(origin.__mro__[:-1]):
        found.update(own_members(kind))
    return found


def _functions_of(member: Any) -> list[FunctionType]:
    """The functions that a method or a property consists of."""
    if isinstance(member, property):
        return [part for part in (member.fget, member.fset) if isinstance(part, FunctionType)]
    return [member] if isinstance(member, FunctionType) else []


@functools.cache
def members_of(origin: Any) -> dict[str, Any]:
    """Methods and properties; constants of the class are properties too."""
    is_dataclass = dataclasses.is_dataclass(origin)
    parameters: Any = getattr(origin, "__dataclass_params__", None)
    names = {field.name for field in dataclasses.fields(origin)} if is_dataclass else set[str]()
    members: dict[str, Any] = {}
    for name, value in _vars_of(origin).items():
        is_users = isinstance(value, FunctionType) and value.__code__.co_filename not in _MADE
        if (name in _UNKNOWN and is_users) or (name == "__new__"):
            raise errors.TypingError(f"a guest cannot have a class with {name}, as {origin.__name__} has")
        if name in names or name == "__getattr__" or (name in _DROPPED and not is_users):
            continue
        if isinstance(value, FunctionType):
            members[name] = _without_others(derived_order(value))
        elif isinstance(value, property | staticmethod):
            members[name] = value
        elif isinstance(value, classmethod):
            if is_users_function(
                cast(Any, value).__func__
            ):  # those of abstract base classes are Python's own
                members[name] = as_static_method(origin, value)
        elif (place := _place_of(origin, name, value)) is not None:
            members[name] = property(_kept(name, *place))
        elif not name.startswith("__") and name not in begun_fields(origin) and not _is_slot(value):
            members[name] = property(_constant(name, value))
    if is_dataclass and members.get("__init__", _made_by_dataclass).__code__.co_filename == "<string>":
        members["__init__"] = _made_by_dataclass_of(origin)
    if is_dataclass and "__eq__" not in members:
        members["__eq__"] = _equality(origin)
    is_hashed = getattr(parameters, "frozen", False) or getattr(parameters, "unsafe_hash", False)
    if is_dataclass and "__hash__" not in members and is_hashed and getattr(parameters, "eq", False):
        members["__hash__"] = _hash(origin)
    if getattr(parameters, "order", False):
        members |= {name: _order(origin, name, operator) for name, operator in _ORDERS.items()}
    if "__repr__" not in members and getattr(parameters, "repr", False):
        members["__repr__"] = _description(origin)
    members.setdefault("__init__", _nothing)
    return {**members, **{name: _without_others(f or _nothing) for name, f in methods_after(origin).items()}}


def _place_of(origin: type, name: str, value: Any) -> Place | None:
    """Where a variable of the class is kept: one that is set, or a container that methods may change."""
    place = place_in_class(origin, name)
    is_container = isinstance(value, list | dict | set) and not name.startswith("__")
    if place is not None or not is_container or is_ours(origin):
        return place
    is_kept = can_be_kept(value) and not _holds_functions(value) and has_one_type(value)
    if place_of_object(value) is None and is_kept:
        change_object(value, name, origin.__module__)
        start_over_if_more_is_kept()
    return place_of_object(value)


def _holds_functions(value: Any) -> bool:
    items: Any = value
    if isinstance(value, dict):
        items = cast(Any, value).values()
    return any(callable(item) for item in items)


def _kept(name: str, state: Any, field: str) -> FunctionType:
    return _function(name, f"def {name}(self):\n    return state().{field}\n", {"state": state})


def _is_slot(value: Any) -> bool:
    return isinstance(value, MemberDescriptorType)


def _without_others(function: FunctionType) -> FunctionType:
    """A method without its `**others`."""
    has_others = function.__code__.co_flags & inspect.CO_VARKEYWORDS
    return without_others(function) if has_others else function


def _nothing(self: Any) -> None:
    pass


def _made_by_dataclass() -> None:
    """Stands for an `__init__` that is missing."""


_made_by_dataclass.__code__ = _made_by_dataclass.__code__.replace(co_filename="<string>")


def _constant(name: str, value: Any) -> FunctionType:
    return _function(name, f"def {name}(self):\n    return value\n", {"value": value})


def _function(name: str, source: str, scope: dict[str, Any]) -> FunctionType:
    exec(source, scope)
    return scope[name]


def _made_by_dataclass_of(origin: Any) -> FunctionType:
    """The `__init__` that dataclass writes, in terms that Numba knows."""
    scope: dict[str, Any] = {}
    parameters: list[str] = []
    lines: list[str] = []
    fields: list[Any] = list(dataclasses.fields(origin))
    for field in sorted(fields, key=lambda field: bool(field.kw_only)):
        given = field.name
        if field.default_factory is not dataclasses.MISSING:
            lines.append(_made_by_factory(field, scope))
            if field.init:
                parameters.append(f"{field.name}=None")
            continue
        if field.default is not dataclasses.MISSING:
            scope[f"default_{field.name}"] = field.default
            given = f"default_{field.name}"
            parameters.append(f"{field.name}={given}")
        elif field.init:
            parameters.append(field.name)
        if field.init:
            lines.append(f"    self.{field.name} = {field.name}\n")
        elif field.default is not dataclasses.MISSING:
            lines.append(f"    self.{field.name} = {given}\n")
    if hasattr(origin, "__post_init__"):
        lines.append("    self.__post_init__()\n")
    source = f"def __init__(self, {', '.join(parameters)}):\n{''.join(lines) or '    pass'}"
    made = _function("__init__", source, scope)
    made.__module__ = origin.__module__
    return made


def _made_by_factory(field: Any, scope: dict[str, Any]) -> str:
    """The statement that sets a field whose default is made anew for each instance."""
    made = _EMPTY.get(field.default_factory, f"factory_{field.name}()")
    scope[f"factory_{field.name}"] = field.default_factory
    if not field.init:
        return f"    self.{field.name} = {made}\n"
    return (
        f"    if {field.name} is None:\n        self.{field.name} = {made}\n"
        f"    else:\n        self.{field.name} = {field.name}\n"
    )


def _description(origin: Any) -> FunctionType:
    """The `__repr__` that dataclass writes."""
    shown = [field.name for field in dataclasses.fields(origin) if field.repr]
    parts = " + ', ' + ".join(f"'{name}=' + repr(self.{name})" for name in shown) or "''"
    source = f"def __repr__(self):\n    return '{origin.__qualname__}(' + {parts} + ')'\n"
    made = _function("__repr__", source, {})
    made.__module__ = origin.__module__
    return made


def _order(origin: Any, name: str, operator: str) -> FunctionType:
    """One of the comparisons that dataclass writes."""
    names = [field.name for field in dataclasses.fields(origin) if field.compare]
    own, others = ("".join(f"{side}.{part}, " for part in names) for side in ("self", "other"))
    return _function(name, f"def {name}(self, other):\n    return ({own}) {operator} ({others})\n", {})


def _hash(origin: Any) -> FunctionType:
    """The `__hash__` that dataclass writes."""
    names = [
        field.name
        for field in dataclasses.fields(origin)
        if (field.compare if field.hash is None else field.hash)
    ]
    fields = "".join(f"self.{name}, " for name in names)
    made = _function("__hash__", f"def __hash__(self):\n    return hash(({fields}))\n", {})
    made.__module__ = origin.__module__
    return made


def _equality(origin: Any) -> FunctionType:
    names = [field.name for field in dataclasses.fields(origin) if field.compare]
    tests = " and ".join(f"self.{name} == other.{name}" for name in names) or "True"
    made = _function("__eq__", f"def __eq__(self, other):\n    return {tests}\n", {})
    made.__module__ = origin.__module__
    return made
