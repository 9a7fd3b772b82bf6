/* setvbuf in the middle of a stream first writes what the old buffer holds, as on Linux. musl loses it: C asks for the
   call before any other.                                                                                           */
#include "stdio_impl.h"

int setvbuf(FILE *restrict file, char *restrict buffer, int mode, size_t size) {
    if (mode != _IONBF && mode != _IOLBF && mode != _IOFBF) return -1;
    if (file->wpos != file->wbase) file->write(file, NULL, 0);
    file->wpos = file->wbase = file->wend = NULL;
    if (mode == _IONBF) {
        file->buf_size = 0;
    } else if (buffer && size > UNGET && file->rpos == file->rend) {
        file->buf = (unsigned char *)buffer + UNGET;
        file->buf_size = size - UNGET;
        file->rpos = file->rend = NULL;
    }
    file->lbf = mode == _IOLBF && file->buf_size ? '\n' : EOF;
    file->flags |= F_SVB;
    return 0;
}
