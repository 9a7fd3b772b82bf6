"""Functions of SciPy that guests have, by SciPy's names. SciPy itself is C and Fortran."""
