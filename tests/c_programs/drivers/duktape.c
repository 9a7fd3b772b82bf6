/* Evaluates the script on standard input; `print` writes a line. */
#include <stdio.h>

#include "duktape.h"

static duk_ret_t print(duk_context *context) {
    duk_push_string(context, " ");
    duk_insert(context, 0);
    duk_join(context, duk_get_top(context) - 1);
    puts(duk_to_string(context, -1));
    return 0;
}

int main(void) {
    static char script[1 << 20];
    size_t size = fread(script, 1, sizeof script - 1, stdin);
    duk_context *context = duk_create_heap_default();
    duk_push_c_function(context, print, DUK_VARARGS);
    duk_put_global_string(context, "print");
    int failed = duk_peval_lstring(context, script, size) != 0;
    if (failed) puts(duk_safe_to_string(context, -1));
    duk_destroy_heap(context);
    return failed;
}
