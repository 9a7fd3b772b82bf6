"""range() of any integers, and np.arange of floats.

The numbers of a range are Python's, whatever its bounds are; NumPy's ranges of floats are made of multiples
of the difference between the first two items.
"""

from typing import Any

import numpy as np
from numba.core import cgutils, errors, imputils, types
from numba.core.extending import overload, register_jitable
from numba.core.typing import builtins, signature
from numba.np import arrayobj

from truestep.guest.python.compiler.sums import forget, number_type

_numba_arange: Any = arrayobj.np_arange
_RANGE: Any = builtins.Range


def install_ranges() -> None:
    """Replace Numba's own arange, which adds multiples of the step, and its ranges of other integers."""
    _RANGE.cases = [signature(types.range_state64_type, *[types.int64] * count) for count in (1, 2, 3)]
    _RANGE.apply = _of_integers(_RANGE.apply)
    registry: Any = imputils.builtin_registry
    registry.functions[:] = [
        entry for entry in registry.functions if entry[1:] != ("iternext", (types.range_iter64_type,))
    ]
    registry.lower("iternext", types.range_iter64_type)(_next)
    forget(np.arange, "")
    overload(np.arange)(_arange)


_Iterator: Any = cgutils.create_struct_proxy(types.range_iter64_type)


@imputils.iternext_impl(imputils.RefType.BORROWED)
def _next(context: Any, builder: Any, signature: Any, arguments: Any, result: Any) -> None:
    """The next number of a range, as Numba has it.

    It also says that numbers do not wrap around, so that LLVM sees which are never negative, and drops
    checks of indices.
    """
    del signature
    iterator = _Iterator(context, builder, arguments[0])
    number, left = builder.load(iterator.iter), builder.load(iterator.count)
    is_valid = builder.icmp_signed(">", left, left.type(0))
    result.set_valid(is_valid)
    with builder.if_then(is_valid):
        result.yield_(number)
        builder.store(builder.sub(left, left.type(1), flags=["nsw"]), iterator.count)
        # A sum that overflows is never used: the range has ended.
        builder.store(builder.add(number, iterator.step, flags=["nsw"]), iterator.iter)


def _of_integers(apply: Any) -> Any:
    def checked(template: Any, arguments: Any, keywords: Any) -> Any:
        for kind in arguments:
            if isinstance(kind, types.Float | types.Complex):
                raise errors.TypingError(
                    f"a guest's range() takes integers, not {kind}: write int(x) for each of its numbers"
                )
        return apply(template, arguments, keywords)

    return checked


def _arange(start: Any, /, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    original = _numba_arange(start, stop, step, dtype)
    if original is None:
        return None
    whole = register_jitable(original)

    def arange(start: Any, /, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
        items = whole(start, stop, step, dtype)
        _respace(items)
        return items

    return arange


def _respace(items: Any) -> None:
    """Make floats start + i · (second - first). Compiled only."""
    raise NotImplementedError


@overload(_respace)
def _respace_of(items: Any) -> Any:
    number = number_type(items)

    def keep(items: Any) -> None:
        pass

    def respace(items: Any) -> None:
        if len(items) > 2:
            first = items[0]
            distance = items[1] - first
            for index in range(2, len(items)):
                items[index] = first + number(index) * distance

    return respace if isinstance(items.dtype, types.Float) else keep
