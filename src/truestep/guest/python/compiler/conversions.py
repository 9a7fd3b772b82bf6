"""Says of values that cannot take the place of others what they are; Numba says nothing."""

from typing import Any

from numba.core import base, errors

from truestep.guest.python.compiler.calls import place_of_compilation
from truestep.guest.python.compiler.type_words import types_in_words


class CannotConvertError(errors.TypingError, NotImplementedError):
    """A value of one type is used where another type is needed. Numba asks for a NotImplementedError."""


def install_conversions() -> None:
    """Replace an error without words."""
    context: Any = base.BaseContext
    context.cast = _explaining(context.cast)


def _explaining(cast: Any) -> Any:
    def cast_or_explain(self: Any, builder: Any, value: Any, kind: Any, wanted: Any) -> Any:
        try:
            return cast(self, builder, value, kind, wanted)
        except CannotConvertError:
            raise
        except NotImplementedError as error:
            given, needed = types_in_words(str(kind)), types_in_words(str(wanted))
            failure: Any = CannotConvertError
            raise failure(
                f"a guest cannot use {given} here, where others are {needed};"
                " make all of them of one type, with as many parts",
                loc=place_of_compilation(),
            ) from error

    return cast_or_explain
