"""np.linalg.qr, svd, eig, eigvals, eigh and eigvalsh."""

# ruff: noqa: N803 - arguments have the names that NumPy gives them

from typing import Any

import numpy as np
from numba.core import errors
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.linear.routines import (
    complex_number,
    count_of,
    giver,
    is_complex,
    letter,
    literal,
    number_of,
    real_number,
    replaces,
    routine,
    size_of_square,
    take,
    working_number,
)
from truestep.guest.python.compiler.linear.systems import refuse_hermitian

_linalg: Any = np.linalg

_ONE = np.eye(1)
QRResult: Any = type(np.linalg.qr(_ONE))
SVDResult: Any = type(np.linalg.svd(_ONE))
EigResult: Any = type(np.linalg.eig(_ONE))
EighResult: Any = type(np.linalg.eigh(_ONE))

_IS_COMPLEX = (
    "eigenvalues are complex; in a guest the type of a result cannot depend on its values: "
    "write np.linalg.eig(a.astype(np.complex128)), or eigvals"
)


def install_decompositions() -> None:
    """Replace Numba's own functions."""
    replaces(_linalg.qr)(_qr)
    replaces(_linalg.svd)(_svd)
    replaces(_linalg.svdvals)(_svdvals)
    replaces(_linalg.eigh)(_eigh)
    replaces(_linalg.eigvalsh)(_eigvalsh)
    replaces(_linalg.eig)(_eig)
    replaces(_linalg.eigvals)(_eigvals)


def _qr(a: Any, mode: Any = "reduced") -> Any:
    mode = literal("the mode of np.linalg.qr", mode, "reduced")
    if mode not in {"reduced", "complete", "r", "raw"}:
        raise errors.TypingError(f"a guest has no mode {mode!r} of np.linalg.qr: reduced, complete, r or raw")
    is_whole, give, number = mode == "complete", giver(number_of(a)), working_number(a)
    factor, make_q, make_r = (routine(f"{letter(a)}_truestep_{name}") for name in ("qr", "q", "r"))
    result = number_of(a)

    @register_jitable
    def factored(a: Any) -> Any:
        rows, columns, count = a.shape[-2], a.shape[-1], count_of(a.shape)
        work, tau = take(a, False), np.empty(count * min(rows, columns), number)
        factor((count, rows, columns, work, tau))
        return work, tau

    @register_jitable
    def r_of(a: Any, work: Any, wanted: Any) -> Any:
        rows, columns, count = a.shape[-2], a.shape[-1], count_of(a.shape)
        r = np.empty(count * wanted * columns, number)
        make_r((count, rows, columns, work, wanted, r))
        return give(r, (*a.shape[:-2], wanted, columns), False)

    def qr(a: Any, mode: Any = "reduced") -> Any:
        rows, columns, count = a.shape[-2], a.shape[-1], count_of(a.shape)
        work, tau = factored(a)
        wanted = rows if is_whole else min(rows, columns)
        q = np.empty(count * rows * wanted, number)
        make_q((count, rows, columns, work, tau, wanted, q))
        return QRResult(give(q, (*a.shape[:-2], rows, wanted), False), r_of(a, work, wanted))

    def r_alone(a: Any, mode: Any = "reduced") -> Any:
        work, _ = factored(a)
        return r_of(a, work, min(a.shape[-2], a.shape[-1]))

    def raw(a: Any, mode: Any = "reduced") -> Any:
        work, tau = factored(a)
        shape = a.shape[:-2]
        h = work.astype(result).reshape((*shape, a.shape[-1], a.shape[-2]))
        return h, tau.astype(result).reshape((*shape, min(a.shape[-2], a.shape[-1])))

    return {"r": r_alone, "raw": raw}.get(mode, qr)


def singular_values_of(a: Any) -> Any:
    """A function that gives the singular values, falling, of the matrices of an array."""
    call = routine(f"{letter(a)}_truestep_svd")
    real = real_number(a)

    @register_jitable
    def singular_values(a: Any) -> Any:
        rows, columns, count = a.shape[-2], a.shape[-1], count_of(a.shape)
        s, work = np.empty(count * min(rows, columns), np.float64), take(a, rows < columns)
        if call((count, rows, columns, work, s, 0, s, 0, s)):
            raise np.linalg.LinAlgError("SVD did not converge")
        return s.astype(real).reshape((*a.shape[:-2], min(rows, columns)))

    return singular_values


def _svdvals(x: Any) -> Any:
    singular_values = singular_values_of(x)

    def svdvals(x: Any) -> Any:
        return singular_values(x)

    return svdvals


