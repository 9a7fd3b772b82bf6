/* A guest's files: its input, its output, debugging text, and in memory those of the directory /tmp.

   A descriptor names an open file, which has a position and may have several descriptors; a temporary file lives until
   it has neither a name nor an open file.                                                                           */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <truestep.h>
#include <unistd.h>

#include "../runtime/format.h"
#include "kstat.h"
#include "system.h"

/* Its address is the build's choice (guest/link.py). */
extern const char __stdout_is_output[] __attribute__((__weak__));

enum { NAME_ROOM = 1024 }; /* of Linux's 4096, so that a call needs little stack */
#define SIZE_LIMIT ((size_t)1 << 31) /* more than the heap has */

typedef struct temporary temporary;
struct temporary {
    temporary *next;
    char *name; /* NULL: removed */
    uint8_t *content;
    size_t size, room;
    unsigned open_count;
};

typedef enum { CLOSED, INPUT, OUTPUT, DEBUG, TEMPORARY } kind;

typedef struct {
    kind kind;
    int flags;
    unsigned descriptor_count;
    size_t position;
    temporary *file;
} open_file;

static open_file standard[] = {
    {INPUT, O_RDONLY, 1, 0, NULL}, {OUTPUT, O_WRONLY, 1, 0, NULL}, {DEBUG, O_WRONLY, 1, 0, NULL}};
static open_file *descriptors[OPEN_FILES_LIMIT] = {&standard[0], &standard[1], &standard[2]};
static temporary *temporaries;

static open_file *opened(int descriptor) {
    return descriptor >= 0 && descriptor < OPEN_FILES_LIMIT ? descriptors[descriptor] : NULL;
}

static size_t content_of(const open_file *open, const uint8_t **content) {
    size_t size = 0;
    *content = NULL;
    if (open->kind == INPUT) read_input(content, &size);
    if (open->kind == TEMPORARY) {
        *content = open->file->content;
        size = open->file->size;
    }
    return size;
}

long __truestep_is_open(int descriptor) { return opened(descriptor) ? 0 : -EBADF; }

long __truestep_read(int descriptor, void *to, size_t size) {
    open_file *open = opened(descriptor);
    const uint8_t *content;
    if (!open || (open->flags & O_ACCMODE) == O_WRONLY) return -EBADF;
    size_t end = content_of(open, &content), left = open->position < end ? end - open->position : 0;
    if (size > left) size = left;
    if (size) memcpy(to, content + open->position, size);
    open->position += size;
    return (long)size;
}

/* New bytes are 0. */
static long resize(temporary *file, size_t size) {
    if (size > file->room) {
        size_t room = size + size / 2;
        uint8_t *content = size < SIZE_LIMIT ? realloc(file->content, room) : NULL;
        if (!content) return -ENOSPC;
        file->content = content;
        file->room = room;
    }
    if (size > file->size) memset(file->content + file->size, 0, size - file->size);
    file->size = size;
    return 0;
}

static long write_temporary(open_file *open, const void *from, size_t size) {
    temporary *file = open->file;
    if (open->flags & O_APPEND) open->position = file->size;
    if (!size) return 0;
    if (size >= SIZE_LIMIT || open->position >= SIZE_LIMIT) return -EFBIG;
    if (open->position + size > file->size) {
        long failure = resize(file, open->position + size);
        if (failure) return failure;
    }
    memcpy(file->content + open->position, from, size);
    open->position += size;
    return (long)size;
}

long __truestep_write(int descriptor, const void *from, size_t size) {
    open_file *open = opened(descriptor);
    if (!open || (open->flags & O_ACCMODE) == O_RDONLY) return -EBADF;
    if (open->kind == TEMPORARY) return write_temporary(open, from, size);
    if (open->kind == OUTPUT && __stdout_is_output) {
        write_output(from, size);
    } else {
        debug_write(from, size);
    }
    return (long)size;
}

long __truestep_seek(int descriptor, long offset, int whence) {
    open_file *open = opened(descriptor);
    const uint8_t *content;
    long base, wanted;
    if (!open) return -EBADF;
    if (open->kind == OUTPUT || open->kind == DEBUG) return -ESPIPE;
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) return -EINVAL;
    base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (long)open->position : (long)content_of(open, &content);
    if (__builtin_add_overflow(base, offset, &wanted)) return -EOVERFLOW;
    if (wanted < 0) return -EINVAL;
    open->position = (size_t)wanted;
    return wanted;
}

