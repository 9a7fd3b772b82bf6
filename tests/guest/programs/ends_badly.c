/* Ends in the way that the first input byte names, with its own malloc and beside the whole library. */
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static _Alignas(16) char memory[1 << 16];
static size_t taken;

void *malloc(size_t size) {
    void *block = memory + taken;
    taken += (size + 15) & ~(size_t)15;
    return block;
}
void free(void *block) { (void)block; }
int puts(const char *text) { return fprintf(stderr, "own %s\n", text); }

static void never(void) { fprintf(stderr, "atexit"); }
static void on_abort(int signal) { fprintf(stderr, "caught %d\n", signal); }

int main(void) {
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    atexit(never);
    printf("%.1f", (double)*(char *)malloc(1));
    puts("puts");
    switch (getchar()) {
    case 'a': signal(SIGABRT, on_abort); abort();
    case 'f': assert(!"this"); break;
    case 'd': pthread_mutex_lock(&lock); pthread_mutex_lock(&lock); break;
    case 's': raise(SIGTERM); break;
    case 'q': _Exit(3);
    case 'e': exit(4);
    }
    return 0;
}
