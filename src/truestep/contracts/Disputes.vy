#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Disputes: parallel bisection games that end in one executed instruction (docs/protocol.md P4, P5)
@license Apache-2.0
"""
from interfaces import IDisputes
from interfaces import IJobs
from interfaces import IOperators
from interfaces import IPrograms
from interfaces import IStep
from modules import claimed_states
from modules import coins
from modules import game_list
from modules import game_words
from modules import gas_repayment
from modules import memory_tree
from modules import micro_runs
from modules import pull_payments
from modules import split_tree

implements: IDisputes
initializes: coins
initializes: game_list
initializes: pull_payments
exports: (coins.burned_wei, pull_payments.credits, pull_payments.withdraw)


struct StoredGame:
    clocks: uint256
    low_hash: bytes32
    high_hash: bytes32
    split_root: bytes32
    template: bytes32


UNKNOWN: constant(uint256) = 0
OPERATOR_TURN: constant(uint256) = 1
CHALLENGER_TURN: constant(uint256) = 2
STEP_DUE: constant(uint256) = 3
OPERATOR_WON: constant(uint256) = 4
CHALLENGER_WON: constant(uint256) = 5
CLOSED: constant(uint256) = 6
REVEAL_DUE: constant(uint256) = 7

TASK_CLAIMED: constant(uint8) = 2

WITNESS_LIMIT: constant(uint256) = 2876  # Step's own (machine M6)
BPS: constant(uint256) = 10_000

BOND_RATIO: constant(uint256) = 10
# An attacker must tie up ten times the capital of those that defend (P5.7).
CLOCK_LIMIT_SECONDS: constant(uint256) = 2**28 - 1
# Clocks are packed into 28 bits.
SHARE_LIMIT_BPS: constant(uint256) = 5_000
# Who challenges its own lie gets the share back, so at least half must be lost.
GAS_PRICE_LIMIT_WEI: constant(uint256) = 2**50 - 1
# A million gwei; packed into 50 bits.

OPERATORS: immutable(IOperators)
JOBS: immutable(IJobs)
PROGRAMS: immutable(IPrograms)
STEP: immutable(IStep)
DEPTH: immutable(uint256)
OPERATOR_BOND_WEI: immutable(uint256)
challenger_bond_wei: public(immutable(uint256))
clock_seconds: public(immutable(uint256))
arity: public(immutable(uint256))
winner_share_bps: public(immutable(uint256))
gas_price_cap_wei: public(immutable(uint256))

pots_wei: public(HashMap[uint256, uint256])
games: HashMap[uint256, StoredGame]


@deploy
def __init__(
    operators: address,
    jobs: address,
    step_contract: address,
    bond_wei: uint256,
    side_clock_seconds: uint256,
    part_count: uint256,
    share_bps: uint256,
    price_cap_wei: uint256,
):
    """
    @param bond_wei What a challenger puts at stake in each game.
    @param side_clock_seconds Each side's time for all its moves in a game.
    @param part_count Parts of a split, a power of two from 2 to 64.
    @param share_bps The winner's share of the loser's bond.
    @param price_cap_wei Gas is repaid at no more than this.
    """
    is_code: bool = operators.is_contract and jobs.is_contract and step_contract.is_contract
    assert is_code, "no contract at this address"
    OPERATORS = IOperators(operators)
    JOBS = IJobs(jobs)
    STEP = IStep(step_contract)
    assert staticcall JOBS.operators() == operators, "contracts do not fit together"
    PROGRAMS = IPrograms(staticcall JOBS.programs())
    OPERATOR_BOND_WEI = staticcall JOBS.operator_bond_wei()
    assert bond_wei != 0 and bond_wei <= OPERATOR_BOND_WEI // BOND_RATIO, "bond out of bounds"
    assert (
        side_clock_seconds != 0
        and side_clock_seconds <= CLOCK_LIMIT_SECONDS
        and side_clock_seconds <= staticcall JOBS.window_seconds() // 2
    ), "clock out of bounds"
    assert part_count >= 2 and part_count <= split_tree.ARITY_LIMIT, "arity out of bounds"
    assert part_count & (part_count - 1) == 0, "arity out of bounds"
    assert share_bps <= SHARE_LIMIT_BPS, "winner share out of bounds"
    assert price_cap_wei <= GAS_PRICE_LIMIT_WEI, "gas price cap out of bounds"
    depth: uint256 = 0
    for level: uint256 in range(1, split_tree.DEPTH_LIMIT + 1):
        if part_count >> level != 0:
            depth = level
    DEPTH = depth
    challenger_bond_wei = bond_wei
    clock_seconds = side_clock_seconds
    arity = part_count
    winner_share_bps = share_bps
    gas_price_cap_wei = price_cap_wei


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only as a seized bond (within `settle`) or as a challenger's bond (`open`).
    """
    assert msg.sender == OPERATORS.address, "caller is not Operators"


