"""The bounds of lots are those of the contract, and a message names each."""

from __future__ import annotations

from dataclasses import asdict, astuple, replace

import pytest

from tests.contracts.evm import Reverted
from tests.contracts.lots import EXIT_SECONDS, LOTS, PLEDGE_WEI, LotsArena
from truestep.base.errors import Rejected
from truestep.protocol.assignment.rules import DRAW_RULES
from truestep.protocol.deployment.lots_bounds import check_lots, lots_bounds

DRAWS = replace(DRAW_RULES, least_pledge_wei=PLEDGE_WEI, exit_seconds=EXIT_SECONDS)


@pytest.fixture(scope="module")
def arena() -> LotsArena:
    return LotsArena()


@pytest.mark.parametrize("field", list(asdict(LOTS)))
def test_the_contract_has_the_same_bounds(arena: LotsArena, field: str) -> None:
    bound = lots_bounds(DRAWS)[field]
    for value in {bound.least - 1, bound.least, bound.most, bound.most + 1} - {-1}:
        rules, expected = replace(LOTS, **{field: value}), None
        try:
            check_lots(rules, DRAWS)
        except Rejected as rejected:
            expected = rejected.reason
        try:
            arena.deploy("Lots", arena.assurances.address, arena.sortition.address, astuple(rules))
            found = None
        except Reverted as reverted:
            found = reverted.reason
        assert found == expected, f"{field} = {value}"
