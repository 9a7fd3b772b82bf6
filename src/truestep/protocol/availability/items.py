"""Items: what keepers keep, for whom and until when (docs/availability.md A3)."""

from dataclasses import replace

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.availability import keepers, layout
from truestep.protocol.availability.contracts.items import (
    Acknowledge,
    Acknowledged,
    Assign,
    Closed,
    CloseItem,
    Collect,
    Collected,
    Drawn,
    ItemState,
    Record,
    Seat,
    StateChanged,
    Struck,
    Vacated,
)
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.rules import winner_part
from truestep.protocol.availability.state import EMPTY_SEAT, Item, Turn
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.refusals import Refused, require


def assign(turn: Turn, call: Assign) -> None:
    """Draw keepers for the seats that have none, or one that has missed the time to acknowledge."""
    item, now = stated(turn, call.item_id, call.record), turn.message.now
    require(item.is_open, Reject.DATA_STATE)
    require(now <= item.record.until, Reject.DATA_OVER)
    require(now > item.changed_at, Reject.DRAW_EARLY)
    vacant = [index for index, seat in enumerate(item.seats) if not seat.keeper or _has_missed(turn, seat)]
    require(bool(vacant), Reject.SEATS_TAKEN)
    taken = frozenset(seat.keeper for index, seat in enumerate(item.seats) if index not in vacant)
    digest = _digest(turn, call.item_id, item.record)
    seed = keccak256(encode(turn.chain.prevrandao, digest, item.draws))
    drawn = keepers.draw(turn.state, seed, len(vacant), taken)
    require(bool(drawn), Reject.KEEPERS_UNDRAWN)
    item = replace(item, draws=item.draws + 1)
    for index in vacant[len(drawn) :]:
        item = item.with_seat(index, EMPTY_SEAT)
    for index, number in zip(vacant, drawn, strict=False):
        item = item.with_seat(index, replace(EMPTY_SEAT, keeper=number, drawn_at=now))
        turn.emit(Drawn(item_id=call.item_id, keeper=number, seat=index, drawn_at=now))
    turn.put_item(call.item_id, item)


def acknowledge(turn: Turn, call: Acknowledge) -> None:
    """Hand in receipts of keepers for their seats."""
    item, now, deployment = stated(turn, call.item_id, call.record), turn.message.now, turn.state.deployment
    require(item.is_open, Reject.DATA_STATE)
    require(now <= item.record.until, Reject.DATA_OVER)
    require(len(call.indices) == len(call.signatures), Reject.RECEIPTS_COUNT)
    digest = _digest(turn, call.item_id, item.record)
    before = item
    for index, signature in zip(call.indices, call.signatures, strict=True):
        require(index < item.record.seat_count and item.seats[index].keeper != 0, Reject.SEAT_EMPTY)
        seat = item.seats[index]
        if seat.acknowledged_at:
            continue
        require(not _has_missed(turn, seat), Reject.RECEIPT_LATE)
        signer = keepers.lock(turn, seat.keeper)
        receipt = layout.receipt_hash(deployment.chain_id, deployment.items, digest, index, seat.drawn_at)
        require(turn.chain.signed_by(receipt, signature) == signer, Reject.RECEIPT_SIGNATURE)
        item = item.with_seat(index, replace(seat, acknowledged_at=now, collected_until=now))
        turn.emit(Acknowledged(item_id=call.item_id, keeper=seat.keeper, seat=index, acknowledged_at=now))
    require(item is not before, Reject.RECEIPTS_KNOWN)
    if item.state is ItemState.REGISTERED and item.has_majority:
        item = replace(_changed(turn, call.item_id, item, ItemState.KEPT), was_kept=True)
    turn.put_item(call.item_id, item)


# --- fees, and how items end ----------------------------------------------------------------------


def collect(turn: Turn, call: Collect) -> None:
    """Credit the keeper of a seat with what it has earned until now."""
    item = stated(turn, call.item_id, call.record)
    require(item.is_open, Reject.DATA_STATE)
    seat = served(item, call.index)
    account = turn.state.keepers[seat.keeper].account
    item, amount_wei = _collected(turn, call.item_id, item, call.index, account)
    require(amount_wei != 0, Reject.NOTHING_TO_COLLECT)
    turn.put_item(call.item_id, item)


def close_item(turn: Turn, call: CloseItem) -> None:
    """End an item: pay its keepers, free their shares, give back bond and unused fees."""
    item, now = stated(turn, call.item_id, call.record), turn.message.now
    record, contract = item.record, turn.state.deployment.items
    is_lost = item.state is ItemState.LOST
    require(item.is_open or is_lost, Reject.DATA_STATE)
    if now <= record.until and not is_lost:
        require(turn.message.sender == record.registrant, Reject.DATA_NOT_OVER)
        is_late = now > record.since + turn.state.rules.acknowledge_seconds
        require(is_late and not item.was_kept, Reject.DATA_NOT_OVER)
    require(not turn.state.is_contested(call.item_id), Reject.DATA_CONTESTED)
    for index in item.acknowledged:
        account = keepers.unlock(turn, item.seats[index].keeper)
        item, _ = _collected(turn, call.item_id, item, index, account)
    refunded_wei = record.bond_wei + item.unpaid_wei
    turn.credit(contract, record.registrant, refunded_wei)
    state = ItemState.CLOSED if record.seat_count else ItemState.ENDED
    turn.put_item(call.item_id, _changed(turn, call.item_id, item, state))
    turn.emit(Closed(item_id=call.item_id, registrant=record.registrant, refunded_wei=refunded_wei))


