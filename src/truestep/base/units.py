"""Amounts of coins, formatted for people."""

from decimal import Decimal


def coins(amount_wei: int) -> str:
    """An amount as people read it: coins to six places, or wei if that would show zero."""
    if 0 < amount_wei < 10**12:
        return f"{amount_wei:,} wei"
    text = f"{Decimal(amount_wei) / 10**18:,.6f}".rstrip("0").rstrip(".")
    return f"{text} ETH"
