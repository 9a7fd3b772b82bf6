"""The engines by name, loaded when asked for: LLVM takes a moment to import."""

import os
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

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
    from truestep.engine.object_cache import ObjectCache
    from truestep.engine.translation import CompilePolicy

    return JitEngine(CompilePolicy(objects=ObjectCache(object_directory())))


def engine_build(name: EngineName) -> str:
    """Names an engine's version; of the JIT, a digest of all that its code depends on."""
    if name is EngineName.REFERENCE:
        return version("truestep")
    from truestep.engine.object_cache import build_id

    return build_id().hex()


def object_directory() -> Path:
    """Where this user's compiled code is kept (the XDG base directories)."""
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(user_cache).expanduser() / "truestep" / "objects"
