"""`except ValueError`: a raised text says of which classes it is, and the last caught one is kept."""

import operator
from typing import Any
from weakref import WeakKeyDictionary

from llvmlite import ir
from numba.core import callconv, cgutils, imputils, types
from numba.core import ir as ir_of_numba
from numba.core.datamodel import models, registry
from numba.core.extending import intrinsic, overload, overload_attribute
from numba.core.interpreter import Interpreter
from numba.core.typing import templates
from numba.core.typing.templates import infer_global

from truestep.guest.python.compiler import printing, texts

_models: Any = models
_registry: Any = registry
_lowering: Any = imputils.builtin_registry
_POINTER = ir.IntType(8).as_pointer()

_slots: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_clean: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""The functions that forget at their beginning what an earlier call at the same place has raised."""


def install_catching() -> None:
    """Let functions keep what they catch, and pass on what handlers raise."""
    interpreter: Any = Interpreter
    interpreter.op_RERAISE = _passing_on(interpreter.op_RERAISE)
    conventions: Any = callconv.CPUCallConv
    conventions.unset_try_status = _keeping(conventions.unset_try_status)
    conventions.set_try_status = _beginning_clean(conventions.set_try_status)


def kinds_of(exception: Any) -> str:
    """The names of an exception's class and of those above it, each between semicolons."""
    return ";" + "".join(f"{name_of(kind)};" for kind in exception.__mro__[:-1])


def name_of(kind: Any) -> str:
    """A name that no other class has: classes of Python itself have no module in front."""
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def caught(builder: Any) -> Any:
    """Where a function keeps the exception whose handler runs."""
    if builder.function not in _slots:
        _slots[builder.function] = cgutils.alloca_once(builder, callconv.excinfo_ptr_t)
    return _slots[builder.function]


def _keeping(unset_try_status: Any) -> Any:
    def unset_and_keep(convention: Any, builder: Any) -> None:
        raised = builder.load(convention._get_excinfo_argument(builder.function))
        is_raised = builder.icmp_unsigned("!=", raised, callconv.excinfo_ptr_t(None))
        with builder.if_then(is_raised):
            builder.store(raised, caught(builder))
        unset_try_status(convention, builder)

    return unset_and_keep


def _beginning_clean(set_try_status: Any) -> Any:
    def set_in_clean_function(convention: Any, builder: Any) -> None:
        """In a loop, calls have one place for exceptions, where that of the last call still is."""
        if builder.function not in _clean:
            _clean[builder.function] = True
            with builder.goto_entry_block():
                place = convention._get_excinfo_argument(builder.function)
                builder.store(callconv.excinfo_ptr_t(None), place)
        set_try_status(convention, builder)

    return set_in_clean_function


def _passing_on(reraise: Any) -> Any:
    def pass_on(interpreter: Any, inst: Any, exc: Any) -> None:
        """The end of a handler in which a call has raised; Numba takes that to be impossible."""
        if interpreter.dfainfo.active_try_block is None:
            interpreter.current_block.append(ir_of_numba.Raise(exception=None, loc=interpreter.loc))
        else:
            reraise(interpreter, inst, exc=exc)

    return pass_on


@intrinsic
def is_caught(typing_context: Any, kind: Any) -> Any:
    """Whether the exception whose handler runs is of a class, or of one of several."""
    del typing_context
    members = kind.types if isinstance(kind, types.BaseTuple) else [kind]
    wanted = [member.exc_class for member in members]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature, arguments
        found = cgutils.false_bit
        for exception in wanted:
            if exception in {Exception, BaseException}:
                return cgutils.true_bit
            name = context.insert_const_string(builder.module, f";{name_of(exception)};")
            operands = builder.load(caught(builder)), builder.bitcast(name, _POINTER)
            answer = texts.call_for_word(builder, "truestep_is_of_kind", *operands)
            found = builder.or_(found, builder.icmp_signed("!=", answer, answer.type(0)))
        return found

    return types.boolean(kind), generate


@intrinsic
def caught_text(typing_context: Any) -> Any:
    """`str(e)` of the exception whose handler runs."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        printing.call(builder, "truestep_begin_line")
        printing.call(builder, "truestep_put_message", builder.load(caught(builder)))
        return context.compile_internal(builder, texts.finished_text, signature, arguments)

    return types.unicode_type(), generate


class ExceptionKind(types.Opaque):
    """The class of an exception that was caught, which is known when the guest runs."""

    def __init__(self) -> None:
        kind: Any = super()
        kind.__init__("class of an exception")


EXCEPTION_KIND = ExceptionKind()
_registry.register_default(ExceptionKind)(_models.OpaqueModel)


@intrinsic
def caught_kind(typing_context: Any) -> Any:
    """`type(e)` of the exception whose handler runs: the text with its class and those above it."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature, arguments
        exception = builder.bitcast(builder.load(caught(builder)), _POINTER)
        return texts.call_for_pointer(builder, "truestep_kinds_of", exception)

    return EXCEPTION_KIND(), generate


