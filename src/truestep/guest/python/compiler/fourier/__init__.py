"""np.fft: transforms of any length along one axis and several, their frequencies and shifts."""

from truestep.guest.python.compiler.fourier.grids import install_grids
from truestep.guest.python.compiler.fourier.lines import install_lines
from truestep.guest.python.compiler.fourier.orders import install_orders


def install_fourier() -> None:
    """Register everything with Numba."""
    install_lines()
    install_grids()
    install_orders()


__all__ = ["install_fourier"]
