"""What strangers write cannot steer a terminal."""

import pytest

from truestep.base.text import LAYOUT, SHOWN_LIMIT, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, größer → 漢字 😀", "plain text, größer → 漢字 😀"),
        ("\x1b]0;owned\x07\x1b[2J", r"\x1b]0;owned\x07\x1b[2J"),
        ("\x9b31m\x85\x7f\x00", r"\x9b31m\x85\x7f\x00"),
        ("abc\u202edcba\u2066\u200b\ufeff", r"abc\u202edcba\u2066\u200b\ufeff"),
        ("one\u2028two\rthree", r"one\u2028two\x0dthree"),
        ("\udcff\U000e0001\U0010ffff", r"\udcff\U000e0001\U0010ffff"),
    ],
)
def test_what_steers_a_terminal_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_layout_stays_where_it_is_wanted() -> None:
    assert visible("a\n\tb\x1b", keep=LAYOUT) == "a\n\tb\\x1b"
    assert visible("a\nb") == r"a\x0ab"


def test_a_message_is_one_line_of_bounded_length() -> None:
    assert one_line("first\n  second\r\n\x1b[1m") == r"first second \x1b[1m"
    assert one_line("x" * (SHOWN_LIMIT + 5)) == "x" * SHOWN_LIMIT + " … (5 characters more)"
