"""Exceptions without an interpreter: a guest raises a text, which is composed when it is raised."""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import numba
from llvmlite import ir
from numba.core import callconv, cgutils, cpu, lowering, types
from numba.core import ir as numbas_ir

from truestep.guest.python.compiler.catching import caught, kinds_of
from truestep.guest.python.compiler.exception_instances import shows_key
from truestep.guest.python.compiler.printing import call, put_item, put_text

_LOWER: Any = lowering.Lower

_place: list[Any] = [None]
"""The line that is being compiled, for exceptions of what is inlined there; the innermost last."""

_RAISES_IN_TRY: Any = (numbas_ir.StaticTryRaise, numbas_ir.DynamicTryRaise)
_raises_in_try: list[bool] = [False]
"""Whether a `raise` inside of `try` is being compiled; the innermost last."""

_LIBRARIES = (Path(__file__).parent, Path(numba.__file__).parent)

_OF_LISTS = {
    "getitem out of range": "list index out of range",
    "setitem out of range": "list assignment index out of range",
}
"""What Python says, by what Numba says."""

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()


class GuestCallConv(callconv.CPUCallConv):
    """Numba's calling convention, except that an exception is a pointer to a text and its length."""

    def set_static_user_exc(
        self, builder: Any, exc: Any, exc_args: Any = None, loc: Any = None, func_name: Any = None
    ) -> None:
        """An exception whose arguments are known when compiling."""
        del func_name
        if exc is None:
            self._set(builder, builder.load(caught(builder)))
            return
        prefix = _prefix(exc, loc or _place[-1])
        text = _arguments(exc, exc_args)
        self._set(builder, _constant_exception(self.context, builder, exc, prefix, text))

    def set_dynamic_user_exc(
        self,
        builder: Any,
        exc: Any,
        exc_args: Any,
        nb_types: Any,
        loc: Any = None,
        func_name: Any = None,
    ) -> None:
        """An exception with computed arguments: the runtime keeps the text of the last one."""
        del func_name
        prefix = _prefix(exc, loc)
        is_quoted = len(exc_args) != 1
        dynamic = iter([kind for kind in nb_types if kind is not None])
        given: list[Any] = [
            self._shown(builder, next(dynamic), part) if isinstance(part, ir.Value) else part
            for part in exc_args
        ]
        self._begin(builder, prefix + ("(" if is_quoted else ""))
        has_parentheses, is_quoted = is_quoted, is_quoted or shows_key(exc)
        for index, argument in enumerate(given):
            if index:
                put_text(self.context, builder, ", ")
            if isinstance(exc_args[index], ir.Value) and not isinstance(argument, str):
                is_text = is_quoted and not isinstance(nb_types[index], types.ClassInstanceType)
                put_item(self.context, builder, *argument, is_quoted=is_text)
            else:
                put_text(self.context, builder, repr(argument) if is_quoted else str(argument))
        if has_parentheses:
            put_text(self.context, builder, ")")
        self._finish(builder, exc, prefix)

    def _shown(self, builder: Any, kind: Any, value: Any) -> Any:
        """What is put into a text: of an instance its own, which is made before."""
        from truestep.guest.python.compiler.texts import value_or_its_text

        if not isinstance(kind, types.ClassInstanceType):
            return kind, value
        if not {"__str__", "__repr__"} & set(kind.jit_methods):
            return f"one {kind.class_type.class_name}"
        return value_or_its_text(self.context, builder, kind, value)

    def raise_text(self, builder: Any, exception: Any, parts: Sequence[str | tuple[Any, Any]]) -> None:
        """Raise an exception whose text is made of constants and of values (type, value)."""
        prefix = _prefix(exception, _place[-1])
        self._begin(builder, prefix)
        for part in parts:
            if isinstance(part, str):
                put_text(self.context, builder, part)
            else:
                put_item(self.context, builder, *part, is_quoted=False)
        self._finish(builder, exception, prefix)
        self._return_errcode_raw(builder, callconv.RETCODE_USEREXC)

    def _begin(self, builder: Any, text: str) -> None:
        """Begin the text of an exception with a constant."""
        call(builder, "truestep_begin_exception")
        put_text(self.context, builder, text)

    def _finish(self, builder: Any, exception: Any, prefix: str) -> None:
        """End its text, and store it as what the function raises."""
        kinds = builder.bitcast(
            self.context.insert_const_string(builder.module, kinds_of(exception)), _POINTER
        )
        finish_type = ir.FunctionType(callconv.excinfo_ptr_t, [_POINTER, _INT32])
        finish = cgutils.get_or_insert_function(builder.module, finish_type, "truestep_exception")
        raised = builder.call(finish, [kinds, _INT32(len(prefix.encode()))])
        builder.store(raised, self._get_excinfo_argument(builder.function))

    def return_status_propagate(self, builder: Any, status: Any) -> None:
        """Pass an exception on, with the user's line if it was raised inside of a library's function."""
        place = _users_place(_place[-1])
        if place:
            text = builder.bitcast(self.context.insert_const_string(builder.module, place), _POINTER)
            kinds = [callconv.excinfo_ptr_t, _POINTER, _INT64]
            function_type = ir.FunctionType(callconv.excinfo_ptr_t, kinds)
            function = cgutils.get_or_insert_function(builder.module, function_type, "truestep_at_place")
            code = builder.sext(status.code, _INT64)
            status = status._replace(excinfoptr=builder.call(function, [status.excinfoptr, text, code]))
        # Inside of `try`, Numba goes on to the end of the block, with results that are undefined.
        handler = getattr(builder, "_in_try_block", None)
        if handler:
            self._set(builder, status.excinfoptr)
            builder.branch(handler["target"])
        else:
            callconv.CPUCallConv.return_status_propagate(self, builder, status)

    def _set(self, builder: Any, exception: Any) -> None:
        store = builder.store(exception, self._get_excinfo_argument(builder.function))
        if getattr(builder, "_in_try_block", None) or _raises_in_try[-1]:
            return  # the function goes on
        # Numba's reference pruning looks for this mark: nothing is used after it.
        mark = builder.module.add_metadata([ir.IntType(1)(1)])
        store.set_metadata("numba_exception_output", mark)


