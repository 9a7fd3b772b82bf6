#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Sortition: pools of operators, and draws among them by their pledges (docs/assignment.md D3, D4)
@license Apache-2.0
@dev A module of Operators. Weights change in commit phases alone, before anybody can know the seed of the round.
"""
from interfaces import IJobs
from interfaces import IOperators
from interfaces import IRandomness
from interfaces import ISortition
from modules import coins
from modules import draw_phases
from modules import weight_tree

implements: ISortition
initializes: coins
initializes: draw_phases
initializes: weight_tree


interface LinkedAssurances:
    def disputes() -> address: view
    def policy_count() -> uint256: view
    def policy_numbers(policy: address) -> uint256: view


interface LinkedDisputes:
    def jobs() -> address: view


interface LinkedJobs:
    def operators() -> address: view


TAKE: constant(uint256) = 1
LATE: constant(uint256) = 3  # a fact that Operators notes
POOL_LIMIT: constant(uint256) = 256
SEATS_LIMIT: constant(uint256) = 16
UNIT_WEI: constant(uint256) = 10**9
# The unit of weights: 64 bits of it are 18 thousand million coins.
WEIGHT_LIMIT: constant(uint256) = 2**64 - 1
EXIT_LIMIT_SECONDS: constant(uint256) = 180 * 86_400
LEAST_PLEDGE_LIMIT_WEI: constant(uint256) = 2**90
IN_POOL: constant(uint256) = 1
LEAVING: constant(uint256) = 2

MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK64: constant(uint256) = 2**64 - 1
MASK96: constant(uint256) = 2**96 - 1

assurances: public(immutable(address))
operators: public(immutable(address))
randomness: public(immutable(address))
least_pledge_wei: public(immutable(uint256))
exit_seconds: public(immutable(uint256))

words: HashMap[address, uint256]
# member: [ 0 16 | stage 8 | pool 8 | slot 16 | left_at 40 | policy_count 8 | weight 64 | pledge 96 ]
slots: HashMap[uint256, uint256]  # by [ pool | slot 16 ]: the operator; of an empty one, one more than the next empty one
pools: HashMap[uint256, uint256]  # [ members 32 | first empty slot, and one 32 | slots ever used 32 ]


@deploy
def __init__(
    assurances_: address, randomness_: address, least_pledge_wei_: uint256, exit_seconds_: uint256
):
    """
    @param least_pledge_wei_ What a member must pledge, so that nobody fills a pool for nothing.
    @param exit_seconds_ How long a pledge answers for what its operator was drawn for before it left.
    """
    assert assurances_.is_contract and randomness_.is_contract, "no contract at this address"
    assert (
        least_pledge_wei_ >= UNIT_WEI and least_pledge_wei_ < LEAST_PLEDGE_LIMIT_WEI
    ), "least pledge out of bounds"
    assert exit_seconds_ <= EXIT_LIMIT_SECONDS, "exit time out of bounds"
    draw_phases.__init__(
        staticcall IRandomness(randomness_).commit_seconds(),
        staticcall IRandomness(randomness_).reveal_seconds(),
        staticcall IRandomness(randomness_).draw_seconds(),
    )
    assurances = assurances_
    randomness = randomness_
    least_pledge_wei = least_pledge_wei_
    exit_seconds = exit_seconds_
    arena: address = staticcall LinkedAssurances(assurances_).disputes()
    operators = staticcall LinkedJobs(staticcall LinkedDisputes(arena).jobs()).operators()


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only within `penalise`, out of a pledge.
    """
    assert msg.sender == operators, "caller is not Operators"


# --- operators ------------------------------------------------------------------------------------


