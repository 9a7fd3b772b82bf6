"""Text for people: numbers of things, and what strangers wrote, made safe to show.

Characters that control a terminal or forge a line are escaped.
"""

import unicodedata

UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls (C0, DEL, C1), formats (directions, invisible marks), surrogates, private, unassigned, separators.

These general categories of Unicode (UAX #44) have no visible shape, or change that of other characters.
"""
SHOWN_LIMIT = 4_096
"""The most characters of one message or name; a stranger's may be megabytes long."""
LAYOUT = "\n\t"


def visible(text: str, *, keep: str = "", limit: int | None = None) -> str:
    r"""The text with everything unsafe as `\xNN`, `\uNNNN` or `\UNNNNNNNN`, except for what is in `keep`."""
    more = "" if limit is None or len(text) <= limit else f" … ({len(text) - limit:,} characters more)"
    head = text if limit is None else text[:limit]
    if head.isascii() and head.isprintable():
        return head + more
    return "".join(c if c in keep or _is_safe(c) else _escape(c) for c in head) + more


def one_line(text: str) -> str:
    """A message as one line: white space runs become one space, the rest is as in `visible`, to a limit."""
    return visible(" ".join(text.split()), limit=SHOWN_LIMIT)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 shard`, `2 shards`; `plural` is for nouns that take more than an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def _is_safe(character: str) -> bool:
    return unicodedata.category(character) not in UNSAFE_CATEGORIES


def _escape(character: str) -> str:
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
