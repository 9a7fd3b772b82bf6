"""np.random: Generator and RandomState, whose numbers are NumPy's for the same seed."""

from truestep.guest.python.compiler.randomness.generator import install_generator
from truestep.guest.python.compiler.randomness.generator_selections import install_selections
from truestep.guest.python.compiler.randomness.generator_vectors import install_vectors
from truestep.guest.python.compiler.randomness.random_state import install_random_state
from truestep.guest.python.compiler.randomness.seeding import install_seeding


def install_randomness() -> None:
    """Register everything with Numba."""
    install_seeding()
    install_generator()
    install_selections()
    install_vectors()
    install_random_state()


__all__ = ["install_randomness"]
