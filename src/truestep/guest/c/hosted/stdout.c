/* What stdout does at its first write: output is buffered, debugging text appears line by line. */
#include "stdio_impl.h"

extern const char __stdout_is_output[] __attribute__((__weak__));

size_t __stdout_write(FILE *file, const unsigned char *from, size_t size) {
    file->write = __stdio_write;
    if (!(file->flags & F_SVB) && __stdout_is_output) file->lbf = -1;
    return __stdio_write(file, from, size);
}