long __truestep_truncate(int descriptor, long size) {
    open_file *open = opened(descriptor);
    if (!open) return -EBADF;
    if (open->kind != TEMPORARY || (open->flags & O_ACCMODE) == O_RDONLY || size < 0) return -EINVAL;
    return resize(open->file, (size_t)size);
}

static void describe(struct kstat *status, mode_t mode, size_t size) {
    memset(status, 0, sizeof *status);
    status->st_mode = mode;
    status->st_nlink = 1;
    status->st_size = (off_t)size;
    status->st_blksize = 4096;
    status->st_atime_sec = status->st_mtime_sec = status->st_ctime_sec = START_SECONDS;
    status->st_blocks = (blkcnt_t)((size + 511) / 512);
}

long __truestep_status(int descriptor, struct kstat *status) {
    const open_file *open = opened(descriptor);
    const uint8_t *content;
    if (!open) return -EBADF;
    int is_stream = open->kind == OUTPUT || open->kind == DEBUG;
    describe(status, is_stream ? S_IFIFO | 0200 : S_IFREG | 0600, content_of(open, &content));
    return 0;
}

/* The full name in `room`, or NULL if it is too long. The current directory is /tmp. */
static const char *full_name(const char *name, char room[NAME_ROOM]) {
    while (name[0] == '.' && name[1] == '/') name += 2;
    if (!strcmp(name, ".")) return "/tmp";
    int is_full = name[0] == '/';
    size_t start = is_full ? 0 : sizeof "/tmp", length = strlen(name);
    if (start + length >= NAME_ROOM) return NULL;
    memcpy(room, "/tmp/", start);
    memcpy(room + start, name, length + 1);
    return room;
}

static temporary *named(const char *name) {
    temporary *file = temporaries;
    while (file && (!file->name || strcmp(file->name, name))) file = file->next;
    return file;
}

static int is_temporary(const char *name) { return !strncmp(name, "/tmp/", 5) && name[5]; }

static int is_directory(const char *name) { return !strcmp(name, "/tmp") || !strcmp(name, "/"); }

long __truestep_status_of(const char *given, struct kstat *status) {
    char room[NAME_ROOM];
    const char *name = full_name(given, room);
    if (!name) return -ENAMETOOLONG;
    const temporary *file = named(name);
    if (!file && !is_directory(name)) return -ENOENT;
    if (status) describe(status, file ? S_IFREG | 0600 : S_IFDIR | 0700, file ? file->size : 0);
    return 0;
}

/* Drops a file that nothing can reach any more. */
static void forget(temporary *file) {
    if (file->name || file->open_count) return;
    temporary **place = &temporaries;
    while (*place != file) place = &(*place)->next;
    *place = file->next;
    free(file->content);
    free(file);
}

long __truestep_unlink(const char *given) {
    char room[NAME_ROOM];
    const char *name = full_name(given, room);
    if (!name) return -ENAMETOOLONG;
    temporary *file = named(name);
    if (!file) return is_temporary(name) ? -ENOENT : -EROFS;
    free(file->name);
    file->name = NULL;
    forget(file);
    return 0;
}

long __truestep_rename(const char *given_from, const char *given_to) {
    char from_room[NAME_ROOM], to_room[NAME_ROOM];
    const char *from = full_name(given_from, from_room), *to = full_name(given_to, to_room);
    if (!from || !to) return -ENAMETOOLONG;
    temporary *file = named(from);
    if (!file) return -ENOENT;
    if (!is_temporary(to)) return -EROFS;
    char *name = strdup(to);
    if (!name) return -ENOMEM;
    if (named(to) != file && named(to)) __truestep_unlink(to);
    free(file->name);
    file->name = name;
    return 0;
}

static long lowest_free(int at_least) {
    for (int i = at_least; i >= 0 && i < OPEN_FILES_LIMIT; i++)
        if (!descriptors[i]) return i;
    return -EMFILE;
}

