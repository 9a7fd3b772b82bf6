#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Disputes: parallel bisection games that end in one executed instruction (docs/protocol.md S5.4, S6, S7)
@license Apache-2.0
"""
from interfaces import IAssurances
from interfaces import IDisputes
from interfaces import IJobs
from interfaces import ILeaves
from interfaces import IOperators
from interfaces import IParameters
from interfaces import IStep
from modules import challenged_claims
from modules import coins
from modules import game_course
from modules import game_rules
from modules import micro_runs
from modules import move_gas
from modules import native_credits
from modules import split_tree

implements: IDisputes
initializes: coins
initializes: game_course
initializes: native_credits
exports: (coins.burned_wei, game_course.risen, game_course.splits, native_credits.credits, native_credits.withdraw_to)


interface Linked:
    def operators() -> address: view
    def parameters() -> address: view
    def jobs() -> address: view
    def assurances() -> address: view


BATCH_CLAIMED: constant(uint8) = 2
MOVE: constant(uint256) = 4  # the role of a delegate (S1.8)
MICRO_RUN: constant(uint256) = 2**63  # in the number of a state that belongs to one (machine M9.6)
MASK8: constant(uint256) = 2**8 - 1
MASK32: constant(uint256) = 2**32 - 1
WITNESS_LIMIT: constant(uint256) = 2876  # Step's own (machine M6)
RESULT_LIMIT_SECONDS: constant(uint256) = 120 * 86_400
# After a job's deadline: a window of at most 45 days, and games (S7.5).

OPERATORS: immutable(IOperators)
JOBS: immutable(IJobs)
PARAMETERS: immutable(IParameters)
LEAVES: immutable(ILeaves)
STEP: immutable(IStep)

games: public(HashMap[uint256, bytes32])  # game id: the hash of the game
held: public(reentrant(HashMap[uint256, uint256]))  # batch id: its leaves with an open game, a bit each
claims: HashMap[uint256, uint256]  # claim id: its packed word
ordinals: public(HashMap[uint256, HashMap[address, uint256]])  # claim id, challenger: of its game, or 0
shown: public(HashMap[uint256, HashMap[bytes32, uint256]])  # claim id, state hash: games that showed it
dissents: public(HashMap[uint256, uint256])  # claim id: games that showed another state hash than the claimed one


@deploy
def __init__(jobs_: address, leaves: address, step_contract: address):
    """
    @dev Operators and Parameters are those of Jobs.
    """
    assert (
        jobs_.is_contract and leaves.is_contract and step_contract.is_contract
    ), "no contract at this address"
    assert staticcall Linked(leaves).jobs() == jobs_, "contracts do not fit together"
    OPERATORS = IOperators(staticcall Linked(jobs_).operators())
    PARAMETERS = IParameters(staticcall Linked(jobs_).parameters())
    JOBS = IJobs(jobs_)
    LEAVES = ILeaves(leaves)
    STEP = IStep(step_contract)


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only as bonds and, within `settle`, `step` and `refute`, as a seized bond.
    """
    assert msg.sender == OPERATORS.address, "caller is not Operators"


# --- how games begin ------------------------------------------------------------------------------


