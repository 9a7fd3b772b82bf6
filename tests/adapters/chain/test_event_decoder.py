"""A log is an event only if a contract of the deployment can have emitted it."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any, cast

import pytest

from tests.adapters.chain.test_abi import raw_log
from tests.protocol.settlement.facts.speed import _game
from truestep.adapters.chain.answers import Junk
from truestep.adapters.chain.settlement import (
    AUDIT_MODULES,
    DATA_MODULES,
    LOT_MODULES,
    MODULES,
    PROOF_MODULES,
    QUORUM_MODULES,
    URI_LIMIT,
    EventDecoder,
)
from truestep.base.ids import Address, JobId
from truestep.protocol.availability.contracts import items
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.settlement.contracts import disputes, jobs
from truestep.protocol.settlement.jobs import SHARD_LIMIT

ACCOUNT = "0x" + "22" * 20
PROGRAM = {
    "program_id": 1,
    "owner": ACCOUNT,
    "image_root": b"r" * 32,
    "entry": 1,
    "max_cycles": 1,
    "workload": 0,
    "digest": b"d" * 32,
}


ALL = MODULES | DATA_MODULES | PROOF_MODULES | QUORUM_MODULES | AUDIT_MODULES | LOT_MODULES


class Addresses:
    """Stands for a deployment."""

    availability = object()
    validity = object()
    quorum = object()
    audits = object()
    drawn = object()

    def address(self, name: str) -> Address:
        return Address(f"0x{1 + [*ALL].index(name):040x}")


DECODER = EventDecoder(cast(Any, Addresses()))


def decoded(contract: str, name: str, at: str = "", **fields: Any) -> object:
    log = raw_log(contract, name, **fields)
    return DECODER.event(replace(log, address=at or Addresses().address(contract)))


def cancelled(*shards: int, at: str = "") -> object:
    return decoded("Jobs", "Cancelled", at, job_id=1, requester=ACCOUNT, shards=shards, refund=5)


def test_a_log_of_another_address_is_no_event() -> None:
    expected = jobs.Cancelled(job_id=JobId(1), requester=Address(ACCOUNT), shards=(0, 3), refund=5)
    assert cancelled(0, 3) == expected
    assert cancelled(0, 3, at="0x" + "77" * 20) is None
    assert cancelled(0, 3, at=Addresses().address("Disputes")) is None


@pytest.mark.parametrize("shard", [SHARD_LIMIT, 2**32 - 1])
def test_shards_that_no_job_has_are_junk(shard: int) -> None:
    """A bit for each of them would take all memory."""
    assert cancelled(SHARD_LIMIT - 1) is not None
    with pytest.raises(Junk, match="expected shards below"):
        cancelled(0, shard)


@pytest.mark.parametrize("outcome", list(disputes.GameOutcome))
def test_a_game_is_settled_with_an_outcome(outcome: disputes.GameOutcome) -> None:
    named = {"game_id": 1 << 32 | 1, "claim_id": 1, "outcome": outcome}
    fields: dict[str, Any] = dict.fromkeys(("defender_wei", "challenger_wei", "burned_wei"), 0) | named
    if outcome is not disputes.GameOutcome.UNDECIDED:
        event = decoded("Disputes", "Settled", **fields)
        assert isinstance(event, disputes.Settled) and event.outcome == outcome
        return
    with pytest.raises(Junk, match="expected the outcome"):
        decoded("Disputes", "Settled", **fields)


@pytest.mark.parametrize(("low", "high"), [(0, 9), (9, 9), (10, 9)])
def test_a_game_that_is_to_be_split_has_an_interval(low: int, high: int) -> None:
    (_, game) = _game(1)
    values = astuple(replace(game, low=low, high=high))
    if low < high:
        assert decoded("Disputes", "Moved", game_id=1 << 32 | 1, game=values) is not None
        return
    with pytest.raises(Junk, match="expected an interval"):
        decoded("Disputes", "Moved", game_id=1 << 32 | 1, game=values)


def test_a_uri_that_the_contracts_would_not_take_is_junk() -> None:
    assert decoded("Programs", "Registered", uri="u" * URI_LIMIT, **PROGRAM) is not None
    with pytest.raises(Junk, match="expected a URI of up to 256 characters, got 1,000,000"):
        decoded("Programs", "Registered", uri="u" * 10**6, **PROGRAM)


def test_an_item_is_in_one_of_the_known_states() -> None:
    known = items.StateChanged(item_id=ItemId(3), state=items.ItemState.LOST)
    assert decoded("Items", "StateChanged", item_id=3, state=items.ItemState.LOST) == known
    with pytest.raises(Junk, match="expected a ItemState"):
        decoded("Items", "StateChanged", item_id=3, state=max(items.ItemState) + 1)
