"""What a guest has in the place of classes and functions of the standard library and of SciPy."""

import functools
import io
import random
import sys
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core import errors, types

from truestep.guest.python.compiler.ownership import is_users_function
from truestep.guest.python.compiler.scipy_functions import (
    addresses,
    assignment,
    distances,
    filters,
    matrices,
    peaks,
    quadrature,
    roots,
    samples,
    signals,
    special,
    statistics,
)
from truestep.guest.python.compiler.seeded_random import SeededRandom
from truestep.guest.python.compiler.text_builders import TextBuilder

_OWN: dict[str, tuple[ModuleType, ...]] = {
    "scipy.spatial.distance": (distances,),
    "scipy.ndimage": (filters, signals),
    "scipy.linalg": (matrices,),
    "scipy.integrate": (quadrature, samples),
    "scipy.optimize": (roots, assignment),
    "scipy.signal": (signals, peaks),
    "scipy.stats": (statistics,),
    "scipy.special": (special,),
}
"""Where the functions of a module of SciPy are, by their names."""
_CLASSES: tuple[tuple[Any, type], ...] = ((io.StringIO, TextBuilder), (random.Random, SeededRandom))
_SPECIAL = "scipy.special"
_STATS = "scipy.stats"
_REMEMBERING: Any = type(functools.lru_cache(len))


def class_in_guests(value: object) -> type | None:
    """The class that stands for another."""
    return next((ours for theirs, ours in _CLASSES if theirs is value), None)


def function_in_guests(value: Any) -> Any:
    """The function or ufunc that stands for one of SciPy or one that remembers results; None for all else."""
    if isinstance(value, _REMEMBERING):
        return _without_memory(value)
    if isinstance(value, types.WrapperAddressProtocol):
        at_address = addresses.name_at(value)
        return at_address and _special(at_address)
    name = getattr(value, "__name__", None)
    if not isinstance(name, str) or "scipy" not in sys.modules:
        return None
    if name in special.UFUNCS and _is_scipys(_SPECIAL, name, value):
        return _special(name)
    for module, owners in _OWN.items():
        found = [function for owner in owners if (function := _defined(owner, name))]
        if found and _is_scipys(module, name, value):
            return found[0]
    is_transform = _is_scipys("scipy.fft", name, value)
    return getattr(np.fft, name, None) if is_transform else None


def refuse_scipys(function: FunctionType) -> None:
    """Raises TypingError for a function of SciPy: what it calls is C or Fortran in the end."""
    parts = (function.__module__ or "").split(".")
    if parts[0] == "scipy":
        public = ".".join(part for part in parts if not part.startswith("_"))
        raise errors.TypingError(
            f"a guest has no {public}.{function.__name__}; write it with NumPy or loops, or use one of those"
            " that docs/python-guests.md names"
        )


def method_in_guests(value: Any) -> Any:
    """The function that stands for a method of a distribution of SciPy, as `norm.cdf`; None for all else."""
    owner = getattr(value, "__self__", None)
    if owner is None or _STATS not in sys.modules:
        return None
    name = getattr(owner, "name", None)
    is_distribution = isinstance(name, str) and _is_scipys(_STATS, name, owner)
    return _method(name, value.__name__) if is_distribution else None


def _is_scipys(module: str, name: str, value: Any) -> bool:
    return getattr(sys.modules.get(module), name, None) is value


def _defined(owner: ModuleType, name: str) -> FunctionType | None:
    function = vars(owner).get(name)
    is_own = isinstance(function, FunctionType) and function.__module__ == owner.__name__
    return function if is_own else None


_special = functools.cache(special.ufunc)
_method = functools.cache(statistics.distribution_method)


def _without_memory(value: Any) -> FunctionType | None:
    """The function below `functools.lru_cache`, unless it calls itself: without memory that takes long."""
    function = value.__wrapped__
    is_recursive = is_users_function(function) and function.__name__ in function.__code__.co_names
    return function if is_users_function(function) and not is_recursive else None
