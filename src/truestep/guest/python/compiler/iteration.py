"""The functions of `itertools` as generators that are compiled into the guest, and `functools.reduce`."""

import itertools
import operator
from typing import Any

from numba.core import errors, typeinfer, types
from numba.core.extending import overload

_ARGUMENTS_MAX = 4


def install_iteration() -> None:
    """Add the implementations."""
    for function, implementation in (
        (itertools.chain, _chain),
        (itertools.product, _product),
        (itertools.accumulate, _accumulate),
        (itertools.islice, _islice),
        (itertools.zip_longest, _zip_longest),
        (itertools.count, _count),
        (itertools.cycle, _cycle),
        (itertools.repeat, _repeat),
        (itertools.starmap, _starmap),
        (itertools.takewhile, _takewhile),
        (itertools.dropwhile, _dropwhile),
        (itertools.filterfalse, _filterfalse),
        (itertools.compress, _compress),
        (itertools.pairwise, _pairwise),
    ):
        overload(function, strict=False, prefer_literal=True)(implementation)
    constraint: Any = typeinfer.PairFirstConstraint
    constraint.__call__ = _waiting(constraint.__call__)


def _waiting(propagate: Any) -> Any:
    """The items of a list may have no type yet, while more is found out; Numba fails there."""

    def propagate_when_known(self: Any, inferer: Any) -> None:
        pairs = [kind for kind in inferer.typevars[self.pair.name].get() if isinstance(kind, types.Pair)]
        firsts = [kind.first_type for kind in pairs]
        if all(isinstance(kind, types.UndefinedFunctionType) or kind.is_precise() for kind in firsts):
            propagate(self, inferer)

    return propagate_when_known


def chained(iterables: Any) -> Any:
    """`itertools.chain.from_iterable(iterables)`. Compiled only."""
    raise NotImplementedError


@overload(chained)
def _chained(iterables: Any) -> Any:
    del iterables

    def chain(iterables: Any) -> Any:
        for items in iterables:
            for item in items:  # noqa: UP028 - Numba has no `yield from`
                yield item

    return chain


def _chain(*iterables: Any) -> Any:
    if not 1 <= len(iterables) <= _ARGUMENTS_MAX:
        raise errors.TypingError("a guest's itertools.chain takes one to four iterables: chain the results")

    def chain_1(*iterables: Any) -> Any:
        for item in iterables[0]:  # noqa: UP028 - Numba has no `yield from`
            yield item

    def chain_2(*iterables: Any) -> Any:
        for item in iterables[0]:
            yield item
        for item in iterables[1]:
            yield item

    def chain_3(*iterables: Any) -> Any:
        for item in iterables[0]:
            yield item
        for item in iterables[1]:
            yield item
        for item in iterables[2]:
            yield item

    def chain_4(*iterables: Any) -> Any:
        for item in iterables[0]:
            yield item
        for item in iterables[1]:
            yield item
        for item in iterables[2]:
            yield item
        for item in iterables[3]:
            yield item

    return (chain_1, chain_2, chain_3, chain_4)[len(iterables) - 1]


def product_of(iterables: Any) -> Any:
    """`itertools.product(*iterables)`. Compiled only."""
    raise NotImplementedError


@overload(product_of)
def _product_of(iterables: Any) -> Any:
    def product_1(iterables: Any) -> Any:
        for a in iterables[0]:
            yield (a,)

    def product_2(iterables: Any) -> Any:
        seconds = list(iterables[1])
        for a in iterables[0]:
            for b in seconds:
                yield (a, b)

    def product_3(iterables: Any) -> Any:
        seconds, thirds = list(iterables[1]), list(iterables[2])
        for a in iterables[0]:
            for b in seconds:
                for c in thirds:
                    yield (a, b, c)

    def product_4(iterables: Any) -> Any:
        seconds, thirds, fourths = list(iterables[1]), list(iterables[2]), list(iterables[3])
        for a in iterables[0]:
            for b in seconds:
                for c in thirds:
                    for d in fourths:
                        yield (a, b, c, d)

    if not 1 <= len(iterables) <= _ARGUMENTS_MAX:
        raise errors.TypingError("a guest's itertools.product takes one to four iterables: write loops")
    return (product_1, product_2, product_3, product_4)[len(iterables) - 1]


def product_repeated(iterable: Any, times: Any) -> Any:
    """`itertools.product(iterable, repeat=times)`. Compiled only."""
    raise NotImplementedError


@overload(product_repeated, prefer_literal=True)
def _product_repeated(iterable: Any, times: Any) -> Any:
    def product_1(iterable: Any, times: Any) -> Any:
        return product_of((list(iterable),))

    def product_2(iterable: Any, times: Any) -> Any:
        items = list(iterable)
        return product_of((items, items))

    def product_3(iterable: Any, times: Any) -> Any:
        items = list(iterable)
        return product_of((items, items, items))

    def product_4(iterable: Any, times: Any) -> Any:
        items = list(iterable)
        return product_of((items, items, items, items))

    if not isinstance(times, types.IntegerLiteral) or not 1 <= times.literal_value <= _ARGUMENTS_MAX:
        raise errors.TypingError(
            "a guest's itertools.product takes repeat= as a number from 1 to 4: write loops"
        )
    products: dict[int, Any] = {1: product_1, 2: product_2, 3: product_3, 4: product_4}
    return products[times.literal_value]


def _product(*iterables: Any) -> Any:
    del iterables

    def product(*iterables: Any) -> Any:
        return product_of(iterables)

    return product


