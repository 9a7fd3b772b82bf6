/* Each function of <string.h> and <ctype.h>, at its edges. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static char buffer[64];

static void copies(void) {
    assert(!strcmp(strcpy(buffer, "abc"), "abc") && !strcmp(strcat(buffer, "de"), "abcde"));
    assert(!strcmp(strncat(buffer, "fghi", 2), "abcdefg"));
    memset(buffer, 'x', sizeof buffer);
    strncpy(buffer, "ab", 4);
    assert(!memcmp(buffer, "ab\0\0x", 5));
    strncpy(buffer, "abcdef", 3);
    assert(!memcmp(buffer, "abc\0x", 5));
    memmove(buffer + 1, buffer, 3);
    assert(!memcmp(buffer, "aabcx", 5));
    memmove(buffer, buffer + 1, 3);
    assert(!memcmp(buffer, "abccx", 5));
    char *copy = strdup("copied");
    assert(copy && !strcmp(copy, "copied"));
    free(copy);
}

static void comparisons(void) {
    assert(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("a", "ab") < 0 && !strcmp("", ""));
    assert(strcmp("\xff", "a") > 0 && memcmp("\xff", "a", 1) > 0);
    assert(!strncmp("abc", "abd", 2) && strncmp("abc", "abd", 3) < 0 && !strncmp("a", "b", 0));
    assert(!strncmp("ab", "ab", 9));
}

static void searches(void) {
    const char *text = "one two two";
    assert(strlen(text) == 11 && strnlen(text, 4) == 4 && strnlen(text, 40) == 11 && strlen("") == 0);
    assert(strchr(text, 'o') == text && strrchr(text, 'o') == text + 10);
    assert(!strchr(text, 'x') && !strrchr(text, 'x'));
    assert(strchr(text, 0) == text + 11 && strrchr(text, 0) == text + 11);
    assert(strstr(text, "two") == text + 4 && strstr(text, "") == text);
    assert(!strstr(text, "twos") && !strstr("", "a"));
    assert(memchr(text, 't', 11) == text + 4 && !memchr(text, 't', 4));
    assert(strspn(text, "one") == 3 && strcspn(text, " ") == 3);
    assert(strcspn(text, "x") == 11 && strspn(text, "") == 0);
    assert(strpbrk(text, "wt") == text + 4 && !strpbrk(text, "xyz"));
}

static void tokens(void) {
    char *rest;
    strcpy(buffer, ",a,,bc,");
    assert(!strcmp(strtok_r(buffer, ",", &rest), "a") && !strcmp(strtok_r(NULL, ",", &rest), "bc"));
    assert(!strtok_r(NULL, ",", &rest) && !strtok_r(NULL, ",", &rest));
}

static void characters(void) {
    int letters = 0, digits = 0, spaces = 0, marks = 0;
    for (int c = 0; c < 256; c++) {
        letters += isalpha(c) && isalnum(c);
        digits += isdigit(c) && isxdigit(c);
        spaces += isspace(c);
        marks += ispunct(c) && isprint(c);
    }
    assert(letters == 52 && digits == 10 && spaces == 6 && marks == 32);
    assert(toupper('z') == 'Z' && tolower('A') == 'a' && toupper('1') == '1' && tolower('[') == '[');
}

int main(void) {
    copies();
    comparisons();
    searches();
    tokens();
    characters();
    return 0;
}
