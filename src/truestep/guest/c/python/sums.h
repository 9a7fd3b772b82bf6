/* NumPy's sum over items that lie evenly in memory, for one type of number (sums.c). The order of additions is
   NumPy's: eight partial sums for up to 128 numbers, halves above. A complex number counts as two.

   SCALAR, NAME(x), PARTS: how many numbers an item has                                                        */

static void NAME(few)(const uint8_t *items, int64_t count, int64_t step, SCALAR total[PARTS]) {
    for (int part = 0; part < PARTS; part++) total[part] = (SCALAR)-0.0;
    for (int64_t i = 0; i < count; i++)
        for (int part = 0; part < PARTS; part++) total[part] += ((const SCALAR *)(items + i * step))[part];
}

static inline __attribute__((always_inline)) void NAME(lanes)(const uint8_t *items, int64_t count, int64_t step,
                                                              SCALAR total[PARTS]) {
    enum { LANES = 8 / PARTS };
    SCALAR lanes[LANES][PARTS];
    int64_t i = LANES;
    for (int lane = 0; lane < LANES; lane++)
        for (int part = 0; part < PARTS; part++) lanes[lane][part] = ((const SCALAR *)(items + lane * step))[part];
    for (; i < count - count % LANES; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            for (int part = 0; part < PARTS; part++)
                lanes[lane][part] += ((const SCALAR *)(items + (i + lane) * step))[part];
    for (int width = 1; width < LANES; width *= 2)
        for (int lane = 0; lane + width < LANES; lane += 2 * width)
            for (int part = 0; part < PARTS; part++) lanes[lane][part] += lanes[lane + width][part];
    for (int part = 0; part < PARTS; part++) total[part] = lanes[0][part];
    for (; i < count; i++)
        for (int part = 0; part < PARTS; part++) total[part] += ((const SCALAR *)(items + i * step))[part];
}

/* Items without gaps have loads with constant offsets. */
static void NAME(block)(const uint8_t *items, int64_t count, int64_t step, SCALAR total[PARTS]) {
    const int64_t size = PARTS * sizeof(SCALAR);
    if (step == size) NAME(lanes)(items, count, size, total);
    else NAME(lanes)(items, count, step, total);
}

static void NAME(pairwise)(const uint8_t *items, int64_t count, int64_t step, SCALAR total[PARTS]) {
    if (PARTS * count < 8) {
        NAME(few)(items, count, step, total);
    } else if (PARTS * count <= 128) {
        NAME(block)(items, count, step, total);
    } else {
        SCALAR rest[PARTS];
        int64_t half = count / 2;
        half -= half % (8 / PARTS);
        NAME(pairwise)(items, half, step, total);
        NAME(pairwise)(items + half * step, count - half, step, rest);
        for (int part = 0; part < PARTS; part++) total[part] += rest[part];
    }
}

/* *total += the sum; `chunk` items at a time where NumPy copies them into a buffer */
static void NAME(add)(const uint8_t *items, int64_t count, int64_t step, int64_t chunk, SCALAR *total) {
    for (int64_t first = 0; first < count; first += chunk) {
        SCALAR sum[PARTS];
        NAME(pairwise)(items + first * step, count - first < chunk ? count - first : chunk, step, sum);
        for (int part = 0; part < PARTS; part++) total[part] += sum[part];
    }
}

/* adds items to as many sums */
static void NAME(each)(const uint8_t *items, int64_t count, int64_t step, uint8_t *sums, int64_t sums_step) {
    const int64_t size = PARTS * sizeof(SCALAR);
    int64_t i = 0;
    if (step == size && sums_step == size)
        for (; i + 4 <= count; i += 4)
            for (int part = 0; part < 4 * PARTS; part++)
                ((SCALAR *)sums)[i * PARTS + part] += ((const SCALAR *)items)[i * PARTS + part];
    for (; i < count; i++)
        for (int part = 0; part < PARTS; part++)
            ((SCALAR *)(sums + i * sums_step))[part] += ((const SCALAR *)(items + i * step))[part];
}
