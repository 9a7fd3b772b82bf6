"""The types of instances of plain classes, and how their fields are read and set.

Numba's own have a pointer to a structure with the fields' types, so that no instance can hold another of its
class. Here the pointer says nothing, and is cast where a field is used.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, errors, funcdesc, imputils, targetconfig, types
from numba.core.datamodel import models, registry
from numba.core.extending import infer_getattr
from numba.core.registry import cpu_target
from numba.core.typing import templates
from numba.experimental.jitclass import base

from truestep.guest.python.compiler.recursive_generators import is_generator, note_recursive
from truestep.guest.python.compiler.starting_over import bind_compiled, when_going_on, when_starting_over

_jitclass: Any = base
_registry: Any = registry
_lowering: Any = imputils.builtin_registry
_POINTER = ir.IntType(8).as_pointer()


class PlainInstance(types.ClassInstanceType):
    """An instance of a plain class."""

    class_type: Any

    def unify(self, typingctx: Any, other: Any) -> Any:
        """Instances of one class get one type. Raises StartOver."""
        del typingctx
        if isinstance(other, PlainInstance) and other.class_type.origin is self.class_type.origin:
            self.class_type.unite(self, other)


class PlainClassType(types.ClassType):
    """What Numba knows of a plain class whose instances have these fields."""

    origin: Any
    family: Any = None
    unite: Any
    fields: Any
    """The names and types of the fields that it was made with."""
    aliases: Any
    """The names of methods by the fields that hold them."""

    @property
    def instance_type(self) -> PlainInstance:
        """The type of an instance."""
        bind_compiled()
        return PlainInstance(self)


class Late(types.Type):
    """The type of a field that may not have a value of its type yet.

    It was not set, or holds a `placeholder`, a value of another type that nobody reads.
    """

    def __init__(self, kind: Any, placeholder: Any = None) -> None:
        self.kind = kind
        self.placeholder = types.unliteral(placeholder) if placeholder is not None else None
        name: Any = super()
        name.__init__(f"late {kind} for {self.placeholder}")


class MethodAlias(types.Type):
    """The type of a field that holds a method of its own instance: another name of the method."""

    def __init__(self, method: str) -> None:
        self.method = method
        kind: Any = super()
        kind.__init__(f"method {method}")


@_registry.register_default(Late)
class _LateModel(models.StructModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        model: Any = super()
        model.__init__(dmm, fe_type, [("data", fe_type.kind), ("valid", types.boolean)])


@_registry.register_default(PlainInstance)
class _InstanceModel(models.StructModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        model: Any = super()
        content = types.Opaque(f"content of {fe_type.name}")
        model.__init__(dmm, fe_type, [("meminfo", types.MemInfoPointer(content)), ("data", types.voidptr)])


@infer_getattr
class _Field(templates.AttributeTemplate):
    key = PlainInstance

    def generic_resolve(self, instance: Any, attr: str) -> Any:
        """A field that is set late, or a method, which may call itself; Numba knows the others."""
        kind = instance.struct.get(attr)
        if isinstance(kind, Late):
            return kind.kind
        if kind is None and attr in instance.jit_methods:
            return types.BoundFunction(_method_template(instance, attr), instance)
        return None


_running: dict[Any, Any] = {}
"""The names of methods that called themselves, by methods and types of arguments."""


when_starting_over(_running.clear)
when_going_on(_running.clear)


def _method_template(instance: Any, name: str) -> Any:
    class Method(templates.AbstractTemplate):
        key = (PlainInstance, name)

        def generic(self, args: Any, kws: Any) -> Any:
            """The signature; that of a method that is being compiled is what is known of it by now."""
            dispatcher = instance.jit_methods[name]
            _lower_method(name)
            if dispatcher.is_compiling:
                pysig, folded = dispatcher.fold_argument_types((instance, *args), kws)
                folded: Any = tuple(types.unliteral(kind) for kind in folded)
                frame = self.context.callstack.match(dispatcher.py_func, folded)
                if frame is not None:
                    if is_generator(dispatcher.py_func):
                        note_recursive(dispatcher.py_func)
                    returned = partly_known(frame)
                    _running[dispatcher, folded] = frame.func_id
                    return templates.signature(returned, *folded).replace(pysig=pysig).as_method()
            kind = types.Dispatcher(dispatcher)
            return kind.get_call_type(self.context, (instance, *args), kws).as_method()

    return Method


_asked: list[Any] = []
"""The calls of methods whose result is being found out from what is known of it."""


def partly_known(frame: Any) -> Any:
    """The type that a function returns whose types are being inferred. Raises TypingError."""
    if frame in _asked:
        raise errors.TypingError("what a method returns depends on itself")
    _asked.append(frame)
    try:
        returned = frame.typeinfer.return_types_from_partial()
    finally:
        _asked.pop()
        cpu_target.typing_context.callstack._fail_cache.clear()
    if returned is None:
        raise errors.TypingError("cannot type infer runaway recursion")
    frame.add_return_type(returned)
    return returned


_lowered: set[str] = set()


def _lower_method(name: str) -> None:
    """Let methods of this name be called."""
    if name in _lowered:
        return
    _lowered.add(name)

    def call_method(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        dispatcher = sig.args[0].jit_methods[name]
        kind = types.Dispatcher(dispatcher)
        identity = _running.get((dispatcher, sig.args))
        if identity is not None and tuple(sig.args) not in dispatcher.overloads:
            return _call_running(context, builder, identity, sig, args)
        call = context.get_function(kind, sig)
        result = call(builder, args)
        _jitclass._add_linking_libs(context, call)
        return imputils.impl_ret_new_ref(context, builder, sig.return_type, result)

    _lowering.lower((PlainInstance, name), PlainInstance, types.VarArg(types.Any))(call_method)


@_lowering.lower(PlainInstance, PlainInstance, types.VarArg(types.Any))
def _call_instance(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """`instance(…)`."""
    return context.get_function((PlainInstance, "__call__"), sig)(builder, args)


def _call_running(context: Any, builder: Any, identity: Any, sig: Any, args: Any) -> Any:
    """Call a method that is not compiled yet by the name that it will have."""
    flags: Any = targetconfig.ConfigStack().top()
    mangler = context.mangler or funcdesc.default_mangler
    name = funcdesc.qualifying_prefix(identity.modname, identity.func_qualname)
    tags = [flags.get_mangle_string()]
    mangled = mangler(name, sig.args, abi_tags=tags, uid=identity.unique_id)
    return context.call_unresolved(builder, mangled, sig, args)


def instance_of_kind(kind: Any) -> Any:
    """The type of an instance that is one, or may be None; None for all else."""
    kind = kind.type if isinstance(kind, types.Optional) else kind
    return kind if isinstance(kind, PlainInstance) else None


@_lowering.lower_cast(types.Optional, PlainInstance)
def _not_none(context: Any, builder: Any, fromty: Any, toty: Any, val: Any) -> Any:
    """An instance that may be None, where its fields and methods are used."""
    optional = context.make_helper(builder, fromty, value=val)
    is_none = builder.not_(cgutils.as_bool_bit(builder, optional.valid))
    with builder.if_then(is_none, likely=False):
        text = f"expected an instance of {toty.class_type.class_name}, got None"
        context.call_conv.return_user_exc(builder, AttributeError, (text,))
    return context.cast(builder, optional.data, fromty.type, toty)


def fields_of(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The structure of an instance's fields."""
    instance = context.make_helper(builder, kind, value=value)
    content = kind.get_data_type()
    pointer = builder.bitcast(instance.data, context.get_data_type(content).as_pointer())
    return context.make_data_helper(builder, content, ref=pointer)


