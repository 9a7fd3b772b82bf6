/* One function of <math.h> over many arguments. Input: its number, 1 for single precision, then pairs of doubles;
   output: a double for each pair. */
#include <math.h>
#include <truestep.h>

#define UNARY(X) \
    X(exp) X(exp2) X(expm1) X(log) X(log2) X(log10) X(log1p) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) \
    X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(sqrt) X(cbrt) X(erf) X(erfc) X(tgamma) X(lgamma) X(fabs) X(floor) \
    X(ceil) X(trunc) X(round) X(rint) X(logb)
#define BINARY(X) X(pow) X(atan2) X(hypot) X(fmod) X(remainder) X(copysign) X(nextafter) X(fdim) X(fmax) X(fmin)

/* Through pointers, so that the library is called and no builtin. */
#define UNARY_POINTERS(name) {.one = name, .one_single = name##f},
#define BINARY_POINTERS(name) {.two = name, .two_single = name##f},

static const volatile struct {
    double (*one)(double);
    float (*one_single)(float);
    double (*two)(double, double);
    float (*two_single)(float, float);
} functions[] = {UNARY(UNARY_POINTERS) BINARY(BINARY_POINTERS)};

int main(void) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    const uint64_t *choice = (const uint64_t *)input;
    const double *pairs = (const double *)(input + 16);
    for (size_t i = 0; i < (size - 16) / 16; i++) {
        double x = pairs[2 * i], y = pairs[2 * i + 1], result;
        if (functions[choice[0]].one) {
            result = choice[1] ? functions[choice[0]].one_single((float)x) : functions[choice[0]].one(x);
        } else {
            result = choice[1] ? functions[choice[0]].two_single((float)x, (float)y) : functions[choice[0]].two(x, y);
        }
        write_output((const uint8_t *)&result, sizeof result);
    }
    return 0;
}
