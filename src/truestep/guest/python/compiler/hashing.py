"""Hashes of strings by the guest's runtime (guest/c/python/hash.c), not compiled anew for each guest."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, register_jitable
from numba.cpython import hashing

_INT64 = ir.IntType(64)


def install_hashing() -> None:
    """Replace Numba's."""
    hashing._Py_HashBytes = _hash_of


@register_jitable
def _hash_of(data: Any, size: Any) -> Any:
    return _call_runtime(data, size)


@intrinsic
def _call_runtime(typing_context: Any, data: Any, size: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function_type = ir.FunctionType(_INT64, [arguments[0].type, _INT64])
        function = cgutils.get_or_insert_function(builder.module, function_type, "truestep_hash")
        size = context.cast(builder, arguments[1], signature.args[1], types.int64)
        return builder.call(function, [arguments[0], size])

    return types.int64(data, size), generate
