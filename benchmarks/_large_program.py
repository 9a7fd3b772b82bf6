"""A C program of some 50,000 instructions, the same every time: what a first start has to translate."""

from __future__ import annotations

import random

FUNCTIONS = 570
STATEMENTS = 13
SEED = 1

HEADER = """#include "kernel.h"

static uint64_t table[256];

"""


def large_program() -> str:
    """Functions of random arithmetic, loops and branches, all called in each of parameter(0) passes."""
    rng = random.Random(SEED)
    functions = [_function(rng, number) for number in range(FUNCTIONS)]
    calls = "".join(f"        x = f{number}(x, x >> 7);\n" for number in range(FUNCTIONS))
    main = (
        "int main(void) {\n    uint64_t x = 1;\n"
        f"    for (uint64_t pass = parameter(0); pass > 0; pass--) {{\n{calls}    }}\n"
        "    output_digest(x);\n    return 0;\n}\n"
    )
    return HEADER + "\n".join((*functions, main))


def _function(rng: random.Random, number: int) -> str:
    body = "".join(f"    {_statement(rng)}\n" for _ in range(STATEMENTS))
    signature = f"__attribute__((noinline)) static uint64_t f{number}(uint64_t a, uint64_t b)"
    return f"{signature} {{\n    uint64_t c = a ^ {rng.getrandbits(12)};\n{body}    return a + b + c;\n}}\n"


def _statement(rng: random.Random) -> str:
    to, one, other = (rng.choice("abc") for _ in range(3))
    number, shift, cell = rng.getrandbits(11) | 1, rng.randrange(1, 63), rng.randrange(256)
    return rng.choice(
        (
            f"{to} += {one} * {number} ^ {other} >> {shift};",
            f"{to} = {one} << {shift} | {other} >> {64 - shift};",
            f"table[{one} & 255] ^= {other} + {number};",
            f"{to} ^= table[{cell}] + {one};",
            f"if ({one} > {other}) {to} -= {number}; else {to} = {to} * 5 + {one};",
            f"if ({one} & {1 << rng.randrange(8)}) table[{cell}] += {to} ^ {number};",
            f"for (int i = 0; i < {rng.randrange(2, 6)}; i++)"
            f" {to} = {to} * 33 + ({one} ^ table[i + {cell // 2}]);",
            f"{to} = {one} / ({other} | {number}) + {to};",
        )
    )
