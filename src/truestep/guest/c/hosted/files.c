/* The three streams of a guest: 0 is its input, 1 its output or debugging text, 2 debugging text. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <truestep.h>
#include <unistd.h>

#include "system.h"

/* Symbols whose addresses are the build's choices (guest/link.py). */
extern const char __stdout_is_output[] __attribute__((__weak__));

enum { INPUT, OUTPUT, DEBUG };

static size_t position; /* in the input; may be beyond its end */

long __truestep_read(int descriptor, void *to, size_t size) {
    const uint8_t *input;
    size_t input_size;
    if (descriptor != INPUT) return -EBADF;
    read_input(&input, &input_size);
    size_t left = position < input_size ? input_size - position : 0;
    if (size > left) size = left;
    memcpy(to, input + position, size);
    position += size;
    return (long)size;
}

long __truestep_write(int descriptor, const void *from, size_t size) {
    if (descriptor != OUTPUT && descriptor != DEBUG) return -EBADF;
    if (descriptor == OUTPUT && __stdout_is_output) {
        write_output(from, size);
    } else {
        debug_write(from, size);
    }
    return (long)size;
}

long __truestep_seek(int descriptor, long offset, int whence) {
    const uint8_t *input;
    size_t input_size;
    long base, wanted;
    if (descriptor != INPUT) return descriptor == OUTPUT || descriptor == DEBUG ? -ESPIPE : -EBADF;
    read_input(&input, &input_size);
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) return -EINVAL;
    base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (long)position : (long)input_size;
    if (__builtin_add_overflow(base, offset, &wanted)) return -EOVERFLOW;
    if (wanted < 0) return -EINVAL;
    position = (size_t)wanted;
    return wanted;
}

long __truestep_close(int descriptor) { return descriptor >= INPUT && descriptor <= DEBUG ? 0 : -EBADF; }

long __truestep_open(const char *name, int flags) {
    int is_written = (flags & O_ACCMODE) != O_RDONLY;
    if (!strcmp(name, "/dev/stdin")) return is_written ? -EACCES : INPUT;
    if (!strcmp(name, "/dev/stdout")) return OUTPUT;
    if (!strcmp(name, "/dev/stderr")) return DEBUG;
    return is_written ? -EROFS : -ENOENT;
}
