"""Breaks lines between words to fit a terminal. A path or number that is longer than a line stays whole."""

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

_WORD = re.compile(r"\S+\s*")


def wrapped(text: Text, width: int) -> Text:
    """The text in lines of at most `width` cells, but for longer words."""
    lines = [line for whole in text.split("\n", allow_blank=True) for line in _lines(whole, width)]
    return Text("\n").join(lines)


def _lines(line: Text, width: int) -> Iterator[Text]:
    if cell_len(line.plain) <= width:
        yield line
        return
    for piece in line.divide(_breaks(line.plain, width)):
        piece.rstrip()
        yield piece


def _breaks(plain: str, width: int) -> list[int]:
    """Where new lines begin."""
    breaks, used = list[int](), len(plain) - len(plain.lstrip())
    for match in _WORD.finditer(plain):
        word = match[0]
        if used and used + cell_len(word.rstrip()) > width and match.start():
            breaks.append(match.start())
            used = 0
        used += cell_len(word)
    return breaks
