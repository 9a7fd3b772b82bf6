/* <ctype.h> for ASCII, beside what the header does itself. */
#define _GNU_SOURCE
#include <ctype.h>
#include <locale.h>

int(isdigit)(int c) { return c >= '0' && c <= '9'; }
int(islower)(int c) { return c >= 'a' && c <= 'z'; }
int(isupper)(int c) { return c >= 'A' && c <= 'Z'; }
int(isalpha)(int c) { return islower(c) || isupper(c); }
int isalnum(int c) { return isalpha(c) || isdigit(c); }
int isblank(int c) { return c == ' ' || c == '\t'; }
int iscntrl(int c) { return (c >= 0 && c < ' ') || c == 0x7F; }
int(isspace)(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
int(isprint)(int c) { return c >= ' ' && c <= '~'; }
int(isgraph)(int c) { return c > ' ' && c <= '~'; }
int ispunct(int c) { return isgraph(c) && !isalnum(c); }
int isxdigit(int c) { return isdigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
int tolower(int c) { return isupper(c) ? c + ('a' - 'A') : c; }
int toupper(int c) { return islower(c) ? c - ('a' - 'A') : c; }
int(isascii)(int c) { return c >= 0 && c < 128; }
int toascii(int c) { return c & 127; }

/* There is one locale, C. */
#define IN_LOCALE(name) \
    int name##_l(int c, locale_t locale) { return (void)locale, (name)(c); }

IN_LOCALE(isalnum)
IN_LOCALE(isalpha)
IN_LOCALE(isblank)
IN_LOCALE(iscntrl)
IN_LOCALE(isdigit)
IN_LOCALE(isgraph)
IN_LOCALE(islower)
IN_LOCALE(isprint)
IN_LOCALE(ispunct)
IN_LOCALE(isspace)
IN_LOCALE(isupper)
IN_LOCALE(isxdigit)
IN_LOCALE(tolower)
IN_LOCALE(toupper)
