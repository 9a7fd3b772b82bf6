"""The file of tokens: what it may say, and that it never has a token itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.gateway.tokens import TOKEN_LIMIT, entry_of, new_token, read_tokens

SIGNER = Address("0x" + "11" * 20)


def file_of(folder: Path, text: str) -> Path:
    path = folder / "tokens.toml"
    path.write_text(text)
    return path


def test_a_token_is_known_by_its_hash_alone(tmp_path: Path) -> None:
    (token, sha256), (other, other_hash) = new_token(), new_token()
    text = entry_of("shop", sha256, (SIGNER,), "1.5") + entry_of("bank", other_hash, (SIGNER,), "2")
    assert token not in text and other not in text
    tokens = read_tokens(file_of(tmp_path, text))
    found = tokens.of(token)
    assert found is not None and (found.name, found.budget_wei, found.signers) == (
        "shop",
        15 * 10**17,
        frozenset({SIGNER}),
    )
    assert tokens.of(other) is not None
    for wrong in ("", token[:-1], token + "x", sha256, token.upper(), "é" * 40, token + "x" * TOKEN_LIMIT):
        assert tokens.of(wrong) is None


GOOD = entry_of("shop", "0" * 64, (SIGNER,), "1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        "[tokens]",
        "not toml",
        GOOD + "\n[others]\nx = 1",
        GOOD.replace("budget", "bugdet"),
        GOOD.replace('"1"', "1"),
        GOOD.replace('"1"', '"-1"'),
        GOOD.replace("0" * 64, "0" * 63),
        GOOD.replace("0" * 64, "tsg_secret"),
        GOOD.replace("11" * 20, "11" * 19),
        GOOD.replace(f'["{SIGNER}"]', "[]"),
        GOOD.replace(f'["{SIGNER}"]', "[7]"),
        GOOD.replace("tokens.shop", 'tokens."Shop/.."'),
        GOOD + "admin = true\n",
        GOOD + GOOD,
    ],
)
def test_a_file_that_says_anything_else_is_refused_with_what_was_expected(tmp_path: Path, text: str) -> None:
    with pytest.raises(Rejected, match="expected") as refusal:
        read_tokens(file_of(tmp_path, text))
    assert refusal.value.reason is Reject.TOKENS_FILE


@pytest.mark.parametrize(("name", "budget"), [("Shop", "1"), ("a b", "1"), ("shop", "much"), ("", "1")])
def test_an_entry_that_the_file_could_not_have_is_not_written(name: str, budget: str) -> None:
    with pytest.raises(Rejected):
        entry_of(name, "0" * 64, (SIGNER,), budget)
