/* Evaluates the script on standard input; `print` writes a line. */
#include <stdio.h>
#include <stdlib.h>

#include "quickjs.h"

static JSValue print(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
    (void)self;
    for (int i = 0; i < count; i++) {
        const char *text = JS_ToCString(context, values[i]);
        if (!text) return JS_EXCEPTION;
        printf("%s%s", i ? " " : "", text);
        JS_FreeCString(context, text);
    }
    putchar('\n');
    return JS_UNDEFINED;
}

int main(void) {
    static char script[1 << 20];
    size_t size = fread(script, 1, sizeof script - 1, stdin);
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *context = JS_NewContext(runtime);
    JSValue global = JS_GetGlobalObject(context);
    JS_SetPropertyStr(context, global, "print", JS_NewCFunction(context, print, "print", 1));
    JSValue result = JS_Eval(context, script, size, "<input>", JS_EVAL_TYPE_GLOBAL);
    JSContext *other;
    while (JS_ExecutePendingJob(runtime, &other) > 0) {}
    int failed = JS_IsException(result);
    if (failed) {
        JSValue exception = JS_GetException(context);
        print(context, JS_UNDEFINED, 1, &exception);
        JS_FreeValue(context, exception);
    }
    JS_FreeValue(context, result);
    JS_FreeValue(context, global);
    JS_FreeContext(context);
    JS_FreeRuntime(runtime);
    return failed;
}
