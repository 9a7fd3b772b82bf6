"""The contracts' calls of draws of what nodes and clients want (docs/assignment.md).

Facts say nothing of rounds and pools: whether a contract would refuse, its trial before a send shows.
"""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.protocol import draw_calls as wanted
from truestep.protocol.assignment.contracts import randomness, sortition
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.ids import NOBODY


def _commit(facts: Facts, caller: Caller, call: wanted.CommitSecret) -> Answer:
    said = randomness.Commit(round=call.round_number, commitment=call.commitment)
    return Ready(call=said, value_wei=call.value_wei)


def _reveal(facts: Facts, caller: Caller, call: wanted.RevealSecret) -> Answer:
    return Ready(call=randomness.Reveal(secret=call.secret))


def _withdraw(facts: Facts, caller: Caller, call: wanted.WithdrawEntropy) -> Answer:
    receiver = caller.account if call.receiver == NOBODY else call.receiver
    return Ready(call=randomness.WithdrawTo(receiver=receiver))


def _join(facts: Facts, caller: Caller, call: wanted.JoinPool) -> Answer:
    return Ready(call=sortition.Join(operator=caller.account, pool=call.pool, pledge_wei=call.pledge_wei))


def _leave(facts: Facts, caller: Caller, call: wanted.LeavePool) -> Answer:
    return Ready(call=sortition.Leave(operator=caller.account))


def _collect(facts: Facts, caller: Caller, call: wanted.CollectPledge) -> Answer:
    return Ready(call=sortition.Collect(operator=call.operator))


def _refresh(facts: Facts, caller: Caller, call: wanted.RefreshWeight) -> Answer:
    return Ready(call=sortition.Refresh(operator=call.operator))


BUILDERS: Mapping[type, Callable[[Facts, Caller, Any], Answer]] = {
    wanted.CommitSecret: _commit,
    wanted.RevealSecret: _reveal,
    wanted.WithdrawEntropy: _withdraw,
    wanted.JoinPool: _join,
    wanted.LeavePool: _leave,
    wanted.CollectPledge: _collect,
    wanted.RefreshWeight: _refresh,
}
