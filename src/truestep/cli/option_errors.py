"""Says of an option's value what was expected and what was got, in our words instead of a library's."""

from enum import Enum
from typing import Any, get_args

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from truestep.base.text import visible

_NUMBERS = {int: "a whole number", float: "a number"}


class PlainGroup(TyperGroup):
    """Commands whose wrong values are explained."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the words name."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = _in_words(error.param, error.__cause__)
            raise


def _in_words(parameter: Any, error: ValidationError) -> str:
    """`parameter` is typer's, which says what it takes."""
    first = error.errors()[0]
    expected = _expected(parameter) if parameter is not None else ""
    return f"expected {expected or 'another value'}, got {visible(str(first['input']))!r}"


def _expected(parameter: Any) -> str:
    """What an option or argument takes; empty for a type whose own words are needed."""
    kind: Any = parameter.type_descriptor.annotation
    kind = next(iter(get_args(kind)), kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(each.value) for each in kind)}"
    if kind not in _NUMBERS:
        return ""
    least, most = parameter.min, parameter.max
    if least is not None and most is not None:
        return f"{_NUMBERS[kind]} from {least:,} to {most:,}"
    if least is not None:
        return f"{_NUMBERS[kind]} of at least {least:,}"
    return f"{_NUMBERS[kind]} of at most {most:,}" if most is not None else _NUMBERS[kind]