# --- moves ----------------------------------------------------------------------------------------


@external
@payable
def open(claim_id: uint256, claimed: IJobs.ClaimedState) -> uint256:
    """
    @notice Challenge a claim, with a bond (P4.2).
    @param claimed What the claim says, as its event shows it.
    @return The game's id.
    """
    assert msg.value == challenger_bond_wei, "wrong amount of coins sent"
    task: IJobs.Task = staticcall JOBS.get_task(claim_id >> 32)
    assert (
        task.state == TASK_CLAIMED and convert(task.attempt, uint256) == claim_id & (2**32 - 1)
    ), "claim does not stand"
    assert block.timestamp <= convert(task.until, uint256), "challenge window is over"
    assert keccak256(abi_encode(claimed)) == task.claim_hash, "claim differs from the one made"
    assert msg.sender != task.operator, "claim is the caller's own"
    game_id: uint256 = game_list.append(claim_id, task.operator, msg.sender)
    low_hash: bytes32 = self._initial_state_hash(claim_id >> 32)
    high_hash: bytes32 = claimed_states.state_hash(claimed)
    self.games[game_id].clocks = game_words.pack_clocks(
        game_words.Clocks(
            stage=self._turn_at(convert(claimed.cycle, uint256)),
            low=0,
            high=convert(claimed.cycle, uint256),
            rd=0,
            moved_at=block.timestamp,
            operator_clock_seconds=clock_seconds,
            challenger_clock_seconds=clock_seconds,
            rounds=0,
            price_wei=min(block.basefee, gas_price_cap_wei),
        )
    )
    self.games[game_id].low_hash = low_hash
    self.games[game_id].high_hash = high_hash
    log IDisputes.Opened(
        game_id=game_id,
        claim_id=claim_id,
        challenger=msg.sender,
        operator=task.operator,
        high=claimed.cycle,
        low_hash=low_hash,
        high_hash=high_hash,
    )
    return game_id


@external
def split(
    game_id: uint256, low: uint64, high: uint64, hashes: DynArray[bytes32, split_tree.ARITY_LIMIT - 1]
):
    """
    @notice The operator's move: the state hashes between the parts of the interval (P4.4).
    @param low The interval that is meant: true hashes of another one, after a reorganisation of the chain,
           would be false ones of this.
    """
    claim: game_words.Claim = self._standing(game_id)
    clocks: game_words.Clocks = self._clocks(game_id, OPERATOR_TURN)
    self._check_operator(claim.operator)
    clocks.operator_clock_seconds = self._time_left(clocks.moved_at, clocks.operator_clock_seconds)
    assert (
        convert(low, uint256) == clocks.low and convert(high, uint256) == clocks.high
    ), "split: of another interval"
    assert len(hashes) == min(arity, clocks.high - clocks.low) - 1, "split: number of hashes"
    self.games[game_id].split_root = split_tree.root(
        self.games[game_id].low_hash, hashes, self.games[game_id].high_hash, DEPTH
    )
    clocks.stage = CHALLENGER_TURN
    self._move(game_id, clocks)
    log IDisputes.Split(game_id=game_id, low=low, high=high, hashes=hashes)


