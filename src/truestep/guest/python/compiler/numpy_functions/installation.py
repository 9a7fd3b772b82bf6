"""Adds what is here to Numba."""

from truestep.guest.python.compiler.numpy_functions.array_api import install_array_api
from truestep.guest.python.compiler.numpy_functions.array_methods import install_array_methods
from truestep.guest.python.compiler.numpy_functions.bits import install_bits
from truestep.guest.python.compiler.numpy_functions.comparisons import install_comparisons
from truestep.guest.python.compiler.numpy_functions.contractions import install_contractions
from truestep.guest.python.compiler.numpy_functions.creation import install_creation
from truestep.guest.python.compiler.numpy_functions.creation_options import install_creation_options
from truestep.guest.python.compiler.numpy_functions.differences import install_differences
from truestep.guest.python.compiler.numpy_functions.dtypes import install_python_dtypes
from truestep.guest.python.compiler.numpy_functions.elementwise import install_elementwise
from truestep.guest.python.compiler.numpy_functions.extending import install_methods
from truestep.guest.python.compiler.numpy_functions.floating_parts import install_floating_parts
from truestep.guest.python.compiler.numpy_functions.histograms import install_histograms
from truestep.guest.python.compiler.numpy_functions.index_conversions import install_index_conversions
from truestep.guest.python.compiler.numpy_functions.indexing import install_indexing
from truestep.guest.python.compiler.numpy_functions.inserting import install_inserting
from truestep.guest.python.compiler.numpy_functions.joining import install_joining
from truestep.guest.python.compiler.numpy_functions.kinds import install_kinds
from truestep.guest.python.compiler.numpy_functions.list_arguments import install_list_arguments
from truestep.guest.python.compiler.numpy_functions.list_forms import install_list_forms
from truestep.guest.python.compiler.numpy_functions.masked_reductions import install_masked_reductions
from truestep.guest.python.compiler.numpy_functions.nan_reductions import install_nan_reductions
from truestep.guest.python.compiler.numpy_functions.operands import install_operands
from truestep.guest.python.compiler.numpy_functions.ordering import install_ordering
from truestep.guest.python.compiler.numpy_functions.polynomials import install_polynomials
from truestep.guest.python.compiler.numpy_functions.quantiles import install_quantiles
from truestep.guest.python.compiler.numpy_functions.real_domains import install_real_domains
from truestep.guest.python.compiler.numpy_functions.reductions import install_reductions
from truestep.guest.python.compiler.numpy_functions.selecting import install_selecting
from truestep.guest.python.compiler.numpy_functions.shapes import install_shapes
from truestep.guest.python.compiler.numpy_functions.single_numbers import install_single_numbers
from truestep.guest.python.compiler.numpy_functions.sizes import install_sizes
from truestep.guest.python.compiler.numpy_functions.taking import install_taking
from truestep.guest.python.compiler.numpy_functions.ufunc_methods import install_ufunc_methods


def install_numpy_functions() -> None:
    """Add them to Numba's."""
    install_reductions()
    install_python_dtypes()
    install_indexing()
    install_methods()
    install_ordering()
    install_quantiles()
    install_list_arguments()
    install_joining()
    install_shapes()
    install_contractions()
    install_differences()
    install_creation()
    install_nan_reductions()
    install_polynomials()
    install_selecting()
    install_masked_reductions()
    install_taking()
    install_histograms()
    install_elementwise()
    install_ufunc_methods()
    install_kinds()
    install_single_numbers()
    install_array_methods()
    install_bits()
    install_comparisons()
    install_floating_parts()
    install_index_conversions()
    install_inserting()
    install_operands()
    install_sizes()
    install_creation_options()
    install_array_api()
    install_real_domains()
    install_list_forms()
