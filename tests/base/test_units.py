"""Amounts as people read them."""

import pytest

from truestep.base.units import coins, coins_or_more, parse_duration

COIN_WEI = 10**18


@pytest.mark.parametrize(
    ("amount_wei", "text"),
    [
        (0, "0 ETH"),
        (7, "7 wei"),
        (10**12, "0.000001 ETH"),
        (1_234 * COIN_WEI + 1, "1,234 ETH"),
        (COIN_WEI // 20, "0.05 ETH"),
    ],
)
def test_amounts(amount_wei: int, text: str) -> None:
    assert coins(amount_wei) == text


@pytest.mark.parametrize(
    ("amount_wei", "text"),
    [(0, "0 ETH"), (7, "7 wei"), (COIN_WEI, "1 ETH"), (COIN_WEI + 1, "1.000001 ETH")],
)
def test_what_somebody_must_have_is_never_rounded_down(amount_wei: int, text: str) -> None:
    assert coins_or_more(amount_wei) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        (" 1.5 H ", 5_400),
        ("1d12h", 129_600),
        ("9999999999d", 9_999_999_999 * 86_400),
        ("1234567890123d", None),
        ("1.1234567890s", None),
        ("90", None),
        ("1d 12", None),
        ("", None),
    ],
)
def test_a_time_is_read_whole_or_not_at_all(text: str, seconds: int | None) -> None:
    assert parse_duration(text) == seconds
