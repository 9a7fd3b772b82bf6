"""Adds what is here to Numba."""

from truestep.guest.python.compiler.numpy_functions.contractions import install_contractions
from truestep.guest.python.compiler.numpy_functions.creation import install_creation
from truestep.guest.python.compiler.numpy_functions.differences import install_differences
from truestep.guest.python.compiler.numpy_functions.dtypes import install_python_dtypes
from truestep.guest.python.compiler.numpy_functions.extending import install_methods
from truestep.guest.python.compiler.numpy_functions.indexing import install_indexing
from truestep.guest.python.compiler.numpy_functions.joining import install_joining
from truestep.guest.python.compiler.numpy_functions.list_arguments import install_list_arguments
from truestep.guest.python.compiler.numpy_functions.nan_reductions import install_nan_reductions
from truestep.guest.python.compiler.numpy_functions.ordering import install_ordering
from truestep.guest.python.compiler.numpy_functions.polynomials import install_polynomials
from truestep.guest.python.compiler.numpy_functions.quantiles import install_quantiles
from truestep.guest.python.compiler.numpy_functions.reductions import install_reductions
from truestep.guest.python.compiler.numpy_functions.selecting import install_selecting
from truestep.guest.python.compiler.numpy_functions.shapes import install_shapes


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
