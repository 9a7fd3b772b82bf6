"""Variables and results that are an int in one place and a float in another keep the kind that they have.

For Numba such a variable is a float. Here it becomes a number of either kind (`int_or_float`), except in
functions that handle arrays, whose loops are to be fast. Where that cannot be compiled, it is a float as for
Numba, and the build says so.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numba.core import errors, typed_passes, typeinfer, types

from truestep.guest.python.compiler.explain import explain
from truestep.guest.python.compiler.hopeless import is_hopeless
from truestep.guest.python.compiler.infinite_lists import keep_infinite_lists_of_floats
from truestep.guest.python.compiler.int_or_float import INT_OR_FLOAT, are_mixed, unified
from truestep.guest.python.compiler.ownership import is_ours, is_users_function
from truestep.guest.python.compiler.rewriting import origin_of
from truestep.guest.python.compiler.starting_over import when_starting_over
from truestep.guest.python.compiler.user_ufuncs import is_of_ufunc


class _Frame:
    """The inference of one function's types."""

    def __init__(self, *, has_variables: bool, has_results: bool) -> None:
        self.has_variables = has_variables
        """Whether variables may be of both kinds."""
        self.has_results = has_results
        """Whether results may."""
        self.is_mixed = False
        """Whether any is."""


_frames: list[_Frame | None] = []
"""The functions whose types are being inferred, the innermost last; None for those of libraries."""

_given_up: list[Exception] = []
"""Why the guest cannot be compiled with numbers of both kinds, if it cannot."""

_functions_given_up: list[Exception] = []
"""Likewise, why single functions cannot."""

when_starting_over(_functions_given_up.clear)


def install_exact_variables() -> None:
    """Replace how Numba unifies the types of a variable. Comes before what infers in rounds."""
    typed_passes.type_inference_stage = _inferring(typed_passes.type_inference_stage)
    variable: Any = typeinfer.TypeVar
    variable.add_type = _adding(variable.add_type)
    inferer: Any = typeinfer.TypeInferer
    inferer._unify_return_types = _returning(inferer._unify_return_types)


def give_up_exact_variables(error: Exception) -> bool:
    """Whether an error may be due to numbers of both kinds, which there will be none of from now on."""
    if _given_up or INT_OR_FLOAT.name not in str(error):
        return False
    _given_up.append(error)
    keep_infinite_lists_of_floats()
    return True


def notes_on_floats(source: Path) -> str:
    """Where numbers of both kinds are floats, which shows in texts, two lines each."""
    return "".join(sorted(set(_notes(source))))


def _notes(source: Path) -> Iterator[str]:
    for given_up, where in ((_given_up, "the guest"), (_functions_given_up, "the function")):
        for error in given_up:
            complaint = explain(error, source)
            place = f"{complaint.place}: " if complaint.place else ""
            what = complaint.what.splitlines()[0].rstrip(".")
            yield (
                f"{place}{what}, so all numbers of {where} that are ints at one time and floats at another"
                " are floats\n  where Python shows 3, it shows 3.0: write float(…) around the number in this"
                " line, and they remain what they are\n"
            )


def _inferring(infer: Any) -> Any:
    def infer_exactly(typingctx: Any, targetctx: Any, interp: Any, *others: Any, **options: Any) -> Any:
        def attempt(frame: _Frame | None) -> Any:
            _frames.append(frame)
            try:
                return infer(typingctx, targetctx, interp, *others, **options)
            finally:
                _frames.pop()

        function = interp.func_id.func
        is_users = is_users_function(function) and not is_ours(function)
        if _given_up or not is_users or is_of_ufunc(origin_of(function)):
            return attempt(None)
        frame = _Frame(has_variables=True, has_results=True)
        failed: errors.TypingError | None = None
        try:
            found = attempt(frame)
            if not frame.is_mixed or not _has_arrays(found[0]):
                return found
        except errors.TypingError as error:
            if not frame.is_mixed or is_hopeless():
                raise
            failed = error
        try:
            found = attempt(_Frame(has_variables=False, has_results=True))
            failed = None if _has_arrays(found[0]) else failed
        except errors.TypingError as error:
            found = attempt(None)
            failed = error
        if failed is not None:
            _functions_given_up.append(failed)
        return found

    return infer_exactly


def _has_arrays(typemap: Any) -> bool:
    return any(isinstance(kind, types.Array) for kind in typemap.values())


def _adding(add_type: Any) -> Any:
    def add_of_both_kinds(variable: Any, tp: Any, loc: Any) -> Any:
        frame = _frames[-1] if _frames else None
        known = variable.type
        if variable.locked and tp == INT_OR_FLOAT and isinstance(known, types.Float):
            # A signature says what it is: `@vectorize([float64(float64)])`.
            return known
        if frame is not None and known is not None and not variable.locked and are_mixed(known, tp):
            frame.is_mixed = True
            if frame.has_variables:
                variable.type = INT_OR_FLOAT
                return INT_OR_FLOAT
        return add_type(variable, tp, loc)

    return add_of_both_kinds


def _returning(unify: Any) -> Any:
    def unify_results(inferer: Any, kinds: Any) -> Any:
        frame = _frames[-1] if _frames else None
        found = unified(inferer.context, sorted(kinds, key=str)) if frame is not None and kinds else None
        if frame is not None and frame.has_results and found is not None and _is_of_both_kinds(found):
            frame.is_mixed = True
            return found
        return unify(inferer, kinds)

    return unify_results


def _is_of_both_kinds(kind: Any) -> bool:
    if isinstance(kind, types.BaseTuple):
        return any(map(_is_of_both_kinds, kind.types))
    return kind == INT_OR_FLOAT
