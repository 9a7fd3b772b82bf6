#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Keepers: their stakes, and draws among them (docs/availability.md A2)
@license Apache-2.0
"""
from interfaces import IKeepers
from modules import availability_rules
from modules import coins
from modules import native_credits

implements: IKeepers
initializes: coins
initializes: native_credits
exports: (coins.burned_wei, native_credits.credits, native_credits.withdraw_to)


interface Linked:
    def keepers() -> address: view


KEEPERS_LIMIT: constant(uint256) = 2**16 - 1  # a number has 16 bits in an entry
ENTRIES_LIMIT: constant(uint256) = 4096  # of one call: what a transaction can pay for
RETIRED_LIMIT: constant(uint256) = 256
ATTEMPTS: constant(uint256) = 64
# Of one draw: with so many, a keeper of a tenth of the shares is missed once in 800 draws.
SEATS_LIMIT: constant(uint256) = 16
BPS: constant(uint256) = 10_000
MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1

DEPLOYER: immutable(address)
RULES: immutable(IKeepers.Rules)

items: public(address)
keeper_count: public(uint256)
totals: uint256  # [ keepers with an entry 32 | entries 32 ]
numbers: public(HashMap[address, uint256])  # of a keeper, by its account
words: HashMap[uint256, uint256]  # keeper: [ account 160 | shares 32 | locked 32 | listed 32 ]
signers: HashMap[uint256, address]  # keeper: whose receipts it takes, if it is not its account
entries: HashMap[uint256, uint256]  # 16 entries of the list of draws in each word, the first in the lowest bits


@deploy
def __init__(rules_: IKeepers.Rules):
    availability_rules.check(rules_)
    DEPLOYER = msg.sender
    RULES = rules_


@external
def connect(items: address):
    """
    @notice Name the contract that may lock, unlock and slash. By the deployer, once.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert self.items == empty(address), "already connected"
    assert items.is_contract, "no contract at this address"
    assert staticcall Linked(items).keepers() == self, "contracts do not fit together"
    self.items = items


# --- keepers --------------------------------------------------------------------------------------


@external
@payable
def enrol(shares: uint256, url: String[256]) -> uint256:
    """
    @notice Become a keeper or add shares, name the base URL of its server, and enter its shares in the draws.
    @dev Enters as many shares that are not in the list as one call can.
         Nobody can stake before Items is connected: until then the deployer could name any contract.
    @return The keeper's number, from 1.
    """
    assert self.items != empty(address), "contracts are not connected"
    assert shares <= ENTRIES_LIMIT, "too many shares at once"
    assert msg.value == shares * RULES.share_wei, "wrong amount of coins sent"
    keeper: uint256 = self.numbers[msg.sender]
    if keeper == 0:
        assert shares != 0, "caller is not a keeper"
        keeper = self.keeper_count + 1
        assert keeper <= KEEPERS_LIMIT, "too many keepers"
        self.keeper_count = keeper
        self.numbers[msg.sender] = keeper
        self.words[keeper] = convert(msg.sender, uint256) << 96
    word: uint256 = self.words[keeper]
    total: uint256 = (word >> 64 & MASK32) + shares
    assert total <= MASK32, "too many shares at once"
    word += shares << 64
    listed: uint256 = word & MASK32
    if total > listed:
        count: uint256 = min(total - listed, ENTRIES_LIMIT)
        self._enter(keeper, count)
        if listed == 0:
            self.totals += 1 << 32
        word += count
    self.words[keeper] = word
    log IKeepers.Enrolled(keeper=keeper, account=msg.sender, shares=shares, url=url)
    return keeper


@external
def set_signer(signer: address):
    """
    @notice Name the key that signs the caller's receipts.
    """
    keeper: uint256 = self._own_number()
    assert signer != empty(address), "no address given"
    self.signers[keeper] = signer
    log IKeepers.SignerSet(keeper=keeper, signer=signer)


@external
def retire(keeper: uint256, positions: DynArray[uint256, RETIRED_LIMIT]):
    """
    @notice Take entries of a keeper out of the draws: any by the keeper, those beyond its shares by anybody.
    @param positions One after the other: the last entry of the list moves to where one was taken out.
    """
    word: uint256 = self.words[keeper]
    listed: uint256 = word & MASK32
    assert len(positions) != 0 and len(positions) <= listed, "not the keeper's entries"
    remaining: uint256 = listed - len(positions)
    if msg.sender != self._account(word):
        assert remaining >= word >> 64 & MASK32, "caller is not the keeper"
    totals: uint256 = self.totals
    count: uint256 = totals & MASK32
    for position: uint256 in positions:
        assert position < count and self._entry(position) == keeper, "not the keeper's entries"
        count -= 1
        self._set_entry(position, self._entry(count))
        self._set_entry(count, 0)
    totals = totals >> 32 << 32 | count
    if remaining == 0:
        totals -= 1 << 32
    self.totals = totals
    self.words[keeper] = word - listed + remaining
    log IKeepers.Retired(keeper=keeper, entries=len(positions))


@external
def withdraw_shares(shares: uint256, receiver: address):
    """
    @notice Send the coins of shares that are retired and not locked.
    """
    keeper: uint256 = self._own_number()
    assert shares != 0, "nothing to withdraw"
    assert receiver != empty(address), "no address given"
    word: uint256 = self.words[keeper]
    held: uint256 = word >> 64 & MASK32
    in_use: uint256 = max(word >> 32 & MASK32, word & MASK32)
    assert in_use <= held and shares <= held - in_use, "shares are locked or listed"
    self.words[keeper] = word - (shares << 64)
    log IKeepers.SharesWithdrawn(keeper=keeper, receiver=receiver, shares=shares)
    coins.pay(receiver, shares * RULES.share_wei)


