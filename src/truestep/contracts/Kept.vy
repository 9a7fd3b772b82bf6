#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Kept: a policy under which nothing is final whose program, inputs and outputs are not kept
       (docs/availability.md A5)
@license Apache-2.0
"""
from interfaces import IAssurance
from interfaces import IAssurances
from interfaces import IBindings
from interfaces import IChallenges
from interfaces import IDisputes
from interfaces import IItems
from interfaces import IJobs
from interfaces import IKeepers
from interfaces import IKept
from interfaces import IOperators
from interfaces import IParameters
from modules import coins
from modules import leaf_proofs
from modules import native_credits
from modules import trees

implements: IAssurance
initializes: coins
initializes: native_credits
exports: (coins.burned_wei, native_credits.credits, native_credits.withdraw_to)


interface Linked:
    def disputes() -> address: view
    def jobs() -> address: view
    def bindings() -> address: view
    def keepers() -> address: view
    def items() -> address: view
    def operators() -> address: view
    def parameters() -> address: view
    def policies(policy: uint256) -> address: view


CLAIM: constant(uint256) = 2  # the role of a delegate (S1.8)
BATCH_CLAIMED: constant(uint8) = 2
BATCH_FINAL: constant(uint8) = 3
ITEM_REGISTERED: constant(uint256) = 1
ITEM_KEPT: constant(uint256) = 2
ITEM_STRUCK: constant(uint256) = 3
ITEM_CLOSED: constant(uint256) = 5
ITEM_ENDED: constant(uint256) = 6
BLOB_KIND: constant(uint256) = 2

PROGRAM_DEPTH: constant(uint256) = 26
RANGE_DEPTH: constant(uint256) = 24  # of inputs and outputs (machine M3.3)
PARTS_LIMIT: constant(uint256) = 256
BATCH_LIMIT: constant(uint256) = 256

GAME_CLOCKS: constant(uint256) = 8
# A game takes at most as many clocks, with a sponsor's (S6.6, S6.8).
HOLD_LIMIT_SECONDS: constant(uint256) = 20 * 86_400
# S7.5 gives a task 120 days for its result: a lease of 30, a window of 45, games of 22, and this.
HOLD_DOUBLINGS_LIMIT: constant(uint256) = 4
CONTEST_ANSWERS: constant(uint256) = 12
# The longest descent to a leaf has five answers and as many picks (A4.6).
OUTPUT_SECONDS: constant(uint256) = 60 * 86_400
# Outputs are kept so long after the window: longer than anything can put off the end of the batch.
BLOB_OUTPUT_SECONDS: constant(uint256) = 7 * 86_400
# And so long if they are in blobs of a transaction: for whoever wants them. A batch that ends later needs another item.
FAIL_GAS: constant(uint256) = 300_000
# What `fail` costs at most for a leaf of a batch of 256 jobs, and more.
LEAST_FAIL_GAS: constant(uint256) = 50_000
# What it costs at least, of many in one transaction: nobody must gain by withholding what others need.
NOTHING_KEPT: constant(uint256) = 2**128 - 1
# In place of an item: no leaf has an output.

BPS: constant(uint256) = 10_000
MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK64: constant(uint256) = 2**64 - 1
MASK128: constant(uint256) = 2**128 - 1
HOLD_BITS: constant(uint256) = 2**184 - 2**128  # of what is kept of a batch: what holds change

ASSURANCES: immutable(IAssurances)
DISPUTES: immutable(IDisputes)
JOBS: immutable(IJobs)
OPERATORS: immutable(IOperators)
PARAMETERS: immutable(IParameters)
ITEMS: immutable(IItems)
CHALLENGES: immutable(IChallenges)
ANSWER_SECONDS: immutable(uint256)
ACKNOWLEDGE_SECONDS: immutable(uint256)
BLOB_BOND_WEI: immutable(uint256)

supplied: public(HashMap[uint256, uint256])  # job id: [ item of the program 128 | item of the input 128 ]
batches: HashMap[uint256, uint256]  # batch id: [ check until 40 | holds 16 | held until 40 | item of the outputs 128 ]
holds: public(HashMap[uint256, bytes32])  # batch id << 16 | ordinal: the hash of the hold
doomed: public(HashMap[uint256, uint256])  # batch id: the leaves that fall once their games are over, a bit each


@deploy
def __init__(assurances: address, keepers: address, items: address, challenges: address):
    """
    @dev Disputes and Jobs are those of Assurances.
    """
    assert (
        assurances.is_contract and keepers.is_contract and items.is_contract and challenges.is_contract
    ), "no contract at this address"
    assert (
        staticcall Linked(items).keepers() == keepers and staticcall Linked(challenges).items() == items
    ), "contracts do not fit together"
    disputes: address = staticcall Linked(assurances).disputes()
    jobs: address = staticcall Linked(disputes).jobs()
    ASSURANCES = IAssurances(assurances)
    DISPUTES = IDisputes(disputes)
    JOBS = IJobs(jobs)
    OPERATORS = IOperators(staticcall Linked(jobs).operators())
    PARAMETERS = IParameters(staticcall Linked(jobs).parameters())
    ITEMS = IItems(items)
    CHALLENGES = IChallenges(challenges)
    rules: IKeepers.Rules = staticcall IKeepers(keepers).rules()
    ANSWER_SECONDS = rules.answer_seconds
    ACKNOWLEDGE_SECONDS = rules.acknowledge_seconds
    BLOB_BOND_WEI = rules.blob_bond_wei


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only as the bonds of holds and, within `fail`, as a seized bond.
    """
    assert msg.sender == ASSURANCES.address, "caller is not Assurances"


