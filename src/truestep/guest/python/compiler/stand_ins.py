"""What a guest has in the place of classes and functions of the standard library and of SciPy."""

import functools
import io
import sys
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.ownership import is_users_function
from truestep.guest.python.compiler.scipy_functions import distances, filters, matrices, special
from truestep.guest.python.compiler.text_builders import TextBuilder

_OF_SCIPY: dict[str, tuple[Any, ...]] = {
    "scipy.spatial.distance": (distances.cdist, distances.pdist),
    "scipy.ndimage": (filters.minimum_filter1d, filters.maximum_filter1d),
    "scipy.linalg": (
        *(matrices.block_diag, matrices.inv, matrices.solve, matrices.det, matrices.cholesky),
        *(matrices.pinv, matrices.norm),
    ),
}
_SPECIAL = "scipy.special"
_REMEMBERING: Any = type(functools.lru_cache(len))


def class_in_guests(value: object) -> type | None:
    """The class that stands for another."""
    return TextBuilder if value is io.StringIO else None


def function_in_guests(value: Any) -> Any:
    """The function or ufunc that stands for one of SciPy or one that remembers results; None for all else."""
    if isinstance(value, _REMEMBERING):
        return _without_memory(value)
    name = getattr(value, "__name__", None)
    if not isinstance(name, str) or "scipy" not in sys.modules:
        return None
    for module, functions in _OF_SCIPY.items():
        if getattr(sys.modules.get(module), name, None) is value:
            return next((function for function in functions if function.__name__ == name), None)
    if name in special.UFUNCS and getattr(sys.modules.get(_SPECIAL), name, None) is value:
        return _special(name)
    return None


_special = functools.cache(special.ufunc)


def _without_memory(value: Any) -> FunctionType | None:
    """The function below `functools.lru_cache`, unless it calls itself: without memory that takes long."""
    function = value.__wrapped__
    is_recursive = is_users_function(function) and function.__name__ in function.__code__.co_names
    return function if is_users_function(function) and not is_recursive else None
