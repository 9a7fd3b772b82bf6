"""Views, strides, masks, fancy indices, broadcasting, reshaping, transposition."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    x = input[:240].astype(np.int64).reshape(12, 20)
    out = [
        x[::2, 1::3].sum(),
        x.T[3, 4],
        x.ravel()[x.ravel() > 100].sum(),
        x[np.array([1, 3, 5])][1, 2],
        x[-1, ::-1][0],
    ]
    y = x.copy()
    y[2:4, :] = y[0] + 1
    y[:, 5] *= 2
    z = (x[:, np.newaxis, 0] + x[0]).ravel()
    w = np.where(x % 2 == 0, x, -x)
    out.extend([y.sum(), z.sum(), w[3, 3], np.transpose(x)[0, 5], x.reshape(-1)[7], x.flatten()[8]])
    v = np.vstack((x[0], x[1])).T
    parts = np.hstack((x[:2, :3], x[:2, -3:]))
    out.extend([v.shape[0], parts[1, 4], np.take(x, 17), x.ravel()[::-7][2]])
    return np.array(out)