@intrinsic
def _put_name(typing_context: Any, kind: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        printing.call(builder, "truestep_begin_line")
        printing.call(builder, "truestep_put_name", arguments[0])
        return context.get_dummy_value()

    return types.none(kind), generate


@overload_attribute(ExceptionKind, "__name__")
def _name_of_kind(kind: Any) -> Any:
    del kind

    def name(kind: Any) -> Any:
        _put_name(kind)
        return texts.finished_text()

    return name


def _kind_asked_for(exceptions: Any, *, is_exact: bool) -> Any:
    """An intrinsic that tells whether a class is one of some, or, not exactly, derived from one."""

    @intrinsic
    def is_kind(typing_context: Any, kind: Any) -> Any:
        del typing_context

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del signature
            found = cgutils.false_bit
            for exception in exceptions:
                text = context.insert_const_string(builder.module, f";{name_of(exception)};")
                function = "truestep_is_kind" if is_exact else "truestep_is_below"
                operands = arguments[0], builder.bitcast(text, _POINTER)
                answer = texts.call_for_word(builder, function, *operands)
                found = builder.or_(found, builder.icmp_signed("!=", answer, answer.type(0)))
            return found

        return types.boolean(kind), generate

    return is_kind


def _asks_for_one(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """`type(e) is ValueError`, in either order."""
    kind, exception = sig.args if isinstance(sig.args[0], ExceptionKind) else reversed(sig.args)
    value = args[0] if kind is sig.args[0] else args[1]
    asked = _kind_asked_for([exception.exc_class], is_exact=True)
    signature = templates.signature(types.boolean, kind)

    def ask(kind: Any) -> Any:
        return asked(kind)

    return context.compile_internal(builder, ask, signature, [value])


@infer_global(operator.eq)
@infer_global(operator.ne)
class _ComparedKinds(templates.AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        """The class of a caught exception beside a class."""
        del kws
        has_kind = any(isinstance(kind, ExceptionKind) for kind in args)
        has_class = any(isinstance(kind, types.ExceptionClass) for kind in args)
        return templates.signature(types.boolean, *args) if has_kind and has_class else None


def _asks_for_others(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.not_(_asks_for_one(context, builder, sig, args))


for _kinds in ((ExceptionKind, types.ExceptionClass), (types.ExceptionClass, ExceptionKind)):
    for _operator in (operator.is_, operator.eq):
        _lowering.lower(_operator, *_kinds)(_asks_for_one)
    _lowering.lower(operator.ne, *_kinds)(_asks_for_others)


@overload(issubclass, strict=False)
def _is_below(kind: Any, above: Any) -> Any:
    if not isinstance(kind, ExceptionKind):
        return None
    members = above.types if isinstance(above, types.BaseTuple) else [above]
    is_kind = _kind_asked_for([member.exc_class for member in members], is_exact=False)

    def is_below(kind: Any, above: Any) -> Any:
        return is_kind(kind)

    return is_below


def is_true(value: Any) -> bool:
    """`bool(value)`, of nothing as well. Compiled only."""
    raise NotImplementedError


@overload(is_true, strict=False)
def _is_true(value: Any) -> Any:
    def is_false(value: Any) -> bool:
        return False

    def truth(value: Any) -> bool:
        return bool(value)

    return is_false if isinstance(value, types.NoneType) else truth


@intrinsic
def caught_exception(typing_context: Any) -> Any:
    """The exception whose handler runs, which is kept whatever is raised after it."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature, arguments
        exception = builder.bitcast(builder.load(caught(builder)), _POINTER)
        return texts.call_for_pointer(builder, "truestep_keep_exception", exception)

    return types.voidptr(), generate


@intrinsic
def _raise(typing_context: Any, exception: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        with builder.if_then(cgutils.true_bit):
            raised = builder.bitcast(arguments[0], callconv.excinfo_ptr_t)
            builder.store(raised, caught(builder))
            context.call_conv.return_user_exc(builder, None)
        return context.get_dummy_value()

    return types.none(exception), generate


def raise_again(exception: Any) -> None:
    """Raise a caught exception. Compiled only, and as a function of its own: callers pass on errors."""
    raise NotImplementedError


@overload(raise_again)
def _raise_again(exception: Any) -> Any:
    def raise_it(exception: Any) -> None:
        _raise(exception)

    return raise_it
