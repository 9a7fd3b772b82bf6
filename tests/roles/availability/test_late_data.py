"""Data that comes as late as it may does not make a lie final (docs/availability.md A5.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.roles.availability.test_watching import NOW, POLICY, RULES, item, needed
from truestep.protocol.availability.contracts.challenges import OpenChallenge
from truestep.protocol.availability.kept import HOLD_LIMIT_SECONDS
from truestep.roles.availability.sights import SendData
from truestep.roles.availability.watching import SPREAD_SECONDS, decide

HOUR_SECONDS = 3_600
WEALTH_WEI = 10**30


@pytest.mark.parametrize(("count", "days"), [(8, 2), (312, 20), (936, 20), (936, 30)])
def test_all_blobs_are_published_in_time_however_late_each_comes(count: int, days: int) -> None:
    """Else a liar with friends in all seats publishes each in the last second, until no game can be opened.

    Two of the seats do not answer at all, which costs a round each.
    """
    rules = replace(RULES, answer_seconds=6 * HOUR_SECONDS)
    policy = replace(POLICY, bonds_limit_wei=WEALTH_WEI)
    limit, now, published, known = NOW + days * 24 * HOUR_SECONDS, NOW, set[int](), item()
    while len(published) < count:
        missing = tuple(number for number in range(count) if number not in published)
        known = replace(known, published=tuple(sorted(published)))
        seen = replace(needed(missing, limit=limit, known=known), now=now, rules=rules, wallet_wei=WEALTH_WEI)
        asked = [send.call.call for send in decide(seen, policy) if isinstance(send, SendData)]
        places = {(call.seat, call.blob) for call in asked if isinstance(call, OpenChallenge)}
        assert places and now <= limit
        now += rules.answer_seconds + 2 * SPREAD_SECONDS
        failed = {seat for seat, _ in places if seat < 2}
        known = replace(known, seats={seat: each for seat, each in known.seats.items() if seat not in failed})
        published |= {blob for seat, blob in places if seat > 1}
    assert limit - now >= min(limit - NOW, HOLD_LIMIT_SECONDS) // 5, "time is left for a check and a game"
