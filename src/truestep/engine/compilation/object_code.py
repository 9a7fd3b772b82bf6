"""Object code of IR. Imports nothing that a process which only compiles can do without."""

import threading
from enum import IntEnum

LLVM_LOCK = threading.RLock()
"""llvmlite locks each call, but whole compilations must not interleave in LLVM's global context."""


class Tier(IntEnum):
    """How well code is compiled, as LLVM's level of code generation. All tiers compute the same."""

    BASELINE = 0
    """A third of the time of compiling; code that takes three times as long."""
    OPTIMISED = 2


def object_code(ir: str, tier: Tier = Tier.OPTIMISED) -> bytes:
    """Compile IR to an object file for this processor."""
    with LLVM_LOCK:
        from truestep.engine.compilation.llvm_code import compile_object  # loads LLVM

        return compile_object(ir, int(tier))
