"""Python guests: a typed Python function over bytes and NumPy arrays, compiled for the machine.

`build` runs in the user's process and imports no compiler; all modules below `compiler` run in a process of
their own, in which Numba generates RISC-V instead of this computer's code.
"""
