"""Where a function makes empty containers, and lists of which only a part is known."""

from typing import Any

from numba.core import errors, ir, ir_utils, types

from truestep.guest.python.compiler.ownership import is_plain_class

OPTIONAL = "list of None"
"""What `[None] * n` makes: a list of which nothing is known but that its items may be None."""
INTEGERS = "list of integers"
"""What `[0] * n` makes: a list that may get floats."""
_EMPTY = {list: types.List, set: types.Set, dict: types.DictType}


def has_empty_containers(interp: Any, *, widens: bool) -> bool:
    """Whether a function makes any, or an instance of a class, whose fields may be such."""
    return any(
        container_of(interp, statement.value, widens=widens) is not None
        or _is_instance(interp, statement.value)
        for block in interp.blocks.values()
        for statement in block.find_insts(ir.Assign)
    )


def container_of(interp: Any, value: Any, *, widens: bool) -> Any:
    """What kind of empty container, or list of integers that widens, an expression makes; else None."""
    if not isinstance(value, ir.Expr):
        return None
    if value.op == "build_list" and value.items:
        kinds = {_kind_of_constant(interp, item) for item in value.items}
        if kinds == {type(None)}:
            return OPTIONAL
        if kinds == {int} and widens:
            return INTEGERS
    if value.op in {"build_list", "build_map", "build_set"} and not value.items:
        return {"build_list": types.List, "build_map": types.DictType, "build_set": types.Set}[value.op]
    if value.op != "call" or value.args or value.kws or value.vararg:
        return None
    function = _called(interp, value)
    return next((kind for known, kind in _EMPTY.items() if known is function), None)


def integer_constants(interp: Any) -> frozenset[str]:
    """The variables of integers that are written in tuples and dictionaries, and may stand for floats."""
    used: set[str] = set()
    for block in interp.blocks.values():
        for statement in block.body:
            if isinstance(statement, ir.SetItem | ir.StaticSetItem):
                used.add(statement.value.name)
            value: Any = statement.value if isinstance(statement, ir.Assign) else None
            if not isinstance(value, ir.Expr):
                continue
            if value.op == "build_tuple":
                used |= {item.name for item in value.items}
            elif value.op == "build_map":
                used |= {item.name for _, item in value.items}
    return frozenset(name for name in used if _is_integer_constant(interp, name))


def _is_integer_constant(interp: Any, name: str) -> bool:
    made = interp._definitions.get(name, [])
    return len(made) == 1 and isinstance(made[0], ir.Const) and type(made[0].value) is int


def _kind_of_constant(interp: Any, variable: Any) -> Any:
    found: Any = ir_utils.guard(ir_utils.get_definition, interp, variable)
    return found.value.__class__ if isinstance(found, ir.Const) else None


def _called(interp: Any, call: ir.Expr) -> Any:
    try:
        called = interp.get_definition(call.func)
    except KeyError:
        return None
    return called.value if isinstance(called, ir.Global | ir.FreeVar) else None


def _is_instance(interp: Any, value: Any) -> bool:
    is_call = isinstance(value, ir.Expr) and value.op == "call"
    return is_call and is_plain_class(_called(interp, value))


_SHOWN_BY = {"print", "print_with", "print_all", "str", "repr", "joined"}
"""Functions that make texts of their arguments."""


def shows_numbers(interp: Any, returned: Any, call_types: Any) -> bool:
    """Whether a function returns or prints lists of floats, in which an integer would be a float, too."""
    if _holds_floats(returned):
        return True
    for call, signature in call_types.items():
        if isinstance(call, ir.Expr) and call.op == "call" and signature is not None:
            name = getattr(_called(interp, call), "__name__", "")
            if name in _SHOWN_BY and any(map(_holds_floats, signature.args)):
                return True
    return any(
        isinstance(statement, ir.Print) and any(map(_holds_floats, call_types[statement].args))
        for block in interp.blocks.values()
        for statement in block.body
    )


def _holds_floats(kind: Any) -> bool:
    """Whether it is the type of a list of floats, or of a container with one."""
    if isinstance(kind, types.List):
        return isinstance(kind.dtype, types.Float | types.Complex) or _holds_floats(kind.dtype)
    if isinstance(kind, types.Optional):
        return _holds_floats(kind.type)
    if isinstance(kind, types.DictType):
        return _holds_floats(kind.value_type)
    return isinstance(kind, types.BaseTuple) and any(map(_holds_floats, kind.types))


def forbid_keys(key: Any, value: Any) -> None:
    """Refuse keys that can change."""
    del value
    if isinstance(key, types.List | types.Set | types.DictType):
        raise errors.TypingError(f"{key} cannot be the key of a dictionary: take a tuple or a string")
    if isinstance(key, types.ClassInstanceType) and "__hash__" not in key.jit_methods:
        raise errors.TypingError(
            f"a guest knows no hash of {key.class_type.class_name}, whose instances are keys of a dictionary:"
            " make it a frozen dataclass, define __hash__ and __eq__, or take a number or text of it"
        )


def is_precise(self: Any) -> bool:
    """Whether the types of keys and values of a dictionary are known."""
    return self.key_type.is_precise() and self.value_type.is_precise()


def refined(kind: Any, keyty: Any, valty: Any) -> Any:
    """The type of a dictionary that has an item. Raises TypingError."""
    refined = kind(types.unliteral(keyty), types.unliteral(valty))
    if not refined.is_precise():
        raise errors.TypingError(f"the type of {valty} cannot be determined")
    return refined
