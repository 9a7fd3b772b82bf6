"""Variables and containers of a module that a guest changes: what it begins with, and where each is found.

They are the fields of an instance that the guest makes before it begins, one for each module. A variable is
found by its name, a container or an instance by its identity: whichever name it is reached by, it is the same
one. What no function changes stays a constant.
"""

import ast
import collections
import sys
from pathlib import Path
from types import FunctionType
from typing import Any, cast

import numpy as np

from truestep.guest.python.compiler.complaint import Complaint
from truestep.guest.python.compiler.constant_expressions import (
    CONTAINERS,
    ConstantWriter,
    fields_of_instance,
    size_of,
)
from truestep.guest.python.compiler.lifting import definitions
from truestep.guest.python.compiler.more_known import StartOver
from truestep.guest.python.compiler.ownership import is_users_instance
from truestep.guest.python.compiler.remedies import LEARNING
from truestep.guest.python.compiler.rewriting_names import Names

_LOOKED_INTO_MAX = 1 << 16
"""A container with more parts is one of numbers or texts."""
_ARRAY: Any = np.ndarray
_MAPPINGS: Any = (dict,)
_GROUPS: Any = (tuple, list, set, frozenset, dict, collections.deque)


class ModuleState:
    """What a guest keeps of a module."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, Any] = {}
        """What each field begins with."""
        self._lines: dict[str, int] = {}
        self._origin = type(name, (), {"__module__": name, "__qualname__": f"the module {name}"})
        self._is_stale = True

    @property
    def origin(self) -> type:
        """The class of the instance."""
        if self._is_stale:
            changed_class: Any = self._origin
            changed_class.__init__ = self._constructor()
            self._is_stale = False
        return self._origin

    def add(self, name: str, value: Any) -> str:
        """A field that begins with a value. Raises Complaint if a guest cannot make it."""
        line = self._line_of(name)
        if not can_be_kept(value):
            raise _cannot_change(name, f"which begins as a {type(value).__name__}")
        field = f"module{name}" if name.startswith("__") else name
        while field in self.fields:
            field += "$"
        self.fields[field] = value
        self._lines[field] = line
        self._is_stale = True
        return field

    def _constructor(self) -> FunctionType:
        names = Names({}, set())
        writer = ConstantWriter(names, keeps=True)
        body: list[ast.stmt] = []
        for name, value in self.fields.items():
            made: Any = writer.expression(value)
            field = ast.Attribute(value=ast.Name(id="self", ctx=ast.Load()), attr=name, ctx=ast.Store())
            statement = ast.Assign(targets=[field], value=made)
            body.append(_at_line(statement, self._lines[name]))
        parameters = ast.arguments(
            posonlyargs=[], args=[ast.arg("self")], kwonlyargs=[], kw_defaults=[], defaults=[]
        )
        tree = ast.FunctionDef(name="__init__", args=parameters, body=body, decorator_list=[])
        vars(tree)["type_params"] = list[Any]()
        tree.lineno = tree.end_lineno = body[0].lineno
        tree.col_offset = tree.end_col_offset = 0
        tree = ast.fix_missing_locations(tree)
        scope: dict[str, Any] = {**names.helpers, "__name__": self.name}
        exec(compile(ast.Module(body=[tree], type_ignores=[]), self._file(), "exec"), scope)
        made_function: FunctionType = scope["__init__"]
        definitions[made_function] = tree
        return made_function

    def _file(self) -> str:
        return getattr(sys.modules.get(self.name), "__file__", None) or self.name

    def _line_of(self, name: str) -> int:
        """Where the module gives a variable its value."""
        try:
            tree = ast.parse(Path(self._file()).read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            return 1
        stored = [
            part.lineno
            for statement in tree.body
            for part in ast.walk(statement)
            if isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store)
        ]
        return min(stored, default=1)


Place = tuple[ModuleState, str]
"""A state, and the name of a field of it."""

_states: dict[str, ModuleState] = {}
_variables: dict[tuple[Any, str], Place] = {}
"""Variables that are set, by their owner and name: a module's name, or the identity of a closure's cell."""
_objects: dict[int, Place] = {}
"""Containers and instances that are changed, by their identity."""
_held: dict[int, str] = {}
"""What is inside of these and can be changed, and what a variable that is set began with; by whose name."""

_imported: set[tuple[str, str]] = set()
"""Names of modules that are set by an import in a function, and by nothing else."""

_new: list[bool] = []
"""Whether anything is kept that was a constant in this attempt."""


def states() -> list[ModuleState]:
    """All that have fields."""
    return list(_states.values())


def has_kept(module: str) -> bool:
    """Whether a guest changes anything of a module."""
    return module in _states


def place_of_variable(owner: Any, name: str) -> Place | None:
    """Where a variable is kept; None if it is a constant."""
    return _variables.get((owner, name))


def import_later(module: str, name: str) -> None:
    """Only an import in a function sets the name: there it stands for what is imported."""
    if (module, name) not in _imported:
        _imported.add((module, name))
        _new.append(True)


def is_imported_later(module: Any, name: str) -> bool:
    """Whether only an import in a function sets the name."""
    return (module, name) in _imported


def owner_in_class(kind: type, name: str) -> type | None:
    """The class that has a variable for another one."""
    return next((owner for owner in kind.__mro__[:-1] if name in owner.__dict__), None)


def place_in_class(kind: type, name: str) -> Place | None:
    """Where a variable of a class is kept; None if it is a constant."""
    owner = owner_in_class(kind, name)
    return None if owner is None else place_of_variable(("class", id(owner)), name)


def change_class(kind: type, name: str) -> None:
    """Let a variable of a class be set, from the next attempt on. Raises Complaint."""
    if place_of_variable(("class", id(kind)), name) is None:
        change_variables(("class", id(kind)), kind.__module__, {name: kind.__dict__[name]})


def place_of_object(value: Any) -> Place | None:
    """Where a container or an instance is kept; None if it is a constant."""
    return _objects.get(id(value)) if _objects else None


def change_variables(owner: Any, module: str, values: dict[str, Any]) -> None:
    """Let variables be set, which begin with these values, from the next attempt on. Raises Complaint."""
    for name, value in values.items():
        if (owner, name) in _variables:
            continue
        place = _objects.get(id(value))
        if place is not None and place[1] != name:
            raise _two_names(name, place[1])
        if place is None:
            _check_new(name, value)
            state = _state_of(module)
            place = state, state.add(name, value)
            _hold(name, _parts_of(value))
        else:
            del _objects[id(value)]
            _hold(name, [value])
        _variables[owner, name] = place
    _new.append(True)


def change_object(value: Any, name: str, module: str) -> None:
    """Let a container or an instance be changed, from the next attempt on. Raises Complaint."""
    if id(value) in _objects or id(value) in _held:
        return
    _check_new(name, value)
    state = _state_of(module)
    _objects[id(value)] = state, state.add(name, value)
    _hold(name, _parts_of(value)[1:])
    _new.append(True)


def start_over_if_more_is_kept() -> None:
    """Raises StartOver if a function changes what was a constant."""
    if _new:
        _new.clear()
        raise StartOver


def check_constant(value: Any, name: str) -> None:
    """Refuse a constant that holds, or is held by, something that the guest changes."""
    if not _objects and not _held:
        return
    if isinstance(value, np.ndarray):
        _check_array(value, name)
    elif isinstance(value, _GROUPS) or is_users_instance(value):
        for part in _parts_of(value):
            if id(part) in _objects:
                raise _two_names(name, _objects[id(part)][1])
            if id(part) in _held:
                raise _two_names(name, _held[id(part)])


def _check_array(array: Any, name: str) -> None:
    for state in _states.values():
        for other, value in state.fields.items():
            if isinstance(value, _ARRAY) and np.may_share_memory(array, value):
                raise _two_names(name, other)


def _state_of(name: str) -> ModuleState:
    return _states.setdefault(name, ModuleState(name))


def _check_new(name: str, value: Any) -> None:
    """Refuse a value of which a part is kept already, or is in it twice: copies would be two things."""
    parts = _parts_of(value)
    if len({id(part) for part in parts}) < len(parts):
        raise _cannot_change(name, "in which one list, dictionary or instance is held twice")
    for part in parts:
        if id(part) in _held or id(part) in _objects:
            other = _held[id(part)] if id(part) in _held else _objects[id(part)][1]
            raise _two_names(name, other)
        if isinstance(part, np.ndarray):
            _check_array(part, name)


def _hold(name: str, parts: list[Any]) -> None:
    for part in parts:
        _held[id(part)] = name


def _parts_of(value: Any) -> list[Any]:
    """The containers, arrays and instances that a value consists of, itself first, shared ones twice."""
    found: list[Any] = []
    known: set[int] = set()
    waiting: list[Any] = [value]
    while waiting and len(found) < _LOOKED_INTO_MAX:
        part = waiting.pop()
        is_group = isinstance(part, _GROUPS)
        is_instance = not is_group and is_users_instance(part)
        if not isinstance(part, tuple | frozenset) and (is_group or is_instance or _is_array(part)):
            found.append(part)
            if id(part) in known:
                continue
            known.add(id(part))
        if is_group and size_of(part) <= _LOOKED_INTO_MAX:
            items = cast(Any, part)
            waiting += [*items, *(items.values() if isinstance(items, _MAPPINGS) else ())]
        elif is_instance:
            waiting += (fields_of_instance(part) or {}).values()
    return found


def _at_line(statement: ast.stmt, line: int) -> ast.stmt:
    """A statement all of which is at a line."""
    for part in ast.walk(statement):
        if isinstance(part, ast.expr | ast.stmt | ast.keyword):
            part.lineno = part.end_lineno = line
            part.col_offset = part.end_col_offset = 0
    return statement


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def is_changeable(value: Any) -> bool:
    """Whether a value of a module is a container or an instance that may be changed."""
    kinds: Any = (*CONTAINERS, collections.deque)
    if isinstance(value, kinds):
        return True
    is_known = is_users_instance(value) and type(value).__module__.partition(".")[0] not in LEARNING
    return is_known and bool(fields_of_instance(value))


def can_be_kept(value: Any) -> bool:
    """Whether a guest can make the value when it begins."""
    return ConstantWriter(Names({}, set()), keeps=True).expression(value) is not None


def _cannot_change(name: str, why: str) -> Complaint:
    return Complaint(
        f"a guest cannot change {name} of the module, {why}",
        remedy="pass it as an argument and return its new value, or make it inside of the function",
    )


def _two_names(one: str, other: str) -> Complaint:
    return Complaint(
        f"{one} of the module holds, or shares, what the guest changes as {other}",
        remedy=f"reach it by one name, as {other}, in all functions of the guest",
    )