@_lowering.lower_getattr_generic(PlainInstance)
def _get(context: Any, builder: Any, kind: Any, value: Any, attr: str) -> Any:
    if attr not in kind.struct:
        return _jitclass.get_attr_impl(context, builder, kind, value, attr)
    stored = getattr(fields_of(context, builder, kind, value), _jitclass._mangle_attr(attr))
    field = kind.struct[attr]
    if isinstance(field, Late):
        late = context.make_helper(builder, field, value=stored)
        is_set = cgutils.as_bool_bit(builder, late.valid)
        with builder.if_then(builder.not_(is_set), likely=False):
            _raise_unset(context, builder, kind, attr, field)
        stored, field = late.data, field.kind
    return imputils.impl_ret_borrowed(context, builder, field, stored)


def _raise_unset(context: Any, builder: Any, kind: Any, attr: str, field: Late) -> None:
    name = kind.class_type.class_name
    if field.placeholder is None:
        text = f"'{name}' object has no attribute '{attr}'"
        context.call_conv.return_user_exc(builder, AttributeError, (text,))
    else:
        text = f"a guest cannot read {attr} of {name} while it is {field.placeholder}"
        context.call_conv.return_user_exc(builder, NotImplementedError, (text,))


@_lowering.lower_setattr_generic(PlainInstance)
def _set(context: Any, builder: Any, sig: Any, args: Any, attr: str) -> None:
    kind, given = sig.args
    target, value = args
    if attr in kind.class_type.aliases:
        return
    if attr not in kind.struct:
        _jitclass.set_attr_impl(context, builder, sig, args, attr)
        return
    fields = fields_of(context, builder, kind, target)
    field, place = kind.struct[attr], _jitclass._mangle_attr(attr)
    old = getattr(fields, place)
    if isinstance(field, Late):
        late = context.make_helper(builder, field)
        if given == field.kind:
            late.data, late.valid = value, cgutils.true_bit
        else:
            late.data, late.valid = cgutils.get_null_value(late.data.type), cgutils.false_bit
        value = late._getvalue()
    context.nrt.incref(builder, field, value)
    setattr(fields, place, value)
    context.nrt.decref(builder, field, old)


def begin_instance(context: Any, builder: Any, kind: Any) -> Any:
    """A new instance, all of whose fields are zeros."""
    content = context.get_data_type(kind.get_data_type())
    size = context.get_constant(types.uintp, context.get_abi_sizeof(content))
    destructor = _jitclass.imp_dtor(context, builder.module, kind)
    meminfo = context.nrt.meminfo_alloc_dtor(builder, size, destructor)
    pointer = context.nrt.meminfo_data(builder, meminfo)
    builder.store(cgutils.get_null_value(content), builder.bitcast(pointer, content.as_pointer()))
    instance = context.make_helper(builder, kind)
    instance.meminfo = meminfo
    instance.data = builder.bitcast(pointer, _POINTER)
    return instance._getvalue()
