/* Sun and giant planets drawn to each other in doubles, parameter(0) steps; the bits of all positions count. */
#include "kernel.h"

enum { BODIES = 5 };
#define PI 3.141592653589793
#define SOLAR_MASS (4 * PI * PI)
#define DAYS 365.24

typedef struct {
    double x, y, z, vx, vy, vz, mass;
} body;

/* Positions in astronomical units, speeds per year, masses in suns (4π²): Sun, Jupiter, Saturn, Uranus, Neptune. */
static body bodies[BODIES] = {
    {0, 0, 0, 0, 0, 0, SOLAR_MASS},
    {4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.00166007664274403694 * DAYS,
     0.00769901118419740425 * DAYS, -0.0000690460016972063023 * DAYS, 0.000954791938424326609 * SOLAR_MASS},
    {8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -0.00276742510726411187 * DAYS,
     0.00499852801234917238 * DAYS, 0.0000230417297573763929 * DAYS, 0.000285885980666130812 * SOLAR_MASS},
    {12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 0.00296460137564761618 * DAYS,
     0.00237847173959480950 * DAYS, -0.0000296589568540237556 * DAYS, 0.0000436624404335156298 * SOLAR_MASS},
    {15.3796971148509165, -25.9193146099879641, 0.179258772950371181, 0.00268067772490389322 * DAYS,
     0.00162824170038242295 * DAYS, -0.0000951592254519715870 * DAYS, 0.0000515138902046611451 * SOLAR_MASS},
};

static void rest_as_a_whole(void) {
    double x = 0, y = 0, z = 0;
    for (int i = 0; i < BODIES; i++) {
        x += bodies[i].vx * bodies[i].mass;
        y += bodies[i].vy * bodies[i].mass;
        z += bodies[i].vz * bodies[i].mass;
    }
    bodies[0].vx = -x / SOLAR_MASS;
    bodies[0].vy = -y / SOLAR_MASS;
    bodies[0].vz = -z / SOLAR_MASS;
}

static void pull(body *a, body *b, double step) {
    double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
    double square = dx * dx + dy * dy + dz * dz;
    double strength = step / (square * __builtin_sqrt(square));
    a->vx -= dx * b->mass * strength;
    a->vy -= dy * b->mass * strength;
    a->vz -= dz * b->mass * strength;
    b->vx += dx * a->mass * strength;
    b->vy += dy * a->mass * strength;
    b->vz += dz * a->mass * strength;
}

static void advance(double step) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) pull(&bodies[i], &bodies[j], step);
    for (int i = 0; i < BODIES; i++) {
        bodies[i].x += step * bodies[i].vx;
        bodies[i].y += step * bodies[i].vy;
        bodies[i].z += step * bodies[i].vz;
    }
}

static uint64_t absorb_double(uint64_t digest, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return absorb(digest, bits);
}

int main(void) {
    uint64_t digest = 0;
    rest_as_a_whole();
    for (uint64_t steps = parameter(0); steps > 0; steps--) advance(0.01);
    for (int i = 0; i < BODIES; i++) {
        digest = absorb_double(digest, bodies[i].x);
        digest = absorb_double(digest, bodies[i].y);
        digest = absorb_double(digest, bodies[i].z);
    }
    output_digest(digest);
    return 0;
}
