/* What the parts of a Python guest's runtime know of each other. Names that begin with NRT_ and numba_ are
   called by code that Numba generates; those that begin with truestep_ by code that we generate.            */
#ifndef TRUESTEP_RUNTIME_H
#define TRUESTEP_RUNTIME_H

#include <truestep.h>

/* Text being put together: a line that is printed, or what an exception says. */
void truestep_begin_line(void);
void truestep_put(const char *text, size_t size);
char *truestep_take_text(size_t *size); /* the line so far, to be freed */

void truestep_put_unit(uint32_t character);

/* A character of a string of Numba, which has one, two or four bytes for each. */
uint32_t truestep_unit_at(const uint8_t *units, int64_t index, int64_t unit_size);

/* malloc that ends the run, with a word about it, when there is no memory. */
void *truestep_allocate(size_t size);

/* The shortest digits that read back as the same number; the count. 0.d1d2d3… · 10^exponent. */
int truestep_shortest_digits(double value, int is_single, char digits[20], int *exponent);

/* `places` digits in all, or after the point if is_after_point, rounded half to even; the count. As above. */
int truestep_exact_digits(double value, int places, int is_after_point, char *digits, int *exponent);

#endif
