/* Ensembles of decision trees. */
#ifndef TRUESTEP_TREES_H
#define TRUESTEP_TREES_H

#include <stdint.h>

/* Two children lie next to each other: a row goes to `left` if its column <= threshold, else to the next. A leaf
   looks at column 0, which holds 0, and is its own left child, so that rows walk together until the last is there.
   Its threshold says where its values begin.                                                                        */
typedef struct {
    double threshold;
    int32_t column, left;
} tree_node;

/* What a column holds of a feature: a missing value is made one that goes the right way. */
enum { AS_IT_IS, MISSING_LEFT, MISSING_IS_ZERO, MISSING_OR_ZERO_LEFT, MISSING_OR_ZERO_RIGHT };

typedef struct {
    int32_t feature, rule;
} tree_column;

/* A decision by membership, of a node whose column is -1 - its number. Members go to the left. */
typedef struct {
    int32_t feature, is_missing_left;
    int32_t first_word, words; /* a bit for each integer; no words: equal to `value` */
    double value;
} tree_set;

typedef struct {
    const tree_node *nodes;
    const tree_column *columns;
    const tree_set *sets;
    const uint32_t *set_words;
    const int32_t *roots;   /* by tree: its first node */
    const int32_t *targets; /* by tree: the first output that it adds to */
    int64_t trees, column_count, features, outputs, values_per_leaf, has_sets;
    double flushed; /* features that are not larger count as 0; negative: none */
} forest;

enum { TREE_ROWS = 4 }; /* that walk side by side */

/* Room that columns need: a number of doubles. */
#define TREE_COLUMNS(column_count) (TREE_ROWS * ((column_count) + 1))

/* Adds what each row gets from all trees, in the order of the trees. */
void add_trees_double(const forest *f, const double *values, const double *x, int64_t count, double *room, double *sums);
void add_trees_float(const forest *f, const float *values, const double *x, int64_t count, double *room, float *sums);

#endif
