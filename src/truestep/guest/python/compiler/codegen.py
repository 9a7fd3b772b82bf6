"""Retargets Numba's code generation: RISC-V object files instead of functions in this process."""

import re
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, codegen, config, cpu, event
from numba.core.runtime import nrtdynmod, rtsys

llvm: Any = binding

TRIPLE = "riscv64-unknown-elf"
FEATURES = "+m,+zfinx,+zdinx,+relax,+unaligned-scalar-mem,+forced-atomics"

# Functions of libm that LLVM would fold with the building computer's libm: they get names that LLVM does not
# know until there is nothing left to fold. Those with exact results (sqrt, floor, fabs, fma) may be folded.
_INEXACT = (
    "acos|acosh|asin|asinh|atan|atan2|atanh|cbrt|cos|cosh|erf|erfc|exp|exp10|exp2|expm1|hypot|lgamma|log|"
    "log10|log1p|log2|pow|sin|sinh|tan|tanh|tgamma"
)
_UNFOLDED_PREFIX = "truestep.math."
_INTRINSIC = re.compile(rf'@"llvm\.({_INEXACT})\.f(32|64)"')
_LIBRARY_CALL = re.compile(rf'@"((?:{_INEXACT})f?)"')
_DECLARATION = re.compile(rf'^(declare [^\n]*@"{re.escape(_UNFOLDED_PREFIX)}[^\n]*)$', re.MULTILINE)

# The layout of guest/c/python/random.c.
_GENERATORS = "truestep_random_generators"
START = "truestep_start_generator_"
GENERATOR_SIZE_BYTES = 2520
_IS_SEEDED_OFFSET_BYTES = 2512

_SPEED_LEVEL = 3
_EARLY_SPEED_LEVEL = 1
"""Of functions on their own: enough to keep them short until all are optimised together."""
_INLINING_THRESHOLD = 1000
"""Higher than LLVM's 225: the engine handles long functions well, while each call costs it a spill."""

_PRODUCTS = ("numba_xxdot", "numba_xxgemv", "numba_xxgemm")
"""What Numba calls for products, with the letter of the kind of numbers as the first argument."""

_TEXTS, _ARRAYS = ".const.", ".const.array"
"""How Numba's names of constants begin: those of texts and exceptions, and those of arrays among them."""

finished_libraries: list["MachineLibrary"] = []
"""Everything compiled so far, for references that are resolved late, as in mutual recursion."""


_BaseLibrary: Any = codegen.AOTCodeLibrary
_BaseCodegen: Any = codegen.CPUCodegen


class MachineLibrary(_BaseLibrary):
    """A library that is never loaded into this process."""

    def __init__(self, *arguments: Any) -> None:
        _BaseLibrary.__init__(self, *arguments)
        finished_libraries.append(self)

    def add_ir_module(self, ir_module: Any) -> None:
        """Add a module, and mark its functions with the attributes on which calls from C rely."""
        _call_products_of_kinds(ir_module)
        for function in ir_module.functions:
            _extend_narrow_integers(function)
        _pack_texts(ir_module)
        text = codegen.cgutils.normalize_ir_text(str(ir_module))
        module = llvm.parse_assembly(_without_foldable_calls(text))
        module.name = ir_module.name
        module.verify()
        self.add_llvm_module(module)

    def _optimize_functions(self, module: Any) -> None:
        """Shorten each function that the module defines, before it is linked into others."""
        module.data_layout = self._codegen._data_layout
        for function in module.functions:
            if not function.is_declaration:
                manager, builder = self._codegen._function_pass_manager(opt=_EARLY_SPEED_LEVEL)
                manager.run(function, builder)

    def _optimize_final_module(self) -> None:
        """Do nothing: functions are optimised once, together with the whole program (`optimise`)."""

    def optimise(self) -> None:
        """Optimise the library and everything linked into it."""
        _BaseLibrary._optimize_final_module(self)

    def get_pointer_to_function(self, name: str) -> int:
        """Nothing compiled here can be called here."""
        del name
        return 0


def _extend_narrow_integers(function: Any) -> None:
    """The psABI's rule, which Numba omits: 32-bit integers come sign-extended, booleans zero-extended."""
    if function.name.startswith("llvm."):
        return
    for value in (*function.args, function.return_value):
        if isinstance(value.type, ir.IntType) and value.type.width in {1, 32}:
            value.add_attribute("signext" if value.type.width == 32 else "zeroext")


def _pack_texts(module: Any) -> None:
    """Let equal texts become one when all is linked, and no gaps lie between them: nobody sees addresses."""
    for constant in module.global_values:
        if constant.name.startswith(_TEXTS) and not constant.name.startswith(_ARRAYS):
            constant.unnamed_addr = True
            if isinstance(constant.value_type, ir.ArrayType):
                constant.align = 1


def _call_products_of_kinds(module: Any) -> None:
    """Let products that are given the kind of numbers call the function of that kind (linear_products.c)."""
    if not any(name in module.globals for name in _PRODUCTS):
        return
    for function in module.functions:
        for block in function.blocks:
            for call in block.instructions:
                callee = getattr(call, "callee", None)
                if callee is not None and callee.name in _PRODUCTS:
                    name = f"{callee.name}_{chr(call.args[0].constant)}"
                    call.callee = cgutils.get_or_insert_function(module, callee.function_type, name)


