/* np.linalg.solve, inv, det, slogdet and cholesky (linear_systems.h). NumPy computes them in double precision,
   whatever the arrays hold.                                                                                  */
#include <math.h>

#include "runtime.h"

#define KIND 'd'
#include "linear_systems.h"
#undef KIND
#define KIND 'z'
#include "linear_systems.h"
