"""Where a guest's `random` and `np.random` start, if its module seeds them when it is imported.

Python goes on from the state after the import, and so does the guest. Otherwise the job's seed is the start.
"""

import random
import struct
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from truestep.guest.python.compiler.codegen import GENERATOR_SIZE_BYTES, START, generator_at

_KEY = (0x74727565, 0x73746570)
"""A seed that no module uses by chance. Whoever changes the key afterwards has seeded."""
_LAYOUT = struct.Struct("<i624I i d i 4x")
"""As in guest/c/python/random.h."""


def settle() -> None:
    """Give both generators a known state, before a module is imported."""
    random.seed(int.from_bytes(struct.pack("<2I", *_KEY), "little"))
    np.random.seed(_KEY)


def _python_state() -> tuple[tuple[int, ...], bytes]:
    """(key, state) of `random`."""
    _, (*key, position), spare = random.getstate()
    state = _LAYOUT.pack(position, *key, spare is not None, spare or 0.0, 1)
    return tuple(key), state


def _numpy_state() -> tuple[tuple[int, ...], bytes]:
    """(key, state) of `np.random`."""
    _, words, position, has_spare, spare = np.random.get_state()
    key = tuple(int(word) for word in words)
    return key, _LAYOUT.pack(position, *key, has_spare, spare, 1)


def changed_states() -> dict[int, bytes]:
    """The states of the generators that a module has seeded since `settle`, by their number."""
    found = [_python_state(), _numpy_state()]
    settle()
    settled = [_python_state()[0], _numpy_state()[0]]
    return {index: state for index, (key, state) in enumerate(found) if key != settled[index]}


def add_starts(library: Any, states: dict[int, bytes]) -> None:
    """Define the functions that start the generators, instead of those of the runtime."""
    for index, state in sorted(states.items()):
        module = library.create_ir_module(f"random_start_{index}")
        kind = ir.FunctionType(ir.VoidType(), [])
        builder = ir.IRBuilder(ir.Function(module, kind, f"{START}{index}").append_basic_block())
        content = ir.Constant(ir.ArrayType(ir.IntType(8), GENERATOR_SIZE_BYTES), bytearray(state))
        source = cgutils.global_constant(module, f"random_state_{index}", content)
        size = ir.IntType(64)(GENERATOR_SIZE_BYTES)
        target = generator_at(builder, module, index, 0)
        cgutils.raw_memcpy(builder, target, builder.bitcast(source, target.type), size, 1)
        builder.ret_void()
        library.add_ir_module(module)
