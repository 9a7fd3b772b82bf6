"""Numba's names of types and operators in the words of Python's users."""

import re

_ITEM = (
    r"(?:u?int(?:8|16|32|64)?|float(?:32|64)?|complex(?:64|128)?|bool(?:ean)?|str|bytes|undefined"
    r"|\d-d array of \w+|(?:list|set|tuple|dictionary) of [^()\[\]]+|tuple \([^()]*\))"
)
"""A type that is in words already; what users wrote, such as list(name), is none."""
_TYPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:(?:readonly|unaligned) )*\barray\((\w+), (\d+)d, \w+\)"), r"\2-d array of \1"),
    (re.compile(rf"\blist\(({_ITEM})\)|\bListType\[({_ITEM})\]"), r"list of \1\2"),
    (re.compile(rf"\bset\(({_ITEM})\)"), r"set of \1"),
    (re.compile(rf"\bUniTuple\(({_ITEM}) x (\d+)\)"), r"tuple of \2 \1"),
    (re.compile(r"\bTuple\(([^()]*)\)"), r"tuple (\1)"),
    (re.compile(rf"\bDictType\[({_ITEM}),\s*({_ITEM})\]"), r"dictionary of \1 to \2"),
    (re.compile(rf"\bOptionalType\(({_ITEM})\)"), r"\1 or None"),
    (re.compile(r"\bslice<a:b(?::c)?>"), "slice"),
    (re.compile(r"\b(?:unsigned_)?range_state_?\w*"), "range"),
    (re.compile(r"\bRecord\([^()]*\)"), "item of a structured array"),
    (re.compile(r"\bPolynomialType\([^()]*\)"), "Polynomial"),
    (re.compile(r"\S.* generator\(func=<function (?:\S*\.)?(\w+)>.*\)"), r"generator of \1()"),
)
_NESTING_MAX = 6
_OPERATORS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
    "pow": "**",
    "matmul": "@",
    "and_": "&",
    "or_": "|",
    "xor": "^",
    "lshift": "<<",
    "rshift": ">>",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
}
_SYMBOLS = {
    **_OPERATORS,
    **{f"i{name.removesuffix('_')}": f"{symbol}=" for name, symbol in _OPERATORS.items()},
}


def types_in_words(message: str) -> str:
    """The message with types such as `array(float64, 2d, C)` as `2-d array of float64`."""
    for _ in range(_NESTING_MAX):
        before = message
        for pattern, words in _TYPES:
            message = pattern.sub(words, message)
        if message == before:
            break
    return message


def refused_call(name: str, arguments: str, cause: str) -> str:
    """That a guest does not know a call; its arguments are types in words, between parentheses.

    What Numba says about operators (the cause) is about its own types, and left out.
    """
    parts = _split(arguments.strip().removeprefix("(").removesuffix(")"))
    if name in _SYMBOLS and len(parts) == 2:
        return f"a guest cannot compute ({parts[0]}) {_SYMBOLS[name]} ({parts[1]})"
    if name == "getitem" and len(parts) == 2:
        return f"a guest cannot index a {parts[0]} with {parts[1]}"
    if name == "setitem" and len(parts) == 3:
        return f"a guest cannot put a {parts[2]} into a {parts[0]} at {parts[1]}"
    return f"a guest cannot call {name}{arguments}{cause}"


def unknown_value(found: re.Match[str]) -> str:
    """That a guest cannot use a value of the module: its name and the name of its class."""
    name, kind = found.groups()
    kind = {"type": "class", "builtin_function_or_method": "built-in function"}.get(kind, kind)
    return f"a guest cannot use {'this' if name.startswith('$') else name}, a {kind}, as a value"


def _split(arguments: str) -> list[str]:
    """At the commas outside of parentheses."""
    parts, depth = [""], 0
    for character in arguments:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]