# --- what jobs and batches depend on --------------------------------------------------------------


@external
def supply(
    job_id: uint256,
    work: IJobs.Work,
    terms: IJobs.JobTerms,
    program: IKept.Named,
    input: IKept.Named,
    program_parts: DynArray[IItems.Part, PARTS_LIMIT],
    input_parts: DynArray[IItems.Part, PARTS_LIMIT],
):
    """
    @notice Name the kept items that hold a job's program and input, so that it can be taken (A5.1). By its requester.
    @dev One part with the right root and depth is all: the leaves of its tree that no part of the item holds are zero
         (A1.2), or the item is struck.
    """
    assert msg.sender == terms.requester, "caller is not the requester"
    digest: bytes32 = leaf_proofs.job_digest(JOBS.address, job_id, work, terms)
    assert terms.reducer_of == 0 or work.input_size != 0, "job waits for its input"
    rules: IParameters.Parameters = staticcall PARAMETERS.get(convert(terms.parameters_id, uint256))
    last: uint256 = (
        staticcall JOBS.deadlines(job_id)
        + convert(terms.window_seconds, uint256)
        + GAME_CLOCKS * rules.clock_seconds
    )
    self._check_kept(program, program_parts, last)
    self._check_part(program_parts, program.part, work.image_root, PROGRAM_DEPTH)
    self._check_kept(input, input_parts, last)
    self._check_part(input_parts, input.part, work.input_root, RANGE_DEPTH)
    reward_wei: uint256 = (
        rules.operator_bond_wei * convert(terms.bond_multiple, uint256) * rules.winner_share_bps // BPS
    )
    blob_count: uint256 = self._kept_blobs(program) + self._kept_blobs(input)
    assert blob_count * BLOB_BOND_WEI <= reward_wei, "bond is too small for the data"
    self.supplied[job_id] = program.item_id << 128 | input.item_id
    log IKept.Supplied(job_id=job_id, program_item=program.item_id, input_item=input.item_id)
    extcall ASSURANCES.supply(job_id, digest)


