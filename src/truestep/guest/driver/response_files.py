"""Arguments in files: `@name` on a command line stands for what the file holds."""

from collections.abc import Iterable
from pathlib import Path

from truestep.guest.errors import GuestBuildError

_DEPTH_LIMIT = 8
"""A file may name another one; a file that names itself would never end."""


def expanded(arguments: Iterable[str], depth: int = 0) -> list[str]:
    """The arguments with each `@name` replaced. One that names no file stays, as in other compilers."""
    if depth > _DEPTH_LIMIT:
        raise GuestBuildError(f"expected response files of at most {_DEPTH_LIMIT} levels; one names itself")
    found: list[str] = []
    for argument in arguments:
        path = Path(argument[1:])
        if argument.startswith("@") and path.is_file():
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            found += expanded(split(text), depth + 1)
        else:
            found.append(argument)
    return found


def split(text: str) -> list[str]:
    """Words between blanks. Both kinds of quotes keep blanks, a backslash keeps the next character."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    characters = iter(text)
    for character in characters:
        if character == "\\" and quote != "'":
            word = (word or "") + next(characters, "")
        elif quote:
            quote, word = ("", word) if character == quote else (quote, (word or "") + character)
        elif character in "\"'":
            quote, word = character, word or ""
        elif character.isspace():
            words += [] if word is None else [word]
            word = None
        else:
            word = (word or "") + character
    return words + ([] if word is None else [word])