def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    refuse_hermitian("np.linalg.svd", hermitian)
    singular_values = singular_values_of(a)
    call, give = routine(f"{letter(a)}_truestep_svd"), giver(number_of(a))
    number, real = working_number(a), real_number(a)

    def values_alone(
        a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False
    ) -> Any:
        return singular_values(a)

    def svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
        rows, columns, count = a.shape[-2], a.shape[-1], count_of(a.shape)
        shorter = min(rows, columns)
        u_columns, v_columns = (rows, columns) if full_matrices else (shorter, shorter)
        u, v = np.empty(count * rows * u_columns, number), np.empty(count * columns * v_columns, number)
        s, work = np.empty(count * shorter, np.float64), take(a, rows < columns)
        if call((count, rows, columns, work, s, u_columns, u, v_columns, v)):
            raise np.linalg.LinAlgError("SVD did not converge")
        outer = a.shape[:-2]
        return SVDResult(
            give(u, (*outer, rows, u_columns), False),
            s.astype(real).reshape((*outer, shorter)),
            give(v, (*outer, v_columns, columns), True),
        )

    return svd if literal("compute_uv of np.linalg.svd", compute_uv, default=True) else values_alone


def _is_upper(name: str, triangle: Any) -> bool:
    given: str = literal(f"UPLO of {name}", triangle, "L")
    if given not in {"L", "U", "l", "u"}:
        raise errors.TypingError(f"a guest cannot use UPLO={given!r} of {name}: it is 'L' or 'U'")
    return given in {"U", "u"}


def _eigh(a: Any, UPLO: Any = "L") -> Any:
    is_upper = _is_upper("np.linalg.eigh", UPLO)
    call, give = routine(f"{letter(a)}_truestep_eigh"), giver(number_of(a))
    number, real = working_number(a), real_number(a)

    def eigh(a: Any, UPLO: Any = "L") -> Any:
        size, count = size_of_square(a.shape), count_of(a.shape)
        w, v = np.empty(count * size, np.float64), np.empty(a.size, number)
        if call((count, size, is_upper, True, take(a, False), w, v)):
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
        return EighResult(w.astype(real).reshape(a.shape[:-1]), give(v, a.shape, False))

    return eigh


def _eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    is_upper = _is_upper("np.linalg.eigvalsh", UPLO)
    call, real = routine(f"{letter(a)}_truestep_eigh"), real_number(a)

    def eigvalsh(a: Any, UPLO: Any = "L") -> Any:
        size, count = size_of_square(a.shape), count_of(a.shape)
        w: Any = np.empty(count * size, np.float64)
        if call((count, size, is_upper, False, take(a, False), w, w)):
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
        return w.astype(real).reshape(a.shape[:-1])

    return eigvalsh


def _eigenvalues_of(a: Any, *, wants_vectors: bool) -> Any:
    """A function that gives eigenvalues and vectors in complex numbers."""
    call = routine(f"{letter(a)}_truestep_eig")
    is_real = not is_complex(a)

    @register_jitable
    def eigenvalues(a: Any) -> Any:
        size, count = size_of_square(a.shape), count_of(a.shape)
        work = take(a, False)
        if not np.isfinite(work).all():
            raise np.linalg.LinAlgError("Array must not contain infs or NaNs")
        w, v = np.empty(count * size, np.complex128), np.empty(a.size if wants_vectors else 0, np.complex128)
        if call((count, size, wants_vectors, work, w, v)):
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
        if is_real:
            for value in w:
                if value.imag != 0:
                    raise ValueError(_IS_COMPLEX)
        return w, v

    return eigenvalues


def _eig(a: Any) -> Any:
    eigenvalues = _eigenvalues_of(a, wants_vectors=True)
    give, give_real = giver(complex_number(a)), giver(real_number(a))
    number, real = complex_number(a), real_number(a)

    def eig(a: Any) -> Any:
        w, v = eigenvalues(a)
        return EigResult(w.astype(number).reshape(a.shape[:-1]), give(v, a.shape, False))

    def eig_of_real(a: Any) -> Any:
        w, v = eigenvalues(a)
        return EigResult(w.real.astype(real).reshape(a.shape[:-1]), give_real(v.real.copy(), a.shape, False))

    return eig if is_complex(a) else eig_of_real


def _eigvals(a: Any) -> Any:
    eigenvalues = _eigenvalues_of(a, wants_vectors=False)
    number, real = complex_number(a), real_number(a)

    def eigvals(a: Any) -> Any:
        return eigenvalues(a)[0].astype(number).reshape(a.shape[:-1])

    def eigvals_of_real(a: Any) -> Any:
        return eigenvalues(a)[0].real.astype(real).reshape(a.shape[:-1])

    return eigvals if is_complex(a) else eigvals_of_real