@external
@payable
def open(
    claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof, commitment: bytes32
) -> uint256:
    """
    @notice Challenge a claim, with a bond (S6.1, S6.2). Also as long as the guardian or the policy says.
    @param commitment keccak256(abi.encode(caller, final state hash, salt)), to be shown if the claim falls.
    @return The game's id.
    """
    batch: IJobs.Batch = self._claimed_batch(claim_id)
    if block.timestamp > convert(batch.until, uint256):
        assert block.timestamp <= self._open_until(claim_id >> 8, batch), "challenge window is over"
    assert msg.sender != batch.operator, "claim is the caller's own"
    leaf: ILeaves.ProvedLeaf = self._proved(claim_id, terms, proof, b"")
    assert not leaf.is_refuted, "leaf is false by its shape: refute"
    parameters: IParameters.Parameters = staticcall PARAMETERS.get(convert(batch.parameters_id, uint256))
    claim: challenged_claims.Claim = challenged_claims.unpack(self.claims[claim_id])
    bond_wei: uint256 = parameters.challenger_bond_wei * challenged_claims.bond_factor(claim.open_count)
    assert msg.value >= bond_wei, "wrong amount of coins sent"
    native_credits.credit(msg.sender, msg.value - bond_wei)
    if claim.open_count == 0:
        self.held[claim_id >> 8] |= 1 << (claim_id & MASK8)
    claim.opened += 1
    assert claim.opened <= challenged_claims.GAMES_LIMIT, "too many games on the claim"
    claim.open_count += 1
    if claim.open_count > claim.peak and claim.peak < challenged_claims.PEAK_LIMIT:
        claim.peak = claim.open_count
        if claim.peak > 1:
            game_course.keep_rise(claim_id, claim.peak)
    self.claims[claim_id] = challenged_claims.pack(claim)
    assert self.ordinals[claim_id][msg.sender] == 0, "caller challenged this claim"
    self.ordinals[claim_id][msg.sender] = claim.opened
    game: IDisputes.Game = IDisputes.Game(
        stage=game_course.stage_at(leaf.cycle),
        task_id=leaf.task_id,
        defender=batch.operator,
        challenger=msg.sender,
        low=0,
        high=leaf.cycle,
        low_hash=leaf.initial_hash,
        high_hash=leaf.claimed_hash,
        template=empty(bytes32),
        rd=0,
        gas_units=move_gas.OPEN_GAS,
        price_wei=min(block.basefee, parameters.gas_price_cap_wei),
        defender_used_seconds=0,
        challenger_used_seconds=0,
        moved_at=block.timestamp,
        bond_wei=bond_wei,
        leaf_bond_wei=self._leaf_bond_wei(parameters, proof.job_terms),
        sponsor_bond_wei=0,
        commitment=commitment,
        claimed_hash=leaf.claimed_hash,
        rules=game_rules.pack(parameters),
    )
    game_id: uint256 = claim_id << 32 | claim.opened
    self.games[game_id] = keccak256(abi_encode(game))
    log IDisputes.Opened(
        game_id=game_id,
        claim_id=claim_id,
        challenger=msg.sender,
        credited_wei=msg.value - bond_wei,
        game=game,
    )
    return game_id


@external
@payable
def adopt(game_id: uint256, game: IDisputes.Game):
    """
    @notice Defend a game that the operator has lost on time, with the leaf's bond (S6.8).
    """
    claim: challenged_claims.Claim = self._standing(game_id, game, game.stage)
    game_course.check_stage(game.stage != game_course.STEP_DUE)
    assert game.sponsor_bond_wei == 0, "game has a sponsor"
    is_late: bool = False
    rescue_end: uint256 = 0
    is_late, rescue_end = game_course.lateness(game_id, game, claim.peak, block.timestamp)
    assert is_late, "defender has time left"
    assert block.timestamp <= rescue_end, "rescue time is over"
    assert msg.value == game.leaf_bond_wei, "wrong amount of coins sent"
    adopted: IDisputes.Game = game
    adopted.defender = msg.sender
    adopted.sponsor_bond_wei = msg.value
    adopted.defender_used_seconds = 0
    adopted.moved_at = block.timestamp
    self.games[game_id] = keccak256(abi_encode(adopted))
    log IDisputes.Adopted(game_id=game_id, sponsor=msg.sender, game=adopted)


