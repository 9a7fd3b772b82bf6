"""Functions of NumPy, and forms of their arguments, that Numba does not compile."""
