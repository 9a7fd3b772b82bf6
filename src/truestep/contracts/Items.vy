#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Items: what keepers keep, for whom and until when (docs/availability.md A1, A3)
@license Apache-2.0
"""
from interfaces import IBindings
from interfaces import IChallenges
from interfaces import IItems
from interfaces import IKeepers
from modules import coins
from modules import item_shapes
from modules import long_paths
from modules import native_credits
from modules import receipts
from modules import written_trees

implements: IItems
initializes: coins
initializes: native_credits
exports: (coins.burned_wei, native_credits.credits, native_credits.withdraw_to)


interface Linked:
    def items() -> address: view


REGISTERED: constant(uint256) = 1
KEPT: constant(uint256) = 2
STRUCK: constant(uint256) = 3
LOST: constant(uint256) = 4
CLOSED: constant(uint256) = 5
ENDED: constant(uint256) = 6

PARTS_LIMIT: constant(uint256) = 256
WRITTEN_PARTS_LIMIT: constant(uint256) = 64
WRITTEN_LIMIT_BYTES: constant(uint256) = 24_576
# Of calldata: beyond it blobs cost less, and the roots can be computed in one transaction.
NODES_LIMIT: constant(uint256) = 128
SUBTREE_LEVEL: constant(uint256) = 6  # of the nodes that are named for an item of more blobs
SEATS_LEAST: constant(uint256) = 2
SEATS_LIMIT: constant(uint256) = 16
FEE_LIMIT_WEI: constant(uint256) = 2**80
DURATION_LIMIT_SECONDS: constant(uint256) = 500 * 86_400
# A job's deadline is at most 365 days ahead, and a game may need its items for 120 days more (A5.1).
BLOB_SECONDS: constant(uint256) = 15 * 86_400
# Nodes of Ethereum keep blobs for 18.2 days, those of Gnosis for 15.2 (A3.6).
FOR_EVER: constant(uint256) = 2**40 - 1
BPS: constant(uint256) = 10_000
MASK16: constant(uint256) = 2**16 - 1
MASK40: constant(uint256) = 2**40 - 1
WAS_KEPT: constant(uint256) = 1 << 240

DEPLOYER: immutable(address)
KEEPERS: immutable(IKeepers)
BOND_WEI: immutable(uint256)
ACKNOWLEDGE_SECONDS: immutable(uint256)
WINNER_SHARE_BPS: immutable(uint256)

challenges: public(address)
bindings: public(address)
next_item_id: public(uint256)  # from 1: the first registration costs what all others do
record_hashes: HashMap[uint256, bytes32]
words: HashMap[uint256, uint256]
# item: [ state 8 | was kept 8 | draws 16 | acknowledged seats 16 | 0 | changed_at 40 | paid_wei 88 ]
seats: HashMap[uint256, uint256]
# item_id << 8 | seat: [ keeper 16 | drawn_at 40 | acknowledged_at 40 | collected_until 40 ]


@deploy
def __init__(keepers_: address):
    assert keepers_.is_contract, "no contract at this address"
    DEPLOYER = msg.sender
    KEEPERS = IKeepers(keepers_)
    self.next_item_id = 1
    rules: IKeepers.Rules = staticcall KEEPERS.rules()
    BOND_WEI = rules.registrant_bond_wei
    ACKNOWLEDGE_SECONDS = rules.acknowledge_seconds
    WINNER_SHARE_BPS = rules.winner_share_bps


@external
def connect(challenges: address, bindings: address):
    """
    @notice Name the contracts that may empty seats and strike items. By the deployer, once.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert self.challenges == empty(address), "already connected"
    assert challenges.is_contract and bindings.is_contract, "no contract at this address"
    assert (
        staticcall Linked(challenges).items() == self
        and staticcall Linked(bindings).items() == self
    ), "contracts do not fit together"
    self.challenges = challenges
    self.bindings = bindings


# --- how items begin ------------------------------------------------------------------------------


@external
def publish_hashes(hashes: DynArray[bytes32, 1024]):
    """
    @notice Emit versioned hashes of an item that has too many for one transaction (A1.4).
    """
    log IItems.HashesPublished(sender=msg.sender, hashes=hashes)


