"""Builders make the very calls that are accepted, and refuse others for the contracts' reasons."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.settlement.facts.agreement import check_agreement
from tests.protocol.settlement.facts.echoes import Echo, check_echo


@pytest.mark.parametrize("seed", range(4))
def test_builders_make_what_is_accepted_and_refuse_the_rest(seed: int) -> None:
    echo = Echo(seed)
    tally: Counter[str] = Counter()
    for number in range(400):
        message, answer, outcome = echo.play()
        tally[check_echo(message, answer, outcome)] += 1
        if number % 10 == 0:
            check_agreement(echo.facts, echo.model)
    assert tally["made"] > 150
