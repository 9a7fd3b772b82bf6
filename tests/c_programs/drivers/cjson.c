/* Prints the document on standard input again, once spaced and once without spaces. */
#include <stdio.h>

#include "cJSON.h"

int main(void) {
    static char text[1 << 20];
    text[fread(text, 1, sizeof text - 1, stdin)] = 0;
    cJSON *document = cJSON_Parse(text);
    if (!document) return 1;
    char *spaced = cJSON_Print(document);
    char *dense = cJSON_PrintUnformatted(document);
    puts(spaced);
    puts(dense);
    cJSON_free(spaced);
    cJSON_free(dense);
    cJSON_Delete(document);
    return 0;
}