@external
@payable
def register(
    parts: DynArray[IItems.Part, PARTS_LIMIT],
    nodes: DynArray[bytes32, NODES_LIMIT],
    seat_count: uint256,
    until: uint256,
    fee_wei: uint256,
    url: String[256],
) -> uint256:
    """
    @notice Register an item, with a bond and the fees of all its seats (A3.1).
    @param nodes The versioned hashes, or, of more than 128 blobs, the nodes six levels above them.
    @param fee_wei Of each seat, for the whole time.
    @param url From where keepers may fetch its blobs.
    @return The item's number.
    """
    assert self.challenges != empty(address), "contracts are not connected"
    assert seat_count >= SEATS_LEAST and seat_count <= SEATS_LIMIT, "seats out of bounds"
    assert seat_count <= staticcall KEEPERS.listed_count(), "not enough keepers"
    assert (
        until > block.timestamp + ACKNOWLEDGE_SECONDS
        and until <= block.timestamp + DURATION_LIMIT_SECONDS
    ), "item: end out of bounds"
    assert fee_wei < FEE_LIMIT_WEI, "fee is too large"
    assert msg.value == BOND_WEI + fee_wei * seat_count, "wrong amount of coins sent"
    units: uint256 = 0
    for part: IItems.Part in parts:
        units += item_shapes.unit_count(part)
    blob_count: uint256 = item_shapes.blob_count(units)
    level: uint256 = 0 if blob_count <= NODES_LIMIT else SUBTREE_LEVEL
    assert len(nodes) == (blob_count + (1 << level) - 1) >> level, "item: number of hashes"
    record: IItems.Record = IItems.Record(
        registrant=msg.sender,
        parts_hash=keccak256(abi_encode(parts)),
        hashes_root=long_paths.join(nodes, level),
        blob_count=blob_count,
        seat_count=seat_count,
        since=block.timestamp,
        until=until,
        fee_wei=fee_wei,
        bond_wei=BOND_WEI,
    )
    item_id: uint256 = self._put(record, REGISTERED << 248)
    log IItems.Registered(
        item_id=item_id,
        registrant=msg.sender,
        parts_hash=record.parts_hash,
        record=record,
        parts=parts,
        nodes=nodes,
        url=url,
    )
    return item_id


@external
@payable
def register_blobs(
    parts: DynArray[IItems.Part, PARTS_LIMIT], until: uint256, url: String[256]
) -> uint256:
    """
    @notice Register an item whose blobs are those of this transaction, with a bond (A3.6). No keeper answers for it.
    @param until At most 15 days from now: so long all nodes of the chain keep the blobs.
    @return The item's number.
    """
    assert self.challenges != empty(address), "contracts are not connected"
    assert (
        until > block.timestamp and until <= block.timestamp + BLOB_SECONDS
    ), "item: end out of bounds"
    assert msg.value == BOND_WEI, "wrong amount of coins sent"
    units: uint256 = 0
    for part: IItems.Part in parts:
        units += item_shapes.unit_count(part)
    blob_count: uint256 = item_shapes.blob_count(units)
    assert blob_count <= NODES_LIMIT, "item: size out of bounds"
    hashes: DynArray[bytes32, NODES_LIMIT] = []
    for index: uint256 in range(blob_count, bound=NODES_LIMIT):
        hash: bytes32 = blobhash(index)
        assert hash != empty(bytes32), "transaction has no such blob"
        hashes.append(hash)
    record: IItems.Record = IItems.Record(
        registrant=msg.sender,
        parts_hash=keccak256(abi_encode(parts)),
        hashes_root=long_paths.join(hashes, 0),
        blob_count=blob_count,
        seat_count=0,
        since=block.timestamp,
        until=until,
        fee_wei=0,
        bond_wei=BOND_WEI,
    )
    item_id: uint256 = self._put(record, KEPT << 248 | WAS_KEPT)
    log IItems.Registered(
        item_id=item_id,
        registrant=msg.sender,
        parts_hash=record.parts_hash,
        record=record,
        parts=parts,
        nodes=hashes,
        url=url,
    )
    log IItems.StateChanged(item_id=item_id, state=KEPT)
    return item_id