@external
def pick(
    game_id: uint256,
    part: uint256,
    start: bytes32,
    end: bytes32,
    siblings: DynArray[bytes32, split_tree.DEPTH_LIMIT],
):
    """
    @notice The challenger's move: the first part whose end it disagrees with (P4.5).
    """
    self._standing(game_id)
    clocks: game_words.Clocks = self._clocks(game_id, CHALLENGER_TURN)
    assert (
        msg.sender == game_list.challenger_of(game_id)
    ), "caller is not the challenger"
    clocks.challenger_clock_seconds = self._time_left(clocks.moved_at, clocks.challenger_clock_seconds)
    length: uint256 = clocks.high - clocks.low
    parts: uint256 = min(arity, length)
    assert part < parts, "pick: no such part"
    assert len(siblings) == DEPTH, "pick: proof"
    root: bytes32 = split_tree.climb(start, end, part, siblings)
    assert root == self.games[game_id].split_root, "pick: proof"
    clocks.high = clocks.low + length * (part + 1) // parts
    clocks.low += length * part // parts
    clocks.rounds += 1
    clocks.stage = self._turn_at(clocks.high - clocks.low)
    self.games[game_id].low_hash = start
    self.games[game_id].high_hash = end
    self._move(game_id, clocks)
    log IDisputes.Picked(
        game_id=game_id,
        part=part,
        low=convert(clocks.low, uint64),
        high=convert(clocks.high, uint64),
        low_hash=start,
        high_hash=end,
    )


@external
def step(game_id: uint256, witness: Bytes[WITNESS_LIMIT]):
    """
    @notice Execute the one step that is left, and so decide the game (P4.6). By anybody.
    """
    claim: game_words.Claim = self._standing(game_id)
    clocks: game_words.Clocks = self._clocks(game_id, STEP_DUE)
    clocks.challenger_clock_seconds = self._time_left(clocks.moved_at, clocks.challenger_clock_seconds)
    before: bytes32 = empty(bytes32)
    after: bytes32 = empty(bytes32)
    before, after = staticcall STEP.step(witness)
    assert before == self.games[game_id].low_hash, "witness is of another state"
    expected: bytes32 = self.games[game_id].high_hash
    if after == expected:
        clocks.stage = OPERATOR_WON
        game_list.unlink(game_id, claim)
    else:
        clocks.stage = CHALLENGER_WON
    self._move(game_id, clocks)
    log IDisputes.Stepped(game_id=game_id, before=before, after=after, expected=expected)


@external
def descend(game_id: uint256, witness: Bytes[WITNESS_LIMIT]):
    """
    @notice Go on over the micro-run of the float instruction that is left (P4.9). By anybody, once a game.
    """
    self._standing(game_id)
    clocks: game_words.Clocks = self._clocks(game_id, STEP_DUE)
    clocks.challenger_clock_seconds = self._time_left(clocks.moved_at, clocks.challenger_clock_seconds)
    assert not game_words.is_micro(clocks.low), "game has descended"
    before: bytes32 = empty(bytes32)
    micro_start: bytes32 = empty(bytes32)
    template: bytes32 = empty(bytes32)
    before, micro_start, template, clocks.rd = staticcall STEP.open_float(witness)
    assert before == self.games[game_id].low_hash, "witness is of another state"
    clocks.low = game_words.micro_start(clocks.low)
    clocks.stage = REVEAL_DUE
    self.games[game_id].low_hash = micro_start
    self.games[game_id].template = template
    self._move(game_id, clocks)
    log IDisputes.Descended(
        game_id=game_id,
        low=convert(clocks.low, uint64),
        micro_start=micro_start,
        template=template,
    )


