/* Files in memory, in the directory of temporary files; other calls of an operating system, and qsort. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static char text[64];

static void descriptors(void) {
    struct stat status;
    int file = open(P_tmpdir "/a", O_RDWR | O_CREAT | O_EXCL, 0600);
    assert(file == 3 && open(P_tmpdir "/a", O_RDWR | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
    assert(write(file, "hello", 5) == 5 && lseek(file, 10, SEEK_SET) == 10 && write(file, "x", 1) == 1);
    assert(!fstat(file, &status) && status.st_size == 11 && S_ISREG(status.st_mode));
    assert(pread(file, text, sizeof text, 3) == 8 && !memcmp(text, "lo\0\0\0\0\0x", 8));
    int copy = dup(file);
    assert(lseek(file, 1, SEEK_SET) == 1 && read(copy, text, 2) == 2 && !memcmp(text, "el", 2));
    assert(!close(copy) && close(copy) == -1 && errno == EBADF && lseek(file, 0, SEEK_CUR) == 3);
    assert(!ftruncate(file, 2) && lseek(file, 0, SEEK_END) == 2 && lseek(file, -3, SEEK_END) == -1);
    assert(!close(file) && dup2(1, 9) == 9 && write(9, "", 0) == 0 && !close(9));
    assert(read(1, text, 1) == -1 && errno == EBADF && write(0, text, 1) == -1);
    assert(!fstat(1, &status) && S_ISFIFO(status.st_mode) && lseek(1, 0, SEEK_CUR) == -1 && errno == ESPIPE);
    assert(!fstat(0, &status) && status.st_size == 5 && !isatty(0) && errno == ENOTTY);
}

static void names(void) {
    FILE *stream = fopen(P_tmpdir "/a", "a+");
    assert(stream && fputs("llo", stream) >= 0 && !fseek(stream, 0, SEEK_SET));
    assert(fgets(text, sizeof text, stream) && !strcmp(text, "hello") && !fclose(stream));
    assert(!rename(P_tmpdir "/a", P_tmpdir "/b") && access(P_tmpdir "/a", F_OK) && !access(P_tmpdir "/b", F_OK));
    stream = fopen(P_tmpdir "/b", "r");
    assert(!remove(P_tmpdir "/b") && !fopen(P_tmpdir "/b", "r") && errno == ENOENT);
    assert(fread(text, 1, sizeof text, stream) == 5 && !fclose(stream));
    stream = fopen("./result.txt", "w");
    assert(stream && !fclose(stream) && !access("result.txt", F_OK) && !access(P_tmpdir "/result.txt", F_OK));
    assert(!fopen("/result.txt", "w") && errno == EROFS && !fopen("/tmp", "w") && errno == EISDIR);
    char name[] = P_tmpdir "/XXXXXX";
    int file = mkstemp(name);
    assert(file == 3 && !close(file) && !unlink(name));
    stream = tmpfile();
    for (int i = 0; i < 1000; i++) fprintf(stream, "%d\n", i);
    rewind(stream);
    fputs("zero", stream);
    assert(!fseek(stream, -4, SEEK_END) && fgets(text, sizeof text, stream) && !strcmp(text, "999\n"));
    fclose(stream);
}

static void pipes(void) {
    int ends[2];
    assert(!pipe(ends));
    struct pollfd asked[] = {{ends[0], POLLIN, 0}, {0, POLLIN, 0}, {99, POLLIN, 0}};
    assert(poll(asked, 3, -1) == 2 && !asked[0].revents && asked[1].revents == POLLIN && asked[2].revents == POLLNVAL);
    assert(write(ends[1], "through", 7) == 7 && poll(asked, 1, 0) == 1 && read(ends[0], text, 3) == 3);
    assert(read(ends[0], text, sizeof text) == 4 && !memcmp(text, "ough", 4) && read(ends[0], text, 1) == 0);
    assert(read(ends[1], text, 1) == -1 && write(ends[0], text, 1) == -1 && !close(ends[0]) && !close(ends[1]));
}

static void users_and_times(void) {
    errno = 0;
    assert(!getpwuid(getuid()) && !getgrnam("users") && !errno);
    assert(!utimes("./result.txt", NULL) && !futimens(0, NULL) && utimes("none", NULL) == -1 && errno == ENOENT);
}

static void memory(void) {
    char *block = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(block != MAP_FAILED && !block[9999] && !munmap(block, 10000));
    block = mmap(NULL, 5, PROT_READ, MAP_PRIVATE, 0, 0);
    assert(block != MAP_FAILED && !memcmp(block, "input", 5) && !munmap(block, 5));
}

static int by_tens(const void *left, const void *right) { return *(const int *)left / 10 - *(const int *)right / 10; }

/* Equal elements keep their order. */
static void order(void) {
    int numbers[500];
    for (int i = 0; i < 500; i++) numbers[i] = i % 7 * 10 + i / 7 % 10;
    qsort(numbers, 50, sizeof *numbers, by_tens);
    for (int i = 1; i < 50; i++) assert(numbers[i - 1] <= numbers[i]);
    for (int i = 0; i < 500; i++) numbers[i] = (499 - i) / 10 * 10 + i % 10;
    qsort(numbers, 500, sizeof *numbers, by_tens);
    for (int i = 0; i < 500; i++) assert(numbers[i] == i);
}

static void process(void) {
    struct rusage usage;
    assert(getcwd(text, sizeof text) && !strcmp(text, P_tmpdir) && getpid() == 1 && sysconf(_SC_PAGESIZE) == 4096);
    assert(!getrusage(RUSAGE_SELF, &usage) && usage.ru_utime.tv_sec == 0 && sysconf(_SC_OPEN_MAX) == 256);
    assert(system("true") == -1 && !popen("true", "r") && errno == ENOSYS);
}

int main(void) {
    descriptors();
    names();
    users_and_times();
    pipes();
    memory();
    order();
    process();
    printf("lost?");
    setvbuf(stdout, NULL, _IONBF, 0);
    return 0;
}
