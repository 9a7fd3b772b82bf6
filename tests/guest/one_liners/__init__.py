"""One line of NumPy or Python each, compiled as a guest and compared with what NumPy and CPython give.

`lines/*.txt` has the one-liners: an expression, or statements with an expression at the end. They use the
names that `names.py` defines. `make one-liners` runs all; `python -m tests.guest.one_liners PATTERN` runs
those that match.
"""
