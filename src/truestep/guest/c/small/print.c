/* printf's relatives for programs that print no floats and use no FILE: what they print is debugging text.
   (printf and debug_printf are __truestep_say, by guest/link.py.)                                          */
#include <stdio.h>
#include <truestep.h>

#include "../runtime/format.h"

int vsnprintf(char *restrict to, size_t limit, const char *restrict format, va_list arguments) {
    char nothing;
    size_t room = limit ? limit - 1 : 0;
    int length = __truestep_format(limit ? to : &nothing, room, format, arguments);
    if (limit) to[(size_t)length < room ? (size_t)length : room] = 0;
    return length;
}

int vprintf(const char *restrict format, va_list arguments) {
    return __truestep_format(NULL, 0, format, arguments);
}

int snprintf(char *restrict to, size_t limit, const char *restrict format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to, limit, format, arguments);
    va_end(arguments);
    return length;
}

int puts(const char *text) {
    debug_print(text);
    return 0;
}

int putchar(int character) {
    char c = (char)character;
    debug_write(&c, 1);
    return (unsigned char)c;
}