@external
def refute(
    claim_id: uint256,
    terms: IJobs.BatchTerms,
    proof: IJobs.LeafProof,
    packed_state: Bytes[micro_runs.STATE_SIZE_BYTES],
):
    """
    @notice Strike a leaf that is false by its shape, or says of a halted state that it runs (S5.4).
    @param packed_state The state that a running leaf names; else empty.
    """
    batch: IJobs.Batch = self._claimed_batch(claim_id)
    leaf: ILeaves.ProvedLeaf = self._proved(claim_id, terms, proof, packed_state)
    assert leaf.is_refuted, "leaf is not false by itself"
    parameters: IParameters.Parameters = staticcall PARAMETERS.get(convert(batch.parameters_id, uint256))
    bond_wei: uint256 = self._leaf_bond_wei(parameters, proof.job_terms)
    reward_wei: uint256 = parameters.challenger_bond_wei  # at most a 25th of the leaf's bond (S2.1)
    burned_wei: uint256 = bond_wei - reward_wei
    claim: challenged_claims.Claim = challenged_claims.unpack(self.claims[claim_id])
    if claim.open_count != 0:  # the challengers' pot
        claim.pot_wei = burned_wei
        burned_wei = 0
    claim.struck_at = block.timestamp
    claim.by_step = True
    self.claims[claim_id] = challenged_claims.pack(claim)
    self._strike(claim_id, leaf.task_id, bond_wei)
    native_credits.credit(msg.sender, reward_wei)
    coins.burn(burned_wei)
    log IDisputes.Refuted(
        claim_id=claim_id, caller=msg.sender, amount_wei=reward_wei, burned_wei=burned_wei
    )


# --- moves ----------------------------------------------------------------------------------------


@external
def split(
    claim_id: uint256,
    defender: address,
    arity: uint256,
    low: uint256,
    high: uint256,
    low_hash: bytes32,
    high_hash: bytes32,
    hashes: DynArray[bytes32, split_tree.ARITY_LIMIT - 1],
):
    """
    @notice The defender's move, for all games that are or come to this node: the state hashes between the parts of
            the interval (S6.4).
    """
    self._check_defender(defender)
    assert low < high and len(hashes) + 1 == min(arity, high - low), "split: number of hashes"
    node: bytes32 = keccak256(abi_encode(claim_id, defender, arity, low, high, low_hash, high_hash))
    assert game_course.splits[node] == 0, "node is split"
    root: bytes32 = split_tree.root(low_hash, hashes, high_hash, game_course.depth_of(arity))
    game_course.splits[node] = convert(root, uint256) & ~game_course.MASK40 | block.timestamp
    log IDisputes.SplitMade(
        claim_id=claim_id, defender=defender, node=node, low=low, high=high, hashes=hashes
    )


@external
def pick(
    game_id: uint256,
    game: IDisputes.Game,
    part: uint256,
    start: bytes32,
    end: bytes32,
    siblings: DynArray[bytes32, split_tree.DEPTH_LIMIT],
):
    """
    @notice The challenger's move: the first part whose end it disagrees with.
    """
    claim: challenged_claims.Claim = self._standing(game_id, game, game_course.ON_NODE)
    assert msg.sender == game.challenger, "caller is not the challenger"
    kept: uint256 = game_course.splits[game_course.node_of(game_id, game)]
    assert kept != 0, "not the stage for this move"
    arity: uint256 = game_rules.arity(game.rules)
    length: uint256 = game.high - game.low
    parts: uint256 = min(arity, length)
    assert part < parts, "pick: no such part"
    root: bytes32 = split_tree.climb(start, end, part, siblings)
    assert (
        len(siblings) == game_course.depth_of(arity) and convert(root, uint256) >> 40 == kept >> 40
    ), "pick: proof"
    split_at: uint256 = max(kept & game_course.MASK40, game.moved_at)
    moved: IDisputes.Game = game
    moved.defender_used_seconds = min(
        game.defender_used_seconds + split_at - game.moved_at,
        game_course.with_rescue(game, game_course.defender_seconds(game_id, game, claim.peak)),
    )
    moved.challenger_used_seconds = game_course.challenger_used_seconds(game, split_at)
    moved.low += length * part // parts
    moved.high = game.low + length * (part + 1) // parts
    moved.low_hash = start
    moved.high_hash = end
    moved.stage = game_course.stage_at(moved.high - moved.low)
    self._keep_challengers(game_id, moved, move_gas.PICK_GAS)


