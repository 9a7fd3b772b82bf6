"""Overloads whose functions need no annotations: Numba compares them, and lambdas have none."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from numba.core.extending import overload, overload_attribute, overload_method

Choose = Callable[..., Any]


def implement(function: Any, choose: Choose | None = None) -> Any:
    """Like Numba's `overload`, as a decorator or at once."""
    return _registered(overload(function, prefer_literal=True), choose)


def implement_method(owner: Any, name: str, choose: Choose | None = None) -> Any:
    """Like Numba's `overload_method`."""
    return _registered(overload_method(owner, name, prefer_literal=True), choose)


def implement_attribute(owner: Any, name: str, choose: Choose | None = None) -> Any:
    """Like Numba's `overload_attribute`."""
    return _registered(overload_attribute(owner, name), choose)


def _registered(register: Any, choose: Choose | None) -> Any:
    def decorate(chosen: Choose) -> Choose:
        register(_without_annotations(chosen))
        return chosen

    return decorate if choose is None else decorate(choose)


def _without_annotations(choose: Choose) -> Choose:
    @functools.wraps(choose)
    def chosen(*arguments: Any, **named: Any) -> Any:
        implementation = choose(*arguments, **named)
        if implementation is not None:
            implementation.__annotations__ = {}
        return implementation

    signature = inspect.signature(choose)
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()
    ]
    chosen.__signature__ = inspect.Signature(bare)  # pyright: ignore[reportAttributeAccessIssue]
    return chosen
