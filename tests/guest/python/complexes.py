"""Complex numbers of both sizes."""

import numpy as np

import truestep


def mandelbrot(c, limit):
    z = 0j
    for step in range(limit):
        if z.real * z.real + z.imag * z.imag > 4.0:
            return step
        z = z * z + c
    return limit


@truestep.guest
def main(input):
    out = np.zeros(40, np.complex128)
    for i in range(32):
        c = complex(float(input[i]) / 64 - 2, float(input[i + 32]) / 128 - 1)
        out[i] = mandelbrot(c, 50) + c.conjugate() * 1j
    out[32] = out[:32].sum()
    out[33] = (out[1] * out[2]).real
    single = out[:4].astype(np.complex64)
    out[34:38] = single * np.complex64(1 + 2j)
    out[38] = out[3] - out[4] * 2.5
    out[39] = complex(out.real.max(), out.imag.min())
    return out
