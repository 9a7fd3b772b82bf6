/* A body falls around two fixed ones: chaotic, so that every bit of every step matters in the end. */
#include <math.h>
#include <string.h>
#include <truestep.h>

struct body {
    double x, y, vx, vy;
};

static void pull(struct body *body, double x, double y, double step)
{
    double dx = x - body->x, dy = y - body->y;
    double square = dx * dx + dy * dy + 0.01;
    double scale = step / (square * sqrt(square));
    body->vx += dx * scale;
    body->vy += dy * scale;
}

int main(void)
{
    const uint8_t *input;
    size_t size;
    uint32_t steps;
    struct body body = {0.3 + 0.001 * (double)shard_index(), 0.9, 0.0, 0.0};

    read_input(&input, &size);
    if (size != sizeof steps)
        return 1;
    memcpy(&steps, input, sizeof steps);
    for (uint32_t step = 0; step < steps; step++) {
        pull(&body, -1.0, 0.0, 1.0 / 256);
        pull(&body, 1.0, 0.0, 1.0 / 256);
        body.x += body.vx / 256;
        body.y += body.vy / 256;
    }
    write_output((const uint8_t *)&body, sizeof body);
    return 0;
}