@external
def register_calldata(
    parts: DynArray[IItems.Part, WRITTEN_PARTS_LIMIT], payload: Bytes[WRITTEN_LIMIT_BYTES]
) -> uint256:
    """
    @notice Write an item into the chain, where it stays (A3.7). Nobody can contest or strike it.
    @param payload The leaves of all parts, one after the other.
    @return The item's number.
    """
    assert self.challenges != empty(address), "contracts are not connected"
    written_trees.check(parts, payload)
    record: IItems.Record = IItems.Record(
        registrant=msg.sender,
        parts_hash=keccak256(abi_encode(parts)),
        hashes_root=empty(bytes32),
        blob_count=0,
        seat_count=0,
        since=block.timestamp,
        until=FOR_EVER,
        fee_wei=0,
        bond_wei=0,
    )
    item_id: uint256 = self._put(record, KEPT << 248 | WAS_KEPT)
    log IItems.Registered(
        item_id=item_id,
        registrant=msg.sender,
        parts_hash=record.parts_hash,
        record=record,
        parts=parts,
        nodes=[],
        url="",
    )
    log IItems.StateChanged(item_id=item_id, state=KEPT)
    log IItems.Written(item_id=item_id, payload=payload)
    index: uint256 = 0
    for part: IItems.Part in parts:
        if index == 0 or part.root != parts[index - 1].root:
            log IItems.TreeWritten(root=part.root, item_id=item_id)
        index += 1
    return item_id


@external
def assign(item_id: uint256, record: IItems.Record):
    """
    @notice Draw keepers for the seats that have none, or one that has missed the time to acknowledge (A3.2).
    """
    word: uint256 = self._stated(item_id, record)
    assert self._is_open(word), "not the state of the item"
    assert block.timestamp <= record.until, "item is over"
    assert block.timestamp > word >> 88 & MASK40, "keepers are drawn in a later block"
    vacant: DynArray[uint256, SEATS_LIMIT] = []
    taken: uint256 = 0
    for index: uint256 in range(record.seat_count, bound=SEATS_LIMIT):
        seat_word: uint256 = self.seats[item_id << 8 | index]
        if seat_word == 0 or self._has_missed(seat_word):
            vacant.append(index)
        else:
            taken = taken << 16 | seat_word & MASK16
    assert len(vacant) != 0, "no seat is vacant"
    draws: uint256 = word >> 224 & MASK16
    digest: bytes32 = self._item_digest(item_id, record)
    seed: bytes32 = keccak256(abi_encode(block.prevrandao, digest, draws))
    drawn: DynArray[uint256, SEATS_LIMIT] = staticcall KEEPERS.draw(seed, len(vacant), taken)
    assert len(drawn) != 0, "no keeper can be drawn"
    self.words[item_id] = word & ~(MASK16 << 224) | (draws + 1 & MASK16) << 224
    for place: uint256 in range(len(vacant), bound=SEATS_LIMIT):
        if place >= len(drawn):
            self.seats[item_id << 8 | vacant[place]] = 0
            continue
        self.seats[item_id << 8 | vacant[place]] = drawn[place] | block.timestamp << 16
        log IItems.Drawn(
            item_id=item_id, keeper=drawn[place], seat=vacant[place], drawn_at=block.timestamp
        )


