/* Calls through tables of function pointers: parameter(0) rounds over a few thousand small objects, each with
   methods of its class. */
#include "kernel.h"

enum { CLASSES = 8, OBJECTS = 2048 };

typedef struct object object;

typedef struct {
    void (*update)(object *self, uint64_t message);
    uint64_t (*answer)(const object *self);
} methods;

struct object {
    const methods *class;
    uint64_t value, count;
};

static void add(object *self, uint64_t message) { self->value += message; }
static void take(object *self, uint64_t message) { self->value -= message >> 1; }
static void mix(object *self, uint64_t message) { self->value ^= message << 3; }
static void scale(object *self, uint64_t message) { self->value = self->value * 5 + message; }
static void keep_greater(object *self, uint64_t message) {
    if (message > self->value) self->value = message;
}
static void count_odd(object *self, uint64_t message) { self->count += message & 1; }
static void turn(object *self, uint64_t message) {
    self->value = self->value << 7 | self->value >> 57;
    self->count += message;
}
static void drop(object *self, uint64_t message) { self->value = self->value / 2 + (message & 15); }

static uint64_t plain(const object *self) { return self->value; }
static uint64_t counted(const object *self) { return self->value + self->count; }
static uint64_t folded(const object *self) { return self->value ^ self->value >> 32; }

static const methods classes[CLASSES] = {
    {add, plain},          {take, folded},      {mix, plain},    {scale, folded},
    {keep_greater, plain}, {count_odd, counted}, {turn, counted}, {drop, plain},
};

int main(void) {
    static object objects[OBJECTS];
    uint64_t random = 1, message = 1;
    for (int i = 0; i < OBJECTS; i++) objects[i].class = &classes[next_random(&random) >> 61];
    for (uint64_t round = parameter(0); round > 0; round--)
        for (int i = 0; i < OBJECTS; i++) {
            object *each = &objects[i];
            each->class->update(each, message);
            message += each->class->answer(each);
        }
    output_digest(absorb(message, objects[0].value));
    return 0;
}
