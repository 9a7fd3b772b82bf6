"""Where a guest differs from NumPy and Python: `python -m tests.guest.numpy_differences` writes the page.

`test_numpy_differences.py` compiles and runs each example, and compares both values with those on the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "numpy-differences.md"

INTRODUCTION = """# Differences from NumPy

A Python guest gives the bytes that the plain function gives with NumPy 2, dtypes included: a Python
number fits itself to the dtype of what it is combined with (NEP 50), sums add in NumPy's order, and
`np.random`, `RandomState` and `default_rng` draw the same numbers. This page lists what is different. A
test runs every example, in a guest and in NumPy; the page is written by
`python -m tests.guest.numpy_differences`.

In the examples `n` is 3, and the arrays hold `[250, 10, 2]` (`small`, uint8), `[3, 1, 3, 1, …]` (`keys`,
40 of them) and `[0.1, 0.2, 0.3]` (`singles`, float32).
"""

CLOSING = """
What cannot be shown by one value:

- *libm*: `exp`, `log`, `sin` and similar functions differ from your computer's library in the last bit
  for some arguments ([table](python-guests.md#differences-from-the-c-library)), and with them random
  numbers that are made from logarithms.
- *Floats as integers*: a float that is NaN or beyond the integer's range becomes an integer that depends on
  the processor in NumPy, and on the machine in a guest. Check such numbers first.
- *BLAS*: `@`, `np.dot`, `np.einsum`, `np.polyfit`, `np.cov` and `np.linalg` add in a fixed order,
  NumPy's order depends on the processor. So a matrix that is singular but for rounding may be singular in
  one of them and not in the other.
- *Signs of vectors*: eigenvectors and singular vectors have LAPACK's signs for matrices of up to 25 rows or
  columns, except where the number of steps hangs on the last bit. Those of larger ones may be the opposite
  vectors, and `np.linalg.eig` of more than 75 rows may give eigenvalues in another order.
- *`np.linalg.eig` and `eigvals` of real matrices* raise a `ValueError` if eigenvalues are complex, because a
  guest's types cannot depend on values. Write `np.linalg.eig(a.astype(np.complex128))`, also for NumPy.
- *`np.emath`* likewise raises a `ValueError` for a real number whose result is complex: write
  `np.emath.sqrt(x + 0j)`.
- *Order of memory*: what is computed from an array in Fortran order is in C order, which shows in `strides`,
  `flags` and `ravel("K")` alone.
- *`np.partition` and `np.argpartition`* put the right item at its place, and smaller ones before it. The
  order of these is another one, as between NumPy's own versions.
- *Complex quotients* may differ in the last bit.
- *NaN*: the sign and payload of a NaN that an operation makes are the machine's (M8.2), not those of your
  processor.
- *Random numbers*: a draw whose acceptance depends on the last bit of a logarithm would differ; none is
  known. `multivariate_normal` exists with `method="cholesky"` only, `multivariate_hypergeometric` with
  `method="marginals"` only, and a number beyond 64 bits cannot be a seed.
- *Fourier transforms* differ in the last bits; those of float32 are computed in double precision and
  rounded at the end.
- *SciPy*: special functions, integrals of `quad`, distributions and statistics, and what is solved or fitted
  may differ in the last digits; `quad` takes QUADPACK's steps, so an integral that does not converge may
  differ by its error. `find_peaks` gives the properties that are floats, and of equal peaks that are too
  close the last one stays. What is a result with fields in SciPy is a tuple with names, of the usual fields.
- *`x[..., 0]` of a vector* is a number, where NumPy gives an array of no dimensions.
- *Lists* that are written with ints and floats hold floats: `[1, 2.5]` is `[1.0, 2.5]`. Where a list of ints
  gets a float later, as one that begins as `[0] * n`, its ints remain ints; so do those of fields, variables
  and results that are ints at one time and floats at another.
- *Variables of functions that handle arrays* have one type: `total = 0` is `0.0` if floats are added to it.
  So they are in a guest that cannot be compiled otherwise: the build names the line, and `float(…)` there
  helps. `np.array` of a list whose numbers may be ints or floats raises an error if all of them are ints:
  write `dtype=float`.
- *Errors of floats*: where Python raises `ValueError` or `OverflowError`, so do `math`'s functions, `int(x)`,
  `round(x)` and `x ** y` in your functions. Numbers from lists and arrays count as NumPy's in `x ** y`,
  which give inf and nan.
- *Division by zero* of single numbers is a `ZeroDivisionError` as in Python, and inf, nan or 0 for what a
  function takes out of an array, as in NumPy. Of floats that come from arguments or fields a function may not
  know whose they are. They give inf and nan, unless the module handles `ZeroDivisionError`.
- *Indices* out of range raise `IndexError` with another text.
- *Text of arrays*: `print(x)` and messages of errors write each number as Python does and pad nothing:
  `[2.5 -1.0]`, where NumPy writes `[ 2.5 -1. ]`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One example, both values as text, and what to write instead."""

    example: str
    guest: str
    numpy: str
    why: str


DIFFERENCES = (
    Difference(
        example="int(small[0] + small[1])",
        guest="260",
        numpy="4",
        why=(
            "Integers of fewer than 64 bits are widened when they are taken out of an array. NumPy "
            "wraps around. Write `int(small[0]) + int(small[1])`, or `np.uint8(…)` around the sum."
        ),
    ),
    Difference(
        example="int(np.int32(700000000 * n) * 2)",
        guest="4200000000",
        numpy="-94967296",
        why="Likewise a single number of fewer than 64 bits, beside a Python int. Arrays keep their dtype.",
    ),
    Difference(
        example="(n - 1) / (2**53 + n - 2)",
        guest="2.220446049250313e-16",
        numpy="2.2204460492503128e-16",
        why="A quotient of integers beyond 2^53 is that of the floats next to them.",
    ),
    Difference(
        example="float(3 ** (15 * n))",
        guest="2.83365475730544e+18",
        numpy="2.9543127065508336e+21",
        why=("Python's integers have 64 bits in a guest, and wrap around."),
    ),
    Difference(
        example="int(np.argsort(keys)[0])",
        guest="1",
        numpy='1 with kind="stable"',
        why='Equal items keep their order, as with `kind="stable"`. The order of NumPy\'s default'
        " kind depends on the processor.",
    ),
    Difference(
        example="(singles * [0.5, 0.25 * n][0]).itemsize",
        guest="8",
        numpy="4",
        why=(
            "The items of lists, sets and dictionaries are NumPy's float64 and int64. In NumPy they "
            "remain numbers of Python. Use a tuple, or a variable of its own."
        ),
    ),
    Difference(
        example="list({8, 1})[0]",
        guest="1",
        numpy="8",
        why=(
            "Sets have an order of their own, which is the same in every run. Write `sorted(…)` "
            "where the order matters."
        ),
    ),
    Difference(
        example="len(str([singles[0]]))",
        guest="5",
        numpy="17",
        why=(
            "Inside lists, tuples and `repr`, NumPy's numbers look like Python's: `[0.1]`, where "
            "NumPy writes `[np.float32(0.1)]`."
        ),
    ),
    Difference(
        example="sum([0.1] * 10)",
        guest="0.9999999999999999",
        numpy="1.0 since Python 3.12",
        why=(
            "`sum` adds floats one after the other, as Python did before version 3.12. Write "
            "`math.fsum(…)` for a sum that is rounded once."
        ),
    ),
    Difference(
        example="len(str(sum([half for half in [0.5 * n] if half > n])))",
        guest="3",
        numpy="1",
        why=(
            "The sum of no floats is `0.0`, and Python's is the int `0`. It shows in texts. Write "
            "`sum(items, 0.0)` for both."
        ),
    ),
    Difference(
        example="len(str(max(0, n * -0.5)))",
        guest="3",
        numpy="1",
        why=(
            "`max` and `min` of an int and a float give a float, here `0.0`: they are used in "
            "arithmetic, where that is the same. It shows in texts, in `isinstance`, and beyond 2^53."
        ),
    ),
)

REFUSALS = """
Refused, with the line and a remedy:

- `a ** b` for integers when `b` is negative while the guest runs: a `ValueError` that says to write
  `float(a) ** b`. NumPy refuses it too; Python would make a float. `2 ** -k` and `k ** -1` are floats, as
  in Python.
- A Python integer that the dtype beside it cannot hold, such as `small + 300`. NumPy raises
  `OverflowError`, and so does the guest for `small + n`. But `np.uint8(n)`, `np.full`, `fill` and items that
  are set to what was computed from an array's item or in a loop, such as `small[0] = int(small[0]) + n`, take
  the lowest bits: check the range first.
- `np.sqrt(small)` and other functions that give float16, which a guest does not have.
"""


def page() -> str:
    """The page's text."""
    rows = [f"| `{d.example}` | {d.guest} | {d.numpy} | {d.why} |" for d in DIFFERENCES]
    table = "\n".join(
        ["| example | guest | NumPy | why, and what to write |", "| --- | --- | --- | --- |", *rows]
    )
    return f"{INTRODUCTION}\n{table}\n{REFUSALS}{CLOSING}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