@external
def acknowledge(
    item_id: uint256,
    record: IItems.Record,
    indices: DynArray[uint256, SEATS_LIMIT],
    signatures: DynArray[Bytes[65], SEATS_LIMIT],
):
    """
    @notice Hand in receipts of keepers for their seats, by anybody (A3.3). Seats that are acknowledged are skipped.
    """
    word: uint256 = self._stated(item_id, record)
    assert self._is_open(word), "not the state of the item"
    assert block.timestamp <= record.until, "item is over"
    assert len(indices) == len(signatures), "receipt: number of signatures"
    digest: bytes32 = self._item_digest(item_id, record)
    before: uint256 = word
    for place: uint256 in range(len(indices), bound=SEATS_LIMIT):
        index: uint256 = indices[place]
        assert index < record.seat_count, "seat is empty"
        seat_word: uint256 = self.seats[item_id << 8 | index]
        assert seat_word != 0, "seat is empty"
        if seat_word >> 56 & MASK40 != 0:
            continue
        assert not self._has_missed(seat_word), "time to acknowledge is over"
        signer: address = extcall KEEPERS.lock(seat_word & MASK16)
        receipt: bytes32 = receipts.hash_of(digest, index, seat_word >> 16 & MASK40)
        assert receipts.signer_of(receipt, signatures[place]) == signer, "receipt: signature"
        self.seats[item_id << 8 | index] = (
            seat_word | block.timestamp << 56 | block.timestamp << 96
        )
        word |= 1 << (208 + index)
        log IItems.Acknowledged(
            item_id=item_id, keeper=seat_word & MASK16, seat=index, acknowledged_at=block.timestamp
        )
    assert word != before, "nothing to acknowledge"
    if word >> 248 == REGISTERED and self._acknowledged(word) > record.seat_count // 2:
        word = self._changed(item_id, word, KEPT) | WAS_KEPT
    self.words[item_id] = word


# --- fees, and how items end ----------------------------------------------------------------------


@external
def collect(item_id: uint256, record: IItems.Record, index: uint256):
    """
    @notice Credit the keeper of a seat with what it has earned until now, by anybody (A3.4).
    """
    word: uint256 = self._stated(item_id, record)
    assert self._is_open(word), "not the state of the item"
    keeper: uint256 = self._served(item_id, word, index) & MASK16
    account: address = (staticcall KEEPERS.get(keeper)).account
    amount_wei: uint256 = self._collect(item_id, record, index, account)
    assert amount_wei != 0, "nothing to collect"
    self.words[item_id] = word + amount_wei


@external
def close_item(item_id: uint256, record: IItems.Record):
    """
    @notice End an item (A3.4): pay what its keepers have earned, free their shares, give back bond and unused fees.
    @dev By anybody after its last second or when it is lost; before, by the registrant, if it was not kept in time.
    """
    word: uint256 = self._stated(item_id, record)
    assert self._is_open(word) or word >> 248 == LOST, "not the state of the item"
    if block.timestamp <= record.until and word >> 248 != LOST:
        assert msg.sender == record.registrant, "item is not over"
        assert (
            word & WAS_KEPT == 0 and block.timestamp > record.since + ACKNOWLEDGE_SECONDS
        ), "item is not over"
    assert not self._is_contested(item_id), "item is contested"
    for index: uint256 in range(record.seat_count, bound=SEATS_LIMIT):
        if word >> (208 + index) & 1 == 1:
            account: address = extcall KEEPERS.unlock(self.seats[item_id << 8 | index] & MASK16)
            word += self._collect(item_id, record, index, account)
    refunded_wei: uint256 = record.bond_wei + self._unpaid_wei(word, record)
    native_credits.credit(record.registrant, refunded_wei)
    # An item that no keeper can lose has been there to its end: what depends on it does not fail.
    state: uint256 = ENDED if record.seat_count == 0 else CLOSED
    self.words[item_id] = self._changed(item_id, word, state)
    log IItems.Closed(item_id=item_id, registrant=record.registrant, refunded_wei=refunded_wei)


# --- Challenges and Bindings ----------------------------------------------------------------------


@external
def vacate(item_id: uint256, record: IItems.Record, index: uint256, winner: address):
    """
    @notice Slash the keeper of an acknowledged seat and empty the seat. By Challenges.
    """
    assert msg.sender == self.challenges, "caller is not Challenges"
    word: uint256 = self._stated(item_id, record)
    assert self._is_open(word), "not the state of the item"
    keeper: uint256 = self._served(item_id, word, index) & MASK16
    self.seats[item_id << 8 | index] = 0
    word = self._touched(word & ~(1 << (208 + index)))
    log IItems.Vacated(item_id=item_id, keeper=keeper, seat=index)
    if word & WAS_KEPT != 0:
        left: uint256 = self._acknowledged(word)
        if left == 0:
            word = self._changed(item_id, word, LOST)
        elif word >> 248 == KEPT and left <= record.seat_count // 2:
            word = self._changed(item_id, word, REGISTERED)
    self.words[item_id] = word
    extcall KEEPERS.slash(keeper, item_id, winner)


