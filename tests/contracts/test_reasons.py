"""Revert strings are `Reject` values, so that Python can name every refusal (docs/protocol.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from truestep.base.errors import Reject
from truestep.contracts.build import CONTRACTS_FOLDER

SOURCES = [*CONTRACTS_FOLDER.rglob("*.vy")]
REASON_SIZE_LIMIT = 36
"""A reason is stored in the bytecode and travels with every refusal."""
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def name_of(source: Path) -> str:
    """The source's name below the contracts."""
    return source.relative_to(CONTRACTS_FOLDER).as_posix()


def code_of(source: Path) -> str:
    """The source without comments, docstrings, the names of selectors and bytes in hexadecimal."""
    comments_and_selectors = r'""".*?"""|#[^\n]*|method_id\("[^"]*"|x"[0-9a-f]*"'
    return re.sub(comments_and_selectors, "", source.read_text("utf-8"), flags=re.DOTALL)


def reasons(source: Path) -> list[str]:
    """Every string literal of a contract but empty bytes and selectors: no other serves another purpose."""
    return [text for text in STRING.findall(code_of(source)) if text]


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_every_revert_string_is_a_reject(source: Path) -> None:
    assert {*reasons(source)} <= {reason.value for reason in Reject}
    assert all(len(reason) <= REASON_SIZE_LIMIT for reason in reasons(source))


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_every_assertion_has_a_reason(source: Path) -> None:
    """A bare `assert` or `raise` would leave a user with nothing but "reverted"."""
    assert len(re.findall(r"\b(?:assert|raise)\b", code_of(source))) == len(reasons(source))


def test_the_contracts_have_reasons() -> None:
    """The expression above finds what there is to find."""
    assert len(set().union(*map(reasons, SOURCES))) > 50
