/* np.linalg.eigh and eigvalsh (linear_symmetric.h). */
#include "linear_rotations.h"

#define KIND 'd'
#include "linear_symmetric.h"
#undef KIND
#define KIND 'z'
#include "linear_symmetric.h"