@external
def strike(item_id: uint256, record: IItems.Record, winner: address):
    """
    @notice Strike an item (A4.5): its bond and a share of each acknowledged seat are lost. By Bindings.
    """
    assert msg.sender == self.bindings, "caller is not Bindings"
    word: uint256 = self._stated(item_id, record)
    assert self._is_open(word) or word >> 248 == LOST, "not the state of the item"
    assert record.blob_count != 0, "item is in calldata"
    winner_wei: uint256 = record.bond_wei * WINNER_SHARE_BPS // BPS
    burned_wei: uint256 = record.bond_wei - winner_wei
    refunded_wei: uint256 = self._unpaid_wei(word, record)
    native_credits.credit(winner, winner_wei)
    native_credits.credit(record.registrant, refunded_wei)
    coins.burn(burned_wei)
    self.words[item_id] = self._changed(item_id, word, STRUCK)
    log IItems.Struck(
        item_id=item_id,
        winner=winner,
        winner_wei=winner_wei,
        burned_wei=burned_wei,
        refunded_wei=refunded_wei,
    )
    for index: uint256 in range(record.seat_count, bound=SEATS_LIMIT):
        if word >> (208 + index) & 1 == 1:
            extcall KEEPERS.slash(self.seats[item_id << 8 | index] & MASK16, item_id, empty(address))


@external
@view
def duty(item_id: uint256, record: IItems.Record, index: uint256) -> (address, uint256):
    """
    @notice Who answers for a seat, and since when: the keeper's account, acknowledged_at.
    @dev Refuses another record, and a seat that answers for nothing.
    """
    word: uint256 = self._stated(item_id, record)
    assert self._is_open(word), "not the state of the item"
    assert block.timestamp <= record.until, "item is over"
    seat_word: uint256 = self._served(item_id, word, index)
    account: address = (staticcall KEEPERS.get(seat_word & MASK16)).account
    return account, seat_word >> 56 & MASK40


@external
@view
def respondent(item_id: uint256, record: IItems.Record, index: uint256) -> address:
    """
    @notice Whom a demand asks first: the keeper of a seat, or the registrant of an item without seats (A4.6).
    @dev Refuses an item that is in calldata: its roots were computed here.
    """
    word: uint256 = self._stated(item_id, record)
    assert self._is_open(word), "not the state of the item"
    assert block.timestamp <= record.until, "item is over"
    assert record.blob_count != 0, "item is in calldata"
    if record.seat_count == 0:
        return record.registrant
    return (staticcall KEEPERS.get(self._served(item_id, word, index) & MASK16)).account


@external
@view
def is_served(item_id: uint256, index: uint256, acknowledged_at: uint256) -> bool:
    """
    @notice Whether the keeper that acknowledged a seat at this time still answers for it.
    """
    return (
        self._is_open(self.words[item_id])
        and self.seats[item_id << 8 | index] >> 56 & MASK40 == acknowledged_at
    )


@external
@view
def is_open(item_id: uint256) -> bool:
    """
    @notice Whether an item is REGISTERED or KEPT.
    """
    return self._is_open(self.words[item_id])


# --- views ----------------------------------------------------------------------------------------


@external
@view
def standing(item_id: uint256) -> IItems.Standing:
    """
    @notice What an item is now; all zero if there is none.
    """
    word: uint256 = self.words[item_id]
    contested: uint256 = staticcall IChallenges(self.challenges).contested(item_id)
    return IItems.Standing(
        state=word >> 248,
        was_kept=word & WAS_KEPT != 0,
        is_contested=self._is_contested(item_id),
        changed_at=word >> 88 & MASK40,
        published_at=contested >> 32,
        record_hash=self.record_hashes[item_id],
    )


@external
@view
def seat(item_id: uint256, index: uint256) -> IItems.Seat:
    """
    @notice A seat of an item.
    """
    word: uint256 = self.seats[item_id << 8 | index]
    return IItems.Seat(
        keeper=word & MASK16,
        drawn_at=word >> 16 & MASK40,
        acknowledged_at=word >> 56 & MASK40,
        collected_until=word >> 96,
    )


