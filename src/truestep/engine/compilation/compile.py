"""Compiles IR text to machine code in this process, with llvmlite."""

import ctypes
import threading
from collections.abc import Callable
from functools import wraps
from typing import Self, TypeVar

import llvmlite.binding as llvm

from truestep.engine.codegen.support import METADATA, leave_at_function, run_function, walk_function
from truestep.engine.codegen.walk import walk_module
from truestep.engine.compilation.object_cache import ObjectCache, build_id
from truestep.engine.host import float_unit

_LOCK = threading.RLock()
"""llvmlite locks each call, but whole compilations must not interleave in LLVM's global context."""

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
            with _LOCK:
                if not built:
                    built.append(build())
        return built[0]

    return get


def object_code(ir: str, *, codegen_level: int = 2) -> bytes:
    """Compile IR to an object file for this processor."""
    with _LOCK:
        machine = _target_machine(codegen_level)
        module = llvm.parse_assembly(f'target triple = "{llvm.get_process_triple()}"\n{ir}')
        module.data_layout = str(machine.target_data)
        if codegen_level:
            _optimise(module, machine)
        return machine.emit_object(module)


class CompiledModule:
    """A compiled module; its code lives as long as this object."""

    def __init__(self, ir: str, *, codegen_level: int = 2) -> None:
        self._engine = _link(object_code(ir, codegen_level=codegen_level))

    @classmethod
    def from_object(cls, content: bytes) -> Self:
        """The module of an object file that `object_code` has made."""
        module = cls.__new__(cls)
        module._engine = _link(content)
        return module

    def function(self, name: str) -> int:
        """The address of an external function."""
        return self._engine.get_function_address(name)

    def variable(self, name: str) -> int:
        """The address of an external variable."""
        return self._engine.get_global_value_address(name)


def _link(content: bytes) -> llvm.ExecutionEngine:
    """Load an object file into this process."""
    with _LOCK:
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine(2))
        engine.add_object_file(llvm.ObjectFileRef.from_data(content))
        engine.finalize_object()
        return engine


@once
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def _target_machine(codegen_level: int) -> llvm.TargetMachine:
    _initialise()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=2 if codegen_level else 0,
        jit=True,
    )


def _optimise(module: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Promote allocas to values and clean up: nearly the result of -O2 in half the time."""
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)


RunFunction = Callable[[int, int, int], None]
WalkFunction = Callable[[int, int, int], int]


@once
def _run_module() -> CompiledModule:
    parts = (run_function(float_unit()), walk_function(float_unit()), leave_at_function(), METADATA)
    return CompiledModule("".join(parts))


def leave_at_address() -> int:
    """The address of `leave_at` (support.leave_at_function)."""
    return _run_module().function("leave_at")


@once
def run_translated() -> RunFunction:
    """`run(address of guest memory, budget, address of walk or 0)`: see support.run_function; without GIL."""
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
    return prototype(_run_module().function("run"))


_walks: list[CompiledModule] = []


def walk_address(objects: ObjectCache | None = None) -> int:
    """The address of `walk` (engine.walk). The first call takes it from `objects`, or compiles it, 0.2 s."""
    with _LOCK:
        if not kept_walk_address(objects):
            content = object_code(walk_module())
            if objects:
                objects.store(_walk_key(), content)
            _walks.append(CompiledModule.from_object(content))
        return kept_walk_address()


def kept_walk_address(objects: ObjectCache | None = None) -> int:
    """The address of `walk` if this process has it or `objects` keep it, which takes 5 ms; else 0."""
    if not _walks and objects:
        with _LOCK:
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
