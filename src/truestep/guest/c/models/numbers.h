/* Decimals and floats, exactly. */
#ifndef TRUESTEP_NUMBERS_H
#define TRUESTEP_NUMBERS_H

#include <stdint.h>

/* Whether all of the text is a number, and which: that of Python's float(). */
int parse_number(const uint8_t *text, const uint8_t *end, double *value);

/* The shortest text that reads as this number, as Python and NumPy write it; its size. `text` has room for 32. */
int write_number(char *text, double value, int is_single);

#endif
