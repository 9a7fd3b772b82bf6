"""Functions of SciPy that a module calls by their addresses, as Numba cannot call them otherwise."""

import ctypes
import sys
from typing import Any

from numba import extending
from numba.core import errors, types
from numba.core.typing import ctypes_utils

from truestep.guest.python.compiler.scipy_functions.special import UFUNCS

_MODULE = "scipy.special.cython_special"
_OVERLOADED = "__pyx_fuse_"
"""Cython's name of a function for one of several types: this, a digit, and the function's name."""
_OF_DOUBLES = "double (double"
_address_of: Any = getattr(extending, "get_cython_function_address")  # noqa: B009 - pyright does not know it
_get_prototype: Any = ctypes.pythonapi.PyCapsule_GetName
_get_prototype.restype, _get_prototype.argtypes = ctypes.c_char_p, [ctypes.py_object]


def name_at(function: types.WrapperAddressProtocol) -> str | None:
    """The name of the function of `scipy.special` that is called by address; None for all others."""
    signature: Any = function.signature()
    kinds = {signature.return_type, *signature.args}
    return _names_by_address().get(function.__wrapper_address__()) if kinds == {types.float64} else None


def refuse_address(function: types.WrapperAddressProtocol) -> None:
    """Raises TypingError: what is at an address is code for this computer."""
    raise errors.TypingError(
        f"a guest cannot call {type(function).__name__} by its address; write it with NumPy or loops,"
        " or use a function of SciPy that docs/python-guests.md names"
    )


def install_addresses() -> None:
    """Let this process call by address what a module calls while it is imported, as Numba does."""
    protocol: Any = types.WrapperAddressProtocol
    protocol.__call__ = _call


def _call(self: Any, *arguments: Any) -> Any:
    signature = self.signature()
    kinds = [ctypes_utils.to_ctypes(kind) for kind in (signature.return_type, *signature.args)]
    return ctypes.CFUNCTYPE(*kinds)(self.__wrapper_address__())(*arguments)


def _names_by_address() -> dict[int, str]:
    """The functions of doubles that guests have, too."""
    module: Any = sys.modules.get(_MODULE)
    found: dict[int, str] = {}
    for exported, capsule in getattr(module, "__pyx_capi__", {}).items():
        name = exported[len(_OVERLOADED) + 1 :] if exported.startswith(_OVERLOADED) else exported
        if name in UFUNCS and _get_prototype(capsule).decode().startswith(_OF_DOUBLES):
            found[_address_of(_MODULE, exported)] = name
    return found
