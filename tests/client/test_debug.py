"""Debug output of a stranger's guest, on a terminal."""

import pytest

from truestep.client.debug import DebugOutput


def _shown(*writes: bytes, limit_bytes: int = 1_000) -> str:
    shown: list[str] = []
    with DebugOutput(shown.append, limit_bytes=limit_bytes) as output:
        for text in writes:
            output(text)
    return "".join(shown)


def test_text_is_shown_as_it_is_and_ends_a_line() -> None:
    assert _shown(b"one\n", b"two\tthree") == "one\ntwo\tthree\n"


def test_nothing_said_is_nothing_shown() -> None:
    assert not _shown()


def test_a_terminal_is_not_steered() -> None:
    assert _shown(b"\x1b]0;owned\x07\x1b[2J\x1b[Hfake\n") == "\\x1b]0;owned\\x07\\x1b[2J\\x1b[Hfake\n"


def test_characters_may_come_in_parts_and_be_broken() -> None:
    assert _shown(b"\xc3", b"\xa4 \xff\xc2", b"\x9b2J \xe2\x80") == "ä \\xff\\x9b2J \\xe2\\x80\n"


def test_what_goes_beyond_the_limit_is_counted() -> None:
    said = _shown(b"x" * 8, b"y" * 8, b"z" * 1_000, limit_bytes=10)
    assert said.startswith("xxxxxxxxyy\n")
    assert "1,006 more bytes" in said
    assert "z" not in said


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "no space"), ValueError("closed")])
def test_a_reader_that_has_gone_does_not_end_the_run(error: Exception) -> None:
    def write(_: str) -> None:
        raise error

    with DebugOutput(write) as output:
        output(b"one\n")
        output(b"two\n")
    assert output.dropped_bytes == 4