# --- Items ----------------------------------------------------------------------------------------


@external
def lock(keeper: uint256) -> address:
    """
    @notice Lock a free share for a seat. By Items.
    @return Whose receipt it takes: the keeper's signer.
    """
    self._check_items()
    word: uint256 = self.words[keeper]
    assert self._is_free(word), "keeper has no free share"
    self.words[keeper] = word + (1 << 32)
    return self._signer(keeper, word)


@external
def unlock(keeper: uint256) -> address:
    """
    @notice Free the share of a seat. By Items.
    @return The keeper's account.
    """
    self._check_items()
    word: uint256 = self.words[keeper] - (1 << 32)
    self.words[keeper] = word
    return self._account(word)


@external
def slash(keeper: uint256, item_id: uint256, winner: address):
    """
    @notice Take the locked share of a seat: winner_share_bps to `winner`, if it is not zero, the rest is burned. By Items.
    """
    self._check_items()
    self.words[keeper] -= (1 << 64) + (1 << 32)
    winner_wei: uint256 = 0
    if winner != empty(address):
        winner_wei = RULES.share_wei * RULES.winner_share_bps // BPS
        native_credits.credit(winner, winner_wei)
    coins.burn(RULES.share_wei - winner_wei)
    log IKeepers.Slashed(
        keeper=keeper,
        item_id=item_id,
        winner=winner,
        winner_wei=winner_wei,
        burned_wei=RULES.share_wei - winner_wei,
    )


# --- views ----------------------------------------------------------------------------------------


@external
@view
def rules() -> IKeepers.Rules:
    """
    @notice The parameters of availability, fixed at deployment (A2.4).
    """
    return RULES


@external
@view
def get(keeper: uint256) -> IKeepers.Keeper:
    """
    @notice A keeper by its number; all zero if there is none.
    """
    word: uint256 = self.words[keeper]
    return IKeepers.Keeper(
        account=self._account(word),
        signer=self._signer(keeper, word),
        shares=word >> 64 & MASK32,
        locked=word >> 32 & MASK32,
        listed=word & MASK32,
    )


@external
@view
def listed_count() -> uint256:
    """
    @notice How many keepers have an entry in the list of draws.
    """
    return self.totals >> 32


@external
@view
def entry_count() -> uint256:
    """
    @notice How many entries the list of draws has.
    """
    return self.totals & MASK32


@external
@view
def entry(position: uint256) -> uint256:
    """
    @notice The keeper of an entry of the list; 0 beyond its end.
    """
    return self._entry(position)


@external
@view
def draw(seed: bytes32, count: uint256, taken: uint256) -> DynArray[uint256, SEATS_LIMIT]:
    """
    @notice Up to `count` different keepers with a free share, drawn by their entries (A2.2).
    @param taken Keepers that cannot be drawn, 16 bits each; 0 is none.
    """
    drawn: DynArray[uint256, SEATS_LIMIT] = []
    excluded: uint256 = taken
    entry_count: uint256 = self.totals & MASK32
    if entry_count == 0:
        return drawn
    for attempt: uint256 in range(ATTEMPTS):
        if len(drawn) == count:
            break
        position: uint256 = convert(keccak256(abi_encode(seed, attempt)), uint256) % entry_count
        keeper: uint256 = self._entry(position)
        is_excluded: bool = False
        for place: uint256 in range(SEATS_LIMIT):
            if excluded >> (place << 4) & MASK16 == keeper:
                is_excluded = True
                break
        if is_excluded or not self._is_free(self.words[keeper]):
            continue
        drawn.append(keeper)
        excluded = excluded << 16 | keeper
    return drawn


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check_items():
    assert msg.sender == self.items, "caller is not Items"


@internal
@view
def _own_number() -> uint256:
    keeper: uint256 = self.numbers[msg.sender]
    assert keeper != 0, "caller is not a keeper"
    return keeper


@internal
@pure
def _account(word: uint256) -> address:
    return convert(word >> 96, address)


@internal
@view
def _signer(keeper: uint256, word: uint256) -> address:
    signer: address = self.signers[keeper]
    return self._account(word) if signer == empty(address) else signer


@internal
@pure
def _is_free(word: uint256) -> bool:
    return word >> 64 & MASK32 > word >> 32 & MASK32


@internal
@view
def _entry(position: uint256) -> uint256:
    return self.entries[position >> 4] >> ((position & 15) << 4) & MASK16


@internal
def _set_entry(position: uint256, keeper: uint256):
    offset: uint256 = (position & 15) << 4
    word: uint256 = self.entries[position >> 4]
    self.entries[position >> 4] = word & ~(MASK16 << offset) | keeper << offset


@internal
def _enter(keeper: uint256, count: uint256):
    """
    @notice Add entries of a keeper at the end of the list, a word at a time.
    """
    position: uint256 = self.totals & MASK32
    end: uint256 = position + count
    assert end <= MASK32, "too many shares at once"
    for _: uint256 in range(ENTRIES_LIMIT // 16 + 1):
        if position == end:
            break
        first: uint256 = position & 15
        here: uint256 = min(16 - first, end - position)
        word: uint256 = self.entries[position >> 4]
        for place: uint256 in range(first, first + here, bound=16):
            word |= keeper << (place << 4)
        self.entries[position >> 4] = word
        position += here
    self.totals += count