@external
def step(game_id: uint256, game: IDisputes.Game, witness: Bytes[WITNESS_LIMIT]):
    """
    @notice Execute the one step that is left, and so decide and settle the game. By anybody.
    """
    self._standing(game_id, game, game_course.STEP_DUE)
    moved: IDisputes.Game = game
    moved.challenger_used_seconds = game_course.challenger_used_seconds(game, game.moved_at)
    moved.gas_units += move_gas.STEP_GAS
    moved.price_wei = min(game.price_wei, block.basefee)
    before: bytes32 = empty(bytes32)
    after: bytes32 = empty(bytes32)
    before, after = staticcall STEP.step(witness)
    assert before == game.low_hash, "witness is of another state"
    log IDisputes.Stepped(game_id=game_id, before=before, after=after, expected=game.high_hash)
    is_true: bool = after == game.high_hash
    self._end(game_id, moved, game_course.DEFENDER_WON if is_true else game_course.CHALLENGER_WON)


@external
def descend(game_id: uint256, game: IDisputes.Game, witness: Bytes[WITNESS_LIMIT]):
    """
    @notice Go on over the micro-run of the float instruction that is left. By anybody, once a game.
    """
    self._standing(game_id, game, game_course.STEP_DUE)
    moved: IDisputes.Game = game
    moved.challenger_used_seconds = game_course.challenger_used_seconds(game, game.moved_at)
    assert game.low < MICRO_RUN, "game has descended"
    before: bytes32 = empty(bytes32)
    before, moved.low_hash, moved.template, moved.rd = staticcall STEP.open_float(witness)
    assert before == game.low_hash, "witness is of another state"
    moved.low = MICRO_RUN | game.low << 12
    moved.stage = game_course.REVEAL_DUE
    self._keep_challengers(game_id, moved, move_gas.DESCEND_GAS)


@external
def reveal(
    game_id: uint256,
    game: IDisputes.Game,
    after: Bytes[micro_runs.STATE_SIZE_BYTES],
    cycles: uint256,
    memory_root: bytes32,
):
    """
    @notice The defender's move: the state after the float instruction, which holds the result, and how the
            micro-run comes to that.
    @param after The packed state whose hash is the one at high.
    @param cycles The steps of the micro-run.
    @param memory_root The memory's root at the end of the micro-run.
    """
    claim: challenged_claims.Claim = self._standing(game_id, game, game_course.REVEAL_DUE)
    self._check_defender(game.defender)
    moved: IDisputes.Game = game
    used_seconds: uint256 = block.timestamp - game.moved_at
    seconds: uint256 = game_course.defender_seconds(game_id, game, claim.peak)
    assert used_seconds <= game_course.own_seconds(game, seconds), "clock has run out"
    moved.defender_used_seconds += used_seconds
    assert cycles != 0 and cycles <= micro_runs.STEPS_LIMIT, "reveal: number of steps"
    assert (
        len(after) == micro_runs.STATE_SIZE_BYTES and keccak256(after) == game.high_hash
    ), "reveal: of another state"
    assert micro_runs.template(after, game.rd) == game.template, "reveal: state does not follow"
    moved.high = game.low + cycles
    moved.high_hash = micro_runs.end_hash(memory_root, cycles, micro_runs.register(after, game.rd))
    moved.stage = game_course.stage_at(cycles)
    self._keep(game_id, moved)


# --- ends of a game -------------------------------------------------------------------------------


