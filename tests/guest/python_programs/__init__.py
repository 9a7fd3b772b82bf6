"""Pieces of public numerical Python, fetched from the registry and compiled as guests as they are.

`requirements.txt` names the packages, with versions and hashes; `pieces.txt` the functions and a call of
each. `make python-programs` fetches them, compares what the guests give with NumPy and CPython, and writes
`docs/python-programs.md`.
"""
