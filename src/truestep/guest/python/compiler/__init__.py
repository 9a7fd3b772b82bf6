"""Changes Numba to generate code for the machine. `session` changes it for the whole process."""
