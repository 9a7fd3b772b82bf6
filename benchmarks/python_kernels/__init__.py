"""Python guests of other kinds than the examples, against native Numba."""
