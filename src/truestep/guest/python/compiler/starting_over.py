"""Compiles a guest again from the beginning, when more has become known of its types.

A field may be given a value of another type long after the instance was made, and code that was compiled
until then has the wrong layout. What was learnt is kept; all that was compiled is forgotten. Before the guest
is compiled again its types are inferred alone, which is cheap, until nothing new is learnt.

Where only branches of functions that failed are left out, the functions that they call stay compiled.
"""

from collections.abc import Callable
from typing import Any

from numba.core import errors

from truestep.guest.python.compiler.complaint import Complaint
from truestep.guest.python.compiler.inferring import forget_functions
from truestep.guest.python.compiler.more_known import StartOver

_ATTEMPTS_MAX = 200
"""Each attempt learns one thing; who needs more has types that grow without end."""

_forgetting: list[Callable[[], None]] = []
_forgetting_unfinished: list[Callable[[], None]] = []
_are_bound: list[bool] = []
"""Whether compiled functions depend on each other or on what may change, such as the fields of classes."""
_searching: list[bool] = []


def when_starting_over(forget: Callable[[], None]) -> None:
    """Call a function whenever all that was compiled is to be forgotten."""
    _forgetting.append(forget)


def when_going_on(forget: Callable[[], None]) -> None:
    """Call a function whenever functions are changed, and those that are compiled are kept."""
    _forgetting_unfinished.append(forget)


def bind_compiled() -> None:
    """What is compiled depends on more than the functions that it consists of, and is forgotten with them."""
    _are_bound.append(True)


def is_searching() -> bool:
    """Whether types are inferred and nothing is compiled."""
    return bool(_searching)


def compile_until_known(compile_once: Callable[[], Any], infer_once: Callable[[], Any]) -> Any:
    """What `compile_once` gives when nothing more is learnt. Raises Complaint."""
    for _ in range(_ATTEMPTS_MAX):
        try:
            return compile_once()
        except StartOver:
            _search(infer_once)
    raise Complaint(
        "the types of the fields of the guest's classes grow without end",
        remedy="give the fields their final types in __init__",
    )


def _search(infer_once: Callable[[], Any]) -> None:
    """Learn all that inference alone can learn; what it cannot do, compilation will complain of."""
    for _ in range(_ATTEMPTS_MAX):
        start_over()
        _searching.append(True)
        try:
            infer_once()
        except StartOver:
            continue
        except errors.NumbaError:
            pass
        finally:
            _searching.pop()
        break
    start_over()


def start_over() -> None:
    """Forget all that was compiled."""
    forget_functions()
    _are_bound.clear()
    for forget in _forgetting:
        forget()


def go_on() -> None:
    """Compile again the functions that failed. The others are kept, unless they depend on more."""
    if _are_bound:
        start_over()
        return
    forget_functions()
    for forget in _forgetting_unfinished:
        forget()
