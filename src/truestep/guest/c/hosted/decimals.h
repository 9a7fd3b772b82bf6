/* Decimals that 64 bits hold, as floats. */
#include <stdint.h>

/* digits · 10^exponent, rounded half to even to a float of 53 or 24 bits, exactly; 0 if the general road is needed. */
int __truestep_scaled(uint64_t digits, int exponent, int bits, double *value);
