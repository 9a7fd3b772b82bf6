/* Functions of numbers that Numba calls under names of its own. */
#include <math.h>

#include "runtime.h"

double numba_fixed_fmod(double x, double y) { return fmod(x, y); }
float numba_fixed_fmodf(float x, float y) { return fmodf(x, y); }
double numba_erf(double x) { return erf(x); }
float numba_erff(float x) { return erff(x); }
double numba_erfc(double x) { return erfc(x); }
float numba_erfcf(float x) { return erfcf(x); }
double numba_gamma(double x) { return tgamma(x); }
float numba_gammaf(float x) { return tgammaf(x); }
double numba_lgamma(double x) { return lgamma(x); }
float numba_lgammaf(float x) { return lgammaf(x); }
double numba_nextafter(double x, double y) { return nextafter(x, y); }
float numba_nextafterf(float x, float y) { return nextafterf(x, y); }
double numba_frexp(double x, int32_t *exponent) { return frexp(x, exponent); }
float numba_frexpf(float x, int32_t *exponent) { return frexpf(x, exponent); }
double numba_ldexp(double x, int32_t exponent) { return ldexp(x, exponent); }
float numba_ldexpf(float x, int32_t exponent) { return ldexpf(x, exponent); }

void numba_fatal_error(void) { abort(); }
int32_t numba_gil_ensure(void *state) { return (void)state, 0; }
void numba_gil_release(void *state) { (void)state; }

/* Called where Numba's own code was told that a routine cannot work: never. */
void Py_FatalError(const char *message) {
    debug_print(message);
    abort();
}

int32_t PyGILState_Ensure(void) { return 0; }
