"""Plain classes and dataclasses: each becomes a jitclass with the types of fields that `__init__` gives them.

A class is compiled once for each combination of arguments' types. What `__init__` stores is found by
inferring its types with an instance that takes any field and remembers the types.
"""

import dataclasses
import functools
import inspect
from types import FunctionType
from typing import Any

from numba.core import datamodel, errors, imputils, typeinfer, types, utils
from numba.core.extending import infer_getattr
from numba.core.typing import context as typing_context
from numba.core.typing import templates
from numba.experimental.jitclass import base

from truestep.guest.python.compiler.inferring import forget_inferred, returned_type
from truestep.guest.python.compiler.python_numbers import as_pythons
from truestep.guest.python.compiler.rewriting import without_others
from truestep.guest.python.compiler.rewriting_super import methods_after
from truestep.guest.python.compiler.unknown_types import MARK

jitclass: Any = base

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

_numbers: dict[type, int] = {}


def _number(origin: type) -> int:
    """A class's number, in the order in which they are met; an address would differ from build to build."""
    return _numbers.setdefault(origin, len(_numbers))


GROWING = "growing "
"""In the names of instances whose `__init__` is being read."""

_UNKNOWN = {
    "__new__",
    "__getattr__",
    "__getattribute__",
    "__setattr__",
    "__delattr__",
    "__del__",
    "__init_subclass__",
}
"""What changes how instances are made or used, and a guest would ignore."""

_inferring: list[str] = []
"""The names of the functions whose types are being inferred; the innermost last."""


class PlainClass(types.Callable, types.Opaque):
    """The class itself, as a function that makes instances."""

    def __init__(self, origin: type) -> None:
        self.origin = origin
        kind: Any = super()
        kind.__init__(f"class {origin.__qualname__} {_number(origin)}")

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """The signature of a call, which returns an instance with the fields' types."""
        return self.signature_with(context, _grown(self.origin, args, kws), args, kws)

    def signature_with(self, context: Any, growing: "Growing", args: Any, kws: Any) -> Any:
        """The signature of a call, which returns an instance with these fields."""
        fields = tuple(growing.fields.items())
        made = _with_fields(self.origin, fields)
        constructor: Any = made.class_type.instance_type.jit_methods["__init__"]
        instance = made.class_type.instance_type
        found = types.Dispatcher(constructor).get_call_type(context, (instance, *args), kws)
        parameters = list(utils.pysignature(_members(self.origin)["__init__"]).parameters.values())[1:]
        called = templates.signature(instance, *found.args[1:])
        return called.replace(pysig=inspect.Signature(parameters))

    def get_call_signatures(self) -> Any:
        """None are known before a call."""
        return [], True

    def get_impl_key(self, sig: Any) -> Any:
        """All are lowered alike."""
        del sig
        return type(self)


class Growing(types.Type):
    """An instance whose `__init__` is being read."""

    def __init__(self, origin: type, number: int) -> None:
        self.origin = origin
        self.fields: dict[str, Any] = {}
        kind: Any = super()
        kind.__init__(f"{GROWING}{origin.__qualname__} {number}")


def install_classes() -> None:
    """Let compiled code call classes."""
    jitclass.JitClassType._set_init = _ignore
    registry: Any = imputils.builtin_registry
    registry.lower(PlainClass, types.VarArg(types.Any))(jitclass.ctor_impl)
    registry.lower_constant(PlainClass)(_dummy)
    datamodel.register_default(PlainClass)(datamodel.models.OpaqueModel)
    inferer: Any = typeinfer.TypeInferer
    inferer.propagate = _naming(inferer.propagate)
    context: Any = typing_context.BaseContext
    context.resolve_setattr = _checking(context.resolve_setattr)


def _ignore(made: Any) -> None:
    """Ignore how Python would call the class, which Numba knows for plain parameters only."""


