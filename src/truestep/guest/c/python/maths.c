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

typedef struct {
    double real, imag;
} complex_number;

static complex_number product(complex_number x, complex_number y) {
    return (complex_number){x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real};
}

/* Small whole exponents by repeated squares, as in NumPy; others through the logarithm. */
static complex_number complex_power(complex_number base, complex_number exponent) {
    enum { WHOLE_MAX = 100 };
    if (exponent.real == 0 && exponent.imag == 0) return (complex_number){1, 0};
    if (base.real == 0 && base.imag == 0) {
        double zero = exponent.real > 0 ? 0 : NAN;
        return (complex_number){zero, zero};
    }
    if (exponent.imag == 0 && exponent.real == floor(exponent.real) && fabs(exponent.real) < WHOLE_MAX) {
        complex_number power = {1, 0};
        for (int rest = (int)fabs(exponent.real); rest; rest >>= 1, base = product(base, base))
            if (rest & 1) power = product(power, base);
        if (exponent.real > 0) return power;
        double size = power.real * power.real + power.imag * power.imag;
        return (complex_number){power.real / size, -power.imag / size};
    }
    double size = log(hypot(base.real, base.imag)), angle = atan2(base.imag, base.real);
    double growth = exp(exponent.real * size - exponent.imag * angle);
    double turn = exponent.imag * size + exponent.real * angle;
    return (complex_number){growth * cos(turn), growth * sin(turn)};
}

void numba_cpow(const complex_number *base, const complex_number *exponent, complex_number *power) {
    *power = complex_power(*base, *exponent);
}

void numba_cpowf(const float base[2], const float exponent[2], float power[2]) {
    complex_number found = complex_power((complex_number){base[0], base[1]}, (complex_number){exponent[0], exponent[1]});
    power[0] = (float)found.real;
    power[1] = (float)found.imag;
}