static long place(open_file *open, int descriptor) {
    descriptors[descriptor] = open;
    open->descriptor_count++;
    return descriptor;
}

long __truestep_duplicate(int descriptor, int at_least) {
    open_file *open = opened(descriptor);
    long copy = open ? lowest_free(at_least) : -EBADF;
    return copy < 0 ? copy : place(open, (int)copy);
}

long __truestep_duplicate_as(int descriptor, int wanted) {
    open_file *open = opened(descriptor);
    if (!open || wanted < 0 || wanted >= OPEN_FILES_LIMIT) return -EBADF;
    if (opened(wanted)) __truestep_close(wanted);
    return place(open, wanted);
}

long __truestep_close(int descriptor) {
    open_file *open = opened(descriptor);
    if (!open) return -EBADF;
    descriptors[descriptor] = NULL;
    if (--open->descriptor_count || open->kind != TEMPORARY) return 0;
    open->file->open_count--;
    forget(open->file);
    free(open);
    return 0;
}

/* Without a name it is reached by its descriptors alone. */
static temporary *created(const char *name) {
    temporary *file = calloc(1, sizeof *file);
    char *copy = name ? strdup(name) : NULL;
    if (!file || (name && !copy)) {
        free(file);
        free(copy);
        return NULL;
    }
    *file = (temporary){.next = temporaries, .name = copy};
    return temporaries = file;
}

static long open_temporary(const char *name, int flags, int descriptor) {
    temporary *file = named(name);
    if (!file && !(flags & O_CREAT)) return -ENOENT;
    if (file && flags & O_CREAT && flags & O_EXCL) return -EEXIST;
    open_file *open = calloc(1, sizeof *open);
    if (open && !file) file = created(name);
    if (!open || !file) {
        free(open);
        return -ENOMEM;
    }
    if (flags & O_TRUNC) file->size = 0;
    file->open_count++;
    *open = (open_file){.kind = TEMPORARY, .flags = flags, .file = file};
    return place(open, descriptor);
}

/* A file without a name, to whose end one descriptor writes and from whose start the other one reads. */
long __truestep_pipe(int ends[2]) {
    long reader = lowest_free(0), writer = reader < 0 ? reader : lowest_free((int)reader + 1);
    if (writer < 0) return writer;
    open_file *from = calloc(1, sizeof *from), *to = calloc(1, sizeof *to);
    temporary *file = from && to ? created(NULL) : NULL;
    if (!file) {
        free(from);
        free(to);
        return -ENOMEM;
    }
    file->open_count = 2;
    *from = (open_file){.kind = TEMPORARY, .flags = O_RDONLY, .file = file};
    *to = (open_file){.kind = TEMPORARY, .flags = O_WRONLY | O_APPEND, .file = file};
    ends[0] = (int)place(from, (int)reader);
    ends[1] = (int)place(to, (int)writer);
    return 0;
}

/* Everything is ready at once, but for reading from a pipe in which nothing is. */
long __truestep_poll(struct pollfd *asked, size_t count) {
    long ready = 0;
    for (size_t i = 0; i < count; i++) {
        const open_file *open = opened(asked[i].fd);
        int events = asked[i].events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
        if (open && open->kind == TEMPORARY && !open->file->name && open->position >= open->file->size)
            events &= ~(POLLIN | POLLRDNORM);
        asked[i].revents = (short)(asked[i].fd < 0 ? 0 : open ? events : POLLNVAL);
        ready += asked[i].revents != 0;
    }
    return ready;
}

long __truestep_open(const char *given, int flags) {
    char room[NAME_ROOM];
    const char *name = full_name(given, room);
    if (!name) return -ENAMETOOLONG;
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    long descriptor = lowest_free(0);
    if (descriptor < 0) return descriptor;
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, names[i])) return place(&standard[i], (int)descriptor);
    if (is_temporary(name)) {
        /* Whoever writes a result to a file should know that it is not the output. */
        if (given[0] != '/' && flags & O_CREAT && !named(name))
            __truestep_say("%s: a file in memory, which ends with the program\n", given);
        return open_temporary(name, flags, (int)descriptor);
    }
    if (is_directory(name)) return -EISDIR;
    return (flags & O_ACCMODE) == O_RDONLY ? -ENOENT : -EROFS;
}
