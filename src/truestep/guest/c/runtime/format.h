/* Formatted text without floats: of the runtime's own messages, and of printf in programs that need no more. */
#ifndef TRUESTEP_FORMAT_H
#define TRUESTEP_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Formats into `limit` bytes at `to` without a final zero, or to the debug stream if `to` is NULL. Returns the
   length of the whole text.                                                                                  */
int __truestep_format(char *to, size_t limit, const char *format, va_list arguments);

/* debug_printf under a name that no program defines. */
int __truestep_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
