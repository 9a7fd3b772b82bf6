"""What Lots answers when Assurances asks it (docs/drawn.md T3)."""

from collections.abc import Callable

from truestep.base.ids import Address
from truestep.protocol.lots.contracts.lots import Rules
from truestep.protocol.lots.state import Links, Lot, LotKey, Lots, Offered
from truestep.protocol.settlement.assurances import Policy, Question, Taking, Verdict
from truestep.protocol.settlement.ids import NOBODY, unpack_item

UNDRAWN = Lot()
"""A lot that was never drawn."""


def drawn_policy(state_of: Callable[[], Lots], links: Links) -> Policy:
    """The policy, over states that change."""

    def verdict(question: Question) -> Verdict:
        return Verdict(is_due=question.now > question.until, held=0)

    return Policy(
        verdict=verdict,
        must_wait=True,
        may_take=lambda taking: may_take(state_of(), links.rules, taking),
        contract=links.lots,
    )


def may_take(state: Lots, rules: Rules, taking: Taking) -> bool:
    """The holder, in its turn, any tasks of its lots; all that have not failed, those of open lots (T3)."""
    for item in map(unpack_item, taking.items):
        offered = state.offers.get(item.job_id)
        if offered is None or (item.job_id, taking.operator) in state.failed:
            return False
        lots = range(offered.lot_of(item.shards[0]), offered.lot_of(item.shards[-1]) + 1)
        keys = ((item.job_id, lot) for lot in lots)
        if not all(_may_take_lot(state, rules, offered, key, taking.operator, taking.now) for key in keys):
            return False
    return True


def _may_take_lot(
    state: Lots, rules: Rules, offered: Offered, key: LotKey, operator: Address, now: int
) -> bool:
    lot = state.lots.get(key, UNDRAWN)
    if lot.holder != NOBODY:
        return lot.holder == operator and not is_turn_over(rules, lot, now)
    return is_open(rules, offered, lot, now)


def is_turn_over(rules: Rules, lot: Lot, now: int) -> bool:
    """Whether a holder has let its turn pass."""
    return now > lot.since + rules.turn_seconds


def waits_since(offered: Offered, lot: Lot) -> int:
    """When a lot without a holder began to wait."""
    return offered.at if lot == UNDRAWN else lot.since


def is_open(rules: Rules, offered: Offered, lot: Lot, now: int) -> bool:
    """Whether anybody that has not failed may take tasks of a lot (T3.4)."""
    if lot.holder != NOBODY:
        return False
    return lot.is_open or now > waits_since(offered, lot) + rules.open_seconds
