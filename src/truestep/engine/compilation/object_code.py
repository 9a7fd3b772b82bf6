"""Object code of IR. Imports nothing that a process which only compiles can do without."""

import threading

LLVM_LOCK = threading.RLock()
"""llvmlite locks each call, but whole compilations must not interleave in LLVM's global context."""


def object_code(ir: str, *, codegen_level: int = 2) -> bytes:
    """Compile IR to an object file for this processor."""
    with LLVM_LOCK:
        from truestep.engine.compilation.llvm_code import compile_object  # loads LLVM

        return compile_object(ir, codegen_level)