@external
def deliver(
    batch_id: uint256,
    terms: IJobs.BatchTerms,
    claimed: DynArray[IJobs.Leaf, BATCH_LIMIT],
    outputs: IKept.Named,
    parts: DynArray[IItems.Part, PARTS_LIMIT],
    places: Bytes[BATCH_LIMIT],
):
    """
    @notice Name the item that holds the outputs of a batch (A5.2). By the operator or a delegate with CLAIM.
    @param claimed What the batch has claimed.
    @param outputs Its item; all zero if no leaf has an output.
    @param places A byte for each leaf: the part that holds its output.
    """
    batch: IJobs.Batch = self._claimed(batch_id, terms)
    if msg.sender != batch.operator:
        roles: uint256 = staticcall OPERATORS.roles(batch.operator, msg.sender)
        assert roles & CLAIM != 0, "caller may not act for the operator"
    assert (
        len(claimed) == convert(batch.leaf_count, uint256) and self._root_of(claimed) == terms.claims_root
    ), "leaf: proof"
    word: uint256 = self.batches[batch_id]
    before: uint256 = word & MASK128
    assert before == 0 or before != NOTHING_KEPT and not self._is_there(before), "outputs are kept"
    item_id: uint256 = outputs.item_id
    check_until: uint256 = 0
    if item_id == 0:
        assert len(parts) == 0, "parts of another item"
        item_id = NOTHING_KEPT
    else:
        self._check_record(outputs, parts)
        seconds: uint256 = BLOB_OUTPUT_SECONDS if outputs.record.seat_count == 0 else OUTPUT_SECONDS
        if outputs.record.seat_count == 0 and outputs.record.blob_count != 0:
            check_until = block.timestamp + ACKNOWLEDGE_SECONDS
        last: uint256 = max(convert(batch.until, uint256) + seconds, check_until)
        assert outputs.record.until >= last, "item ends too early"
        state: uint256 = (staticcall ITEMS.standing(item_id)).state
        assert state == ITEM_REGISTERED or state == ITEM_KEPT, "not the state of the item"
    for index: uint256 in range(len(claimed), bound=BATCH_LIMIT):
        has_output: bool = leaf_proofs.is_accepted(claimed[index].head) and claimed[index].head & MASK64 != 0
        if has_output and batch.struck >> index & 1 == 0:
            assert index < len(places), "parts: no such part"
            place: uint256 = convert(slice(places, index, 1), uint256)
            self._check_part(parts, place, claimed[index].output_root, RANGE_DEPTH)
    self.batches[batch_id] = check_until << 184 | word & HOLD_BITS | item_id
    log IKept.Delivered(batch_id=batch_id, item_id=outputs.item_id, check_until=check_until)


# --- more time for those who got the data late ----------------------------------------------------


@external
@payable
def hold(
    batch_id: uint256,
    terms: IJobs.BatchTerms,
    item: uint256,
    item_index: uint256,
    item_path: DynArray[bytes32, trees.DEPTH_LIMIT],
    challenge_id: uint256,
) -> uint256:
    """
    @notice Let games be opened on a batch for longer, while somebody waits for a blob of a program or an input of it
            (A5.4). By anybody, with a bond.
    @param item Of the batch, whose job the blob belongs to, with its place and path.
    @param challenge_id Of a BLOB challenge: open, or of an item of which a blob was published just now.
    @return The ordinal of the hold.
    """
    batch: IJobs.Batch = self._claimed(batch_id, terms)
    self._check_depends(terms, item, item_index, item_path, challenge_id >> 128)
    assert challenge_id >> 48 & MASK8 == BLOB_KIND, "challenge is not of a blob"
    return self._hold(
        batch_id, batch, self._published_at(challenge_id) + terms.window_seconds, challenge_id
    )


