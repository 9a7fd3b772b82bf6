"""Runs tests of Numba with Python in the place of compiled code, and notes what they call."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import signal
import sys
import unittest
from collections import Counter
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core import cpu, dispatcher

from tests.guest.one_liners.cases import Case

_CALLS_PER_KIND = 2
"""Calls of one function with the same types that are taken from a test."""
_CALLS_PER_TEST = 6
_TEST_SECONDS = 5
_ITEMS_MAX = 4096
"""Larger arguments would be most of the program."""
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)
_RECORDED = "recorded_calls"


class _TooLongError(BaseException):
    """A test that does not end; not an Exception, which the test would catch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    function: FunctionType
    arguments: tuple[Any, ...]


class Recorder:
    """Notes calls of compiled functions, while they are executed as plain Python."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._kinds: Counter[Any] = Counter()
        self._is_inside = False
        self._names = ModuleType(_RECORDED)
        sys.modules[_RECORDED] = self._names
        recorder = self

        def call(compiled: Any, *arguments: Any, **named: Any) -> Any:
            return recorder._call(compiled.py_func, arguments, named)

        dispatcher.Dispatcher.__call__ = call
        # Code for the machine cannot be called here, as some tests do by its address.
        cpu.CPUContext.get_executable = lambda *_: _skip

    def cases_of(self, module_name: str) -> dict[str, list[Case]]:
        """For each test of a module of Numba's that passes and calls something that fits: its calls."""
        module = importlib.import_module(f"numba.tests.{module_name}")
        found: dict[str, list[Case]] = {}
        for test in _flat(unittest.defaultTestLoader.loadTestsFromModule(module)):
            self._calls, self._kinds = [], Counter()
            if _passes(test) and self._calls:
                name = test.id().removeprefix("numba.tests.")
                found[name] = [self._case(name, call) for call in self._calls]
        return found

    def _call(self, function: FunctionType, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if self._is_inside or named or not all(map(_fits, arguments)):
            return function(*arguments, **named)
        kind = (function.__code__, *map(_kind_of, arguments))
        self._kinds[kind] += 1
        if self._kinds[kind] <= _CALLS_PER_KIND and len(self._calls) < _CALLS_PER_TEST:
            self._calls.append(_Call(function=function, arguments=copy.deepcopy(arguments)))
        self._is_inside = True
        try:
            return function(*arguments)
        finally:
            self._is_inside = False

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
        return Case(topic=topic, text=f"{name}({', '.join(written)})", is_close_enough=True, setup=setup)


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
