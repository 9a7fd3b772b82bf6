/* Rows of numbers: what models are given. Ends the run with a message if the input is something else. */
#ifndef TRUESTEP_ROWS_H
#define TRUESTEP_ROWS_H

#include <stdint.h>
#include <truestep.h>

enum { ROWS_DIMENSIONS = 8 };

/* This shard's part of the rows: one stretch of them. */
typedef struct {
    int64_t first, count;
    int is_text;
} rows;

/* The input: a .npy file, or text with a line for each row. */
rows open_rows(int64_t features);

/* This shard's next `count` rows. */
void read_rows(const rows *all, double *to, int64_t count);

/* What a model says of one row: numbers of kind 'f' or 'i' and `size` bytes, whose values are doubles here. */
typedef struct {
    char kind;
    int size;
    int64_t length, dimensions, shape[ROWS_DIMENSIONS];
} prediction;

/* The output: a .npy file if the input is one, else a line for each row. */
void begin_predictions(const rows *all, const prediction *each);
void write_predictions(const rows *all, const prediction *each, const double *values, int64_t count);

#endif
