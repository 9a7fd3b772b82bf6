/* Layers of networks, for one row at a time unless they say otherwise. */
#ifndef TRUESTEP_LAYERS_H
#define TRUESTEP_LAYERS_H

#include <stdint.h>

enum { FUNCTION_NONE, RELU, LEAKY_RELU, ELU, SELU, CELU, SIGMOID, HARD_SIGMOID, HARD_SWISH, TANH, SOFTPLUS, SOFTSIGN,
       EXP, LOG, SQRT, ABS, NEGATE, RECIPROCAL, FLOOR, CEIL, SIGN, ERF, GELU, GELU_TANH, CLIP, THRESHOLDED_RELU,
       SQUARE_SIGNED, LOG1P_EXP, TRUNCATE, IS_TRUE, NOT_TRUE, EXPIT };
enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, MINIMUM, MAXIMUM, EQUAL, GREATER, GREATER_OR_EQUAL, LESS, LESS_OR_EQUAL };
enum { SUM, MEAN, MAXIMUM_OF, MINIMUM_OF, L1_NORM, L2_NORM, PRODUCT };

/* Two axes of an image, and of the window that moves over it. */
typedef struct {
    int32_t channels, height, width;
    int32_t window_height, window_width, step_down, step_right, dilation_down, dilation_right;
    int32_t pad_top, pad_left, result_height, result_width;
    int32_t groups, filters; /* filters of a group */
    int32_t counts_padding;  /* in means */
} window;

#define LAYERS(REAL, NAME)                                                                                              \
    void dense_##NAME(const REAL *x, int64_t rows, int64_t row_step, const REAL *weights, const REAL *bias,             \
                      int64_t depth, int64_t width, REAL *y, int64_t y_row_step, int64_t y_step, int is_rectified);     \
    void convolve_##NAME(const REAL *x, const window *w, const int32_t *offsets, const REAL *weights, const REAL *bias, \
                         REAL *y, int is_rectified);                                                                   \
    void pad_##NAME(const REAL *x, int64_t channels, int64_t height, int64_t width, int64_t top, int64_t left,          \
                    int64_t padded_height, int64_t padded_width, REAL *y);                                              \
    void pool_##NAME(const REAL *x, const window *w, int is_mean, REAL *y);                                             \
    void apply_##NAME(int function, const REAL *x, int64_t count, double alpha, double beta, REAL *y);                  \
    void combine_##NAME(int operation, const REAL *x, int64_t x_step, const REAL *y, int64_t y_step, int64_t count,     \
                        REAL *z);                                                                                      \
    void take_##NAME(const REAL *x, const int32_t *places, int64_t count, REAL filler, REAL *y);                        \
    void reduce_##NAME(int kind, const REAL *x, int64_t groups, int64_t length, REAL *y);                               \
    void softmax_##NAME(const REAL *x, int64_t groups, int64_t length, int is_log, REAL *y);                            \
    void argmax_##NAME(const REAL *x, int64_t groups, int64_t length, int is_last, REAL *y);                            \
    void divide_by_##NAME(int kind, const REAL *x, int64_t groups, int64_t length, REAL *y);                            \
    void multiply_##NAME(const REAL *x, const REAL *y, int64_t batches, int64_t height, int64_t depth, int64_t width,   \
                         REAL *z);

LAYERS(float, float)
LAYERS(double, double)

void narrow(const double *x, int64_t count, float *y);
void widen(const float *x, int64_t count, double *y);

#endif
