"""Numba's own test suite, as far as it fits guests.

The installed Numba has its tests with it. Each test is run with Python in the place of compiled code, and
what it calls is noted: those calls are then compiled as a guest and compared with what Python gives. Tests
of Numba's inner workings, of threads, caches, files and types that a guest cannot return do not fit.
`make numba-suite` writes the shares into `docs/numba-suite.md`.
"""
