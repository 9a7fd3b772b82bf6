/* Matrices of any kind of number and any layout, to and from those of the routines of np.linalg, which are stored by
   columns in double precision.                                                                                     */
#include <math.h>

#include "runtime.h"

/* Kinds by NumPy's letters: ? b B h H i I l L f d F D */
static double _Complex load(char kind, const char *item) {
    switch (kind) {
    case '?': return *(const uint8_t *)item != 0;
    case 'b': return *(const int8_t *)item;
    case 'B': return *(const uint8_t *)item;
    case 'h': return *(const int16_t *)item;
    case 'H': return *(const uint16_t *)item;
    case 'i': return *(const int32_t *)item;
    case 'I': return *(const uint32_t *)item;
    case 'l': return (double)*(const int64_t *)item;
    case 'L': return (double)*(const uint64_t *)item;
    case 'f': return *(const float *)item;
    case 'd': return *(const double *)item;
    case 'F': return *(const float _Complex *)item;
    default: return *(const double _Complex *)item;
    }
}

static void take_matrix(char kind, const char *data, int64_t rows, int64_t columns, int64_t row_step,
                        int64_t column_step, int64_t is_complex, int64_t is_transposed, double *out) {
    if (is_transposed) {
        int64_t moved = rows;
        rows = columns, columns = moved;
        moved = row_step, row_step = column_step, column_step = moved;
    }
    for (int64_t column = 0; column < columns; column++) {
        const char *item = data + column * column_step;
        for (int64_t row = 0; row < rows; row++, item += row_step) {
            if (kind == 'd') {
                *out++ = *(const double *)item;
            } else {
                double _Complex value = load(kind, item);
                *out++ = __real__(value);
                if (is_complex) *out++ = is_transposed ? -__imag__(value) : __imag__(value);
            }
        }
    }
}

/* Each matrix of an array whose last two axes are its rows and columns; its conjugate transpose, if asked */
void truestep_take_matrices(int64_t kind, const char *data, int64_t axes, const int64_t *shape, const int64_t *steps,
                            int64_t is_complex, int64_t is_transposed, double *out) {
    enum { AXES_MAX = 32 };
    int64_t index[AXES_MAX] = {0}, rows = shape[axes - 2], columns = shape[axes - 1];
    for (int64_t axis = 0; axis < axes; axis++)
        if (shape[axis] == 0) return;
    for (;;) {
        take_matrix((char)kind, data, rows, columns, steps[axes - 2], steps[axes - 1], is_complex, is_transposed, out);
        out += rows * columns * (is_complex ? 2 : 1);
        int64_t axis = axes - 3;
        for (; axis >= 0 && ++index[axis] == shape[axis]; axis--) {
            index[axis] = 0;
            data -= (shape[axis] - 1) * steps[axis];
        }
        if (axis < 0) return;
        data += steps[axis];
    }
}

/* Matrices that are stored by columns, as an array of the kind; those of which the conjugate transposes are, if
   `is_transposed`                                                                                              */
int32_t truestep_give_matrices(int64_t kind, int64_t is_complex, int64_t is_transposed, int64_t count, int64_t rows,
                               int64_t columns, const double *matrices, void *out) {
    int64_t place = 0;
    for (; count > 0; count--, matrices += rows * columns * (is_complex ? 2 : 1))
        for (int64_t row = 0; row < rows; row++)
            for (int64_t column = 0; column < columns; column++, place++) {
                int64_t from = is_transposed ? column + row * columns : row + column * rows;
                double real = matrices[is_complex ? 2 * from : from], imaginary = 0;
                if (is_complex) imaginary = is_transposed ? -matrices[2 * from + 1] : matrices[2 * from + 1];
                switch ((char)kind) {
                case 'f': ((float *)out)[place] = (float)real; break;
                case 'd': ((double *)out)[place] = real; break;
                case 'F': ((float _Complex *)out)[place] = __builtin_complex((float)real, (float)imaginary); break;
                default: ((double _Complex *)out)[place] = __builtin_complex(real, imaginary);
                }
            }
    return 0;
}
