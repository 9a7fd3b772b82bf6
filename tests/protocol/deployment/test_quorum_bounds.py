"""The bounds of quorums are those of the contract, and a message names each."""

from __future__ import annotations

from dataclasses import asdict, astuple, replace

import pytest

from tests.contracts.evm import Reverted
from tests.contracts.quorums import PLEDGE_WEI, QUORUM, QuorumArena
from truestep.base.errors import Reject, Rejected
from truestep.protocol.assignment.rules import DRAW_RULES
from truestep.protocol.deployment.quorum_bounds import check_quorum, quorum_bounds

DRAWS = replace(DRAW_RULES, least_pledge_wei=PLEDGE_WEI)


@pytest.fixture(scope="module")
def arena() -> QuorumArena:
    return QuorumArena()


@pytest.mark.parametrize("field", list(asdict(QUORUM)))
def test_the_contract_has_the_same_bounds(arena: QuorumArena, field: str) -> None:
    bound = quorum_bounds(QUORUM, DRAWS)[field]
    for value in {bound.least - 1, bound.least, bound.most, bound.most + 1} - {-1}:
        rules, expected = replace(QUORUM, **{field: value}), None
        try:
            check_quorum(rules, DRAWS)
        except Rejected as rejected:
            expected = rejected.reason
        try:
            arena.deploy("Quorums", arena.assurances.address, arena.sortition.address, astuple(rules))
            found = None
        except Reverted as reverted:
            found = reverted.reason
        if expected is not Reject.WINDOW_LONG:  # a network's own sense, not the contract's
            assert found == expected, f"{field} = {value}"
