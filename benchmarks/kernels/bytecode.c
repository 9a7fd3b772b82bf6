/* An interpreter of bytecode for a stack machine; its program looks for the longest Collatz sequence that starts
   below parameter(0). */
#include "kernel.h"

typedef enum {
    PUSH,
    LOAD,
    STORE,
    ADD,
    MULTIPLY,
    HALVE,
    IS_ODD,
    IS_LESS,
    DUPLICATE,
    JUMP,
    JUMP_IF_ZERO,
    HALT
} opcode;

enum { STACK_DEPTH = 32, VARIABLES = 5 };
enum { LIMIT, START, VALUE, LENGTH, LONGEST };

static const uint8_t program[] = {
    /*  0 start = 1            */ PUSH, 1, STORE, START,
    /*  4 while start < limit  */ LOAD, START, LOAD, LIMIT, IS_LESS, JUMP_IF_ZERO, 70,
    /* 11   value = start      */ LOAD, START, STORE, VALUE,
    /* 15   length = 0         */ PUSH, 0, STORE, LENGTH,
    /* 19   while 1 < value    */ PUSH, 1, LOAD, VALUE, IS_LESS, JUMP_IF_ZERO, 50,
    /* 26     if value is odd  */ LOAD, VALUE, DUPLICATE, IS_ODD, JUMP_IF_ZERO, 38,
    /* 32       3 * value + 1  */ PUSH, 3, MULTIPLY, PUSH, 1, ADD,
    /* 38     value = that / 2 */ HALVE, STORE, VALUE,
    /* 41     length += 1      */ LOAD, LENGTH, PUSH, 1, ADD, STORE, LENGTH,
    /* 48                      */ JUMP, 19,
    /* 50   longest < length?  */ LOAD, LONGEST, LOAD, LENGTH, IS_LESS, JUMP_IF_ZERO, 61,
    /* 57   longest = length   */ LOAD, LENGTH, STORE, LONGEST,
    /* 61   start += 1         */ LOAD, START, PUSH, 1, ADD, STORE, START,
    /* 68                      */ JUMP, 4,
    /* 70                      */ HALT,
};

static void interpret(const uint8_t *code, uint64_t *variables) {
    uint64_t stack[STACK_DEPTH], *top = stack; /* where the next value goes */
    for (const uint8_t *at = code;;) {
        switch ((opcode)*at++) {
            case PUSH: *top++ = *at++; break;
            case LOAD: *top++ = variables[*at++]; break;
            case STORE: variables[*at++] = *--top; break;
            case ADD: top--, top[-1] += *top; break;
            case MULTIPLY: top--, top[-1] *= *top; break;
            case HALVE: top[-1] >>= 1; break;
            case IS_ODD: top[-1] &= 1; break;
            case IS_LESS: top--, top[-1] = top[-1] < *top; break;
            case DUPLICATE: *top = top[-1], top++; break;
            case JUMP: at = code + *at; break;
            case JUMP_IF_ZERO: at = *--top ? at + 1 : code + *at; break;
            case HALT: return;
        }
    }
}

int main(void) {
    uint64_t variables[VARIABLES] = {0}, digest = 0;
    variables[LIMIT] = parameter(0);
    interpret(program, variables);
    for (int i = 0; i < VARIABLES; i++) digest = absorb(digest, variables[i]);
    output_digest(digest);
    return 0;
}
