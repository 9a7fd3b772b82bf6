"""Lines break between words, keep their styles, and never cut a long word."""

from __future__ import annotations

from rich.text import Text

from truestep.cli.wrapping import wrapped

HASH = "0x" + "ab" * 32


def test_lines_break_between_words() -> None:
    text = Text.from_markup(f"a [bold]dispute also[/] writes {HASH} for ever\n\nnext line is  long enough")
    lines = wrapped(text, 12).plain.split("\n")
    assert lines == ["a dispute", "also writes", HASH, "for ever", "", "next line is", "long enough"]
    assert wrapped(text, 12).spans, "bold stays bold"
    assert wrapped(Text("short"), 12).plain == "short"
    assert wrapped(Text("  indented by two"), 12).plain == "  indented\nby two"
    assert wrapped(Text("全角文字 全角文字"), 9).plain == "全角文字\n全角文字"
