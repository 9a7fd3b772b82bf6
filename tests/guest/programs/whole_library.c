/* Uses streams, formats, numbers, jumps, signals, the clock and exit handlers of the whole C library. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Found only through the names that the linker gives their section. */
__attribute__((section("registered"), used)) static const int registered_first = 40, registered_second = 2;
extern const int __start_registered[], __stop_registered[];

static jmp_buf place;
static volatile sig_atomic_t caught;

static void first_handler(void) { printf("first handler\n"); }
static void second_handler(void) { printf("second handler\n"); }
static void on_signal(int signal) { caught = signal; }
__attribute__((constructor)) static void before(void) { printf("constructor\n"); }
__attribute__((destructor)) static void after(void) { printf("destructor\n"); }

static void reads_input(void) {
    char word[20], *line = NULL;
    size_t room = 0;
    int number;
    double real;
    printf("%d", scanf("%d %19s %lf", &number, word, &real));
    printf(" %d %s %a\n", number, word, real);
    int c = getchar();
    ungetc(c, stdin);
    ungetc('!', stdin);
    printf("%d %ld ", getchar(), (long)getline(&line, &room, stdin));
    printf("%ld %s", (long)getline(&line, &room, stdin), line);
    printf("%d %ld ", fseek(stdin, -4, SEEK_END), ftell(stdin));
    printf("%zu %.4s %d %d\n", fread(line, 1, room, stdin), line, feof(stdin), getc(stdin));
    free(line);
}

static void formats(void) {
    char text[8], *memory;
    size_t size;
    printf("%g %g %g %.0f %.3e %a\n", 0.1, 1e300 * 10, 5e-324, 2.5, 12345.678, 1.0 / 3);
    printf("%Lf %.20Lg %+5.1f|%-8.3f|%08.2f\n", 1.5L, 0.1L, 2.25, 3.14159, -1.5);
    printf("%2$s %1$g\n", -INFINITY, "positional");
    long long wide = 0;
    printf("%d", sscanf("-1234567890123", "%Ld", &wide));
    printf(" %Ld %.0Lf\n", wide, -0.6L);
    int length = snprintf(text, sizeof text, "%.*f", caught + 10, 3.0);
    printf("%d %s\n", length, text);
    FILE *stream = open_memstream(&memory, &size);
    fprintf(stream, "%s %c", "in memory", 'x');
    fclose(stream);
    printf("%s %zu\n", memory, size);
    free(memory);
    stream = fmemopen((char[]){"17 0x1p3"}, 8, "r");
    int whole;
    double real;
    printf("%d", fscanf(stream, "%d%lf", &whole, &real));
    printf(" %d %g\n", whole, real);
    fclose(stream);
}

static void errors(void) {
    char *end;
    printf("%d", fopen("missing", "r") == NULL && errno == ENOENT);
    printf("%d", fopen("/new", "w") == NULL);
    errno = 0;
    printf("%d", isinf(strtod("1e999", NULL)) && errno == ERANGE);
    errno = 0;
    printf("%d", strtol("99999999999999999999", NULL, 10) == LONG_MAX && errno == ERANGE);
    printf("%d", strtod("0x1.8p1z", &end) == 3 && *end == 'z');
    pthread_t thread;
    printf("%d", pthread_create(&thread, NULL, NULL, NULL) == EAGAIN);
    printf("%d", fork() == -1 && errno == ENOSYS);
    volatile char lowest = CHAR_MIN;
    printf("%d", (char)-1 < 0 && lowest < 0 && (int)lowest == SCHAR_MIN);
    volatile size_t too_much = SIZE_MAX / 2;
    errno = 0;
    void *volatile none = malloc(too_much);
    printf("%d", !none && errno == ENOMEM);
    printf("%d %s %s\n", getenv("PATH") == NULL, strerror(EINVAL), setlocale(LC_ALL, "C"));
}

static void blocks_a_signal(void) {
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    signal(SIGUSR2, on_signal);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    printf("%d%d ", caught == SIGUSR1, sigpending(&pending));
    printf("%d%d ", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("%d %d\n", caught == SIGUSR2, sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR2));
    caught = SIGUSR1;
}

int main(int count, char **arguments) {
    int registered = 0;
    for (const int *each = __start_registered; each < __stop_registered; each++) registered += *each;
    printf("%d %s %d\n", count, arguments[0], registered);
    atexit(first_handler);
    atexit(second_handler);
    reads_input();
    formats();
    errors();
    if (!setjmp(place)) longjmp(place, 1);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    blocks_a_signal();
    time_t now = time(NULL);
    printf("%d %s", caught == SIGUSR1, asctime(gmtime(&now)));
    sleep(3600);
    printf("%ld %d\n", (long)(time(NULL) - now), clock() > 0);
    srand(42);
    printf("%d %d\n", rand(), rand());
    fprintf(stderr, "to stderr");
    exit(3);
}