@external
def settle(game_id: uint256, game: IDisputes.Game):
    """
    @notice End a game that a clock has decided, a proof, or the fall of its claim. By anybody.
    """
    claim: challenged_claims.Claim = self._checked(game_id, game)
    outcome: uint256 = game_course.outcome_of(game_id, game, claim)
    if outcome == game_course.UNDECIDED:  # a proof ends games that were opened before it
        assert staticcall self._assurances().ends_game(game_id), "game is not decided"
        outcome = game_course.DEFENDER_WON
        self.ordinals[game_id >> 32][game.challenger] = 0
        log IDisputes.EndedByProof(game_id=game_id)
    self._end(game_id, game, outcome)


@external
def show(game_id: uint256, game: IDisputes.Game, state_hash: bytes32, salt: bytes32):
    """
    @notice Show what the challenger of a struck claim committed to (S7.5). By anybody who knows it.
    """
    claim: challenged_claims.Claim = self._checked(game_id, game)
    game_course.check_stage(game.stage == game_course.CLOSED)
    assert claim.pot_wei != 0, "nothing to win"
    is_open: bool = block.timestamp <= claim.struck_at + game_rules.reveal_seconds(game.rules)
    assert is_open, "reveal time is over"
    commitment: bytes32 = keccak256(abi_encode(game.challenger, state_hash, salt))
    assert commitment == game.commitment, "commitment is to something else"
    self.shown[game_id >> 32][state_hash] += 1
    if state_hash != game.claimed_hash:
        self.dissents[game_id >> 32] += 1
    shown: IDisputes.Game = game
    shown.stage = game_course.SHOWN
    shown.commitment = state_hash
    self.games[game_id] = keccak256(abi_encode(shown))
    log IDisputes.Shown(
        game_id=game_id, claim_id=game_id >> 32, state_hash=state_hash, game=shown
    )


@external
def reward(
    game_id: uint256,
    game: IDisputes.Game,
    final_id: uint256,
    terms: IJobs.BatchTerms,
    proof: IJobs.LeafProof,
):
    """
    @notice Give a winner its part of the pot (S7.5, S7.6). By anybody.
    @param final_id The claim that has become the task's result, with its terms and proof.
    """
    claim: challenged_claims.Claim = self._with_pot(game_id, game)
    is_over: bool = block.timestamp > claim.struck_at + game_rules.reveal_seconds(game.rules)
    assert is_over, "reveal time is not over"
    assert staticcall JOBS.is_leaf_final(final_id), "leaf is not final"
    leaf: ILeaves.ProvedLeaf = self._proved(final_id, terms, proof, b"")
    assert leaf.task_id == game.task_id, "leaf is of another task"
    if claim.winners == 0:
        claim.winners = self.shown[game_id >> 32][leaf.claimed_hash]
    if leaf.claimed_hash == game.claimed_hash:  # a true claim, badly defended: nobody has won
        claim.winners = 0
    self._pay(game_id, game, claim, game.commitment == leaf.claimed_hash, True)


@external
def reward_without_result(game_id: uint256, game: IDisputes.Game):
    """
    @notice Give a game its part of the pot when the task has had no result for long (S7.5). By anybody.
    """
    claim: challenged_claims.Claim = self._with_pot(game_id, game)
    deadline: uint256 = staticcall JOBS.deadlines(game.task_id >> 32)
    is_over: bool = block.timestamp > max(deadline, claim.struck_at) + RESULT_LIMIT_SECONDS
    assert is_over and (claim.winners == 0 or claim.without_result), "task may have a result"
    if claim.winners == 0:
        claim.without_result = True
        claim.winners = self.dissents[game_id >> 32]
    self._pay(game_id, game, claim, game.commitment != game.claimed_hash, claim.by_step)


# --- views ----------------------------------------------------------------------------------------


@external
@view
@reentrant
def jobs() -> address:
    """
    @notice The Jobs whose claims can be challenged here.
    """
    return JOBS.address


@external
@view
def get_claim(claim_id: uint256) -> challenged_claims.Claim:
    """
    @notice What is kept of a challenged claim; all zero if it was never challenged.
    """
    return challenged_claims.unpack(self.claims[claim_id])


# --- shared by the calls --------------------------------------------------------------------------


