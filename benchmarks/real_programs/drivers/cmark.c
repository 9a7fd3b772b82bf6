/* Turns made-up CommonMark into HTML. */
#include <cmark.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generated.h"

enum { SIZE = 1 << 20, ROUNDS = 90 };
static char words[SIZE], text[2 * SIZE];

int main(void) {
    make_text(words, SIZE - 1);
    const char *const marks[] = {"# ", "* ", "> ", "1. ", "    ", "", "", "", "\n", "***\n", "[a](/b \"c\") ", "`x < y` **b** _c_ "};
    size_t at = 0;
    for (char *line = strtok(words, "\n"); line; line = strtok(NULL, "\n")) {
        const char *mark = marks[random_below(sizeof marks / sizeof *marks)];
        if (at + strlen(mark) + strlen(line) + 2 > sizeof text) break;
        at += (size_t)sprintf(text + at, "%s%s\n", mark, line);
    }
    char *html = NULL;
    for (int round = 0; round < ROUNDS; round++) {
        free(html);
        html = cmark_markdown_to_html(text, at, CMARK_OPT_DEFAULT);
    }
    printf("%zu bytes of text, %zu of HTML, %016llx\n", at, strlen(html), (unsigned long long)checksum(html, strlen(html)));
    free(html);
    return 0;
}
