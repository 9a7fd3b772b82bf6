#include "linear_rotations.h"

double truestep_rotation(double first, double second, struct rotation *rotation) {
    double a = fabs(first), b = fabs(second);
    if (second == 0) {
        *rotation = (struct rotation){1, 0};
        return first;
    }
    if (first == 0) {
        *rotation = (struct rotation){0, copysign(1, second)};
        return b;
    }
    double scale = 1;
    if (!(a > 1e-150 && a < 1e150 && b > 1e-150 && b < 1e150)) {
        scale = fmin(fmax(fmax(a, b), DBL_MIN), 1 / DBL_MIN);
        first /= scale, second /= scale;
    }
    double length = sqrt(first * first + second * second);
    double signed_length = copysign(length, first);
    *rotation = (struct rotation){fabs(first) / length, second / signed_length};
    return signed_length * scale;
}

void truestep_rotate(int64_t count, struct rotation rotation, double *x, double *y) {
    double cosine = rotation.cosine, sine = rotation.sine;
    for (int64_t i = 0; i < count; i++) {
        double left = x[i], right = y[i];
        x[i] = cosine * left + sine * right;
        y[i] = cosine * right - sine * left;
    }
}

/* Two rotations that share the middle column, in one pass */
static void rotate_three(int64_t count, struct rotation first, struct rotation second, double *x, double *y,
                         double *z) {
    for (int64_t i = 0; i < count; i++) {
        double left = x[i], middle = y[i], right = z[i];
        double turned = first.cosine * middle - first.sine * left;
        x[i] = first.cosine * left + first.sine * middle;
        y[i] = second.cosine * turned + second.sine * right;
        z[i] = second.cosine * right - second.sine * turned;
    }
}

static void rotate_three_backward(int64_t count, struct rotation first, struct rotation second, double *x, double *y,
                                  double *z) {
    for (int64_t i = 0; i < count; i++) {
        double left = x[i], middle = y[i], right = z[i];
        double turned = second.cosine * middle + second.sine * right;
        z[i] = second.cosine * right - second.sine * middle;
        x[i] = first.cosine * left + first.sine * turned;
        y[i] = first.cosine * turned - first.sine * left;
    }
}

void truestep_rotate_columns(int64_t rows, int64_t first, int64_t count, const struct rotation *rotations,
                             int is_backward, double *z) {
    if (!rows) return;
    int64_t done = 0;
    for (; done + 2 <= count; done += 2) {
        int64_t pair = is_backward ? count - done - 2 : done;
        double *column = z + (first + pair) * rows;
        (is_backward ? rotate_three_backward : rotate_three)(rows, rotations[pair], rotations[pair + 1], column,
                                                             column + rows, column + 2 * rows);
    }
    if (done < count) {
        int64_t pair = is_backward ? 0 : done;
        double *column = z + (first + pair) * rows;
        truestep_rotate(rows, rotations[pair], column, column + rows);
    }
}

void truestep_swap(int64_t rows, double *x, double *y) {
    for (int64_t i = 0; i < rows; i++) {
        double moved = x[i];
        x[i] = y[i];
        y[i] = moved;
    }
}
