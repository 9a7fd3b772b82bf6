"""Variables and results that are an int in one place and a float in another keep the kind that they have.

For Numba such a variable is a float. Here it becomes a number of either kind (`int_or_float`), except in
functions that handle arrays, whose loops are to be fast. Where that cannot be compiled, it is a float as for
Numba.
"""

from typing import Any

from numba.core import errors, typed_passes, typeinfer, types

from truestep.guest.python.compiler.int_or_float import INT_OR_FLOAT, are_mixed, unified
from truestep.guest.python.compiler.ownership import is_ours, is_users_function
from truestep.guest.python.compiler.rewriting import origin_of
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

_is_given_up: list[bool] = []
"""Whether results of both kinds kept the guest from being compiled."""


def install_exact_variables() -> None:
    """Replace how Numba unifies the types of a variable. Comes before what infers in rounds."""
    typed_passes.type_inference_stage = _inferring(typed_passes.type_inference_stage)
    variable: Any = typeinfer.TypeVar
    variable.add_type = _adding(variable.add_type)
    inferer: Any = typeinfer.TypeInferer
    inferer._unify_return_types = _returning(inferer._unify_return_types)


def give_up_exact_variables(error: Exception) -> bool:
    """Whether an error may be due to numbers of both kinds, which there will be none of from now on."""
    if _is_given_up or INT_OR_FLOAT.name not in str(error):
        return False
    _is_given_up.append(True)
    return True


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
        if _is_given_up or not is_users or is_of_ufunc(origin_of(function)):
            return attempt(None)
        frame = _Frame(has_variables=True, has_results=True)
        try:
            found = attempt(frame)
            if not frame.is_mixed or not _has_arrays(found[0]):
                return found
        except errors.TypingError:
            if not frame.is_mixed:
                raise
        try:
            return attempt(_Frame(has_variables=False, has_results=True))
        except errors.TypingError:
            return attempt(None)

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