@internal
@view
def _claimed_batch(claim_id: uint256) -> IJobs.Batch:
    batch: IJobs.Batch = staticcall JOBS.get_batch(claim_id >> 8)
    is_struck: bool = batch.struck >> (claim_id & MASK8) & 1 == 1
    assert batch.stage == BATCH_CLAIMED and not is_struck, "claim does not stand"
    return batch


@internal
@view
def _proved(
    claim_id: uint256,
    terms: IJobs.BatchTerms,
    proof: IJobs.LeafProof,
    packed_state: Bytes[micro_runs.STATE_SIZE_BYTES],
) -> ILeaves.ProvedLeaf:
    return staticcall LEAVES.prove(claim_id, terms, proof, packed_state)


@internal
@view
def _open_until(batch_id: uint256, batch: IJobs.Batch) -> uint256:
    return staticcall self._assurances().open_until(
        convert(batch.policy, uint256), batch_id, convert(batch.until, uint256)
    )


@internal
@view
def _assurances() -> IAssurances:
    return IAssurances(staticcall Linked(JOBS.address).assurances())


@internal
@pure
def _leaf_bond_wei(parameters: IParameters.Parameters, terms: IJobs.JobTerms) -> uint256:
    return parameters.operator_bond_wei * convert(terms.bond_multiple, uint256)


@internal
@view
def _checked(game_id: uint256, game: IDisputes.Game) -> challenged_claims.Claim:
    """
    @notice The claim of a game. Refuses a record that is not the game's.
    """
    kept: bytes32 = self.games[game_id]
    assert kept != empty(bytes32), "unknown game"
    assert kept == keccak256(abi_encode(game)), "game has another state"
    return challenged_claims.unpack(self.claims[game_id >> 32])


@internal
@view
def _standing(game_id: uint256, game: IDisputes.Game, stage: uint256) -> challenged_claims.Claim:
    """
    @notice The claim of a game, in which a move of this stage is due.
    """
    claim: challenged_claims.Claim = self._checked(game_id, game)
    assert claim.struck_at == 0, "claim is struck: settle instead"
    assert game.stage == stage, "not the stage for this move"
    return claim


@internal
@view
def _with_pot(game_id: uint256, game: IDisputes.Game) -> challenged_claims.Claim:
    claim: challenged_claims.Claim = self._checked(game_id, game)
    assert claim.pot_wei != 0, "nothing to win"
    return claim


@internal
@view
def _check_defender(defender: address):
    if msg.sender != defender:
        roles: uint256 = staticcall OPERATORS.roles(defender, msg.sender)
        assert roles & MOVE != 0, "caller is not the defender"


@internal
def _keep(game_id: uint256, game: IDisputes.Game):
    moved: IDisputes.Game = game
    moved.moved_at = block.timestamp
    self.games[game_id] = keccak256(abi_encode(moved))
    log IDisputes.Moved(game_id=game_id, game=moved)


@internal
def _keep_challengers(game_id: uint256, game: IDisputes.Game, gas_units: uint256):
    """
    @notice Keep a game after a move of the challenger's, for which it is repaid gas if it wins.
    """
    moved: IDisputes.Game = game
    moved.gas_units += gas_units
    moved.price_wei = min(game.price_wei, block.basefee)
    self._keep(game_id, moved)


# --- money ----------------------------------------------------------------------------------------


