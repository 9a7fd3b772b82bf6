"""Amounts of coins for people."""

from decimal import Decimal


def coins(amount_wei: int) -> str:
    """An amount for people: coins to six places, or wei where that would show none."""
    if 0 < amount_wei < 10**12:
        return f"{amount_wei:,} wei"
    text = f"{Decimal(amount_wei) / 10**18:,.6f}".rstrip("0").rstrip(".")
    return f"{text} ETH"
