"""How long an item is kept and what that costs, for whoever registers one."""

from collections.abc import Sequence
from datetime import UTC, datetime

from truestep.base.errors import Reject, Rejected
from truestep.base.text import counted
from truestep.base.units import duration
from truestep.client.supplies import Content
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.rules import rent_wei
from truestep.roles.availability.delivery import WRITTEN_BYTE_GAS, WRITTEN_GAS, WRITTEN_PART_GAS

DAY_SECONDS, HOUR_SECONDS = 86_400, 3_600
WHY_SO_LONG = "its lifetime, its window, 20 days in which keepers are waited for, and the clocks of a game"
WHY_SO_LONG_IN_BLOBS = "its lifetime, its window, the clocks of a game, and an hour to post it"


def last_second(
    now: int, keep_seconds: int | None, *, least_seconds: int, most_seconds: int, why: str = WHY_SO_LONG
) -> int:
    """Until when an item is kept that is registered now. None: for the least time.

    Raises Rejected if the time is shorter or longer than it may be.
    """
    if keep_seconds is None:
        return now + least_seconds
    least_hours = duration(-(-least_seconds // HOUR_SECONDS) * HOUR_SECONDS)
    most_hours = duration(most_seconds // HOUR_SECONDS * HOUR_SECONDS)
    if keep_seconds < least_seconds:
        raise Rejected(
            Reject.DATA_END,
            f"expected the data to be kept for at least {least_hours}, got {duration(keep_seconds)}: a job"
            f" may need it for {why}. Without --keep-for it is kept for just that",
        )
    if keep_seconds > most_seconds:
        raise Rejected(
            Reject.DATA_END,
            f"expected the data to be kept for at most {most_hours}, got {duration(keep_seconds)}",
        )
    return now + keep_seconds


def item_fee_wei(rules: Rules, fee_wei: int, rent_bps: int, blobs: int, seconds: int) -> int:
    """What each seat of an item gets: a fee for each blob and day, and rent for its share."""
    return -(-fee_wei * blobs * seconds // DAY_SECONDS) + rent_wei(rules, seconds, rent_bps)


def written_gas(contents: Sequence[Content]) -> int:
    """About the gas of an item in calldata."""
    part_count = sum(len(each.parts) for each in contents)
    size_bytes = sum(part.size_bytes for each in contents for part in each.parts)
    return WRITTEN_GAS + part_count * WRITTEN_PART_GAS + size_bytes * WRITTEN_BYTE_GAS


def moment(seconds: int) -> str:
    """A time of the chain as people read it: `2026-12-20 16:04 UTC`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration_in_days(seconds: int) -> str:
    """About how long it is: `22 days`."""
    return counted(-(-seconds // DAY_SECONDS), "day")
