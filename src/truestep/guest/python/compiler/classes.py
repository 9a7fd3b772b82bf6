"""Plain classes and dataclasses: each becomes a jitclass with the types of fields that `__init__` gives them.

A class is compiled once for each combination of arguments' types. What `__init__` stores is found by
inferring its types with an instance that takes any field and remembers the types.
"""

import functools
import inspect
from types import FunctionType
from typing import Any

from numba.core import datamodel, errors, imputils, typeinfer, types, utils
from numba.core.extending import infer_getattr
from numba.core.registry import cpu_target
from numba.core.typing import context as typing_context
from numba.core.typing import templates
from numba.experimental.jitclass import base

from truestep.guest.python.compiler.class_families import (
    Family,
    attempt,
    family_for,
    has_families,
    joined,
    learn_field,
    refuse_type,
    renewed,
    settled,
    unite,
)
from truestep.guest.python.compiler.class_instances import (
    Late,
    MethodAlias,
    PlainClassType,
    PlainInstance,
    begin_instance,
    partly_known,
)
from truestep.guest.python.compiler.class_members import begun_fields, members_of
from truestep.guest.python.compiler.inferring import forget_inferred, returned_type
from truestep.guest.python.compiler.int_or_float import are_mixed, widened
from truestep.guest.python.compiler.python_numbers import as_pythons
from truestep.guest.python.compiler.starting_over import is_searching
from truestep.guest.python.compiler.unknown_types import MARK

jitclass: Any = base

_numbers: dict[type, int] = {}


def _number(origin: type) -> int:
    """A class's number, in the order in which they are met; an address would differ from build to build."""
    return _numbers.setdefault(origin, len(_numbers))


GROWING = "growing "
"""In the names of instances whose `__init__` is being read."""

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
        made = _class_for(context, self.origin, fields)
        constructor: Any = made.class_type.instance_type.jit_methods["__init__"]
        instance = made.class_type.instance_type
        found = types.Dispatcher(constructor).get_call_type(context, (instance, *args), kws)
        parameters = list(utils.pysignature(members_of(self.origin)["__init__"]).parameters.values())[1:]
        called = templates.signature(instance, *found.args[1:])
        return called.replace(pysig=inspect.Signature(parameters))

    def instance_with(self, context: Any, growing: "Growing") -> Any:
        """The type of an instance with these fields."""
        return _class_for(context, self.origin, tuple(growing.fields.items())).class_type.instance_type

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

    def unify(self, typingctx: Any, other: Any) -> Any:
        """Instances of one class get one type. Raises StartOver."""
        del typingctx
        is_same = isinstance(other, Growing | PlainInstance) and _origin_of(other) is self.origin
        if is_same and other != self and not has_families(self.origin):
            unite(self.origin)


def _origin_of(instance: Any) -> Any:
    return instance.origin if isinstance(instance, Growing) else instance.class_type.origin


def install_classes() -> None:
    """Let compiled code call classes."""
    jitclass.JitClassType._set_init = _ignore
    registry: Any = imputils.builtin_registry
    registry.lower(PlainClass, types.VarArg(types.Any))(_construct)
    registry.lower_constant(PlainClass)(_dummy)
    datamodel.register_default(PlainClass)(datamodel.models.OpaqueModel)
    inferer: Any = typeinfer.TypeInferer
    inferer.propagate = _naming(inferer.propagate)
    context: Any = typing_context.BaseContext
    context.resolve_setattr = _checking(context.resolve_setattr)


def _ignore(made: Any) -> None:
    """Ignore how Python would call the class, which Numba knows for plain parameters only."""