def _accumulate(iterable: Any, func: Any = operator.add, initial: Any = None) -> Any:
    del iterable
    adds = func is operator.add or isinstance(func, types.Omitted)
    if not _is_none(initial):
        raise errors.TypingError("a guest's itertools.accumulate has no initial=: put it before the items")

    def sums(iterable: Any, func: Any = operator.add, initial: Any = None) -> Any:
        is_first = True
        for item in iterable:
            if is_first:
                total = item
                is_first = False
            else:
                total = total + item  # pyright: ignore[reportPossiblyUnboundVariable]
            yield total

    def results(iterable: Any, func: Any = operator.add, initial: Any = None) -> Any:
        is_first = True
        for item in iterable:
            if is_first:
                total = item
                is_first = False
            else:
                total = func(total, item)  # pyright: ignore[reportPossiblyUnboundVariable]
            yield total

    return sums if adds else results


def _is_none(kind: Any) -> bool:
    return kind is None or isinstance(kind, types.NoneType) or getattr(kind, "value", 0) is None


def _islice(iterable: Any, start: Any, stop: Any = -1, step: Any = 1) -> Any:
    del iterable
    has_start = stop != -1 and not isinstance(stop, types.Omitted)
    has_end = not _is_none(stop if has_start else start)
    has_first = has_start and not _is_none(start)
    has_step = not _is_none(step)

    def taken(iterable: Any, start: Any, stop: Any = -1, step: Any = 1) -> Any:
        following = _number(start) if has_first else 0
        end = (_number(stop) if has_start else _number(start)) if has_end else following + 1
        stride = _number(step) if has_step else 1
        if following < 0 or end < 0 or stride < 1:
            raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
        place = 0
        if end > 0 and following < end:
            for item in iterable:
                if place == following:
                    following += stride
                    yield item
                place += 1
                if has_end and place >= end:
                    break

    return taken


def _number(value: Any) -> int:
    """A number that may be None where it is not used. Compiled only."""
    raise NotImplementedError


@overload(_number, strict=False)
def _number_of(value: Any) -> Any:
    is_none = _is_none(value)

    def number(value: Any) -> Any:
        return 0 if is_none else value

    return number


def _zip_longest(first: Any, second: Any, fillvalue: Any = None) -> Any:
    del first, second
    if _is_none(fillvalue):
        raise errors.TypingError(
            "a guest's itertools.zip_longest takes two iterables and a fillvalue= of their items' type"
        )

    def zipped(first: Any, second: Any, fillvalue: Any = None) -> Any:
        left, right = list(first), list(second)
        for index in range(max(len(left), len(right))):
            a = left[index] if index < len(left) else fillvalue
            b = right[index] if index < len(right) else fillvalue
            yield a, b

    return zipped


def _count(start: Any = 0, step: Any = 1) -> Any:
    del start, step

    def count(start: Any = 0, step: Any = 1) -> Any:
        value = start
        while True:
            yield value
            value = value + step

    return count


def _cycle(iterable: Any) -> Any:
    del iterable

    def cycle(iterable: Any) -> Any:
        items = list(iterable)
        while items:
            for item in items:  # noqa: UP028 - Numba has no `yield from`
                yield item

    return cycle


def _repeat(value: Any, times: Any = None) -> Any:
    del value

    def repeat(value: Any, times: Any = None) -> Any:
        for _ in range(times):
            yield value

    def repeat_for_ever(value: Any, times: Any = None) -> Any:
        while True:
            yield value

    return repeat_for_ever if _is_none(times) else repeat


def _starmap(function: Any, iterable: Any) -> Any:
    del function, iterable

    def results(function: Any, iterable: Any) -> Any:
        for item in iterable:
            yield function(*item)

    return results


def _takewhile(predicate: Any, iterable: Any) -> Any:
    del predicate, iterable

    def taken(predicate: Any, iterable: Any) -> Any:
        for item in iterable:
            if not predicate(item):
                break
            yield item

    return taken


def _dropwhile(predicate: Any, iterable: Any) -> Any:
    del predicate, iterable

    def kept(predicate: Any, iterable: Any) -> Any:
        is_dropping = True
        for item in iterable:
            is_dropping = is_dropping and bool(predicate(item))
            if not is_dropping:
                yield item

    return kept


def _filterfalse(predicate: Any, iterable: Any) -> Any:
    del predicate, iterable

    def kept(predicate: Any, iterable: Any) -> Any:
        for item in iterable:
            if not predicate(item):
                yield item

    return kept


def _compress(data: Any, selectors: Any) -> Any:
    del data, selectors

    def kept(data: Any, selectors: Any) -> Any:
        for item, is_selected in zip(data, selectors):  # noqa: B905 - as itertools does
            if is_selected:
                yield item

    return kept


def _pairwise(iterable: Any) -> Any:
    del iterable

    def pairs(iterable: Any) -> Any:
        rest = iter(iterable)
        for first in rest:
            before = first
            for item in rest:
                yield before, item
                before = item
            break  # the outer loop would go on from where it began

    return pairs


def reduced(function: Any, iterable: Any, initial: Any = None) -> Any:
    """`functools.reduce(function, iterable, initial)`. Compiled only."""
    raise NotImplementedError


@overload(reduced, strict=False)
def _reduced(function: Any, iterable: Any, initial: Any = None) -> Any:
    del function, iterable

    def reduce_from(function: Any, iterable: Any, initial: Any = None) -> Any:
        result = initial
        for item in iterable:
            result = function(result, item)
        return result

    def reduce_items(function: Any, iterable: Any, initial: Any = None) -> Any:
        rest = iter(iterable)
        for first in rest:
            result = first
            for item in rest:
                result = function(result, item)
            return result
        raise TypeError("reduce() of empty iterable with no initial value")

    return reduce_items if _is_none(initial) else reduce_from
