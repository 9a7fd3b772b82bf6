"""What nodes know of lots by events alone is what the contract knows, and their calls are right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.protocol.lots.echo import Echo
from truestep.adapters.chain.facts_rows import facts_from_row, facts_to_row
from truestep.protocol.settlement.facts.fold import TIMED, fold


@pytest.mark.parametrize("seed", range(3))
def test_facts_agree_and_what_they_make_is_accepted(seed: int) -> None:
    echo, foretold = Echo(seed), 0
    for number in range(500):
        try:
            foretold += echo.play()
            if number % 10 == 0:
                echo.check()
        except BaseException as error:
            error.add_note(f"seed {seed}, step {number}")
            raise
    assert foretold > 5
    timeless = [each if type(each.event) in TIMED else replace(each, time=0) for each in echo.logs]
    assert fold(echo.nothing, timeless) == echo.facts
    assert facts_from_row(facts_to_row(echo.facts), echo.nothing) == echo.facts  # a restart's short cut
