/* debug_printf with all of printf's conversions. */
#include <stdarg.h>
#include <stdio.h>
#include <truestep.h>
#include <unistd.h>

int debug_printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vdprintf(STDERR_FILENO, format, arguments);
    va_end(arguments);
    return length;
}
