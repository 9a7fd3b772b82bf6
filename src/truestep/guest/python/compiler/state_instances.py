"""The instance that holds what a guest keeps of a module: it is made before the guest begins.

A global variable of the program refers to it. Its fields get their types as those of all instances do.
"""

# pyright: basic
# What Numba compiles has no types of Python.

import inspect
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import datamodel, imputils, types
from numba.core.extending import intrinsic
from numba.core.typing import templates

from truestep.guest.python.compiler.class_families import (
    attempt,
    begin_single,
    has_families,
    unite,
)
from truestep.guest.python.compiler.class_instances import begin_instance
from truestep.guest.python.compiler.classes import PlainClass, new_instance
from truestep.guest.python.compiler.module_state import ModuleState, states
from truestep.guest.python.compiler.python_numbers import as_pythons
from truestep.guest.python.compiler.starting_over import is_searching

_lowering: Any = imputils.builtin_registry
_VARIABLE = "truestep_state_of_"


_kinds: dict[Any, Any] = {}
"""The types of instances, by what is known of them."""


class KeptState(types.Callable, types.Opaque):
    """A function without arguments that returns the instance."""

    def __init__(self, state: ModuleState) -> None:
        begin_single(state.origin)
        self.made = PlainClass(state.origin)
        kind: Any = super()
        kind.__init__(f"state of {self.made.name}")

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """A signature without parameters. What is known of the fields is found out once."""
        key = self.made.origin, attempt(), is_searching()
        if key not in _kinds:
            _kinds[key] = self.made.get_call_type(context, args, kws).return_type
        return templates.signature(_kinds[key])

    def get_call_signatures(self) -> Any:
        """None are known before a call."""
        return [], True

    def get_impl_key(self, sig: Any) -> Any:
        """All are lowered alike."""
        del sig
        return type(self)


class BlankClass(types.Callable, types.Opaque):
    """A class of which instances are made with given fields, and without `__init__`."""

    def __init__(self, origin: type) -> None:
        self.made = PlainClass(origin)
        kind: Any = super()
        kind.__init__(f"blank {self.made.name}")

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """The signature, which returns an instance with these fields."""
        if not has_families(self.made.origin):
            unite(self.made.origin)
        growing = new_instance(self.made.origin)
        growing.fields.clear()
        for name, given in kws.items():
            kind = types.unliteral(given)
            growing.fields[name] = as_pythons(kind) if isinstance(given, types.Literal) else kind
        found = self.made.instance_with(context, growing)
        parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in kws]
        called = templates.signature(found, *args, *kws.values())
        return called.replace(pysig=inspect.Signature(parameters))

    def get_call_signatures(self) -> Any:
        """None are known before a call."""
        return [], True

    def get_impl_key(self, sig: Any) -> Any:
        """All are lowered alike."""
        del sig
        return type(self)


def install_state_instances() -> None:
    """Let compiled code read what it keeps."""
    for kind, lower in ((KeptState, _load), (BlankClass, _make)):
        _lowering.lower(kind, types.VarArg(types.Any))(lower)
        _lowering.lower_constant(kind)(_dummy)
        datamodel.register_default(kind)(datamodel.models.OpaqueModel)


def with_states(main: Callable[[], Any]) -> Callable[[], Any]:
    """A function that makes what the guest keeps, and then does what `main` does."""
    for state in states():
        begin_single(state.origin)
        main = _after(state.origin, numba.njit(main))
    return main


def _after(origin: Any, main: Any) -> Callable[[], Any]:
    def begin_and_run() -> Any:
        _keep(origin())
        return main()

    return begin_and_run


def _dummy(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    del builder, kind, value
    return context.get_dummy_value()


def _variable_of(context: Any, builder: Any, kind: Any) -> Any:
    """The global variable that refers to an instance."""
    name = f"{_VARIABLE}{kind.class_type.origin.__module__}"
    known = builder.module.globals.get(name)
    if known is not None:
        return known
    held = context.get_value_type(kind)
    made = ir.GlobalVariable(builder.module, held, name)
    made.linkage, made.initializer = "linkonce_odr", ir.Constant(held, None)
    return made


def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    del args
    kind = sig.return_type
    return imputils.impl_ret_borrowed(
        context, builder, kind, builder.load(_variable_of(context, builder, kind))
    )


@intrinsic
def _keep(typing_context: Any, instance: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        context.nrt.incref(builder, kind, arguments[0])
        builder.store(arguments[0], _variable_of(context, builder, kind))
        return context.get_dummy_value()

    return types.none(instance), generate


def _make(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Make an instance and set its fields."""
    kind = sig.return_type
    instance = begin_instance(context, builder, kind)
    for name, given, value in zip(sig.pysig.parameters, sig.args, args, strict=True):
        expected = context.typing_context.resolve_setattr(kind, name, given).args[1]
        cast = context.cast(builder, value, given, expected)
        context.get_setattr(name, templates.signature(types.void, kind, expected))(builder, (instance, cast))
    return imputils.impl_ret_new_ref(context, builder, kind, instance)