@external
def reveal(
    game_id: uint256,
    low: uint64,
    after: Bytes[micro_runs.STATE_SIZE_BYTES],
    cycles: uint64,
    memory_root: bytes32,
):
    """
    @notice The operator's move: the state after the float instruction, which holds the result, and how the
            micro-run comes to that (P4.10).
    @param low The first state of the micro-run that is meant.
    @param after The packed state whose hash is the one at high.
    @param cycles The steps of the micro-run.
    @param memory_root The memory's root at the end of the micro-run.
    """
    claim: game_words.Claim = self._standing(game_id)
    clocks: game_words.Clocks = self._clocks(game_id, REVEAL_DUE)
    self._check_operator(claim.operator)
    clocks.operator_clock_seconds = self._time_left(clocks.moved_at, clocks.operator_clock_seconds)
    assert convert(low, uint256) == clocks.low, "reveal: of another micro-run"
    steps: uint256 = convert(cycles, uint256)
    assert steps != 0 and steps <= micro_runs.STEPS_LIMIT, "reveal: number of steps"
    assert (
        len(after) == micro_runs.STATE_SIZE_BYTES and keccak256(after) == self.games[game_id].high_hash
    ), "reveal: of another state"
    assert (
        micro_runs.template(after, clocks.rd) == self.games[game_id].template
    ), "reveal: state does not follow"
    high_hash: bytes32 = micro_runs.end_hash(
        memory_root, steps, micro_runs.register(after, clocks.rd)
    )
    clocks.high = clocks.low + steps
    clocks.stage = self._turn_at(steps)
    self.games[game_id].high_hash = high_hash
    self._move(game_id, clocks)
    log IDisputes.Revealed(
        game_id=game_id, low=low, high=convert(clocks.high, uint64), high_hash=high_hash
    )


@external
def settle(game_id: uint256):
    """
    @notice Pay out a decided game (P5). By anybody.
    """
    claim_id: uint256 = game_id >> 32
    claim: game_words.Claim = game_words.unpack_claim(game_list.claims[claim_id])
    clocks: game_words.Clocks = game_words.unpack_clocks(self.games[game_id].clocks)
    assert clocks.stage != UNKNOWN, "unknown game"
    outcome: uint256 = self._outcome(clocks, claim.is_struck)
    assert outcome != UNKNOWN, "game is not decided"
    if outcome == OPERATOR_WON:
        if clocks.stage != OPERATOR_WON:  # a clock ran out
            game_list.unlink(game_id, claim)
        self._pay_operator(game_id, claim.operator, clocks)
    elif claim.is_struck:
        rest: game_words.Claim = game_list.unlink(game_id, claim)
        self._close(game_id, clocks, CLOSED, 0, rest.open_count == 0)
    else:
        self._strike(game_id, claim, clocks)
    clocks.stage = CLOSED
    self.games[game_id].clocks = game_words.pack_clocks(clocks)


# --- views ----------------------------------------------------------------------------------------


@external
@view
def get_game(game_id: uint256) -> IDisputes.Game:
    """
    @notice A game; its clocks are what was left at `moved_at`. An unknown one is all zero.
    """
    stored: StoredGame = self.games[game_id]
    clocks: game_words.Clocks = game_words.unpack_clocks(stored.clocks)
    return IDisputes.Game(
        stage=convert(clocks.stage, uint8),
        operator=game_list.claim_of(game_id).operator
        if clocks.stage != UNKNOWN
        else empty(address),
        challenger=game_list.challenger_of(game_id),
        low=convert(clocks.low, uint64),
        high=convert(clocks.high, uint64),
        low_hash=stored.low_hash,
        high_hash=stored.high_hash,
        split_root=stored.split_root,
        operator_clock_seconds=convert(clocks.operator_clock_seconds, uint64),
        challenger_clock_seconds=convert(clocks.challenger_clock_seconds, uint64),
        moved_at=convert(clocks.moved_at, uint64),
        rounds=convert(clocks.rounds, uint64),
    )


