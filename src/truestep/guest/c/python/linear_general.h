/* What the eigenvalues of real and of complex matrices have in common. */
#include "linear_rotations.h"

static const double LARGEST_ITEM = 1e100; /* items of a vector that grow beyond it are divided */

#define KIND 'd'
#include "linear_balance.h"
#undef KIND
#define KIND 'z'
#include "linear_balance.h"
