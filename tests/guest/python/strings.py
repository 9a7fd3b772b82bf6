"""Strings: building, comparing, splitting, searching, characters beyond ASCII."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    word = "truestep"
    text = ""
    for value in input[:12]:
        text += word[int(value) % len(word)]
    text = text.upper() + "-" + str(int(input[0])) + "é€😀"
    parts = "a,bb,ccc".split(",")
    joined = "+".join(parts)
    numbers = [
        len(text),
        text.count("T"),
        text.find("-"),
        int(text.startswith("T")),
        len(joined),
        ord(text[-1]),
    ]
    numbers.append(42 + int(joined == "a+bb+ccc") + int("b" in joined) + (1 if word < "zebra" else 0))
    for character in text:
        numbers.append(ord(character))
    return np.array(numbers)
