/* What trees add up to, once for float and once for double. */

static void NAMED(add_leaf)(const forest *f, const REAL *values, int64_t tree, int32_t leaf, REAL *sums) {
    const REAL *from = values + (int64_t)f->nodes[leaf].threshold;
    REAL *to = sums + f->targets[tree];
    if (f->values_per_leaf == 1) *to += *from;
    else
        for (int64_t i = 0; i < f->values_per_leaf; i++) to[i] += from[i];
}

void NAMED(add_trees)(const forest *f, const REAL *values, const double *x, int64_t count, double *room, REAL *sums) {
    int64_t width = f->column_count + 1;
    for (int64_t first = 0; first < count; first += TREE_ROWS) {
        int64_t rows = count - first < TREE_ROWS ? count - first : TREE_ROWS;
        const double *own = x + first * f->features;
        int32_t leaves[TREE_ROWS];
        for (int64_t i = 0; i < TREE_ROWS; i++) fill_columns(f, own + (i < rows ? i : 0) * f->features, room + i * width);
        for (int64_t tree = 0; tree < f->trees; tree++) {
            find_leaves(f, f->roots[tree], room, own, rows, leaves);
            for (int64_t i = 0; i < rows; i++)
                NAMED(add_leaf)(f, values, tree, leaves[i], sums + (first + i) * f->outputs);
        }
    }
}
