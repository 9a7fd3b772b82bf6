"""dot, @ and np.linalg where results are exact: small integers and powers of two."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    a = (input[:36] % 8).astype(np.float64).reshape(6, 6)
    b = (input[36:72] % 4).astype(np.float64).reshape(6, 6)
    v = (input[72:78] % 16).astype(np.float64)
    c = a @ b
    d = np.dot(a, v) + v @ b
    e = np.dot(v, v)
    f = np.outer(v, v)
    single = a.astype(np.float32) @ b.T.astype(np.float32)
    product = (a + 1j * b) @ (b - 1j * a)
    return np.concatenate(
        (
            c.ravel(),
            d,
            np.array([e, np.trace(a)]),
            f.ravel(),
            single.ravel().astype(np.float64),
            product.real.ravel().copy(),
            product.imag.ravel().copy(),
        )
    )
