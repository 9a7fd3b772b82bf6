/* Rotations of two vectors, and the iterations that are made of them. */
#ifndef TRUESTEP_LINEAR_ROTATIONS_H
#define TRUESTEP_LINEAR_ROTATIONS_H

#include <float.h>
#include <math.h>

#include "runtime.h"

static const double LEAST_SQUARE = DBL_MIN / DBL_EPSILON;
static const double LARGEST_NUMBER = DBL_MAX;
static const double UNIT = DBL_EPSILON; /* the distance from 1 to the next number */
enum { SWEEPS_MAX = 30 };               /* per row: LAPACK's limit, never met by a finite matrix */

struct rotation {
    double cosine, sine;
};

/* Makes (first, second) a multiple of (1, 0): the multiple */
double truestep_rotation(double first, double second, struct rotation *rotation);

/* x, y = cosine · x + sine · y, cosine · y - sine · x */
void truestep_rotate(int64_t count, struct rotation rotation, double *x, double *y);

/* Columns first, first + 1, … of z are turned in pairs by `count` rotations, the last pair first if `is_backward` */
void truestep_rotate_columns(int64_t rows, int64_t first, int64_t count, const struct rotation *rotations,
                             int is_backward, double *z);

/* Singular values, falling, of the matrix with diagonal d and e above it (below it, if `is_lower`); the columns of
   u and v are turned with them. 1 if it does not end.                                                          */
int32_t truestep_bidiagonal(int is_lower, int64_t size, double *d, double *e, int64_t u_rows, double *u,
                            int64_t v_rows, double *v);

/* Eigenvalues, rising, of the symmetric matrix with diagonal d and e beside it; the columns of z are turned with
   them. 1 if it does not end.                                                                                  */
int32_t truestep_tridiagonal(int64_t size, double *d, double *e, int64_t z_rows, double *z);

/* A swap of two columns */
void truestep_swap(int64_t rows, double *x, double *y);

#endif
