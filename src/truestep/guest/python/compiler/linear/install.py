"""Replaces what Numba has of linear algebra."""

from truestep.guest.python.compiler.linear.chains import install_chains
from truestep.guest.python.compiler.linear.decompositions import install_decompositions
from truestep.guest.python.compiler.linear.norms import install_norms
from truestep.guest.python.compiler.linear.products import install_products
from truestep.guest.python.compiler.linear.systems import install_systems


def install_linear_algebra() -> None:
    """np.dot, `@` and np.linalg with the results, dtypes and errors of NumPy."""
    install_products()
    install_chains()
    install_systems()
    install_decompositions()
    install_norms()
