#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Challenges: open an element or publish a blob in time, or lose a share (docs/availability.md A4.1 to A4.4)
@license Apache-2.0
"""
from interfaces import IChallenges
from interfaces import IItems
from interfaces import IKeepers
from modules import bond_factors
from modules import coins
from modules import long_paths
from modules import points
from modules import steady_credits

implements: IChallenges
initializes: coins
initializes: steady_credits
exports: (coins.burned_wei, steady_credits.credits, steady_credits.withdraw_to)


interface Linked:
    def keepers() -> address: view


ELEMENT: constant(uint256) = 1
BLOB: constant(uint256) = 2
ELEMENTS: constant(uint256) = 4096
ELEMENT_END: constant(uint256) = 2**248  # an element holds 31 bytes
PATH_LIMIT: constant(uint256) = 13  # over 4,352 versioned hashes
SEATS_LIMIT: constant(uint256) = 16
MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK64: constant(uint256) = 2**64 - 1

ITEMS: immutable(IItems)
ELEMENT_BOND_WEI: immutable(uint256)
BLOB_BOND_WEI: immutable(uint256)
ANSWER_SECONDS: immutable(uint256)

challenges: public(HashMap[uint256, bytes32])  # challenge id: the hash of the challenge, while it is open
contested: public(HashMap[uint256, uint256])  # item: [ published_at 40 | open challenges 32 ]


@deploy
def __init__(items_: address):
    assert items_.is_contract, "no contract at this address"
    ITEMS = IItems(items_)
    rules: IKeepers.Rules = staticcall IKeepers(staticcall Linked(items_).keepers()).rules()
    ELEMENT_BOND_WEI = rules.element_bond_wei
    BLOB_BOND_WEI = rules.blob_bond_wei
    ANSWER_SECONDS = rules.answer_seconds
    points.check_precompile()


@external
@payable
def open_challenge(
    item_id: uint256,
    record: IItems.Record,
    seat: uint256,
    kind: uint256,
    blob: uint256,
    element: uint256,
) -> uint256:
    """
    @notice Ask the keeper of a seat to open an element or to publish a blob, with a bond (A4.1).
    @param kind ELEMENT = 1, BLOB = 2.
    @return The challenge's id.
    """
    assert kind == ELEMENT or kind == BLOB, "challenge: no such kind"
    assert (
        blob < record.blob_count and element < ELEMENTS and (kind == ELEMENT or element == 0)
    ), "challenge: no such element"
    keeper: address = empty(address)
    acknowledged_at: uint256 = 0
    keeper, acknowledged_at = staticcall ITEMS.duty(item_id, record, seat)
    word: uint256 = self.contested[item_id]
    bond_wei: uint256 = BLOB_BOND_WEI
    if kind == ELEMENT:
        bond_wei = ELEMENT_BOND_WEI * bond_factors.factor(word & MASK32)
    assert msg.value >= bond_wei, "wrong amount of coins sent"
    steady_credits.credit(msg.sender, msg.value - bond_wei)
    steady_credits.prepare(keeper)
    challenge_id: uint256 = (
        item_id << 128 | acknowledged_at << 64 | seat << 56 | kind << 48 | blob << 16 | element
    )
    assert self.challenges[challenge_id] == empty(bytes32), "already challenged"
    opened: IChallenges.Challenge = IChallenges.Challenge(
        challenger=msg.sender,
        keeper=keeper,
        hashes_root=record.hashes_root,
        bond_wei=bond_wei,
        until=block.timestamp + ANSWER_SECONDS,
    )
    self.challenges[challenge_id] = keccak256(abi_encode(opened))
    self.contested[item_id] = word + 1
    log IChallenges.Challenged(
        challenge_id=challenge_id, item_id=item_id, keeper=keeper, challenge=opened
    )
    return challenge_id


@external
def answer_element(
    challenge_id: uint256,
    challenge: IChallenges.Challenge,
    y: uint256,
    commitment: Bytes[48],
    proof: Bytes[48],
    path: DynArray[bytes32, PATH_LIMIT],
):
    """
    @notice Open the element, by anybody (A4.2). The bond goes to the keeper.
    @param path Of the blob's versioned hash to hashes_root.
    """
    self._answer(challenge_id, challenge, ELEMENT)
    assert y < ELEMENT_END, "element is 2^248 or more"
    hash: bytes32 = points.versioned_hash(commitment)
    root: bytes32 = long_paths.climb(hash, challenge_id >> 16 & MASK32, path)
    assert root == challenge.hashes_root, "hashes: path"
    points.check(hash, challenge_id & MASK16, y, commitment, proof)
    item_id: uint256 = challenge_id >> 128
    self.contested[item_id] -= 1
    log IChallenges.Opened(challenge_id=challenge_id, item_id=item_id, y=y)


@external
def answer_blob(
    challenge_ids: DynArray[uint256, SEATS_LIMIT],
    challenges: DynArray[IChallenges.Challenge, SEATS_LIMIT],
    index: uint256,
    path: DynArray[bytes32, PATH_LIMIT],
):
    """
    @notice Publish the blob in this transaction, by anybody (A4.3): of all these challenges of it. Bonds go to the keepers.
    @param index Of the blob in the transaction.
    """
    assert len(challenge_ids) == len(challenges) and len(challenge_ids) != 0, "challenge: number"
    hash: bytes32 = blobhash(index)
    assert hash != empty(bytes32), "transaction has no such blob"
    blob: uint256 = challenge_ids[0] >> 16 & MASK32
    root: bytes32 = long_paths.climb(hash, blob, path)
    for place: uint256 in range(len(challenge_ids), bound=SEATS_LIMIT):
        challenge_id: uint256 = challenge_ids[place]
        self._answer(challenge_id, challenges[place], BLOB)
        assert (
            challenge_id >> 16 & MASK32 == blob and root == challenges[place].hashes_root
        ), "hashes: path"
        item_id: uint256 = challenge_id >> 128
        count: uint256 = self.contested[item_id] & MASK32
        self.contested[item_id] = block.timestamp << 32 | count - 1
        log IChallenges.Published(challenge_id=challenge_id, item_id=item_id, versioned_hash=hash)


@external
def settle(challenge_id: uint256, challenge: IChallenges.Challenge, record: IItems.Record):
    """
    @notice End a challenge that was not answered, by anybody (A4.4): the keeper loses a share and its seat.
    @dev If the seat answers for nothing any more, the bond goes back, at any time.
    """
    self._check(challenge_id, challenge)
    item_id: uint256 = challenge_id >> 128
    seat: uint256 = challenge_id >> 56 & MASK8
    is_served: bool = staticcall ITEMS.is_served(item_id, seat, challenge_id >> 64 & MASK64)
    if is_served:
        assert block.timestamp > challenge.until, "time to answer is not over"
    self.challenges[challenge_id] = empty(bytes32)
    self.contested[item_id] -= 1
    steady_credits.credit(challenge.challenger, challenge.bond_wei)
    log IChallenges.Settled(challenge_id=challenge_id, item_id=item_id, is_slashed=is_served)
    if is_served:
        extcall ITEMS.vacate(item_id, record, seat, challenge.challenger)


@external
@view
def items() -> address:
    """
    @notice The contract Items.
    """
    return ITEMS.address


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check(challenge_id: uint256, challenge: IChallenges.Challenge):
    stored: bytes32 = self.challenges[challenge_id]
    assert stored != empty(bytes32), "challenge is not open"
    assert keccak256(abi_encode(challenge)) == stored, "challenge is another"


@internal
def _answer(challenge_id: uint256, challenge: IChallenges.Challenge, kind: uint256):
    """
    @notice Close an answered challenge of this kind.
    """
    self._check(challenge_id, challenge)
    assert challenge_id >> 48 & MASK8 == kind, "challenge: no such kind"
    assert block.timestamp <= challenge.until, "time to answer is over"
    self.challenges[challenge_id] = empty(bytes32)
    steady_credits.credit(challenge.keeper, challenge.bond_wei)