# --- what Challenges and Bindings do --------------------------------------------------------------


def vacate(turn: Turn, item_id: ItemId, record: Record, index: int, winner: Address) -> None:
    """Slash the keeper of an acknowledged seat and empty the seat."""
    item = stated(turn, item_id, record)
    require(item.is_open, Reject.DATA_STATE)
    seat = served(item, index)
    item = replace(item.with_seat(index, EMPTY_SEAT), changed_at=turn.message.now)
    turn.emit(Vacated(item_id=item_id, keeper=seat.keeper, seat=index))
    if item.was_kept and not item.acknowledged:
        item = _changed(turn, item_id, item, ItemState.LOST)
    elif item.state is ItemState.KEPT and not item.has_majority:
        item = _changed(turn, item_id, item, ItemState.REGISTERED)
    turn.put_item(item_id, item)
    keepers.slash(turn, seat.keeper, item_id, winner)


def strike(turn: Turn, item_id: ItemId, record: Record, winner: Address) -> None:
    """Strike an item: its bond and a share of each acknowledged seat are lost."""
    item, contract = stated(turn, item_id, record), turn.state.deployment.items
    require(item.is_open or item.state is ItemState.LOST, Reject.DATA_STATE)
    require(record.blob_count != 0, Reject.DATA_WRITTEN)
    winner_wei = winner_part(turn.state.rules, record.bond_wei)
    turn.credit(contract, winner, winner_wei)
    turn.credit(contract, record.registrant, item.unpaid_wei)
    turn.burn(contract, record.bond_wei - winner_wei)
    turn.put_item(item_id, _changed(turn, item_id, item, ItemState.STRUCK))
    turn.emit(
        Struck(
            item_id=item_id,
            winner=winner,
            winner_wei=winner_wei,
            burned_wei=record.bond_wei - winner_wei,
            refunded_wei=item.unpaid_wei,
        )
    )
    for index in item.acknowledged:
        keepers.slash(turn, item.seats[index].keeper, item_id, NOBODY)


def duty(turn: Turn, item_id: ItemId, record: Record, index: int) -> tuple[Address, int]:
    """Who answers for a seat, and since when."""
    item = stated(turn, item_id, record)
    require(item.is_open, Reject.DATA_STATE)
    require(turn.message.now <= record.until, Reject.DATA_OVER)
    seat = served(item, index)
    return turn.state.keepers[seat.keeper].account, seat.acknowledged_at


def respondent(turn: Turn, item_id: ItemId, record: Record, index: int) -> Address:
    """Whom a demand asks first: the keeper of a seat, or the registrant of an item without seats."""
    item = stated(turn, item_id, record)
    require(item.is_open, Reject.DATA_STATE)
    require(turn.message.now <= record.until, Reject.DATA_OVER)
    require(record.blob_count != 0, Reject.DATA_WRITTEN)
    if record.seat_count == 0:
        return record.registrant
    return turn.state.keepers[served(item, index).keeper].account


def is_served(turn: Turn, item_id: ItemId, index: int, acknowledged_at: int) -> bool:
    """Whether the keeper that acknowledged a seat at this time still answers for it."""
    item = turn.state.items[item_id]
    return item.is_open and item.seats[index].acknowledged_at == acknowledged_at


# --- shared ---------------------------------------------------------------------------------------


def stated(turn: Turn, item_id: ItemId, record: Record) -> Item:
    """An item, which must have this record."""
    item = turn.state.items.get(item_id)
    if item is None or item.record != record:
        raise Refused(Reject.RECORD_OTHER)
    return item


def served(item: Item, index: int) -> Seat:
    """An acknowledged seat."""
    is_acknowledged = index < len(item.seats) and item.seats[index].acknowledged_at != 0
    require(is_acknowledged, Reject.SEAT_UNACKNOWLEDGED)
    return item.seats[index]


def _has_missed(turn: Turn, seat: Seat) -> bool:
    limit = seat.drawn_at + turn.state.rules.acknowledge_seconds
    return seat.acknowledged_at == 0 and turn.message.now > limit


def _digest(turn: Turn, item_id: ItemId, record: Record) -> Bytes32:
    deployment = turn.state.deployment
    return layout.item_digest(deployment.chain_id, deployment.items, item_id, record)


def _changed(turn: Turn, item_id: ItemId, item: Item, state: ItemState) -> Item:
    turn.emit(StateChanged(item_id=item_id, state=state))
    is_lost = item.state is ItemState.LOST  # what becomes of it then does not make it lost any later
    return replace(item, state=state, changed_at=item.changed_at if is_lost else turn.message.now)


def _collected(turn: Turn, item_id: ItemId, item: Item, index: int, account: Address) -> tuple[Item, int]:
    """The item with a seat paid, and how much that was."""
    record, seat = item.record, item.seats[index]
    now = min(turn.message.now, record.until)
    amount_wei = record.fee_wei * (now - seat.collected_until) // (record.until - record.since)
    item = replace(
        item.with_seat(index, replace(seat, collected_until=now)), paid_wei=item.paid_wei + amount_wei
    )
    turn.credit(turn.state.deployment.items, account, amount_wei)
    if amount_wei:
        turn.emit(Collected(item_id=item_id, keeper=seat.keeper, seat=index, amount_wei=amount_wei))
    return item, amount_wei
