"""One compilation: changes Numba, notes the files that are read, compiles, writes the results."""

import json
import sys
import warnings
from pathlib import Path

from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from truestep.guest.python.compiler.accumulators import install_accumulators
from truestep.guest.python.compiler.array_checks import install_array_checks
from truestep.guest.python.compiler.array_expressions import install_array_expressions
from truestep.guest.python.compiler.arrays import install_constants, large_arrays
from truestep.guest.python.compiler.calls import install_exceptions
from truestep.guest.python.compiler.codegen import retarget
from truestep.guest.python.compiler.complaint import Complaint, line_of
from truestep.guest.python.compiler.conversions import install_conversions
from truestep.guest.python.compiler.declared_signatures import install_declared_signatures
from truestep.guest.python.compiler.division import install_division
from truestep.guest.python.compiler.domain_errors import install_domain_errors
from truestep.guest.python.compiler.exact_variables import notes_on_floats
from truestep.guest.python.compiler.explain import explain
from truestep.guest.python.compiler.extremes import install_extremes
from truestep.guest.python.compiler.fourier import install_fourier
from truestep.guest.python.compiler.functions import accept_plain_functions
from truestep.guest.python.compiler.instance_iteration import install_instance_iteration
from truestep.guest.python.compiler.instance_operators import install_instance_operators
from truestep.guest.python.compiler.kept_assignments import install_kept_assignments
from truestep.guest.python.compiler.keyword_arguments import install_keyword_arguments
from truestep.guest.python.compiler.language import install_language
from truestep.guest.python.compiler.left_out import notes
from truestep.guest.python.compiler.linear.install import install_linear_algebra
from truestep.guest.python.compiler.missing_values import install_missing_values
from truestep.guest.python.compiler.module_calls import install_module_calls
from truestep.guest.python.compiler.narrowing import install_narrowing
from truestep.guest.python.compiler.nested_lists import install_nested_lists
from truestep.guest.python.compiler.numpy_functions.installation import install_numpy_functions
from truestep.guest.python.compiler.optional_values import install_optional_values
from truestep.guest.python.compiler.overlaps import install_overlaps
from truestep.guest.python.compiler.powers import install_powers
from truestep.guest.python.compiler.printing import install_printing
from truestep.guest.python.compiler.program import compile_guest, load_guest
from truestep.guest.python.compiler.promotion import install_promotion
from truestep.guest.python.compiler.python_random import install_python_random
from truestep.guest.python.compiler.randomness import install_randomness
from truestep.guest.python.compiler.ranges import install_ranges
from truestep.guest.python.compiler.reading import files_read, watch_files
from truestep.guest.python.compiler.rounding import install_rounding
from truestep.guest.python.compiler.scipy_functions.addresses import install_addresses
from truestep.guest.python.compiler.sentinels import install_sentinels
from truestep.guest.python.compiler.sorting import install_sorting
from truestep.guest.python.compiler.state_instances import install_state_instances
from truestep.guest.python.compiler.sums import install_sums
from truestep.guest.python.compiler.ufuncs import install_ufuncs
from truestep.guest.python.compiler.user_ufuncs import install_user_ufuncs
from truestep.guest.python.files import COMPLAINT, NOTES, OBJECT, READ, array_file


@global_compiler_lock
def prepare() -> None:
    """Change Numba for the guests of this process."""
    warnings.simplefilter("ignore")
    retarget()
    accept_plain_functions()
    install_declared_signatures()
    install_addresses()
    install_constants()
    install_exceptions()
    install_conversions()
    install_printing()
    install_linear_algebra()
    install_sums()
    install_randomness()
    install_fourier()
    install_python_random()
    install_promotion()
    install_array_checks()
    install_array_expressions()
    install_narrowing()
    install_ufuncs()
    install_user_ufuncs()
    install_powers()
    install_division()
    install_domain_errors()
    install_nested_lists()
    install_kept_assignments()
    install_rounding()
    install_ranges()
    install_extremes()
    install_missing_values()
    install_sorting()
    install_language()
    install_state_instances()
    install_overlaps()
    install_optional_values()
    install_sentinels()
    install_instance_iteration()
    install_instance_operators()
    install_accumulators()
    install_module_calls()
    install_keyword_arguments()
    install_numpy_functions()
    # Numba loads half of itself when it first compiles.
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def compile_prepared(source: Path, directory: Path) -> int:
    """Compile `source` into `directory`. Returns 0, or 1 after writing a complaint. Once in a process."""
    # What is imported from here on is the user's, whose folders are left as they are.
    sys.dont_write_bytecode = True
    watch_files()
    place = source.name
    try:
        guest = load_guest(source)
        place = line_of(guest)
        content = compile_guest(guest)
    except Exception as error:
        complaint = error if isinstance(error, Complaint) else explain(error, source)
        complaint.place = complaint.place or place
        (directory / COMPLAINT).write_text(complaint.text(), encoding="utf-8")
        return 1
    (directory / OBJECT).write_bytes(content)
    for symbol, array in large_arrays.items():
        (directory / array_file(symbol)).write_bytes(array)
    if said := notes() + notes_on_floats(source):
        (directory / NOTES).write_text(said, encoding="utf-8")
    (directory / READ).write_text(json.dumps(sorted(files_read(source))), encoding="utf-8")
    return 0
