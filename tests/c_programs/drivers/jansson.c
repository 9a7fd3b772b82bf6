/* Prints the document on standard input with its keys sorted. */
#include <stdio.h>

#include "jansson.h"

int main(void) {
    json_error_t error;
    json_t *document = json_loadf(stdin, 0, &error);
    if (!document) {
        printf("line %d: %s\n", error.line, error.text);
        return 1;
    }
    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(document);
    return 0;
}
