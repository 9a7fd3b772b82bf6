"""Amounts of coins, formatted for people."""

from decimal import Decimal

SHOWN_WEI = 10**12
"""The last of the six places that are shown."""


def coins(amount_wei: int) -> str:
    """An amount as people read it: coins to six places, or wei if that would show zero."""
    if 0 < amount_wei < SHOWN_WEI:
        return f"{amount_wei:,} wei"
    text = f"{Decimal(amount_wei) / 10**18:,.6f}".rstrip("0").rstrip(".")
    return f"{text} ETH"


def coins_or_more(amount_wei: int) -> str:
    """An amount that somebody must have, rounded up to six places: less would not do."""
    exceeds_places = amount_wei > SHOWN_WEI
    return coins(-(-amount_wei // SHOWN_WEI) * SHOWN_WEI if exceeds_places else amount_wei)
