/* np.linalg.svd, lstsq and qr, and what is made of them: pinv, cond, matrix_rank, norms (linear_singular.h). */
#include "linear_rotations.h"

#define KIND 'd'
#include "linear_singular.h"
#undef KIND
#define KIND 'z'
#include "linear_singular.h"
