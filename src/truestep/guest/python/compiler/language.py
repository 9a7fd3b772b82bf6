"""Functions and statements of Python itself that Numba lacks."""

from truestep.guest.python.compiler.bisecting import install_bisecting
from truestep.guest.python.compiler.builtin_functions import install_builtin_functions
from truestep.guest.python.compiler.byte_arrays import install_byte_arrays
from truestep.guest.python.compiler.bytes_items import install_bytes_items
from truestep.guest.python.compiler.bytes_values import install_bytes_values
from truestep.guest.python.compiler.calls_of_types import install_calls_of_types
from truestep.guest.python.compiler.catching import install_catching
from truestep.guest.python.compiler.classes import install_classes
from truestep.guest.python.compiler.containers import install_containers
from truestep.guest.python.compiler.empty_containers import install_empty_containers
from truestep.guest.python.compiler.encodings_of_texts import install_encodings
from truestep.guest.python.compiler.enumerations import install_enumerations
from truestep.guest.python.compiler.exact_fractions import install_exact_fractions
from truestep.guest.python.compiler.exact_variables import install_exact_variables
from truestep.guest.python.compiler.hashing import install_hashing
from truestep.guest.python.compiler.int_or_float_functions import install_int_or_float_functions
from truestep.guest.python.compiler.int_or_float_operators import install_int_or_float_operators
from truestep.guest.python.compiler.int_or_float_tuples import install_int_or_float_tuples
from truestep.guest.python.compiler.item_tuples import install_item_tuples
from truestep.guest.python.compiler.iteration import install_iteration
from truestep.guest.python.compiler.mathematics import install_mathematics
from truestep.guest.python.compiler.number_methods import install_number_methods
from truestep.guest.python.compiler.numerals import install_numerals
from truestep.guest.python.compiler.selections import install_selections
from truestep.guest.python.compiler.statistic_functions import install_statistics
from truestep.guest.python.compiler.text_predicates import install_text_predicates
from truestep.guest.python.compiler.texts import install_texts


def install_language() -> None:
    """Add them."""
    install_classes()
    install_texts()
    install_enumerations()
    install_encodings()
    install_hashing()
    install_text_predicates()
    install_numerals()
    install_builtin_functions()
    install_bytes_items()
    install_bytes_values()
    install_byte_arrays()
    install_containers()
    install_iteration()
    install_item_tuples()
    install_selections()
    install_statistics()
    install_catching()
    install_mathematics()
    install_number_methods()
    install_bisecting()
    install_calls_of_types()
    install_exact_fractions()
    install_exact_variables()
    install_empty_containers()
    install_int_or_float_tuples()
    install_int_or_float_operators()
    install_int_or_float_functions()