def _dummy(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    del builder, kind, value
    return context.get_dummy_value()


def _naming(propagate: Any) -> Any:
    def propagate_by_name(inferer: Any, raise_errors: bool = True) -> Any:
        _inferring.append(inferer.func_id.func_name)
        try:
            return propagate(inferer, raise_errors)
        finally:
            _inferring.pop()

    return propagate_by_name


def _checking(resolve: Any) -> Any:
    def resolve_setattr(context: Any, target: Any, attr: str, value: Any) -> Any:
        if isinstance(target, Growing):
            return _grow(context, target, attr, value)
        if isinstance(target, types.ClassInstanceType) and not isinstance(value, types.NoneType):
            _refuse_none(target, attr, value)
        found = resolve(context, target, attr, value)
        if found is not None and isinstance(target, types.ClassInstanceType):
            _check_field(context, target, attr, found.args[1], value)
        return found

    return resolve_setattr


def new_instance(origin: type) -> Growing:
    """One without fields."""
    return Growing(origin, next(_counter))


def _grow(context: Any, target: Growing, attr: str, value: Any) -> Any:
    kind = as_pythons(types.unliteral(value)) if isinstance(value, types.Literal) else value
    known = target.fields.get(attr)
    if known is not None and not kind.is_precise():
        kind = known
    unified = kind if known is None or not known.is_precise() else context.unify_types(known, kind)
    if unified is None:
        raise errors.TypingError(f"a guest's field has one type, but {attr} is set to {known} and to {kind}")
    if unified != known:
        target.fields[attr] = unified
        forget_inferred()
    return templates.signature(types.void, target, unified)


def _refuse_none(target: Any, attr: str, value: Any) -> None:
    """What begins as None in `__init__`, and gets a value elsewhere."""
    if isinstance(target.struct.get(attr), types.NoneType):
        raise errors.TypingError(
            f"a guest's field has one type: {attr} of {target.class_type.class_name} begins as None"
            f" and cannot become {value}; begin it with a value of the type that it will have"
        )


def _check_field(context: Any, target: Any, attr: str, kind: Any, value: Any) -> None:
    """Numba would convert without a word, a float to an integer too; and it knows no frozen instances."""
    if getattr(target.class_type, "is_frozen", False) and _inferring[-1:] != ["__init__"]:
        name = target.class_type.class_name
        raise errors.TypingError(f"a guest cannot set {attr} of {name}, which is frozen; make a new instance")
    if not isinstance(kind, types.Number) or not isinstance(value, types.Number):
        return
    if isinstance(types.unliteral(value), types.Float | types.Complex) and isinstance(kind, types.Integer):
        name = target.class_type.class_name
        raise errors.TypingError(
            f"a guest's field has one type: {attr} of {name} begins as an integer and cannot become {value};"
            f" begin it with a float, such as 0.0"
        )
    if context.can_convert(value, kind) is None:
        raise errors.TypingError(f"a guest's field has one type: {attr} is {kind}, not {value}")


@infer_getattr
class _GrowingAttribute(templates.AttributeTemplate):
    key = Growing

    def generic_resolve(self, value: Any, attr: str) -> Any:
        """A field that is known by now, or a method."""
        if attr in value.fields:
            if not value.fields[attr].is_precise():
                raise errors.TypingError(
                    f"the type of what fills {attr} of {value.origin.__name__} is not known"
                )
            return value.fields[attr]
        member = _members(value.origin).get(attr)
        if isinstance(member, FunctionType):
            return types.BoundFunction(_method_template(member), value)
        if isinstance(member, property) and isinstance(member.fget, FunctionType):
            return returned_type(member.fget, (value,))
        if isinstance(member, staticmethod):
            return self.context.resolve_value_type(member.__func__)
        return None


def _method_template(function: FunctionType) -> Any:
    class Method(templates.AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            """The signature, which nobody compiles."""
            signature = utils.pysignature(function)
            bound = signature.bind(self.this, *args, **kws)
            given = [_given(bound, parameter) for parameter in signature.parameters.values()]
            returned = returned_type(function, given)
            return templates.signature(returned, *args, recvr=self.this)

    return Method


_counter = iter(range(1 << 62))


def _grown(origin: type, args: Any, kws: Any) -> Growing:
    """An instance with the fields that `__init__` gives it."""
    growing = new_instance(origin)
    grow(growing, args, kws)
    for name, kind in growing.fields.items():
        if MARK in kind.name:
            raise errors.TypingError(f"the type of what fills {name} of {origin.__name__} is not known")
    return growing


def grow(growing: Growing, args: Any, kws: Any) -> None:
    """Add the fields that `__init__` gives an instance. Raises TypingError."""
    origin = growing.origin
    if missing := getattr(origin, "__abstractmethods__", None):
        raise errors.TypingError(
            f"a guest cannot make an instance of {origin.__name__}, which lacks {min(missing)}; define it"
        )
    constructor = _members(origin)["__init__"]
    signature = utils.pysignature(constructor)
    try:
        bound = signature.bind(growing, *args, **kws)
    except TypeError as error:
        raise errors.TypingError(f"a guest cannot call {origin.__name__} like this: {error}") from error
    returned_type(constructor, [_given(bound, parameter) for parameter in signature.parameters.values()])


def _given(bound: inspect.BoundArguments, parameter: inspect.Parameter) -> Any:
    """The type of what a parameter is given, which for `*args` is that of a tuple."""
    if parameter.kind is parameter.VAR_POSITIONAL:
        return types.StarArgTuple.from_types(bound.arguments.get(parameter.name, ()))
    return bound.arguments.get(parameter.name, types.Omitted(parameter.default))


@functools.cache
def _with_fields(origin: type, fields: tuple[tuple[str, Any], ...]) -> Any:
    prototype = type(origin.__name__, (), dict(_members(origin)))
    made = jitclass.register_class_type(prototype, list(fields), types.ClassType, jitclass.ClassBuilder)
    parameters = getattr(origin, "__dataclass_params__", None)
    made.class_type.is_frozen = parameters is not None and parameters.frozen
    return made


@functools.cache
def _members(origin: Any) -> dict[str, Any]:
    """Methods and properties; constants of the class are properties too."""
    found: dict[str, Any] = {}
    for kind in reversed(origin.__mro__[:-1]):
        found.update(kind.__dict__)
    is_dataclass = dataclasses.is_dataclass(origin)
    parameters: Any = getattr(origin, "__dataclass_params__", None)
    names = {field.name for field in dataclasses.fields(origin)} if is_dataclass else set[str]()
    members: dict[str, Any] = {}
    for name, value in found.items():
        is_users = isinstance(value, FunctionType) and value.__code__.co_filename not in _MADE
        if (name in _UNKNOWN and is_users) or (name == "__new__"):
            raise errors.TypingError(f"a guest cannot have a class with {name}, as {origin.__name__} has")
        if name in names or (name in _DROPPED and not is_users):
            continue
        if isinstance(value, FunctionType):
            members[name] = _without_others(value)
        elif isinstance(value, property | staticmethod):
            members[name] = value
        elif not name.startswith("__"):
            members[name] = property(_constant(name, value))
    if is_dataclass and members.get("__init__", _made_by_dataclass).__code__.co_filename == "<string>":
        members["__init__"] = _made_by_dataclass_of(origin)
    if is_dataclass and "__eq__" not in members:
        members["__eq__"] = _equality(origin)
    if getattr(parameters, "order", False):
        members |= {name: _order(origin, name, operator) for name, operator in _ORDERS.items()}
    if "__repr__" not in members and getattr(parameters, "repr", False):
        members["__repr__"] = _description(origin)
    members.setdefault("__init__", _nothing)
    return {**members, **{name: _without_others(f or _nothing) for name, f in methods_after(origin).items()}}


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


def _equality(origin: Any) -> FunctionType:
    names = [field.name for field in dataclasses.fields(origin) if field.compare]
    tests = " and ".join(f"self.{name} == other.{name}" for name in names) or "True"
    made = _function("__eq__", f"def __eq__(self, other):\n    return {tests}\n", {})
    made.__module__ = origin.__module__
    return made
