/* Layers, once for float and once for double. */

enum { NAMED(PANEL) = 8 }; /* outputs whose sums are computed side by side, in registers */

/* 0 for what is below it, by its sign bit: whether a sum is negative, no processor can predict. A NaN remains. */
static REAL NAMED(rectified)(REAL x) {
    BITS bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= ~(bits >> (8 * sizeof bits - 1));
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The larger number, chosen by a mask. */
static REAL NAMED(larger)(REAL x, REAL y) {
    BITS own, other, is_other = -(BITS)(y > x);
    memcpy(&own, &x, sizeof own);
    memcpy(&other, &y, sizeof other);
    own ^= (own ^ other) & is_other;
    memcpy(&x, &own, sizeof x);
    return x;
}

static REAL NAMED(finished)(REAL sum, int is_rectified) { return is_rectified ? NAMED(rectified)(sum) : sum; }

/* `lanes` outputs of one row; their weights lie next to each other for each input. */
#define DENSE_PANEL(lanes)                                                                                             \
    static void NAMED(panel_##lanes)(const REAL *x, const REAL *w, const REAL *bias, int64_t depth, REAL *y,           \
                                     int64_t step, int is_rectified) {                                                 \
        REAL sums[lanes] = {0};                                                                                        \
        for (int64_t k = 0; k < depth; k++, w += lanes)                                                                \
            EACH(lanes) sums[i] = FUSED(x[k], w[i], sums[i]);                                                          \
        EACH(lanes) y[i * step] = NAMED(finished)(sums[i] + bias[i], is_rectified);                                    \
    }

DENSE_PANEL(8)
DENSE_PANEL(4)
DENSE_PANEL(2)
DENSE_PANEL(1)

#define DENSE_PANELS(lanes)                                                                                            \
    for (; width - at >= lanes; at += lanes, weights += depth * lanes)                                                 \
        for (int64_t row = 0; row < rows; row++)                                                                       \
            NAMED(panel_##lanes)(x + row * row_step, weights, bias + at, depth, y + row * y_row_step + at * y_step,    \
                                 y_step, is_rectified);

void NAMED(dense)(const REAL *x, int64_t rows, int64_t row_step, const REAL *weights, const REAL *bias, int64_t depth,
                  int64_t width, REAL *y, int64_t y_row_step, int64_t y_step, int is_rectified) {
    int64_t at = 0;
    DENSE_PANELS(8)
    DENSE_PANELS(4)
    DENSE_PANELS(2)
    DENSE_PANELS(1)
}

#undef DENSE_PANEL
#undef DENSE_PANELS

/* `lanes` filters at one place; the numbers that they see lie at `offsets` from there. */
#define CONVOLUTION_PANEL(lanes)                                                                                       \
    static void NAMED(filters_##lanes)(const REAL *x, const int32_t *offsets, const REAL *w, const REAL *bias,         \
                                       int64_t depth, REAL *y, int64_t step, int is_rectified) {                       \
        REAL sums[lanes] = {0};                                                                                        \
        for (int64_t k = 0; k < depth; k++, w += lanes) {                                                              \
            REAL value = x[offsets[k]];                                                                                \
            EACH(lanes) sums[i] = FUSED(value, w[i], sums[i]);                                                         \
        }                                                                                                              \
        EACH(lanes) y[i * step] = NAMED(finished)(sums[i] + bias[i], is_rectified);                                    \
    }

CONVOLUTION_PANEL(8)
CONVOLUTION_PANEL(4)
CONVOLUTION_PANEL(2)
CONVOLUTION_PANEL(1)

#define CONVOLUTION_PANELS(lanes)                                                                                      \
    for (; w->filters - at >= lanes; at += lanes, weights += depth * lanes)                                            \
        for (int64_t i = 0; i < w->result_height; i++)                                                                 \
            for (int64_t j = 0; j < w->result_width; j++)                                                              \
                NAMED(filters_##lanes)(x + i * w->step_down * w->width + j * w->step_right, offsets, weights,          \
                                       bias + at, depth, y + at * places + i * w->result_width + j, places,            \
                                       is_rectified);

/* Filters over an image that has its padding already. */
void NAMED(convolve)(const REAL *x, const window *w, const int32_t *offsets, const REAL *weights, const REAL *bias,
                     REAL *y, int is_rectified) {
    int64_t channels = w->channels / w->groups, depth = channels * w->window_height * w->window_width;
    int64_t places = (int64_t)w->result_height * w->result_width;
    for (int32_t group = 0; group < w->groups; group++) {
        int32_t at = 0;
        CONVOLUTION_PANELS(8)
        CONVOLUTION_PANELS(4)
        CONVOLUTION_PANELS(2)
        CONVOLUTION_PANELS(1)
        x += channels * w->height * w->width;
        y += w->filters * places;
        bias += w->filters;
    }
}

#undef CONVOLUTION_PANEL
#undef CONVOLUTION_PANELS

/* An image in the middle of a larger one, which is zero around it. */
void NAMED(pad)(const REAL *x, int64_t channels, int64_t height, int64_t width, int64_t top, int64_t left,
                int64_t padded_height, int64_t padded_width, REAL *y) {
    for (int64_t channel = 0; channel < channels; channel++, y += padded_height * padded_width)
        for (int64_t i = 0; i < height; i++, x += width)
            memcpy(y + (top + i) * padded_width + left, x, (size_t)width * sizeof *x);
}

static REAL NAMED(pooled)(const REAL *x, const window *w, int32_t top, int32_t left, int is_mean) {
    REAL found = is_mean ? 0 : -INFINITY;
    int32_t seen = 0;
    int32_t bottom = top + (w->window_height - 1) * w->dilation_down, right = left + (w->window_width - 1) * w->dilation_right;
    if (top >= 0 && left >= 0 && bottom < w->height && right < w->width) {
        const REAL *line = x + (int64_t)top * w->width + left;
        for (int32_t i = 0; i < w->window_height; i++, line += (int64_t)w->dilation_down * w->width)
            for (int32_t j = 0; j < w->window_width; j++) {
                REAL value = line[j * w->dilation_right];
                found = is_mean ? found + value : NAMED(larger)(found, value);
            }
        return is_mean ? found / (REAL)(w->window_height * w->window_width) : found;
    }
    for (int32_t i = 0; i < w->window_height; i++) {
        int32_t row = top + i * w->dilation_down;
        if (row < 0 || row >= w->height) continue;
        for (int32_t j = 0; j < w->window_width; j++) {
            int32_t column = left + j * w->dilation_right;
            if (column < 0 || column >= w->width) continue;
            REAL value = x[(int64_t)row * w->width + column];
            seen++;
            if (is_mean) found += value;
            else found = NAMED(larger)(found, value);
        }
    }
    return is_mean ? found / (REAL)(w->counts_padding ? w->window_height * w->window_width : seen) : found;
}

void NAMED(pool)(const REAL *x, const window *w, int is_mean, REAL *y) {
    for (int32_t channel = 0; channel < w->channels; channel++, x += (int64_t)w->height * w->width)
        for (int32_t i = 0; i < w->result_height; i++)
            for (int32_t j = 0; j < w->result_width; j++)
                *y++ = NAMED(pooled)(x, w, i * w->step_down - w->pad_top, j * w->step_right - w->pad_left, is_mean);
}

void NAMED(apply)(int function, const REAL *x, int64_t count, double alpha, double beta, REAL *y) {
    if (function == RELU)
        for (int64_t i = 0; i < count; i++) y[i] = NAMED(rectified)(x[i]);
    else
        for (int64_t i = 0; i < count; i++) y[i] = (REAL)value_of(function, (double)x[i], alpha, beta);
}

void NAMED(combine)(int operation, const REAL *x, int64_t x_step, const REAL *y, int64_t y_step, int64_t count, REAL *z) {
    for (int64_t i = 0; i < count; i++, x += x_step, y += y_step) switch (operation) {
            case ADD: z[i] = *x + *y; break;
            case SUBTRACT: z[i] = *x - *y; break;
            case MULTIPLY: z[i] = *x * *y; break;
            case DIVIDE: z[i] = *x / *y; break;
            default: z[i] = (REAL)result_of(operation, (double)*x, (double)*y);
        }
}

void NAMED(take)(const REAL *x, const int32_t *places, int64_t count, REAL filler, REAL *y) {
    for (int64_t i = 0; i < count; i++) y[i] = places[i] < 0 ? filler : x[places[i]];
}

static REAL NAMED(reduced)(int kind, const REAL *x, int64_t length) {
    REAL found = kind == PRODUCT ? 1 : 0;
    if (kind == MAXIMUM_OF || kind == MINIMUM_OF) found = x[0];
    for (int64_t i = 0; i < length; i++) {
        REAL value = x[i];
        switch (kind) {
            case MAXIMUM_OF: found = value > found || isnan(value) ? value : found; break;
            case MINIMUM_OF: found = value < found || isnan(value) ? value : found; break;
            case L1_NORM: found += value < 0 ? -value : value; break;
            case L2_NORM: found += value * value; break;
            case PRODUCT: found *= value; break;
            default: found += value;
        }
    }
    return kind == MEAN ? found / (REAL)length : kind == L2_NORM ? ROOT(found) : found;
}

void NAMED(reduce)(int kind, const REAL *x, int64_t groups, int64_t length, REAL *y) {
    for (int64_t i = 0; i < groups; i++) y[i] = NAMED(reduced)(kind, x + i * length, length);
}

/* Rows by their own sum or norm; a norm of 0 leaves the row as it is. */
void NAMED(divide_by)(int kind, const REAL *x, int64_t groups, int64_t length, REAL *y) {
    for (int64_t group = 0; group < groups; group++, x += length, y += length) {
        REAL divisor = NAMED(reduced)(kind, x, length);
        for (int64_t i = 0; i < length; i++) y[i] = divisor == 0 ? x[i] : x[i] / divisor;
    }
}

void NAMED(softmax)(const REAL *x, int64_t groups, int64_t length, int is_log, REAL *y) {
    for (int64_t group = 0; group < groups; group++, x += length, y += length) {
        REAL largest = NAMED(reduced)(MAXIMUM_OF, x, length), sum = 0;
        for (int64_t i = 0; i < length; i++) sum += y[i] = (REAL)exp((double)(x[i] - largest));
        if (is_log) {
            REAL shift = (REAL)log((double)sum);
            for (int64_t i = 0; i < length; i++) y[i] = x[i] - largest - shift;
        } else {
            for (int64_t i = 0; i < length; i++) y[i] /= sum;
        }
    }
}

void NAMED(argmax)(const REAL *x, int64_t groups, int64_t length, int is_last, REAL *y) {
    for (int64_t group = 0; group < groups; group++, x += length) {
        int64_t best = 0;
        for (int64_t i = 1; i < length; i++)
            if (x[i] > x[best] || (is_last && x[i] == x[best]) || (isnan(x[i]) && !isnan(x[best]))) best = i;
        y[group] = (REAL)best;
    }
}

void NAMED(multiply)(const REAL *x, const REAL *y, int64_t batches, int64_t height, int64_t depth, int64_t width, REAL *z) {
    memset(z, 0, (size_t)(batches * height * width) * sizeof *z);
    for (int64_t batch = 0; batch < batches; batch++, y += depth * width)
        for (int64_t i = 0; i < height; i++, z += width, x += depth)
            for (int64_t k = 0; k < depth; k++)
                for (int64_t j = 0; j < width; j++) z[j] = FUSED(x[k], y[k * width + j], z[j]);
}
