"""The calls that end everything: no coin is left but what was burned."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.availability.item_schedule import WITHDRAWALS
from tests.protocol.availability.schedule import Schedule
from tests.protocol.availability.world import KEEPERS, Step
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import item_of_demand, unpack_challenge

YEARS_SECONDS = 600 * 86_400


def wind_down(schedule: Schedule) -> Iterator[Step]:
    """One step after the other; the caller plays each before it asks for the next."""
    schedule.now += YEARS_SECONDS
    sender, state = KEEPERS[0], schedule.world.state
    for challenge_id, challenge in state.challenges.items():
        record = state.items[unpack_challenge(challenge_id).item_id].record
        call = challenges.Settle(challenge_id=challenge_id, challenge=challenge, record=record)
        yield schedule.step(sender, call)
    for demand_id, demand in schedule.world.state.demands.items():
        record = state.items[item_of_demand(demand_id)].record
        yield schedule.step(sender, bindings.SettleDemand(demand_id=demand_id, demand=demand, record=record))
    for item_id, item in schedule.world.state.items.items():
        is_over = item.is_open and item.record.blob_count != 0
        if is_over or item.state is ItemState.LOST:
            yield schedule.step(sender, items.CloseItem(item_id=item_id, record=item.record))
    yield from _leave(schedule)
    deployment = schedule.world.state.deployment
    contracts = (deployment.keepers, deployment.items, deployment.challenges, deployment.bindings)
    for (contract, account), amount_wei in schedule.world.state.credits.items():
        if amount_wei:
            yield schedule.step(account, WITHDRAWALS[contracts.index(contract)](receiver=account))


def _leave(schedule: Schedule) -> Iterator[Step]:
    """Every keeper takes its shares out."""
    for number, keeper in list(schedule.world.state.keepers.items()):
        while schedule.world.state.keepers[number].listed:
            entries = schedule.world.state.entries
            last = max(place for place, entry in enumerate(entries) if entry == number)
            call = keepers.Retire(keeper=number, positions=(last,))
            yield schedule.step(keeper.account, call)
        shares = schedule.world.state.keepers[number].shares
        if shares:
            call = keepers.WithdrawShares(shares=shares, receiver=keeper.account)
            yield schedule.step(keeper.account, call)
