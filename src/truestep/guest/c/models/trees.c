/* Ensembles of decision trees: four rows walk down a tree side by side, since each waits for memory at each node. */
#include "trees.h"

#include <math.h>
#include <stdint.h>

static const double ZERO = 1e-35f; /* LightGBM's: smaller numbers count as 0 where zero means missing */

static double by_rule(int32_t rule, double value) {
    int is_missing = isnan(value), is_zero = is_missing || fabs(value) <= ZERO;
    switch (rule) {
        case MISSING_LEFT: return is_missing ? -INFINITY : value;
        case MISSING_IS_ZERO: return is_missing ? 0 : value;
        case MISSING_OR_ZERO_LEFT: return is_zero ? -INFINITY : value;
        case MISSING_OR_ZERO_RIGHT: return is_zero ? NAN : value;
        default: return value;
    }
}

static void fill_columns(const forest *f, const double *x, double *columns) {
    columns[0] = 0;
    for (int64_t i = 0; i < f->column_count; i++) {
        double value = x[f->columns[i].feature];
        if (fabs(value) <= f->flushed) value = 0;
        columns[i + 1] = f->columns[i].rule ? by_rule(f->columns[i].rule, value) : value;
    }
}

static int is_right_of_set(const forest *f, const tree_set *set, const double *x) {
    double value = x[set->feature];
    if (isnan(value)) return !set->is_missing_left;
    if (!set->words) return value != set->value;
    if (!(value > -1 && value < 32.0 * set->words)) return 1;
    uint32_t member = (uint32_t)value;
    return !(f->set_words[set->first_word + (int32_t)(member / 32)] >> member % 32 & 1);
}

/* The leaf of one row in a tree that has decisions by membership. */
static int32_t walk(const forest *f, int32_t at, const double *columns, const double *x) {
    for (;;) {
        const tree_node *node = &f->nodes[at];
        if (node->column == 0) return at;
        int is_right = node->column < 0 ? is_right_of_set(f, &f->sets[-1 - node->column], x)
                                        : !(columns[node->column] <= node->threshold);
        at = node->left + is_right;
    }
}

static void walk_four(const forest *f, int32_t root, const double *columns, int64_t width, int32_t leaves[TREE_ROWS]) {
    const tree_node *nodes = f->nodes, *a = &nodes[root], *b = a, *c = a, *d = a;
    const double *x = columns, *y = x + width, *z = y + width, *w = z + width;
    while (a->column | b->column | c->column | d->column) {
        a = &nodes[a->left + !(x[a->column] <= a->threshold)];
        b = &nodes[b->left + !(y[b->column] <= b->threshold)];
        c = &nodes[c->left + !(z[c->column] <= c->threshold)];
        d = &nodes[d->left + !(w[d->column] <= d->threshold)];
    }
    leaves[0] = (int32_t)(a - nodes);
    leaves[1] = (int32_t)(b - nodes);
    leaves[2] = (int32_t)(c - nodes);
    leaves[3] = (int32_t)(d - nodes);
}

static void find_leaves(const forest *f, int32_t root, const double *columns, const double *x, int64_t rows,
                        int32_t leaves[TREE_ROWS]) {
    int64_t width = f->column_count + 1;
    if (!f->has_sets) walk_four(f, root, columns, width, leaves);
    else
        for (int64_t i = 0; i < rows; i++) leaves[i] = walk(f, root, columns + i * width, x + i * f->features);
}

#define REAL double
#define NAMED(name) name##_double
#include "trees_of_type.h"
#undef REAL
#undef NAMED
#define REAL float
#define NAMED(name) name##_float
#include "trees_of_type.h"
