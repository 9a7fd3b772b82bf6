"""Python guests: a typed Python function over bytes and NumPy arrays, compiled for the machine.

`build` runs in the user's process and imports no compiler. The modules in `compiler` run in a separate
process, in which Numba generates RISC-V code instead of code for this computer.
"""
