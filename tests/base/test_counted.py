"""Numbers of things are in the right number: nothing says `1 blobs`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import truestep
from truestep.base.text import counted

SOURCE = Path(truestep.__file__).resolve().parent
NOUNS = "shares|blobs|keepers|seats|claims|days|items"
# A limit, or a number that is never 1, stands in capitals or is said as such.
UNCOUNTED = re.compile(r"(?<!of )(?<!most )(?<!to )(?<!limit )\{[a-z_.()]+(?::,)?\} (?:" + NOUNS + r")\b")


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 blobs"), (1, "1 blob"), (2, "2 blobs"), (1_000, "1,000 blobs")]
)
def test_one_is_not_many(number: int, words: str) -> None:
    assert counted(number, "blob") == words


def test_messages_count_with_it() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{number}: {line.strip()}"
        for package in ("cli", "client", "roles", "node", "composition")
        for path in (SOURCE / package).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNCOUNTED.search(line)
    ]
    assert found == []
