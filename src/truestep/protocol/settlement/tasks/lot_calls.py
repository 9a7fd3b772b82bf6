"""The calls of Lots of what nodes and clients want (docs/drawn.md)."""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.protocol import lot_calls as wanted
from truestep.protocol.settlement.facts import lot_calls
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller
from truestep.protocol.settlement.ids import NOBODY


def _offer_lots(facts: Facts, caller: Caller, call: wanted.OfferLots) -> Answer:
    return lot_calls.offer(facts, caller, call.job_id, call.lot_tasks)


def _draw_lots(facts: Facts, caller: Caller, call: wanted.DrawLots) -> Answer:
    return lot_calls.draw(facts, caller, call.job_id, call.shards)


def _decline_lots(facts: Facts, caller: Caller, call: wanted.DeclineLots) -> Answer:
    return lot_calls.decline(facts, caller, call.operator, call.job_id, call.shards)


def _end_turn(facts: Facts, caller: Caller, call: wanted.EndTurn) -> Answer:
    return lot_calls.end_turn(facts, caller, call.job_id, call.shard)


def _withdraw_lots(facts: Facts, caller: Caller, call: wanted.WithdrawLots) -> Answer:
    return lot_calls.withdraw(facts, caller.account if call.receiver == NOBODY else call.receiver)


BUILDERS: Mapping[type, Callable[[Facts, Caller, Any], Answer]] = {
    wanted.OfferLots: _offer_lots,
    wanted.DrawLots: _draw_lots,
    wanted.DeclineLots: _decline_lots,
    wanted.EndTurn: _end_turn,
    wanted.WithdrawLots: _withdraw_lots,
}