def _prefix(exception: Any, location: Any) -> str:
    return f"{_users_place(location)}{exception.__name__}: "


def _users_place(location: Any) -> str:
    """`file:line: ` of a line that is the user's; empty for others."""
    if not location or not location.filename or _is_of_library(location.filename):
        return ""
    return f"{PurePath(location.filename).name}:{location.line}: "


@functools.cache
def _is_of_library(filename: str) -> bool:
    return any(Path(filename).is_relative_to(package) for package in _LIBRARIES)


def _arguments(exception: Any, arguments: Any) -> str:
    if not arguments:
        return ""
    if len(arguments) == 1 and shows_key(exception):
        return repr(arguments[0])
    if exception is IndexError and len(arguments) == 1:
        return _OF_LISTS.get(arguments[0], str(arguments[0]))
    return str(arguments[0]) if len(arguments) == 1 else repr(tuple(arguments))


def _constant_exception(context: Any, builder: Any, kind: Any, prefix: str, message: str) -> Any:
    content = f"{prefix}{message}".encode() if message else prefix.removesuffix(": ").encode()
    name = hashlib.sha256(content + kinds_of(kind).encode()).hexdigest()
    array = cgutils.make_bytearray(content)
    data = context.insert_unique_const(builder.module, f".const.exception.text.{name}", array)
    kinds = context.insert_const_string(builder.module, kinds_of(kind))
    begin = min(len(prefix.encode()), len(content))
    fields = (
        data.bitcast(_POINTER),
        _INT32(len(content)),
        kinds.bitcast(_POINTER),
        _POINTER(None),
        _INT32(begin),
    )
    struct = ir.Constant.literal_struct(fields)
    return context.insert_unique_const(builder.module, f".const.exception.{name}", struct)


def install_exceptions() -> None:
    """Make compiled code raise texts."""
    cpu.CPUContext.call_conv = property(_call_convention)
    lower = _LOWER.lower_inst

    def lower_at_place(lowering: Any, instruction: Any) -> None:
        _place.append(instruction.loc)
        _raises_in_try.append(isinstance(instruction, _RAISES_IN_TRY))
        try:
            lower(lowering, instruction)
        finally:
            _place.pop()
            _raises_in_try.pop()

    _LOWER.lower_inst = lower_at_place
    _LOWER.lower_try_dynamic_raise = _raise_in_try


def _raise_in_try(lowering: Any, instruction: Any) -> None:
    """`raise ValueError(f"…")` inside of `try`; Numba would take the names of variables for the text."""
    given = instruction.exc_args
    kinds = tuple(lowering.typeof(one.name) if isinstance(one, numbas_ir.Var) else None for one in given)
    values = tuple(lowering.loadvar(one.name) if isinstance(one, numbas_ir.Var) else one for one in given)
    convention: Any = lowering.call_conv
    convention.set_dynamic_user_exc(lowering.builder, instruction.exc_class, values, kinds, loc=lowering.loc)


def place_of_compilation() -> Any:
    """The line that is being compiled; None between functions."""
    return _place[-1]


def _call_convention(context: Any) -> GuestCallConv:
    return GuestCallConv(context)
