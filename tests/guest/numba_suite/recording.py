"""Runs tests of Numba with Python in the place of compiled code, and notes what they call."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import importlib
import io
import random
import signal
import sys
import unittest
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from types import FunctionType, GeneratorType, ModuleType
from typing import Any
from unittest import mock

import numpy as np
from numba.core import cpu, dispatcher

from tests.guest.one_liners.cases import Case

_CALLS_PER_KIND = 2
"""Calls of one function with the same types that are taken from a test."""
_CALLS_PER_TEST = 6
_TEST_SECONDS = 5
_ITEMS_MAX = 4096
"""Larger arguments would be most of the program."""
_PLAIN = bool | int | float | complex | str | bytes | None | np.generic
_RECORDED = "recorded_calls"


class _TooLongError(BaseException):
    """A test that does not end; not an Exception, which the test would catch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    function: FunctionType
    arguments: tuple[Any, ...]
    gives_items: bool
    """Whether it is a generator, whose items are compared."""


class Recorder:
    """Notes calls of compiled functions, while they are executed as plain Python."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._kinds: Counter[Any] = Counter()
        self._is_inside = False
        self._names = ModuleType(_RECORDED)
        sys.modules[_RECORDED] = self._names

    def cases_of(self, module_name: str) -> dict[str, list[Case]]:
        """For each test of a module of Numba's that passes and calls something that fits: its calls."""
        with self._python_for_compiled_code():
            return self._found(importlib.import_module(f"numba.tests.{module_name}"))

    @contextlib.contextmanager
    def _python_for_compiled_code(self) -> Iterator[None]:
        """Numba compiles nothing, and its compiled functions are the Python functions that they were."""
        recorder = self

        def call(compiled: Any, *arguments: Any, **named: Any) -> Any:
            return recorder._call(compiled.py_func, arguments, named)

        replaced = {
            (dispatcher.Dispatcher, "__call__"): call,
            # Functions with declared types are compiled where they are defined.
            (dispatcher.Dispatcher, "compile"): lambda *_: None,
            (dispatcher.Dispatcher, "disable_compile"): lambda *_: None,
            # Code for the machine cannot be called here, as some tests do by its address.
            (cpu.CPUContext, "get_executable"): lambda *_: _skip,
        }
        with contextlib.ExitStack() as stack:
            for (owner, name), value in replaced.items():
                stack.enter_context(mock.patch.object(owner, name, value))
            yield

    def _found(self, module: ModuleType) -> dict[str, list[Case]]:
        found: dict[str, list[Case]] = {}
        for test in _flat(unittest.defaultTestLoader.loadTestsFromModule(module)):
            self._calls, self._kinds = [], Counter()
            if _passes(test) and self._calls:
                name = test.id().removeprefix("numba.tests.")
                found[name] = [self._case(name, call) for call in self._calls]
        return found

    def _call(self, function: FunctionType, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if self._is_inside or named or _allocates(function) or not all(map(_fits, arguments)):
            return function(*arguments, **named)
        kind = (function.__code__, *map(_kind_of, arguments))
        self._kinds[kind] += 1
        self._is_inside = True
        try:
            if self._kinds[kind] <= _CALLS_PER_KIND and len(self._calls) < _CALLS_PER_TEST:
                self._note(function, copy.deepcopy(arguments))
            return function(*arguments)
        finally:
            self._is_inside = False

    def _note(self, function: FunctionType, arguments: tuple[Any, ...]) -> None:
        """Keep the call if a guest can be expected to give the result, which hangs on nothing but it."""
        kept = copy.deepcopy(arguments)
        try:
            results = [_called_after_chance(function, copy.deepcopy(arguments), seed) for seed in (1, 2)]
        except Exception:
            self._calls.append(_Call(function=function, arguments=kept, gives_items=False))
            return
        gives_items = isinstance(results[0], GeneratorType)
        one, other = (list(result) if gives_items else result for result in results)
        if _can_be_returned(one) and _text(one) == _text(other):
            self._calls.append(_Call(function=function, arguments=kept, gives_items=gives_items))

    def _case(self, topic: str, call: _Call) -> Case:
        """A one-liner that makes the call; what it needs is in a module made for that."""
        number = len(vars(self._names))
        name = f"function_{number}"
        # Numba's rules for its own functions are not those for users'.
        call.function.__module__ = _RECORDED
        setattr(self._names, name, call.function)
        imported, written = [name], []
        for index, argument in enumerate(call.arguments):
            constant = f"constant_{number}_{index}"
            if isinstance(argument, list | set | dict):
                written.append(repr(argument))
                continue
            setattr(self._names, constant, argument)
            imported.append(constant)
            is_array = isinstance(argument, np.ndarray)
            is_fortran = is_array and argument.flags.f_contiguous and not argument.flags.c_contiguous
            copied = f"np.asfortranarray({constant})" if is_fortran else f"{constant}.copy()"
            written.append(copied if is_array else constant)
        setup = f"from {_RECORDED} import {', '.join(imported)}"
        text = f"{name}({', '.join(written)})"
        return Case(
            topic=topic,
            text=f"list({text})" if call.gives_items else text,
            is_close_enough=True,
            setup=setup,
        )


def _called_after_chance(function: FunctionType, arguments: tuple[Any, ...], seed: int) -> Any:
    """What a function gives after other random numbers were drawn, in memory that holds other bytes."""

    def filled(empty: Any) -> Any:
        def allocate(*arguments: Any, **named: Any) -> Any:
            array = empty(*arguments, **named)
            ctypes.memset(array.ctypes.data, seed, array.nbytes)
            return array

        return allocate

    np.random.seed(seed)
    random.seed(seed)
    with (
        mock.patch.object(np, "empty", filled(np.empty)),
        mock.patch.object(np, "empty_like", filled(np.empty_like)),
    ):
        return function(*arguments)


def _allocates(function: FunctionType) -> bool:
    """Whether it has NumPy's own functions for memory without content, which tests give to functions."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return any(content in (np.empty, np.empty_like, np.ndarray) for content in cells if callable(content))


def _text(result: Any) -> str:
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return repr(result)


def _can_be_returned(result: Any) -> bool:
    """Whether a guest can return the value, if everything works."""
    if isinstance(result, np.ndarray):
        return not result.dtype.hasobject
    if isinstance(result, list | tuple | set | frozenset):
        return all(map(_can_be_returned, result))
    if isinstance(result, dict):
        return all(map(_can_be_returned, (*result, *result.values())))
    return isinstance(result, _PLAIN | Enum) and not isinstance(result, np.void)


def _skip(*_: object) -> None:
    raise unittest.SkipTest("calls compiled code by its address")


def _flat(suite: Any) -> list[unittest.TestCase]:
    if isinstance(suite, unittest.TestCase):
        return [suite]
    return [test for part in suite for test in _flat(part)]


def _passes(test: unittest.TestCase) -> bool:
    def stop(*_: object) -> None:
        raise _TooLongError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(_TEST_SECONDS)
    silence = io.StringIO()
    try:
        with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            result = test.run()
        return result is not None and result.wasSuccessful() and not result.skipped
    except _TooLongError:
        return False
    finally:
        signal.alarm(0)


def _fits(argument: Any) -> bool:
    if isinstance(argument, np.ndarray):
        return argument.size <= _ITEMS_MAX and argument.dtype.kind in "biufc"
    if isinstance(argument, tuple):
        return all(map(_fits, argument)) and type(argument) is tuple
    if isinstance(argument, list | set):
        return bool(argument) and all(isinstance(item, int | float | str) for item in argument)
    return isinstance(argument, _PLAIN)


def _kind_of(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return argument.dtype.str, argument.ndim
    return type(argument)