def _construct(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Make an instance, give it the values of the class that become its own, and call `__init__`."""
    kind = sig.return_type
    instance = begin_instance(context, builder, kind)
    for name, value in begun_fields(kind.class_type.origin).items():
        given = context.typing_context.resolve_value_type(value)
        constant = context.get_constant_generic(builder, given, value)
        expected = context.typing_context.resolve_setattr(kind, name, given).args[1]
        cast = context.cast(builder, constant, given, expected)
        context.get_setattr(name, templates.signature(types.void, kind, expected))(builder, (instance, cast))
    constructor = types.Dispatcher(kind.jit_methods["__init__"])
    call = context.get_function(constructor, types.void(kind, *sig.args))
    jitclass._add_linking_libs(context, call)
    call(builder, [instance, *args])
    return imputils.impl_ret_new_ref(context, builder, kind, instance)


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
        if isinstance(target, types.Optional) and isinstance(target.type, types.ClassInstanceType):
            found = resolve_setattr(context, target.type, attr, value)
            return found and templates.signature(types.void, target, found.args[1])
        if isinstance(target, Growing):
            return _grow(context, target, attr, value)
        if isinstance(target, PlainInstance):
            _check_frozen(target, attr)
            if attr in target.class_type.aliases:
                _check_method(target, attr, value)
                return templates.signature(types.void, target, value)
            _check_settable(target, attr)
            if attr not in target.jit_props:
                return templates.signature(types.void, target, _field_for(context, target, attr, value))
        found = resolve(context, target, attr, value)
        if found is not None and isinstance(target, types.ClassInstanceType):
            _check_field(context, target, attr, found.args[1], value)
        return found

    return resolve_setattr


def _field_for(context: Any, target: PlainInstance, attr: str, value: Any) -> Any:
    """The type as which a value is put into a field. Raises StartOver if the field needs another type."""
    known = target.struct.get(attr)
    given = as_pythons(types.unliteral(value)) if isinstance(value, types.Literal) else value
    name = target.class_type.class_name
    bare = known.kind if isinstance(known, Late) else known
    if _is_number(bare) and _is_number(given) and not _become_mixed(bare, given):
        _check_field(context, target, attr, bare, value)
        return bare
    if bare is not None and widened(bare, given) is not None and not is_searching():
        raise errors.TypingError(f"a guest cannot put int or float into a list of int64: {attr} of {name}")
    kind = Late(given) if known is None else joined(context, known, given)
    if kind is None:
        _check_field(context, target, attr, bare, value)
        raise refuse_type(name, attr, bare, value)
    if MARK in given.name or not given.is_precise():
        return bare if bare is not None and context.unify_types(bare, given) is not None else given
    if kind != known:
        learn_field(target, attr, kind)
    is_placeholder = isinstance(known, Late) and joined(context, known.kind, given) is None
    return given if is_placeholder else bare


def _check_method(target: PlainInstance, attr: str, value: Any) -> None:
    """Refuse another method than the one that `__init__` put into the field."""
    method = target.class_type.aliases[attr]
    is_own = isinstance(value, types.BoundFunction) and value.this == target
    members = members_of(target.class_type.origin)
    if not is_own or members.get(method) is not members.get(value.typing_key[1], members[method]):
        name = target.class_type.class_name
        raise errors.TypingError(
            f"a guest's field has one type, but {attr} of {name} is its method {method} and becomes"
            " something else; call the one that is wanted in a method with branches"
        )


def _check_settable(target: Any, attr: str) -> None:
    """Refuse to set a property without a setter: the user's, or a variable that the class keeps."""
    if attr not in target.jit_props or "set" in target.jit_props[attr]:
        return
    name = target.class_type.class_name
    if isinstance(getattr(target.class_type.origin, attr, None), property):
        raise errors.TypingError(f"a guest cannot set {attr} of {name}, a property without a setter")
    raise errors.TypingError(
        f"a guest cannot set {attr} of one {name}, which its class changes for all; give the"
        " variable of the instances another name"
    )


def _method_of(target: "Growing", value: Any) -> str | None:
    """The name of the method of an instance that a value is."""
    if isinstance(value, types.Dispatcher):
        function = value.dispatcher.py_func
    elif isinstance(value, types.BoundFunction) and value.this is target:
        function = value.typing_key
    else:
        return None
    for name, member in members_of(target.origin).items():
        if (member.__func__ if isinstance(member, staticmethod) else member) is function:
            return name
    return None


def _become_mixed(known: Any, given: Any) -> bool:
    """Whether a field holds ints at one time and floats at another."""
    return are_mixed(*(kind.type if isinstance(kind, types.Optional) else kind for kind in (known, given)))


def _is_number(kind: Any) -> bool:
    kind = kind.type if isinstance(kind, types.Optional) else kind
    return isinstance(kind, types.Number | types.Boolean)


def _check_frozen(target: Any, attr: str) -> None:
    if getattr(target.class_type, "is_frozen", False) and _inferring[-1:] != ["__init__"]:
        name = target.class_type.class_name
        raise errors.TypingError(f"a guest cannot set {attr} of {name}, which is frozen; make a new instance")


def new_instance(origin: type) -> Growing:
    """One without fields, but for the values of the class that methods set."""
    made = Growing(origin, next(_counter))
    context = cpu_target.typing_context
    for name, value in begun_fields(origin).items():
        made.fields[name] = as_pythons(types.unliteral(context.resolve_value_type(value)))
    return made


def _grow(context: Any, target: Growing, attr: str, value: Any) -> Any:
    kind = as_pythons(types.unliteral(value)) if isinstance(value, types.Literal) else value
    known = target.fields.get(attr)
    if (method := _method_of(target, value)) is not None:
        if known not in {None, MethodAlias(method)}:
            raise errors.TypingError(f"a guest's field has one type, but {attr} is set to several methods")
        if known is None:
            target.fields[attr] = MethodAlias(method)
            forget_inferred()
        return templates.signature(types.void, target, value)
    if known is not None and not kind.is_precise():
        kind = known
    member = members_of(target.origin).get(attr)
    if isinstance(member, property) and isinstance(member.fset, FunctionType):
        returned_type(member.fset, (target, kind))
        return templates.signature(types.void, target, kind)
    if _mentions(kind, target.origin) and not has_families(target.origin):
        unite(target.origin)
    unified = kind if known is None or not known.is_precise() else _joined_while_growing(context, known, kind)
    if unified is None:
        raise errors.TypingError(f"a guest's field has one type, but {attr} is set to {known} and to {kind}")
    if unified != known:
        target.fields[attr] = unified
        forget_inferred()
    return templates.signature(types.void, target, unified)


def _check_field(context: Any, target: Any, attr: str, kind: Any, value: Any) -> None:
    """Numba would convert without a word, a float to an integer too."""
    if isinstance(kind, types.Optional):
        kind = kind.type
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


def _mentions(kind: Any, origin: type) -> bool:
    """Whether a value is an instance of a class, or holds one."""
    if isinstance(kind, Growing):
        return kind.origin is origin or any(_mentions(field, origin) for field in kind.fields.values())
    if isinstance(kind, types.Optional):
        return _mentions(kind.type, origin)
    return isinstance(kind, types.List | types.Set) and _mentions(kind.dtype, origin)


def _joined_while_growing(context: Any, known: Any, kind: Any) -> Any:
    """Within `__init__`, numbers may get wider; an int and a float remain what they are."""
    is_other = isinstance(known, Late) or _become_mixed(known, kind)
    found = None if is_other else context.unify_types(known, kind)
    return joined(context, known, kind) if found is None else found


@infer_getattr
class _GrowingAttribute(templates.AttributeTemplate):
    key = Growing

    def generic_resolve(self, value: Any, attr: str) -> Any:
        """A field that is known by now, or a method."""
        if isinstance(value.fields.get(attr), MethodAlias):
            attr = value.fields[attr].method
        elif attr in value.fields:
            kind = value.fields[attr]
            kind = kind.kind if isinstance(kind, Late) else kind
            if not kind.is_precise():
                raise errors.TypingError(
                    f"the type of what fills {attr} of {value.origin.__name__} is not known"
                )
            return kind
        member = members_of(value.origin).get(attr)
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
            given = tuple(_given(bound, parameter) for parameter in signature.parameters.values())
            frame = self.context.callstack.match(function, given)
            returned: Any = partly_known(frame) if frame is not None else returned_type(function, given)
            return templates.signature(returned, *args, recvr=self.this)

    return Method


_counter = iter(range(1 << 62))


def _grown(origin: type, args: Any, kws: Any) -> Growing:
    """An instance with the fields that `__init__` gives it."""
    growing = new_instance(origin)
    grow(growing, args, kws)
    for name, kind in growing.fields.items():
        if MARK in kind.name and not has_families(origin):
            raise errors.TypingError(f"the type of what fills {name} of {origin.__name__} is not known")
    return growing


def grow(growing: Growing, args: Any, kws: Any) -> None:
    """Add the fields that `__init__` gives an instance. Raises TypingError."""
    origin = growing.origin
    if missing := getattr(origin, "__abstractmethods__", None):
        raise errors.TypingError(
            f"a guest cannot make an instance of {origin.__name__}, which lacks {min(missing)}; define it"
        )
    constructor = members_of(origin)["__init__"]
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


def _class_for(context: Any, origin: type, fields: tuple[tuple[str, Any], ...]) -> Any:
    """The class whose instances have these fields, or are of the family that may have them."""
    fields = tuple((name, renewed(kind, _instance_now)) for name, kind in fields)
    if not has_families(origin):
        return _with_fields(origin, fields, attempt())
    return _class_of(family_for(context, origin, dict(fields), _instance_now))


def _class_of(family: Family) -> Any:
    """The class of a family in this attempt."""
    if family.made is None:
        family.made = _registered(family.origin, family.fields.items(), has_struct=False)
        kind = family.made.class_type
        kind.family = family
        fields = {name: renewed(field, _instance_now) for name, field in family.fields.items()}
        kept = {name: settled(field) for name, field in fields.items()}
        kind.struct.update({n: field for n, field in kept.items() if not isinstance(field, MethodAlias)})
        family.fields = fields
    return family.made


def _instance_now(kind: PlainInstance) -> Any:
    """The type of an instance in this attempt."""
    made = kind.class_type
    if made.family is not None:
        return _class_of(made.family).class_type.instance_type
    if has_families(made.origin):
        raise errors.TypingError(f"instances of {made.class_name} have several types here")
    return _class_for(cpu_target.typing_context, made.origin, made.fields).class_type.instance_type


@functools.cache
def _with_fields(origin: type, fields: tuple[tuple[str, Any], ...], attempt: int) -> Any:
    del attempt
    return _registered(origin, fields)


def _registered(origin: type, fields: Any, *, has_struct: bool = True) -> Any:
    """The class as Numba knows it. A field hides a constant of its name; one may be a method's other name."""
    names = {name for name, _ in fields}
    every = members_of(origin)
    members = {name: value for name, value in every.items() if name not in names}
    aliases = {name: kind.method for name, kind in fields if isinstance(kind, MethodAlias)}
    members |= {name: every[method] for name, method in aliases.items()}
    prototype = type(origin.__name__, (), members)
    held = [(name, kind) for name, kind in fields if name not in aliases] if has_struct else []
    made = jitclass.register_class_type(prototype, held, PlainClassType, jitclass.ClassBuilder)
    parameters = getattr(origin, "__dataclass_params__", None)
    made.class_type.is_frozen = parameters is not None and parameters.frozen
    made.class_type.origin = origin
    made.class_type.unite = _unite
    made.class_type.aliases = aliases
    made.class_type.fields = tuple(fields)
    return made


def _unite(one: PlainInstance, other: PlainInstance) -> None:
    """Instances of one class that have different types meet."""
    if one != other and not has_families(one.class_type.origin):
        unite(one.class_type.origin)
