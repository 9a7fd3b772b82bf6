"""Numba made to generate code for the machine. Importing these modules changes Numba for the whole process."""