@external
@payable
def hold_for_demand(
    batch_id: uint256,
    terms: IJobs.BatchTerms,
    item: uint256,
    item_index: uint256,
    item_path: DynArray[bytes32, trees.DEPTH_LIMIT],
    demand_id: uint256,
) -> uint256:
    """
    @notice Let a batch wait while a demand for the tree of a program or an input of it is open (A5.4). By anybody, with
            a bond.
    @dev Else a registrant that hides an input could answer so slowly that the window ends before its item is struck.
    @return The ordinal of the hold.
    """
    batch: IJobs.Batch = self._claimed(batch_id, terms)
    self._check_depends(terms, item, item_index, item_path, demand_id >> 176)
    bindings: address = staticcall Linked(ITEMS.address).bindings()
    asked: bytes32 = staticcall IBindings(bindings).demands(demand_id)
    assert asked != empty(bytes32), "demand is not open"
    return self._hold(batch_id, batch, block.timestamp + CONTEST_ANSWERS * ANSWER_SECONDS, demand_id)


@internal
@view
def _check_depends(
    terms: IJobs.BatchTerms,
    item: uint256,
    item_index: uint256,
    item_path: DynArray[bytes32, trees.DEPTH_LIMIT],
    named: uint256,
):
    """
    @notice Refuse an item of data that is neither program nor input of the job of this item of the batch.
    """
    job_id: uint256 = item >> 64
    leaf: bytes32 = keccak256(abi_encode(item, staticcall JOBS.job_digests(job_id)))
    assert trees.climb(leaf, item_index, item_path) == terms.tasks_root, "item: proof"
    supplied: uint256 = self.supplied[job_id]
    assert named == supplied >> 128 or named == supplied & MASK128, "challenge is of another item"


@internal
@payable
def _hold(batch_id: uint256, batch: IJobs.Batch, wanted: uint256, challenge_id: uint256) -> uint256:
    """
    @notice Hold a batch until this second, for the bond that came with the call: the ordinal of the hold.
    """
    window_end: uint256 = convert(batch.until, uint256)
    word: uint256 = self.batches[batch_id]
    last: uint256 = max(window_end, word >> 128 & MASK40)
    assert block.timestamp <= last, "challenge window is over"
    until: uint256 = min(wanted, window_end + HOLD_LIMIT_SECONDS)
    assert until > last, "batch is held for longer"
    ordinal: uint256 = (word >> 168 & MASK16) + 1
    assert ordinal <= MASK16, "too many holds of the batch"
    rules: IParameters.Parameters = staticcall PARAMETERS.get(convert(batch.parameters_id, uint256))
    bond_wei: uint256 = rules.challenger_bond_wei << min(ordinal - 1, HOLD_DOUBLINGS_LIMIT)
    assert msg.value >= bond_wei, "wrong amount of coins sent"
    native_credits.credit(msg.sender, msg.value - bond_wei)
    self.batches[batch_id] = word & ~HOLD_BITS | ordinal << 168 | until << 128
    kept: IKept.BatchHold = IKept.BatchHold(holder=msg.sender, bond_wei=bond_wei)
    self.holds[batch_id << 16 | ordinal] = keccak256(abi_encode(kept))
    log IKept.Held(batch_id=batch_id, ordinal=ordinal, until=until, challenge_id=challenge_id, hold=kept)
    return ordinal


@external
def settle_hold(batch_id: uint256, ordinal: uint256, hold: IKept.BatchHold):
    """
    @notice End a hold: its bond goes back if a leaf of the batch was struck, and is burned once the batch is final
            (A5.4). By anybody.
    @dev None of it is the operator's: else it would pay to have friends among the keepers, who withhold.
    """
    hold_id: uint256 = batch_id << 16 | ordinal
    assert self.holds[hold_id] == keccak256(abi_encode(hold)), "hold is another"
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    is_returned: bool = batch.struck != 0
    if not is_returned:
        is_final: bool = batch.stage == BATCH_FINAL and staticcall DISPUTES.held(batch_id) == 0
        assert is_final, "batch is not decided"
    self.holds[hold_id] = empty(bytes32)
    if is_returned:
        native_credits.credit(hold.holder, hold.bond_wei)
    else:
        coins.burn(hold.bond_wei)
    log IKept.HoldSettled(batch_id=batch_id, ordinal=ordinal, is_returned=is_returned)


