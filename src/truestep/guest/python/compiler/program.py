"""Compiles a Python file to one object file: loads the module, compiles the guest and its calls, links."""

import contextlib
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from numba.core import compiler as numba_compiler
from numba.core import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from truestep.guest.python.compiler.arrays import NO_ADDRESS
from truestep.guest.python.compiler.codegen import START, finished_libraries, with_library_names
from truestep.guest.python.compiler.complaint import Complaint
from truestep.guest.python.compiler.constant_powers import link_constant_powers
from truestep.guest.python.compiler.declared_signatures import compiling_a_guest
from truestep.guest.python.compiler.entry import make_entry
from truestep.guest.python.compiler.exact_variables import give_up_exact_variables
from truestep.guest.python.compiler.functions import compiled
from truestep.guest.python.compiler.inferring import returned_type
from truestep.guest.python.compiler.left_out import leave_out
from truestep.guest.python.compiler.randomness.starting import add_starts, changed_states, settle
from truestep.guest.python.compiler.signature import GuestSignature, read_signature
from truestep.guest.python.compiler.starting_over import compile_until_known, go_on, start_over
from truestep.guest.python.compiler.state_instances import with_states
from truestep.guest.sdk import DECLARATION

_BRANCHES_MAX = 24
"""Who must leave out more has a program for something else than a guest."""
ENTRY_SYMBOL = "truestep_guest"

_FOREIGN = re.compile(
    r"_?Py(?!_FatalError$|GILState_Ensure$)|numba_(?:adapt|unpickle|do_raise|ndarray)|NRT_adapt"
)
"""Functions that exist only in an interpreter. The two exceptions are in the guest's runtime."""


def load_guest(source: Path) -> Callable[..., Any]:
    """The one function that the module at `source` declares as a guest."""
    module = _load(source)
    declared = [
        value
        for value in vars(module).values()
        if hasattr(value, DECLARATION) and getattr(value, "__module__", None) == module.__name__
    ]
    distinct = list({id(value): value for value in declared}.values())
    if len(distinct) != 1:
        found = ", ".join(value.__name__ for value in distinct) or "none"
        raise Complaint(
            f"expected one function decorated with @truestep.guest, found {found}",
            place=source.name,
            remedy="put @truestep.guest above the function that takes the input and returns the output",
        )
    return getattr(distinct[0], "py_func", distinct[0])


def _load(source: Path) -> ModuleType:
    """Import the file under its own name, with its neighbours importable."""
    sys.path.insert(0, str(source.parent))
    spec = importlib.util.spec_from_file_location(source.stem, source)
    if spec is None or spec.loader is None:
        raise Complaint(f"expected a Python file, got {source.name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[source.stem] = module
    settle()
    spec.loader.exec_module(module)
    return module


@global_compiler_lock
def compile_guest(guest: Callable[..., Any]) -> bytes:
    """The object file of a declared guest.

    It is first compiled to use its input in place, which cannot be written. If its types do not allow that,
    because it sorts its input for example, it is compiled to use a copy.
    """
    signature = read_signature(guest)
    states = changed_states()
    return _emit(compile_all(signature, states))


def compile_all(signature: GuestSignature, states: dict[int, bytes]) -> Any:
    """A library of the guest and everything that it calls. Raises what Numba or our own parts complain of."""
    with compiling_a_guest():
        try:
            return _compile_with_copy(signature, states)
        except Exception as error:
            if not give_up_exact_variables(error):
                raise
            start_over()
            with contextlib.suppress(Exception):  # if that fails as well, the first error is what to mend
                return _compile_with_copy(signature, states)
            raise


def _compile_with_copy(signature: GuestSignature, states: dict[int, bytes]) -> Any:
    """A library of the guest, which may need a copy of its input."""
    try:
        return _compile(signature, states, copies_input=False)
    except Exception:
        return _compile_what_can_be(signature, states)


def _compile_what_can_be(signature: GuestSignature, states: dict[int, bytes]) -> Any:
    """A library of the guest, if need be without branches that cannot be compiled; else its first error."""
    source = Path(signature.function.__code__.co_filename)
    found: list[Exception] = []
    while len(found) < _BRANCHES_MAX:
        go_on()
        try:
            return _compile(signature, states, copies_input=True)
        except Exception as error:
            found.append(error)
            if not leave_out(error, source):
                break
    raise found[0]


def _compile(signature: GuestSignature, states: dict[int, bytes], *, copies_input: bool) -> Any:
    """A library of the entry and everything that it calls, optimised together."""

    def entry() -> Any:
        return with_states(make_entry(signature, compiled(signature.function), copies_input=copies_input))

    def compile_once() -> Any:
        library = _compile_entry(entry())
        add_starts(library, states)
        return library

    return compile_until_known(compile_once, lambda: returned_type(entry(), ()))


def _compile_entry(entry: Any) -> Any:
    typing_context, context = cpu_target.typing_context, cpu_target.target_context
    typing_context.refresh()
    context.refresh()
    flags = numba_compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
    flags.nrt = True
    flags.enable_pyobject = False
    flags.error_model = "numpy"
    library = context.codegen().create_library("guest")
    result = numba_compiler.compile_extra(
        typing_context, context, entry, (), types.none, flags, locals={}, library=library
    )
    library.get_function(result.fndesc.llvm_func_name).name = ENTRY_SYMBOL
    return library


def _emit(library: Any) -> bytes:
    library.finalize()
    module: Any = library._final_module
    _link_late_references(library, module)
    link_constant_powers(module)
    _keep_only_the_entry(module)
    library.optimise()
    _check_foreign_functions(module)
    with_library_names(module)
    return library.codegen.emit_object(module)


def _link_late_references(library: Any, module: Any) -> None:
    """Link functions that were compiled after their callers, until none is missing."""
    while missing := {f.name for f in module.functions if f.is_declaration and f.name.startswith("_ZN")}:
        definers = [
            other for other in finished_libraries if other is not library and missing & _defined(other)
        ]
        if not definers:
            raise Complaint(f"no definition of {sorted(missing)[0]} was compiled")
        module.link_in(definers[0]._get_module_for_linking(), preserve=True)


def _defined(library: Any) -> set[str]:
    return {f.name for f in library._final_module.functions if not f.is_declaration}


def _keep_only_the_entry(module: Any) -> None:
    for function in module.functions:
        is_called_from_c = function.name == ENTRY_SYMBOL or function.name.startswith(START)
        if not function.is_declaration and not is_called_from_c:
            function.linkage = "internal"
    for variable in module.global_variables:
        if not variable.is_declaration and not variable.name.startswith("llvm."):
            variable.linkage = "internal"


def _check_foreign_functions(module: Any) -> None:
    """Refuse, by name, everything that needs the interpreter at run time."""
    declared = [value.name for value in (*module.functions, *module.global_variables) if value.is_declaration]
    foreign = sorted(name for name in declared if _FOREIGN.match(name) or name == NO_ADDRESS)
    if foreign:
        raise Complaint(
            f"the guest needs an object of the interpreter while it runs ({foreign[0]})",
            remedy="do not use ctypes, cffi, function pointers or objects that exist only in Python",
        )