def _without_foldable_calls(text: str) -> str:
    text = _INTRINSIC.sub(lambda m: f'@"{_UNFOLDED_PREFIX}{m[1]}{"f" if m[2] == "32" else ""}"', text)
    text = _LIBRARY_CALL.sub(rf'@"{_UNFOLDED_PREFIX}\1"', text)
    # Calls with the same argument are interchangeable: they may be merged, hoisted or dropped.
    return _DECLARATION.sub(r"\1 nounwind willreturn memory(none)", text)


def with_library_names(module: Any) -> None:
    """Give the functions of libm their own names back. Nothing may be optimised after this."""
    for function in module.functions:
        if function.name.startswith(_UNFOLDED_PREFIX):
            function.name = function.name.removeprefix(_UNFOLDED_PREFIX)


class MachineCodegen(_BaseCodegen):
    """Numba's code generator with the machine as its target and no engine to load code into."""

    _library_class = MachineLibrary

    def _init(self, llvm_module: Any) -> None:
        del llvm_module
        target = llvm.Target.from_triple(TRIPLE)
        self._tm_features = FEATURES
        self._tm = target.create_target_machine(
            cpu="generic-rv64", features=FEATURES, opt=3, reloc="static", codemodel="medium", abiname="lp64"
        )
        self._engine = None
        self._target_data = self._tm.target_data
        self._data_layout = str(self._target_data)
        self._loopvect = False
        self._opt_level = 0

    def _create_empty_module(self, name: str) -> Any:
        module = _BaseCodegen._create_empty_module(self, name)
        module.triple = TRIPLE
        return module

    def _add_module(self, module: Any) -> None:
        del module

    def _scan_and_fix_unresolved_refs(self, module: Any) -> None:
        del module

    def set_env(self, env_name: str, env: object) -> None:
        """Do nothing: environments hold Python objects, and a guest has none."""
        del env_name, env

    def insert_unresolved_ref(self, builder: Any, fnty: Any, name: str) -> Any:
        """A function that another library will define: a plain declaration, resolved when all is linked."""
        declared = builder.module.globals.get(name)
        return declared or ir.Function(builder.module, fnty, name)

    def magic_tuple(self) -> tuple[str, ...]:
        """What the generated code depends on."""
        return TRIPLE, "generic-rv64", FEATURES

    def _pass_builder(self, **options: Any) -> Any:
        tuning = llvm.create_pipeline_tuning_options()
        tuning.speed_level = options.get("opt", _SPEED_LEVEL)
        tuning.inlining_threshold = _INLINING_THRESHOLD
        tuning.loop_vectorization = tuning.slp_vectorization = False
        return llvm.create_pass_builder(self._tm, tuning)

    def emit_object(self, module: Any) -> bytes:
        """The module as an object file."""
        return self._tm.emit_object(module)


def retarget() -> None:
    """Make Numba compile for the machine from now on, in this whole process."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    config.LOOP_VECTORIZE = config.SLP_VECTORIZE = 0
    codegen.JITCPUCodegen = MachineCodegen
    context = cpu.CPUContext
    context.create_cpython_wrapper = _nothing
    context.create_cfunc_wrapper = _nothing
    type(rtsys).initialize = _initialize_runtime
    # Numba tells its timers of each call of LLVM; nobody asks them.
    event.start_event = event.end_event = _nothing


def _nothing(*arguments: object, **options: object) -> None:
    """Replaces what a guest does not need: wrappers for an interpreter, events."""


def _initialize_runtime(runtime: Any, context: Any) -> None:
    """Use our own C runtime (guest/c/python); its most frequent calls are inlined."""
    if runtime._init:
        return
    library = context.codegen().create_library("nrt")
    module = library.create_ir_module("nrt_module")
    nrtdynmod._define_nrt_meminfo_data(module)
    for index, name in enumerate(("py", "np", "internal")):
        _define_random_state(module, f"numba_get_{name}_random_state", index)
    library.add_ir_module(module)
    library.finalize()
    runtime._library = library
    runtime._init = True


def generator_at(builder: Any, module: Any, index: int, offset: int) -> Any:
    """The address of a byte of generator number `index`."""
    byte, word = ir.IntType(8), ir.IntType(32)
    known = module.globals.get(_GENERATORS)
    kind = ir.ArrayType(byte, 3 * GENERATOR_SIZE_BYTES)
    generators = known or ir.GlobalVariable(module, kind, _GENERATORS)
    return builder.gep(generators, [word(0), word(index * GENERATOR_SIZE_BYTES + offset)])


def _define_random_state(module: Any, name: str, index: int) -> None:
    """The address of generator number `index` (guest/c/python/random.c), which is started on first use."""
    byte, word = ir.IntType(8), ir.IntType(32)
    function = ir.Function(module, ir.FunctionType(byte.as_pointer(), []), name)
    start = ir.Function(module, ir.FunctionType(ir.VoidType(), []), f"{START}{index}")
    builder = ir.IRBuilder(function.append_basic_block())
    flag = generator_at(builder, module, index, _IS_SEEDED_OFFSET_BYTES)
    is_seeded = builder.load(builder.bitcast(flag, word.as_pointer()))
    with builder.if_then(builder.icmp_unsigned("==", is_seeded, word(0)), likely=False):
        builder.call(start, [])
    builder.ret(generator_at(builder, module, index, 0))
