"""Constants: a module's global arrays become part of the program; large ones are files for the linker."""

import hashlib
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import base, cgutils, cpu, types

_INLINE_LIMIT_BYTES = 1 << 14
"""Arrays up to this size are part of LLVM's text; that would be slow for larger ones."""

large_arrays: dict[str, bytes] = {}
"""Contents by symbol; the build assembles them."""


NO_ADDRESS = "truestep_object_of_the_interpreter"
"""Stands for the address of a Python object. Most are never used; a guest that uses one is refused."""


def install_constants() -> None:
    """Prevent compiled code from pointing into this process."""
    cpu.CPUContext.allow_dynamic_globals = False
    cpu.CPUContext.add_dynamic_addr = _no_address
    base.BaseContext.make_constant_array = _make_constant_array


def _no_address(context: Any, builder: Any, intaddr: int, info: str) -> Any:
    del context, intaddr, info
    known = builder.module.globals.get(NO_ADDRESS)
    return known or ir.GlobalVariable(builder.module, ir.IntType(8), NO_ADDRESS)


def _make_constant_array(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    order = "F" if kind.layout == "F" else "C"
    contiguous = np.asarray(array, order=order)
    content = contiguous.tobytes(order=order)
    data = _constant_bytes(context, builder, kind, content)
    word = context.get_value_type(types.intp)
    structure = context.make_array(kind)(context, builder)
    context.populate_array(
        structure,
        data=builder.bitcast(data, structure.data.type),
        shape=cgutils.create_constant_array(word, [word(size) for size in contiguous.shape]),
        strides=cgutils.create_constant_array(word, [word(step) for step in contiguous.strides]),
        itemsize=word(array.dtype.itemsize),
        parent=None,
        meminfo=None,
    )
    return structure._getvalue()


def _constant_bytes(context: Any, builder: Any, kind: Any, content: bytes) -> Any:
    bytes_type = ir.ArrayType(ir.IntType(8), len(content))
    if len(content) > _INLINE_LIMIT_BYTES:
        symbol = f"truestep_array_{hashlib.sha256(content).hexdigest()[:32]}"
        large_arrays[symbol] = content
        known = builder.module.globals.get(symbol)
        return known or ir.GlobalVariable(builder.module, bytes_type, symbol)
    data = cgutils.global_constant(builder, ".const.array.data", bytes_type(bytearray(content)))
    data.align = max(16, context.get_abi_alignment(context.get_data_type(kind.dtype)))
    return data