@external
def join(operator: address, pool: uint256, pledge_wei: uint256):
    """
    @notice Pledge free stake and be drawn by it; more of it, or again while leaving (D3.1). In a commit phase, by
            the operator or a delegate with TAKE.
    """
    if msg.sender != operator:
        assert (
            staticcall IOperators(operators).roles(operator, msg.sender) & TAKE != 0
        ), "caller may not act for the operator"
    self._check_committing()
    assert pool < POOL_LIMIT, "no such pool"
    assert pledge_wei % UNIT_WEI == 0, "pledge is not in whole gwei"
    word: uint256 = self.words[operator]
    stage: uint256 = word >> 232
    if stage == IN_POOL:
        assert word >> 224 & MASK8 == pool, "operator is in another pool"
    extcall IOperators(operators).lock(operator, 0, pledge_wei)
    pledged_wei: uint256 = (word & MASK96) + pledge_wei
    weight: uint256 = self._weight(pledged_wei)
    assert weight != 0, "pledge is too small"
    before: uint256 = word >> 96 & MASK64
    slot: uint256 = word >> 208 & MASK16
    if stage != IN_POOL:
        slot = self._enter(pool, operator)
        before = 0
    assert weight_tree.total(pool) - before + weight <= WEIGHT_LIMIT, "pool is too heavy"
    weight_tree.change(pool, slot, before, weight)
    self.words[operator] = (
        IN_POOL << 232 | pool << 224 | slot << 208 | weight << 96 | pledged_wei
    )
    log ISortition.Joined(
        operator=operator, pool=pool, slot=slot, weight=weight, pledge_wei=pledged_wei
    )


@external
def leave(operator: address):
    """
    @notice Be drawn no longer; the pledge stays for a while (D3.3). In a commit phase, by the operator or a
            delegate with TAKE.
    """
    if msg.sender != operator:
        assert (
            staticcall IOperators(operators).roles(operator, msg.sender) & TAKE != 0
        ), "caller may not act for the operator"
    self._check_committing()
    word: uint256 = self._member(operator)
    pool: uint256 = word >> 224 & MASK8
    slot: uint256 = word >> 208 & MASK16
    weight_tree.change(pool, slot, word >> 96 & MASK64, 0)
    head: uint256 = self.pools[pool]
    self.slots[pool << 16 | slot] = head >> 32 & MASK32
    self.pools[pool] = (head >> 64) - 1 << 64 | slot + 1 << 32 | head & MASK32
    policy_count: uint256 = staticcall LinkedAssurances(assurances).policy_count()
    self.words[operator] = (
        LEAVING << 232 | block.timestamp << 168 | policy_count << 160 | word & MASK96
    )
    log ISortition.Left(operator=operator, pool=pool, pledge_wei=word & MASK96)


@external
def collect(operator: address):
    """
    @notice Free the pledge of an operator that left, when its exit time is over (D3.3). By anybody.
    """
    word: uint256 = self.words[operator]
    assert word >> 232 == LEAVING, "operator is not leaving"
    assert (
        block.timestamp > (word >> 168 & MASK40) + exit_seconds
    ), "exit time is not over"
    self.words[operator] = 0
    extcall IOperators(operators).unlock(operator, 0, word & MASK96)
    log ISortition.Collected(operator=operator, pledge_wei=word & MASK96)


@external
def refresh(operator: address):
    """
    @notice Let a member's weight follow its pledge, which was penalised while weights could not change (D3.4).
            In a commit phase, by anybody.
    """
    self._check_committing()
    word: uint256 = self._member(operator)
    weight: uint256 = self._weight(word & MASK96)
    assert weight != word >> 96 & MASK64, "weight is right already"
    self.words[operator] = self._reweighed(word, weight)
    log ISortition.Refreshed(operator=operator, weight=weight)


# --- policies -------------------------------------------------------------------------------------


@external
def penalise(operator: address, amount_wei: uint256) -> uint256:
    """
    @notice Take of a pledge as much as is there, up to this, and send it to the caller (D3.4). By the contract of a
            policy; of an operator that left, by one that was there before.
    @return What was taken.
    """
    policy: uint256 = staticcall LinkedAssurances(assurances).policy_numbers(msg.sender)
    assert policy != 0, "caller is not the policy"
    word: uint256 = self.words[operator]
    taken_wei: uint256 = min(amount_wei, word & MASK96)
    if word >> 232 == LEAVING and policy > word >> 160 & MASK8:
        taken_wei = 0
    if taken_wei == 0:
        return 0
    word -= taken_wei
    if word >> 232 == IN_POOL and draw_phases.is_committing():
        word = self._reweighed(word, self._weight(word & MASK96))
    self.words[operator] = word
    log ISortition.Penalised(
        operator=operator,
        policy=policy,
        amount_wei=taken_wei,
        weight=word >> 96 & MASK64,
        pledge_wei=word & MASK96,
    )
    extcall IOperators(operators).seize(operator, 0, taken_wei)
    extcall IOperators(operators).note(operator, LATE)
    coins.pay(msg.sender, taken_wei)
    return taken_wei


