"""Amounts of coins, times and shares as people write them."""

import re
from decimal import Decimal
from functools import lru_cache

SHOWN_WEI = 10**12
"""The last of the six places that are shown."""
AMOUNTS_KEPT = 2**10
"""Amounts in words: a worker words the same few rewards and bonds at each look."""


@lru_cache(maxsize=AMOUNTS_KEPT)
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


BPS_OF_ONE = 10_000
_UNITS_WEI = {"": 10**18, "eth": 10**18, "gwei": 10**9, "wei": 1}
_UNITS_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_TIME = r"(\d{1,12}(?:\.\d{1,9})?)\s*(s|min|h|d)\s*"


def parse_coins(text: str) -> int | None:
    """The wei in an amount of coins: `0.05`, `0.05eth`, `20gwei` or `7wei`. None for anything else."""
    match = re.fullmatch(r"(\d{1,30}(?:\.\d{1,18})?)\s*([a-z]*)", text.strip().lower())
    unit_wei = _UNITS_WEI.get(match[2]) if match else None
    return _whole(match[1], unit_wei) if match and unit_wei else None


def parse_duration(text: str) -> int | None:
    """The seconds in a time: `90s`, `30min`, `1.5h`, `2d` or `1d 12h`. None for anything else."""
    stated = text.strip().lower()
    if not re.fullmatch(rf"({_TIME})+", stated):
        return None
    parts = re.findall(_TIME, stated)
    seconds = [_whole(number, _UNITS_SECONDS[unit]) for number, unit in parts]
    return None if None in seconds else sum(each for each in seconds if each)


def parse_share(text: str) -> int | None:
    """The hundredths of a percent in a share such as `12.5%`. None for anything else."""
    match = re.fullmatch(r"(\d{1,5}(?:\.\d{1,2})?)\s*%", text.strip())
    return _whole(match[1], BPS_OF_ONE // 100) if match else None


def duration(seconds: int) -> str:
    """A time as people read it, exactly: `1 d 12 h`."""
    parts: list[str] = []
    for unit, size in reversed(_UNITS_SECONDS.items()):
        number, seconds = divmod(seconds, size)
        parts += [f"{number:,} {unit}"] if number else []
    return " ".join(parts) or "0 s"


def share(bps: int) -> str:
    """A share as people read it: `12.5%`."""
    return f"{Decimal(bps) / 100:,.2f}".rstrip("0").rstrip(".") + "%"


def gas_price(price_wei: int) -> str:
    """A price per unit of gas."""
    if 0 < price_wei < 1_000:
        return f"{price_wei} wei"
    text = f"{Decimal(price_wei) / 10**9:,.6f}".rstrip("0").rstrip(".")
    return f"{text} gwei"


def _whole(number: str, unit: int) -> int | None:
    """A number of units, if that is whole."""
    amount = Decimal(number) * unit
    return int(amount) if amount == amount.to_integral_value() else None
