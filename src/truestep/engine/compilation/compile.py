"""Machine code of IR text, in this process: compiled by LLVM, or taken from disk."""

import ctypes
import weakref
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Self, TypeVar

from truestep.engine.codegen.support import (
    METADATA,
    leave_at_function,
    leave_function,
    run_function,
    store_function,
    walk_function,
)
from truestep.engine.codegen.walk import walk_module
from truestep.engine.compilation.compiler_process import CompilerProcess
from truestep.engine.compilation.loading import ExecutableCode, LoadedObject, NotLoadable
from truestep.engine.compilation.object_cache import ObjectCache, build_id
from truestep.engine.compilation.object_code import LLVM_LOCK, Tier, object_code
from truestep.engine.host import float_unit, has_feature
from truestep.engine.layout import (
    CONTROL_ENTER,
    CONTROL_FLOATS,
    CONTROL_LEAVE,
    CONTROL_OPEN_PAGE,
    CONTROL_STORE_CHECK,
)
from truestep.engine.templates.floats import FUNCTIONS_LIMIT, float_functions, floats_module
from truestep.engine.templates.leaving import ENTER
from truestep.engine.templates.words import SharedTemplates

if TYPE_CHECKING:
    from truestep.engine.compilation.llvm_code import LinkedObject

T = TypeVar("T")


def once(build: Callable[[], T]) -> Callable[[], T]:
    """A function that calls `build` once and always returns that result.

    Unlike functools.cache, it never builds two modules when two threads call at the same time: one of them
    would be dropped together with its code while that code runs.
    """
    built: list[T] = []

    @wraps(build)
    def get() -> T:
        if not built:
            with LLVM_LOCK:
                if not built:
                    built.append(build())
        return built[0]

    return get


class CompiledModule:
    """A compiled module; its code lives as long as this object."""

    def __init__(self, ir: str) -> None:
        self._code = _load(object_code(ir))

    @classmethod
    def from_object(cls, content: bytes) -> Self:
        """The module of an object file that `object_code` has made."""
        module = cls.__new__(cls)
        module._code = _load(content)
        return module

    def function(self, name: str) -> int:
        """The address of an external function."""
        return self._code.address(name)

    def variable(self, name: str) -> int:
        """The address of an external variable."""
        return self._code.address(name)


def _load(content: bytes) -> "LoadedObject | LinkedObject":
    """Load an object file into this process, if possible without LLVM."""
    try:
        return LoadedObject(content)
    except NotLoadable:
        with LLVM_LOCK:
            from truestep.engine.compilation.llvm_code import LinkedObject  # loads LLVM

            return LinkedObject(content)


@once
def shared_templates() -> SharedTemplates:
    """The templates of the first tier, for all programs."""
    return SharedTemplates(has_fused=has_feature("fma"))


@once
def _float_table() -> "ctypes.Array[ctypes.c_uint64]":
    """The addresses of the functions that templates call, once these are loaded; at one address for all."""
    return (ctypes.c_uint64 * FUNCTIONS_LIMIT)()


@once
def load_floats() -> CompiledModule:
    """Load the functions that templates call, before code runs that calls them."""
    module = common_module("floats", floats_module, Tier.BASELINE)  # seldom called where much is run
    for number, name in enumerate(float_functions()):
        _float_table()[number] = module.function(name)
    return module


RunFunction = Callable[[int, int, int], None]
WalkFunction = Callable[[int, int, int], int]


_kept_in: list[ObjectCache] = []
_compiled_by: list["weakref.ref[CompilerProcess]"] = []


def keep_common_code(objects: ObjectCache, compiler: CompilerProcess | None = None) -> None:
    """Keep code that belongs to no program in `objects`; `compiler` compiles it while there is one.

    The first call in a process counts, for either.
    """
    if not _kept_in:
        _kept_in.append(objects)
    if compiler and not any(each() for each in _compiled_by):
        _compiled_by[:] = [weakref.ref(compiler)]


def common_module(name: str, ir: Callable[[], str], tier: Tier = Tier.OPTIMISED) -> CompiledModule:
    """A module that belongs to no program, from disk if it was kept there."""
    key = build_id() + b" " + name.encode()
    content = next((found for each in _kept_in if (found := each.load(key))), None)
    if content is None:
        content = _common_code(ir(), key, tier)
        for each in _kept_in:
            each.store(key, content)
    return CompiledModule.from_object(content)


def _common_code(ir: str, key: bytes, tier: Tier = Tier.OPTIMISED) -> bytes:
    """Object code for all programs: compiled by the process for that, or here, which loads LLVM."""
    compiler = next((found for each in _compiled_by if (found := each())), None)
    return compiler.compile(ir, key, tier) if compiler else object_code(ir, tier)


@once
def _run_module() -> CompiledModule:
    unit = float_unit()
    parts = (
        run_function(unit),
        walk_function(unit),
        leave_at_function(),
        leave_function(),
        store_function(""),
    )
    return common_module("run", lambda: "".join((*parts, METADATA)))


def leave_at_address() -> int:
    """The address of `leave_at` (support.leave_at_function)."""
    return _run_module().function("leave_at")


@once
def shared_addresses() -> dict[int, int]:
    """The word of the control block for each function that all translated code shares, and its address."""
    names = {CONTROL_LEAVE: "leave", CONTROL_STORE_CHECK: "store_check", CONTROL_OPEN_PAGE: "open_page"}
    addresses = {word: _run_module().function(name) for word, name in names.items()}
    return addresses | {CONTROL_FLOATS: ctypes.addressof(_float_table()), CONTROL_ENTER: _enter().address}


@once
def _enter() -> ExecutableCode:
    """What `run` enters translated code through where there are templates."""
    return ExecutableCode(ENTER)


@once
def run_translated() -> RunFunction:
    """`run(address of guest memory, budget, address of walk or 0)`: see support.run_function; without GIL."""
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    return prototype(_run_module().function("run"))


_walks: list[CompiledModule] = []


def walk_address(objects: ObjectCache | None = None) -> int:
    """The address of `walk` (engine.walk). The first call takes it from `objects`, or compiles it, 0.2 s."""
    with LLVM_LOCK:
        if not kept_walk_address(objects):
            content = _common_code(walk_module(), _walk_key())
            if objects:
                objects.store(_walk_key(), content)
            _walks.append(CompiledModule.from_object(content))
        return kept_walk_address()


def kept_walk_address(objects: ObjectCache | None = None) -> int:
    """The address of `walk` if this process has it or `objects` keep it, which takes 5 ms; else 0."""
    if not _walks and objects:
        with LLVM_LOCK:
            content = None if _walks else objects.load(_walk_key())
            if content is not None:
                _walks.append(CompiledModule.from_object(content))
    return _walks[0].function("walk") if _walks else 0


def _walk_key() -> bytes:
    return build_id() + b" walk"


@once
def walk_to() -> WalkFunction:
    """`walk_to(address of guest memory, count, address of walk)`: see support.walk_function."""
    prototype = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    return prototype(_run_module().function("walk_to"))
