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

/* Python's round(x, digits): to the decimal that is nearest to the exact value of x, and of two to the even one.
   10^22 is the largest power of ten that a double holds. */
double truestep_round(double x, int64_t digits) {
    enum { EXACT_POWER_MAX = 22 };
    if (!isfinite(x) || digits > EXACT_POWER_MAX) return x; /* with more digits x is a decimal, or nearly */
    if (digits < -EXACT_POWER_MAX) return fabs(x) < 1e22 ? copysign(0, x) : x;
    double power = 1;
    for (int64_t i = 0; i < digits || i < -digits; i++) power *= 10;
    if (digits <= 0) return copysign(x - remainder(x, power), x);
    double scaled = x * power;
    if (fabs(scaled) >= 0x1p52) return x;
    double error = fma(x, power, -scaled), nearest = rint(scaled), distance = (scaled - nearest) + error;
    if (fabs(scaled - nearest) == 0.5 && error != 0) nearest = error > 0 ? ceil(scaled) : floor(scaled);
    else if (distance > 0.5) nearest += 1;
    else if (distance < -0.5) nearest -= 1;
    return copysign(nearest / power, x);
}