@external
@view
def open_games(claim_id: uint256) -> uint256:
    """
    @notice Games on the claim that may still go against it.
    """
    return game_words.unpack_claim(game_list.claims[claim_id]).open_count


@external
@view
def game_of(claim_id: uint256, challenger: address) -> uint256:
    """
    @notice The game that `challenger` opened on the claim, or 0.
    """
    ordinal: uint256 = game_list.ordinals[claim_id][challenger]
    return 0 if ordinal == 0 else claim_id << 32 | ordinal


# --- the interval ---------------------------------------------------------------------------------


@internal
@view
def _initial_state_hash(task_id: uint256) -> bytes32:
    job: IJobs.Job = staticcall JOBS.get_job(task_id >> 32)
    program: IPrograms.Program = staticcall PROGRAMS.get(job.program_id)
    return memory_tree.initial_state_hash(
        program.image_root,
        convert(program.entry, uint256),
        memory_tree.inner_root(
            job.seed,
            job.input_root,
            convert(job.input_size, uint256),
            task_id & (2**32 - 1),
            convert(job.shard_count, uint256),
        ),
    )


@internal
@pure
def _turn_at(length: uint256) -> uint256:
    """
    @notice Whose turn it is on an interval of `length` steps.
    """
    return STEP_DUE if length == 1 else OPERATOR_TURN


# --- shared by the moves --------------------------------------------------------------------------


@internal
@view
def _standing(game_id: uint256) -> game_words.Claim:
    claim: game_words.Claim = game_list.claim_of(game_id)
    assert not claim.is_struck, "claim is struck: settle instead"
    return claim


@internal
@view
def _clocks(game_id: uint256, stage: uint256) -> game_words.Clocks:
    clocks: game_words.Clocks = game_words.unpack_clocks(self.games[game_id].clocks)
    assert clocks.stage != UNKNOWN, "unknown game"
    assert clocks.stage == stage, "not the stage for this move"
    return clocks


@internal
@view
def _check_operator(operator: address):
    assert (
        msg.sender == operator or msg.sender == staticcall OPERATORS.delegate_of(operator)
    ), "caller is not the operator"


@internal
@view
def _time_left(moved_at: uint256, left_seconds: uint256) -> uint256:
    """
    @notice What is left on a clock after the time since the last move. Refuses a move that comes too late.
    """
    elapsed_seconds: uint256 = block.timestamp - moved_at
    assert elapsed_seconds <= left_seconds, "clock has run out"
    return left_seconds - elapsed_seconds


@internal
def _move(game_id: uint256, clocks: game_words.Clocks):
    moved: game_words.Clocks = clocks
    moved.moved_at = block.timestamp
    moved.price_wei = min(clocks.price_wei, block.basefee)
    self.games[game_id].clocks = game_words.pack_clocks(moved)


# --- ends of a game (P5) --------------------------------------------------------------------------


@internal
@view
def _outcome(clocks: game_words.Clocks, is_struck: bool) -> uint256:
    """
    @notice How the game has ended: won by a side, closed because its claim fell, or not yet (UNKNOWN).
    """
    assert clocks.stage != CLOSED, "not the stage for this move"
    if clocks.stage == OPERATOR_WON:
        return OPERATOR_WON
    if is_struck:
        return CLOSED
    if clocks.stage == CHALLENGER_WON:
        return CHALLENGER_WON
    elapsed_seconds: uint256 = block.timestamp - clocks.moved_at
    if clocks.stage == OPERATOR_TURN or clocks.stage == REVEAL_DUE:
        return CHALLENGER_WON if elapsed_seconds > clocks.operator_clock_seconds else UNKNOWN
    return OPERATOR_WON if elapsed_seconds > clocks.challenger_clock_seconds else UNKNOWN


