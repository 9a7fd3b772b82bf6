"""Keepers: their shares, and draws among them (docs/availability.md A2)."""

from dataclasses import replace

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.availability.contracts.keepers import (
    Enrol,
    Enrolled,
    Keeper,
    Retire,
    Retired,
    SetSigner,
    SharesWithdrawn,
    SignerSet,
    Slashed,
    WithdrawShares,
)
from truestep.protocol.availability.ids import ItemId, KeeperId
from truestep.protocol.availability.rules import winner_part
from truestep.protocol.availability.state import Availability, Turn
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import with_entry

KEEPERS_LIMIT = 2**16 - 1
"""A number has 16 bits in an entry."""
ENTRIES_LIMIT = 4096
"""Of one call: what a transaction can pay for."""
SHARES_LIMIT = 2**32 - 1
ATTEMPTS = 64
"""Of one draw."""


def enrol(turn: Turn, call: Enrol) -> None:
    """Become a keeper or add shares."""
    sender, rules = turn.message.sender, turn.state.rules
    require(call.shares <= ENTRIES_LIMIT, Reject.SHARES_LIMIT)
    require(turn.message.value_wei == call.shares * rules.share_wei, Reject.WRONG_VALUE)
    number = turn.state.numbers.get(sender)
    if number is None:
        require(call.shares != 0, Reject.NOT_KEEPER)
        number = KeeperId(len(turn.state.keepers) + 1)
        require(number <= KEEPERS_LIMIT, Reject.KEEPERS_LIMIT)
        turn.change(numbers=with_entry(turn.state.numbers, sender, number))
        turn.put_keeper(number, Keeper(account=sender, signer=sender, shares=0, locked=0, listed=0))
    keeper = turn.state.keepers[number]
    total = keeper.shares + call.shares
    require(total <= SHARES_LIMIT, Reject.SHARES_LIMIT)
    entered = min(max(total - keeper.listed, 0), ENTRIES_LIMIT)
    require(len(turn.state.entries) + entered <= SHARES_LIMIT, Reject.SHARES_LIMIT)
    turn.receive(turn.state.deployment.keepers)
    turn.change(entries=turn.state.entries + (number,) * entered)
    turn.put_keeper(number, replace(keeper, shares=total, listed=keeper.listed + entered))
    turn.emit(Enrolled(keeper=number, account=sender, shares=call.shares, url=call.url))


def set_signer(turn: Turn, call: SetSigner) -> None:
    """Name the key that signs receipts."""
    number = _own_number(turn)
    require(call.signer != NOBODY, Reject.NO_ADDRESS)
    turn.put_keeper(number, replace(turn.state.keepers[number], signer=call.signer))
    turn.emit(SignerSet(keeper=number, signer=call.signer))


def retire(turn: Turn, call: Retire) -> None:
    """Take entries out of the list: the last one moves to where one was taken out."""
    keeper = turn.state.keepers.get(call.keeper)
    if keeper is None or not 0 < len(call.positions) <= keeper.listed:
        raise Refused(Reject.ENTRIES_OTHER)
    remaining = keeper.listed - len(call.positions)
    is_surplus = remaining >= keeper.shares
    require(turn.message.sender == keeper.account or is_surplus, Reject.NOT_THIS_KEEPER)
    entries = list(turn.state.entries)
    for position in call.positions:
        require(position < len(entries) and entries[position] == call.keeper, Reject.ENTRIES_OTHER)
        last = entries.pop()
        if position < len(entries):
            entries[position] = last
    turn.change(entries=tuple(entries))
    turn.put_keeper(call.keeper, replace(keeper, listed=remaining))
    turn.emit(Retired(keeper=call.keeper, entries=len(call.positions)))


def withdraw_shares(turn: Turn, call: WithdrawShares) -> None:
    """Send the coins of shares that are neither locked nor listed."""
    number = _own_number(turn)
    require(call.shares != 0, Reject.NOTHING_TO_WITHDRAW)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    keeper = turn.state.keepers[number]
    require(call.shares + max(keeper.locked, keeper.listed) <= keeper.shares, Reject.SHARES_IN_USE)
    turn.put_keeper(number, replace(keeper, shares=keeper.shares - call.shares))
    turn.emit(SharesWithdrawn(keeper=number, receiver=call.receiver, shares=call.shares))
    require(turn.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    amount_wei = call.shares * turn.state.rules.share_wei
    turn.pay(turn.state.deployment.keepers, call.receiver, amount_wei)


def lock(turn: Turn, number: KeeperId) -> Address:
    """Lock a free share for a seat; whose receipt it takes."""
    keeper = turn.state.keepers[number]
    require(keeper.has_free_share, Reject.SHARE_NOT_FREE)
    turn.put_keeper(number, replace(keeper, locked=keeper.locked + 1))
    return keeper.signer


def unlock(turn: Turn, number: KeeperId) -> Address:
    """Free the share of a seat; the keeper's account."""
    keeper = turn.state.keepers[number]
    turn.put_keeper(number, replace(keeper, locked=keeper.locked - 1))
    return keeper.account


def slash(turn: Turn, number: KeeperId, item_id: ItemId, winner: Address) -> None:
    """Take the locked share of a seat: a part of it for the winner, if there is one, the rest burned."""
    keeper, rules, contract = turn.state.keepers[number], turn.state.rules, turn.state.deployment.keepers
    turn.put_keeper(number, replace(keeper, shares=keeper.shares - 1, locked=keeper.locked - 1))
    winner_wei = 0 if winner == NOBODY else winner_part(rules, rules.share_wei)
    if winner_wei:
        turn.credit(contract, winner, winner_wei)
    burned_wei = rules.share_wei - winner_wei
    turn.burn(contract, burned_wei)
    turn.emit(
        Slashed(keeper=number, item_id=item_id, winner=winner, winner_wei=winner_wei, burned_wei=burned_wei)
    )


def listed_count(state: Availability) -> int:
    """How many keepers have an entry in the list of draws."""
    return sum(keeper.listed != 0 for keeper in state.keepers.values())


def draw(state: Availability, seed: Bytes32, count: int, taken: frozenset[KeeperId]) -> list[KeeperId]:
    """Up to `count` different keepers with a free share, drawn by their entries (A2.2)."""
    drawn: list[KeeperId] = []
    if not state.entries:
        return drawn
    for attempt in range(ATTEMPTS):
        if len(drawn) == count:
            break
        position = int.from_bytes(keccak256(encode(seed, attempt)), "big") % len(state.entries)
        number = state.entries[position]
        if number not in taken and number not in drawn and state.keepers[number].has_free_share:
            drawn.append(number)
    return drawn


def _own_number(turn: Turn) -> KeeperId:
    number = turn.state.numbers.get(turn.message.sender)
    if number is None:
        raise Refused(Reject.NOT_KEEPER)
    return number
