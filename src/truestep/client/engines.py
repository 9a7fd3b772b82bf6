"""The engines by name, loaded when asked for: LLVM takes a moment to import."""

from enum import StrEnum

from truestep.machine.interpreter import ReferenceEngine
from truestep.ports.engine import Engine


class EngineName(StrEnum):
    """Which engine runs a program. All give the same bits; they differ in speed."""

    JIT = "jit"
    REFERENCE = "reference"


def open_engine(name: EngineName) -> Engine:
    """The engine called `name`."""
    if name is EngineName.REFERENCE:
        return ReferenceEngine()
    from truestep.engine.jit import JitEngine

    return JitEngine()