@internal
def _pay_operator(game_id: uint256, operator: address, clocks: game_words.Clocks):
    """
    @dev P5.3. Share and gas are at most half of the bond each.
    """
    splits: uint256 = clocks.rounds + (1 if clocks.stage == CHALLENGER_TURN else 0)
    gas_units: uint256 = gas_repayment.operator_units(
        splits, arity - 1, game_words.is_micro(clocks.high)
    )
    paid_wei: uint256 = challenger_bond_wei * winner_share_bps // BPS
    paid_wei += min(gas_units * clocks.price_wei, challenger_bond_wei // 2)
    pull_payments.credit(operator, paid_wei)
    coins.burn(challenger_bond_wei - paid_wei)
    log IDisputes.Settled(
        game_id=game_id,
        claim_id=game_id >> 32,
        stage=convert(OPERATOR_WON, uint8),
        operator_wei=paid_wei,
        challenger_wei=0,
        burned_wei=challenger_bond_wei - paid_wei,
    )


@internal
def _strike(game_id: uint256, claim: game_words.Claim, clocks: game_words.Clocks):
    """
    @dev P5.4, P5.5: the share goes to the oldest open game, so that a lie's author cannot snatch it late.
    """
    claim_id: uint256 = game_id >> 32
    operator: address = empty(address)
    bond_wei: uint256 = 0
    operator, bond_wei = extcall JOBS.strike(claim_id)
    extcall OPERATORS.seize(operator, bond_wei)
    share_wei: uint256 = bond_wei * winner_share_bps // BPS
    oldest_id: uint256 = claim_id << 32 | claim.first
    if self._outcome(game_words.unpack_clocks(self.games[oldest_id].clocks), False) == OPERATOR_WON:
        oldest_id = game_id  # the oldest is lost, its challenger out of time, though nobody has settled it
    oldest: address = game_list.challenger_of(oldest_id)
    struck: game_words.Claim = claim
    struck.is_struck = True
    struck = game_list.unlink(game_id, struck)
    self.pots_wei[claim_id] = bond_wei - share_wei
    if oldest_id == game_id:
        self._close(game_id, clocks, CHALLENGER_WON, share_wei, struck.open_count == 0)
    else:
        pull_payments.credit(oldest, share_wei)
        log IDisputes.Shared(
            game_id=oldest_id, claim_id=claim_id, challenger=oldest, amount_wei=share_wei
        )
        self._close(game_id, clocks, CHALLENGER_WON, 0, struck.open_count == 0)


@internal
def _close(
    game_id: uint256, clocks: game_words.Clocks, outcome: uint256, share_wei: uint256, is_last: bool
):
    """
    @dev P5.4, P5.6: bond back, gas repaid from the pot while it lasts; the last game burns the rest.
    """
    claim_id: uint256 = game_id >> 32
    gas_units: uint256 = gas_repayment.challenger_units(
        clocks.rounds, clocks.stage == CHALLENGER_WON, game_words.is_micro(clocks.low)
    )
    pot_wei: uint256 = self.pots_wei[claim_id]
    repaid_wei: uint256 = min(min(gas_units * clocks.price_wei, OPERATOR_BOND_WEI // 2), pot_wei)
    pot_wei -= repaid_wei
    burned_wei: uint256 = pot_wei if is_last else 0
    self.pots_wei[claim_id] = pot_wei - burned_wei
    coins.burn(burned_wei)
    paid_wei: uint256 = challenger_bond_wei + repaid_wei + share_wei
    pull_payments.credit(game_list.challenger_of(game_id), paid_wei)
    log IDisputes.Settled(
        game_id=game_id,
        claim_id=claim_id,
        stage=convert(outcome, uint8),
        operator_wei=0,
        challenger_wei=paid_wei,
        burned_wei=burned_wei,
    )