@external
@view
def item_digest(item_id: uint256, record: IItems.Record) -> bytes32:
    """
    @notice keccak256(abi.encode(chain id, this contract, item_id, record)): what receipts name (A1.6).
    """
    return self._item_digest(item_id, record)


@external
@view
def receipt_hash(item_id: uint256, record: IItems.Record, index: uint256, drawn_at: uint256) -> bytes32:
    """
    @notice The EIP-712 hash that a keeper signs for a seat (A3.3).
    """
    return receipts.hash_of(self._item_digest(item_id, record), index, drawn_at)


@external
@view
def keepers() -> address:
    """
    @notice The contract Keepers.
    """
    return KEEPERS.address


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _stated(item_id: uint256, record: IItems.Record) -> uint256:
    """
    @notice The word of an item, which must have this record.
    """
    assert keccak256(abi_encode(record)) == self.record_hashes[item_id], "record of another item"
    return self.words[item_id]


@internal
@pure
def _is_open(word: uint256) -> bool:
    return word >> 248 == REGISTERED or word >> 248 == KEPT


@internal
@view
def _served(item_id: uint256, word: uint256, index: uint256) -> uint256:
    """
    @notice The word of an acknowledged seat.
    """
    assert index < SEATS_LIMIT and word >> (208 + index) & 1 == 1, "seat is not acknowledged"
    return self.seats[item_id << 8 | index]


@internal
@view
def _has_missed(seat_word: uint256) -> bool:
    return (
        seat_word >> 56 & MASK40 == 0
        and block.timestamp > (seat_word >> 16 & MASK40) + ACKNOWLEDGE_SECONDS
    )


@internal
@pure
def _acknowledged(word: uint256) -> uint256:
    """
    @notice How many seats are acknowledged.
    """
    count: uint256 = 0
    for index: uint256 in range(SEATS_LIMIT):
        count += word >> (208 + index) & 1
    return count


@internal
@view
def _is_contested(item_id: uint256) -> bool:
    return (
        staticcall IChallenges(self.challenges).contested(item_id) & 2**32 - 1 != 0
        or staticcall IBindings(self.bindings).open_counts(item_id) != 0
    )


@internal
def _changed(item_id: uint256, word: uint256, state: uint256) -> uint256:
    log IItems.StateChanged(item_id=item_id, state=state)
    changed: uint256 = word & 2**248 - 1 | state << 248
    # What becomes of a lost item does not make it lost any later (A3.5).
    return changed if word >> 248 == LOST else self._touched(changed)


@internal
@view
def _touched(word: uint256) -> uint256:
    return word & ~(MASK40 << 88) | block.timestamp << 88


@internal
@pure
def _unpaid_wei(word: uint256, record: IItems.Record) -> uint256:
    return record.fee_wei * record.seat_count - (word & 2**88 - 1)


@internal
def _collect(
    item_id: uint256, record: IItems.Record, index: uint256, account: address
) -> uint256:
    """
    @notice Credit a keeper with what its seat has earned since it was last paid; how much that was.
    """
    seat_word: uint256 = self.seats[item_id << 8 | index]
    now: uint256 = min(block.timestamp, record.until)
    amount_wei: uint256 = record.fee_wei * (now - (seat_word >> 96)) // (record.until - record.since)
    self.seats[item_id << 8 | index] = seat_word & 2**96 - 1 | now << 96
    native_credits.credit(account, amount_wei)
    if amount_wei != 0:
        log IItems.Collected(
            item_id=item_id, keeper=seat_word & MASK16, seat=index, amount_wei=amount_wei
        )
    return amount_wei


@internal
def _put(record: IItems.Record, state: uint256) -> uint256:
    """
    @notice The number of a new item.
    """
    item_id: uint256 = self.next_item_id
    self.next_item_id = item_id + 1
    self.record_hashes[item_id] = keccak256(abi_encode(record))
    self.words[item_id] = state | block.timestamp << 88
    return item_id


@internal
@view
def _item_digest(item_id: uint256, record: IItems.Record) -> bytes32:
    return keccak256(abi_encode(chain.id, self, item_id, record))