# --- data that is gone ----------------------------------------------------------------------------


@external
def fail(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof):
    """
    @notice Strike a leaf whose batch can no longer be due, because data is not there (A5.5). By anybody.
    @dev Assurances proves the leaf and refuses one with an open game. If program or input of such a one are gone, it is
         noted: else its batch could be ended before this is called again.
    """
    batch_id: uint256 = claim_id >> 8
    batch: IJobs.Batch = self._claimed(batch_id, terms)
    rules: IParameters.Parameters = staticcall PARAMETERS.get(convert(batch.parameters_id, uint256))
    word: uint256 = self.batches[batch_id]
    last: uint256 = max(convert(batch.until, uint256), word >> 128 & MASK40)
    price_wei: uint256 = min(block.basefee, rules.gas_price_cap_wei)
    penalty_bps: uint256 = 0
    requester_bps: uint256 = 0
    penalty_wei: uint256 = 0
    claimed_at: uint256 = convert(batch.until, uint256) - terms.window_seconds
    is_gone: bool = False
    was_gone: bool = False
    is_gone, was_gone = self._is_input_gone(proof.item >> 64, last, claimed_at)
    leaf_bit: uint256 = 1 << (claim_id & MASK8)
    if is_gone and staticcall DISPUTES.held(batch_id) & leaf_bit != 0:
        doomed: uint256 = self.doomed[batch_id]
        assert doomed & leaf_bit == 0, "leaf is held"
        leaf_proofs.check(JOBS.address, claim_id, batch, terms, proof)
        self.doomed[batch_id] = doomed | leaf_bit
        log IKept.Doomed(claim_id=claim_id)
        return
    if was_gone:
        penalty_wei = LEAST_FAIL_GAS * price_wei
    elif not is_gone:
        penalty_bps, requester_bps = self._penalty_bps(word & MASK128, last, rules.lease_penalty_bps)
    is_seized: bool = penalty_bps != 0 or penalty_wei != 0
    task_id: uint256 = 0
    bond_wei: uint256 = 0
    task_id, bond_wei = extcall ASSURANCES.strike(claim_id, terms, proof, is_seized)
    penalty_wei = min(penalty_wei + bond_wei * penalty_bps // BPS, bond_wei)
    requester_wei: uint256 = bond_wei * requester_bps // BPS
    gas: uint256 = FAIL_GAS if requester_bps != 0 else LEAST_FAIL_GAS
    caller_wei: uint256 = min(gas * price_wei, penalty_wei - requester_wei)
    if is_seized:
        native_credits.credit(batch.operator, bond_wei - penalty_wei)
        native_credits.credit(proof.job_terms.requester, requester_wei)
        native_credits.credit(msg.sender, caller_wei)
        coins.burn(penalty_wei - requester_wei - caller_wei)
    log IKept.Failed(
        claim_id=claim_id,
        task_id=task_id,
        caller=msg.sender,
        penalty_wei=penalty_wei,
        requester_wei=requester_wei,
        caller_wei=caller_wei,
    )


# --- what Assurances asks -------------------------------------------------------------------------


@external
@view
@reentrant
def must_wait() -> bool:
    """
    @notice Jobs under this policy wait until their program and input are kept.
    """
    return True


@external
@view
@reentrant
def open_until(batch_id: uint256, until: uint256) -> uint256:
    """
    @notice The last second in which a game may be opened: that of the window, or of the latest hold.
    """
    return max(until, self.batches[batch_id] >> 128 & MASK40)


@external
@view
@reentrant
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    """
    @notice Whether the batch may end: its outputs are kept and not contested, and nobody may open a game (A5.3).
    @dev A batch that is final had its outputs kept: leaves that waited for their games need nothing more. Blobs of a
         transaction nobody has checked: there is time for that after they were named.
    """
    word: uint256 = self.batches[batch_id]
    last: uint256 = max(max(until, word >> 128 & MASK40), word >> 184)
    if block.timestamp <= last:
        return False, 0
    item_id: uint256 = word & MASK128
    if item_id == 0:
        return False, 0
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    if self.doomed[batch_id] & ~batch.struck != 0:
        return False, 0
    if item_id == NOTHING_KEPT or batch.stage == BATCH_FINAL:
        return True, 0
    standing: IItems.Standing = staticcall ITEMS.standing(item_id)
    contest_end: uint256 = last + min(CONTEST_ANSWERS * ANSWER_SECONDS, HOLD_LIMIT_SECONDS)
    is_contested: bool = standing.is_contested and block.timestamp <= contest_end
    is_there: bool = standing.state == ITEM_KEPT or standing.state == ITEM_ENDED
    return is_there and not is_contested, 0


@external
@view
@reentrant
def get_batch(batch_id: uint256) -> IKept.KeptBatch:
    """
    @notice What is kept of a batch; all zero if nothing was delivered and nobody held it.
    """
    word: uint256 = self.batches[batch_id]
    item_id: uint256 = word & MASK128
    return IKept.KeptBatch(
        is_delivered=item_id != 0,
        item_id=0 if item_id == NOTHING_KEPT else item_id,
        held_until=word >> 128 & MASK40,
        hold_count=word >> 168 & MASK16,
        check_until=word >> 184,
    )


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _claimed(batch_id: uint256, terms: IJobs.BatchTerms) -> IJobs.Batch:
    """
    @notice A batch under this policy that is CLAIMED and has these terms.
    """
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    assert batch.stage == BATCH_CLAIMED, "not the stage of the batch"
    policy: address = staticcall Linked(ASSURANCES.address).policies(convert(batch.policy, uint256))
    assert policy == self, "batch is under another policy"
    assert keccak256(abi_encode(terms)) == batch.terms_hash, "terms of another batch"
    return batch


@internal
@view
def _check_kept(named: IKept.Named, parts: DynArray[IItems.Part, PARTS_LIMIT], last: uint256):
    """
    @param last The last second in which a game can need the item, if nobody waits for a blob of it: blobs of an item
                that has no keepers are there from the beginning.
    """
    self._check_record(named, parts)
    seconds: uint256 = 0 if named.record.seat_count == 0 else HOLD_LIMIT_SECONDS
    assert named.record.until >= last + seconds, "item ends too early"
    assert self._is_kept(named.item_id), "item is not kept"


@internal
@pure
def _kept_blobs(named: IKept.Named) -> uint256:
    """
    @notice How many blobs of an item a challenger may have to ask keepers for.
    """
    return 0 if named.record.seat_count == 0 else named.record.blob_count


@internal
@view
def _check_record(named: IKept.Named, parts: DynArray[IItems.Part, PARTS_LIMIT]):
    """
    @dev An item is named by its number and by all that it is: after a reorganisation the number may be another's.
    """
    record_hash: bytes32 = (staticcall ITEMS.standing(named.item_id)).record_hash
    assert keccak256(abi_encode(named.record)) == record_hash, "record of another item"
    assert keccak256(abi_encode(parts)) == named.record.parts_hash, "parts of another item"


@internal
@pure
def _check_part(
    parts: DynArray[IItems.Part, PARTS_LIMIT], place: uint256, root: bytes32, depth: uint256
):
    assert place < len(parts), "parts: no such part"
    assert parts[place].root == root and parts[place].depth == depth, "part: of another root"


@internal
@view
def _published_at(challenge_id: uint256) -> uint256:
    """
    @notice When a blob is published at the latest, or when one was, no longer ago than an answer may take: a keeper
            could answer before its challenger has held the batch.
    """
    if staticcall CHALLENGES.challenges(challenge_id) != empty(bytes32):
        return block.timestamp + ANSWER_SECONDS
    published_at: uint256 = (staticcall ITEMS.standing(challenge_id >> 128)).published_at
    assert published_at + ANSWER_SECONDS >= block.timestamp, "challenge is not open"
    return published_at


@internal
@view
def _is_kept(item_id: uint256) -> bool:
    return (staticcall ITEMS.standing(item_id)).state == ITEM_KEPT


@internal
@view
def _is_there(item_id: uint256) -> bool:
    """
    @notice Whether an item is kept, or was there to its end.
    """
    state: uint256 = (staticcall ITEMS.standing(item_id)).state
    return state == ITEM_KEPT or state == ITEM_ENDED


@internal
@view
def _is_input_gone(job_id: uint256, last: uint256, claimed_at: uint256) -> (bool, bool):
    """
    @notice Whether the job's program or input was lost by its keepers, or is not what its registrant said, while a
            game could be opened: later nobody needs it any more. And whether that was so when the claim was made.
    """
    supplied: uint256 = self.supplied[job_id]
    is_gone: bool = False
    was_gone: bool = False
    for item_id: uint256 in [supplied >> 128, supplied & MASK128]:
        if self._is_gone(item_id, last):
            is_gone = True
            was_gone = was_gone or (staticcall ITEMS.standing(item_id)).changed_at < claimed_at
    return is_gone, was_gone


@internal
@view
def _is_gone(item_id: uint256, last: uint256) -> bool:
    """
    @dev Anybody can close an item that is lost; another one that was kept is closed only after its last second.
    """
    standing: IItems.Standing = staticcall ITEMS.standing(item_id)
    is_late: bool = block.timestamp > last and standing.changed_at > last
    return standing.state >= ITEM_STRUCK and standing.state <= ITEM_CLOSED and not is_late


@internal
@view
def _penalty_bps(item_id: uint256, last: uint256, lease_penalty_bps: uint256) -> (uint256, uint256):
    """
    @notice The part of the bond that an operator loses whose outputs are not kept, and the requester's of it. Refuses
            while they are kept, or can still be.
    @dev All of it if what it delivered is not what it claimed. If no keeper has taken its outputs, that may be the
         keepers' doing, so it is as if it had missed its lease, and nobody gains by it. Nothing if they were kept.
    """
    assert item_id != NOTHING_KEPT, "outputs are kept"
    late: uint256 = last
    penalty_bps: uint256 = lease_penalty_bps
    if item_id != 0:
        standing: IItems.Standing = staticcall ITEMS.standing(item_id)
        assert standing.state != ITEM_KEPT and standing.state != ITEM_ENDED, "outputs are kept"
        if standing.state == ITEM_STRUCK:
            return BPS, BPS // 2
        if standing.was_kept:
            late = max(last, standing.changed_at)
            penalty_bps = 0
    assert block.timestamp > late + ACKNOWLEDGE_SECONDS, "outputs may still be kept"
    return penalty_bps, 0


@internal
@pure
def _root_of(leaves: DynArray[IJobs.Leaf, BATCH_LIMIT]) -> bytes32:
    """
    @notice The root of the tree over a batch's leaves (S4.1), of which there are some.
    """
    nodes: bytes32[trees.DEPTH_LIMIT + 1] = empty(bytes32[trees.DEPTH_LIMIT + 1])
    for index: uint256 in range(len(leaves), bound=BATCH_LIMIT):
        node: bytes32 = keccak256(abi_encode(leaves[index]))
        level: uint256 = 0
        for _: uint256 in range(trees.DEPTH_LIMIT):
            if index >> level & 1 == 0:
                break
            node = keccak256(abi_encode(nodes[level], node))
            level = unsafe_add(level, 1)
        nodes[level] = node
    return trees.join(nodes, len(leaves))