@internal
def _end(game_id: uint256, game: IDisputes.Game, outcome: uint256):
    """
    @dev S6.8, S7.2 to S7.4. Each bond goes back to whom it came from, or in part to the defender or the pot.
    """
    claim_id: uint256 = game_id >> 32
    claim: challenged_claims.Claim = challenged_claims.unpack(self.claims[claim_id])
    defender_wei: uint256 = game.sponsor_bond_wei
    challenger_wei: uint256 = game.bond_wei
    lost_wei: uint256 = 0
    if outcome == game_course.DEFENDER_WON:
        lost_wei = game.bond_wei
        challenger_wei = 0
    elif outcome == game_course.CHALLENGER_WON:
        lost_wei = game.sponsor_bond_wei
        defender_wei = 0
    share_wei: uint256 = game_rules.share_of(game.rules, lost_wei)
    burned_wei: uint256 = lost_wei - share_wei
    if outcome == game_course.DEFENDER_WON:
        defender_wei += share_wei
        self.games[game_id] = empty(bytes32)
        if claim.struck_at == 0:
            claim.open_count -= 1
            if claim.open_count == 0:
                self._release(claim_id)
            self.claims[claim_id] = challenged_claims.pack(claim)
    else:
        closed: IDisputes.Game = game
        closed.stage = game_course.CLOSED
        self.games[game_id] = keccak256(abi_encode(closed))
        is_striker: bool = claim.struck_at == 0
        if is_striker:
            claim.struck_at = block.timestamp
            claim.striker = game_id & MASK32
            claim.pot_wei = game.leaf_bond_wei
            claim.by_step = game.stage == game_course.STEP_DUE
        if claim.winners != 0 or claim.pot_wei == 0:  # parts have been given
            burned_wei = lost_wei
        else:
            claim.pot_wei += share_wei
        self.claims[claim_id] = challenged_claims.pack(claim)
        if is_striker:
            self._strike(claim_id, game.task_id, game.leaf_bond_wei)
        log IDisputes.Moved(game_id=game_id, game=closed)
    coins.burn(burned_wei)
    native_credits.credit(game.defender, defender_wei)
    native_credits.credit(game.challenger, challenger_wei)
    log IDisputes.Settled(
        game_id=game_id,
        claim_id=claim_id,
        outcome=outcome,
        defender_wei=defender_wei,
        challenger_wei=challenger_wei,
        burned_wei=burned_wei,
    )


@internal
def _strike(claim_id: uint256, task_id: uint256, bond_wei: uint256):
    """
    @notice Take a false leaf out of its batch, and its bond.
    """
    self._release(claim_id)
    operator: address = extcall JOBS.strike(claim_id, task_id, bond_wei)
    extcall OPERATORS.seize(operator, claim_id >> 8, bond_wei)


@internal
def _release(claim_id: uint256):
    """
    @notice Let the leaf's batch no longer wait for it.
    """
    self.held[claim_id >> 8] &= ~(1 << (claim_id & MASK8))


@internal
def _pay(
    game_id: uint256,
    game: IDisputes.Game,
    claim: challenged_claims.Claim,
    is_right: bool,
    is_rewarded: bool,
):
    """
    @dev S7.5, S7.6. Parts of the pot are equal but for one wei; what is not paid of a part is burned. If
      nobody has won, any game that has ended has all of it burned.
    @param is_right Whether the game is a winner's if it has shown its commitment.
    @param is_rewarded Whether winners get more than their gas.
    """
    left: challenged_claims.Claim = claim
    is_won: bool = claim.winners != 0
    is_due: bool = game.stage == game_course.SHOWN and is_right
    if not is_won:
        is_due = game.stage >= game_course.CLOSED
        left.winners = 1
    assert is_due, "game has not won"
    part_wei: uint256 = left.pot_wei // left.winners
    left.pot_wei -= part_wei
    left.winners -= 1
    self.claims[game_id >> 32] = challenged_claims.pack(left)
    self.games[game_id] = empty(bytes32)
    paid_wei: uint256 = 0
    if is_won:
        if is_rewarded:
            paid_wei = game_rules.share_of(game.rules, part_wei)
        paid_wei += min(game.gas_units * game.price_wei, part_wei - paid_wei)
    native_credits.credit(game.challenger, paid_wei)
    coins.burn(part_wei - paid_wei)
    log IDisputes.Rewarded(
        game_id=game_id, claim_id=game_id >> 32, amount_wei=paid_wei, burned_wei=part_wei - paid_wei
    )