@external
@view
def select(
    pool: uint256, seed: bytes32, count: uint256, excluded: DynArray[address, SEATS_LIMIT]
) -> DynArray[address, SEATS_LIMIT]:
    """
    @notice Different members, drawn by their weights, without replacement; fewer than `count` if there are no more
            (D4.3). In a draw phase: at other times weights may change.
    """
    assert draw_phases.is_drawing(), "not the time to draw"
    assert pool < POOL_LIMIT, "no such pool"
    assert count <= SEATS_LIMIT, "too many seats at once"
    total: uint256 = weight_tree.total(pool)
    taken: DynArray[uint256, weight_tree.TAKEN_LIMIT] = []
    for operator: address in excluded:
        word: uint256 = self.words[operator]
        entry: uint256 = (word >> 208 & MASK16) << 64 | word >> 96 & MASK64
        if word >> 224 == IN_POOL << 8 | pool and entry not in taken:
            taken.append(entry)
            total -= entry & MASK64
    drawn: DynArray[address, SEATS_LIMIT] = []
    for seat: uint256 in range(count, bound=SEATS_LIMIT):
        if total == 0:
            break
        point: uint256 = convert(keccak256(abi_encode(seed, seat)), uint256) % total
        slot: uint256 = 0
        weight: uint256 = 0
        slot, weight = weight_tree.find(pool, point, taken)
        taken.append(slot << 64 | weight)
        total -= weight
        drawn.append(convert(self.slots[pool << 16 | slot], address))
    return drawn


# --- views ----------------------------------------------------------------------------------------


@external
@view
def pledge_of(pool: uint256, operator: address) -> uint256:
    """
    @notice What a member of this pool has pledged, less its penalties; zero of anybody else.
    """
    word: uint256 = self.words[operator]
    is_member: bool = word >> 232 == IN_POOL and word >> 224 & MASK8 == pool
    return word & MASK96 if is_member else 0


@external
@view
def get_member(operator: address) -> ISortition.Member:
    """
    @notice What is kept of an operator; all zero if it has pledged nothing.
    """
    word: uint256 = self.words[operator]
    return ISortition.Member(
        stage=word >> 232,
        pool=word >> 224 & MASK8,
        slot=word >> 208 & MASK16,
        left_at=word >> 168 & MASK40,
        policy_count=word >> 160 & MASK8,
        weight=word >> 96 & MASK64,
        pledge_wei=word & MASK96,
    )


@external
@view
def get_pool(pool: uint256) -> (uint256, uint256):
    """
    @notice How many members a pool has, and the sum of their weights, in gwei.
    """
    return self.pools[pool] >> 64, weight_tree.total(pool)


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check_committing():
    assert draw_phases.is_committing(), "commit phase is over"


@internal
@view
def _member(operator: address) -> uint256:
    word: uint256 = self.words[operator]
    assert word >> 232 == IN_POOL, "operator is in no pool"
    return word


@internal
@view
def _weight(pledge_wei: uint256) -> uint256:
    """
    @notice The weight of a pledge: whole gwei, and nothing below the least pledge (D4.1).
    """
    return 0 if pledge_wei < least_pledge_wei else pledge_wei // UNIT_WEI


@internal
def _reweighed(word: uint256, weight: uint256) -> uint256:
    """
    @notice The word of a member whose weight becomes another.
    """
    before: uint256 = word >> 96 & MASK64
    if weight != before:
        weight_tree.change(word >> 224 & MASK8, word >> 208 & MASK16, before, weight)
    return word ^ (before ^ weight) << 96


@internal
def _enter(pool: uint256, operator: address) -> uint256:
    """
    @notice A slot for another member: one that was left, or the next.
    """
    head: uint256 = self.pools[pool]
    used: uint256 = head & MASK32
    empty_slot: uint256 = head >> 32 & MASK32
    slot: uint256 = used
    if empty_slot != 0:
        slot = empty_slot - 1
        empty_slot = self.slots[pool << 16 | slot]
    else:
        assert used < weight_tree.SLOT_LIMIT, "pool is full"
        used += 1
    self.slots[pool << 16 | slot] = convert(operator, uint256)
    self.pools[pool] = (head >> 64) + 1 << 64 | empty_slot << 32 | used
    return slot
