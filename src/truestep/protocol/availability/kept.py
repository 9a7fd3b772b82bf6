"""Kept: nothing is final whose program, inputs and outputs are not kept (docs/availability.md A5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from truestep.availability.parts import Part, parts_hash
from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.commitments.merkle import climb
from truestep.protocol.availability.contracts import kept as contract
from truestep.protocol.availability.contracts.items import ItemState, Standing
from truestep.protocol.availability.contracts.kept import (
    BatchHold,
    Deliver,
    Delivered,
    Doomed,
    Fail,
    Failed,
    Held,
    Hold,
    HoldForDemand,
    HoldSettled,
    Named,
    SettleHold,
    Supplied,
    Supply,
    WithdrawTo,
)
from truestep.protocol.availability.ids import (
    ChallengeId,
    ChallengeKind,
    ItemId,
    item_of_demand,
    unpack_challenge,
)
from truestep.protocol.availability.kept_state import NOTHING_KEPT, Kept, Links
from truestep.protocol.settlement import effects, operators, policies
from truestep.protocol.settlement.claims import check_leaf, is_accepted
from truestep.protocol.settlement.contracts import assurances
from truestep.protocol.settlement.encoding import encode, hash_struct
from truestep.protocol.settlement.ids import (
    NATIVE,
    NOBODY,
    Role,
    batch_of_claim,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.jobs import digest_of
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.parameters import BPS, DAY_SECONDS, Parameters
from truestep.protocol.settlement.records import Batch, BatchStage, BatchTerms, Leaf
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import LifeCycle, Turn, with_entry
from truestep.protocol.settlement.trees import claims_root, item_leaf

PROGRAM_DEPTH, RANGE_DEPTH = 26, 24
GAME_CLOCKS = 8
"""A game takes at most as many clocks, with a sponsor's (S6.6, S6.8)."""
HOLD_LIMIT_SECONDS = 20 * DAY_SECONDS
"""S7.5 gives a task 120 days for its result: a lease of 30, a window of 45, games of 22, and this."""
HOLD_DOUBLINGS_LIMIT = 4
CONTEST_ANSWERS = 12
"""The longest descent to a leaf has five answers and as many picks (A4.6)."""
OUTPUT_SECONDS = 60 * DAY_SECONDS
"""Outputs are kept so long after the window: longer than anything can put off the end of the batch."""
BLOB_OUTPUT_SECONDS = 7 * DAY_SECONDS
"""And so long if they are in blobs of a transaction: for whoever wants them."""
FAIL_GAS = 300_000
LEAST_FAIL_GAS = 50_000
"""What it costs at least, of many in one transaction: nobody must gain by withholding what others need."""
HOLDS_LIMIT = 2**16 - 1
THERE = (ItemState.KEPT, ItemState.ENDED)
GONE = (ItemState.STRUCK, ItemState.LOST, ItemState.CLOSED)


Effect = effects.Effect | contract.Event


@dataclass(slots=True, kw_only=True)
class KeptTurn:
    """One call while it is applied. `life` is the turn of the protocol's contracts, and has all effects."""

    state: Kept
    life: Turn
    links: Links
    base_fee_wei: int
    events: list[contract.Event] = field(default_factory=list[contract.Event])

    @property
    def sender(self) -> Address:
        """Who calls."""
        return self.life.message.sender

    @property
    def now(self) -> int:
        """The block's second."""
        return self.life.message.now

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **fields)

    def put_batch(self, batch_id: BatchId, **fields: Any) -> None:
        """Change what is kept of a batch."""
        changed = replace(self.state.batch(batch_id), **fields)
        self.change(batches=with_entry(self.state.batches, batch_id, changed))

    def credit(self, account: Address, amount_wei: int) -> None:
        """Owe an account more."""
        if amount_wei:
            owed_wei = self.state.credits.get(account, 0) + amount_wei
            self.change(credits=with_entry(self.state.credits, account, owed_wei))

    def burn(self, amount_wei: int) -> None:
        """Keep coins for ever."""
        self.change(burned_wei=self.state.burned_wei + amount_wei)

    def as_kept(self, call: object) -> Turn:
        """A turn in which Kept makes a call of Assurances, with the effects so far."""
        message = Message(sender=self.links.kept, now=self.now, call=call)
        return Turn(state=self.life.state, message=message, held=self.life.held, effects=self.life.effects)


# --- what jobs and batches depend on --------------------------------------------------------------


def supply(turn: KeptTurn, call: Supply) -> None:
    """Let a job be taken whose program and input are kept for as long as a game can need them (A5.1)."""
    life, work, terms = turn.life.state, call.work, call.terms
    require(turn.sender == terms.requester, Reject.NOT_REQUESTER)
    require(terms.reducer_of == 0 or work.input_size != 0, Reject.JOB_WAITS)
    rules = _rules(life, terms.parameters_id)
    job = life.jobs.get(call.job_id)
    deadline = job.deadline if job is not None else 0
    last = deadline + terms.window_seconds + GAME_CLOCKS * rules.clock_seconds
    for named, parts, root, depth in (
        (call.program, call.program_parts, work.image_root, PROGRAM_DEPTH),
        (call.input, call.input_parts, work.input_root, RANGE_DEPTH),
    ):
        standing = _stated_item(turn, named, parts)
        hold_seconds = HOLD_LIMIT_SECONDS if named.record.seat_count else 0
        require(named.record.until >= last + hold_seconds, Reject.DATA_ENDS_EARLY)
        require(standing.state == ItemState.KEPT, Reject.DATA_NOT_KEPT)
        _require_part(parts, named.part, root, depth)
    reward_wei = rules.operator_bond_wei * terms.bond_multiple * rules.winner_share_bps // BPS
    records = call.program.record, call.input.record
    blob_count = sum(record.blob_count for record in records if record.seat_count)
    require(blob_count * turn.links.blob_bond_wei <= reward_wei, Reject.DATA_BOND)
    items = call.program.item_id, call.input.item_id
    turn.change(supplied=with_entry(turn.state.supplied, call.job_id, items))
    turn.events.append(Supplied(job_id=call.job_id, program_item=items[0], input_item=items[1]))
    digest = digest_of(life.deployment, call.job_id, work, terms)
    inner = turn.as_kept(None)
    policies.supply(inner, assurances.Supply(job_id=call.job_id, job_digest=digest))
    turn.life.state = inner.state


def deliver(turn: KeptTurn, call: Deliver) -> None:
    """Name the item that holds a batch's outputs (A5.2)."""
    batch = _claimed_batch(turn, call.batch_id, call.terms)
    may_claim = operators.has_role(turn.life.state, batch.operator, turn.sender, Role.CLAIM)
    require(may_claim, Reject.NO_ROLE)
    words = [part for leaf in call.claimed for part in (encode(leaf.head), leaf.output_root, leaf.left_root)]
    is_right = bool(call.claimed) and claims_root(words) == call.terms.claims_root
    require(is_right and len(call.claimed) == batch.leaf_count, Reject.LEAF_PROOF)
    before = turn.state.batch(call.batch_id).item_id
    is_kept = before == NOTHING_KEPT or (before and turn.links.standing(before).state in THERE)
    require(not is_kept, Reject.OUTPUTS_KEPT)
    item_id, check_until = call.outputs.item_id, 0
    if item_id:
        standing = _stated_item(turn, call.outputs, call.parts)
        record = call.outputs.record
        seconds = OUTPUT_SECONDS if record.seat_count else BLOB_OUTPUT_SECONDS
        if record.seat_count == 0 and record.blob_count:
            check_until = turn.now + turn.links.acknowledge_seconds
        require(record.until >= max(batch.until + seconds, check_until), Reject.DATA_ENDS_EARLY)
        require(standing.state in (ItemState.REGISTERED, ItemState.KEPT), Reject.DATA_STATE)
    else:
        require(not call.parts, Reject.PARTS_OTHER)
    for index, leaf in enumerate(call.claimed):
        if needs_output(leaf) and not batch.struck >> index & 1:
            require(index < len(call.places), Reject.PART_UNKNOWN)
            _require_part(call.parts, call.places[index], leaf.output_root, RANGE_DEPTH)
    turn.put_batch(call.batch_id, item_id=item_id or NOTHING_KEPT, check_until=check_until)
    turn.events.append(Delivered(batch_id=call.batch_id, item_id=item_id, check_until=check_until))


def needs_output(leaf: Leaf) -> bool:
    """Whether the output of a leaf must be kept (A5.2)."""
    return is_accepted(leaf) and leaf.output_size != 0


# --- more time for those who got the data late ----------------------------------------------------


def hold(turn: KeptTurn, call: Hold) -> None:
    """Let games be opened on a batch for longer, for somebody who waits for a blob (A5.4)."""
    _check_depends(turn, call, unpack_challenge(call.challenge_id).item_id)
    require(unpack_challenge(call.challenge_id).kind == ChallengeKind.BLOB, Reject.HOLD_NOT_BLOB)
    until = _published_at(turn, call.challenge_id) + call.terms.window_seconds
    _hold(turn, call.batch_id, until, call.challenge_id)


def hold_for_demand(turn: KeptTurn, call: HoldForDemand) -> None:
    """Let a batch wait while a demand for the tree of a program or an input of it is open (A5.4)."""
    _check_depends(turn, call, item_of_demand(call.demand_id))
    require(turn.links.is_demanded(call.demand_id), Reject.DEMAND_UNKNOWN)
    until = turn.now + CONTEST_ANSWERS * turn.links.answer_seconds
    _hold(turn, call.batch_id, until, call.demand_id)


def _check_depends(turn: KeptTurn, call: Hold | HoldForDemand, named: ItemId) -> None:
    """Refuse an item of data that is neither program nor input of the job of this item of the batch."""
    _claimed_batch(turn, call.batch_id, call.terms)
    item = unpack_item(call.item)
    life = turn.life.state
    job = life.jobs.get(item.job_id)
    digest = job.digest if job is not None else Bytes32(bytes(32))
    root = climb(item_leaf(call.item, digest), call.item_index, call.item_path)
    require(root == call.terms.tasks_root, Reject.ITEM_PROOF)
    require(named in turn.state.supplied.get(item.job_id, ()), Reject.HOLD_OTHER_ITEM)


def _hold(turn: KeptTurn, batch_id: BatchId, wanted: int, challenge_id: int) -> None:
    """Hold a batch until this second, for the bond that came with the call."""
    kept, batch = turn.state.batch(batch_id), turn.life.state.batches[batch_id]
    last = max(batch.until, kept.held_until)
    require(turn.now <= last, Reject.WINDOW_OVER)
    until = min(wanted, batch.until + HOLD_LIMIT_SECONDS)
    require(until > last, Reject.HOLD_NO_LONGER)
    ordinal = kept.hold_count + 1
    require(ordinal <= HOLDS_LIMIT, Reject.HOLDS_LIMIT)
    rules = _rules(turn.life.state, batch.parameters_id)
    bond_wei = rules.challenger_bond_wei << min(kept.hold_count, HOLD_DOUBLINGS_LIMIT)
    value_wei = turn.life.message.value_wei
    require(value_wei >= bond_wei, Reject.WRONG_VALUE)
    turn.life.receive_coins(turn.links.kept)
    turn.credit(turn.sender, value_wei - bond_wei)
    turn.put_batch(batch_id, held_until=until, hold_count=ordinal)
    made = BatchHold(holder=turn.sender, bond_wei=bond_wei)
    turn.change(holds=with_entry(turn.state.holds, (batch_id, ordinal), made))
    turn.events.append(
        Held(
            batch_id=batch_id,
            ordinal=ordinal,
            until=until,
            challenge_id=ChallengeId(challenge_id),
            hold=made,
        )
    )


def _published_at(turn: KeptTurn, challenge_id: ChallengeId) -> int:
    """When a blob is published at the latest, or when one was, no longer ago than an answer may take."""
    if turn.links.is_challenged(challenge_id):
        return turn.now + turn.links.answer_seconds
    published_at = turn.links.standing(unpack_challenge(challenge_id).item_id).published_at
    require(published_at + turn.links.answer_seconds >= turn.now, Reject.CHALLENGE_UNKNOWN)
    return published_at


def settle_hold(turn: KeptTurn, call: SettleHold) -> None:
    """Return the bond of a hold if a leaf was struck, and burn it once the batch is final (A5.4)."""
    key = call.batch_id, call.ordinal
    require(turn.state.holds.get(key) == call.hold, Reject.HOLD_OTHER)
    batch = turn.life.state.batches[call.batch_id]
    is_returned = batch.struck != 0
    is_final = batch.stage is BatchStage.FINAL and turn.life.held(call.batch_id) == 0
    require(is_returned or is_final, Reject.HOLD_UNDECIDED)
    turn.change(holds={each: held for each, held in turn.state.holds.items() if each != key})
    if is_returned:
        turn.credit(call.hold.holder, call.hold.bond_wei)
    else:
        turn.burn(call.hold.bond_wei)
    turn.events.append(HoldSettled(batch_id=key[0], ordinal=key[1], is_returned=is_returned))


# --- data that is gone ----------------------------------------------------------------------------


def fail(turn: KeptTurn, call: Fail) -> None:
    """Strike a leaf whose batch cannot be due, because data is not there (A5.5)."""
    batch_id, proof = batch_of_claim(call.claim_id), call.proof
    batch = _claimed_batch(turn, batch_id, call.terms)
    job_id = unpack_item(proof.item).job_id
    rules = _rules(turn.life.state, batch.parameters_id)
    claim = FailingClaim(batch_id=batch_id, until=batch.until, job_id=job_id, now=turn.now)
    penalty_bps, requester_bps = penalties(turn.state, turn.links, claim, rules.lease_penalty_bps)
    if turn.life.held(batch_id) >> leaf_of_claim(call.claim_id) & 1 and is_input_gone(
        turn.state, turn.links, claim
    ):
        _doom(turn, batch_id, call)
        return
    price_wei = min(turn.base_fee_wei, rules.gas_price_cap_wei)
    claimed_at = batch.until - batch.terms.window_seconds
    gone_wei = LEAST_FAIL_GAS * price_wei if _was_input_gone(turn.state, turn.links, claim, claimed_at) else 0
    is_seized = bool(penalty_bps or gone_wei)
    strike = assurances.Strike(claim_id=call.claim_id, terms=call.terms, proof=proof, is_seized=is_seized)
    inner = turn.as_kept(None)
    policies.strike(inner, strike)
    turn.life.state = inner.state
    bond_wei = rules.operator_bond_wei * proof.job_terms.bond_multiple
    penalty_wei = min(gone_wei + bond_wei * penalty_bps // BPS, bond_wei)
    requester_wei = bond_wei * requester_bps // BPS
    gas = FAIL_GAS if requester_bps else LEAST_FAIL_GAS
    caller_wei = min(gas * price_wei, penalty_wei - requester_wei)
    if is_seized:
        turn.credit(batch.operator, bond_wei - penalty_wei)
        turn.credit(proof.job_terms.requester, requester_wei)
        turn.credit(turn.sender, caller_wei)
        turn.burn(penalty_wei - requester_wei - caller_wei)
    turn.events.append(
        Failed(
            claim_id=call.claim_id,
            task_id=unpack_item(proof.item).task(leaf_of_claim(call.claim_id)),
            caller=turn.sender,
            penalty_wei=penalty_wei,
            requester_wei=requester_wei,
            caller_wei=caller_wei,
        )
    )


def _doom(turn: KeptTurn, batch_id: BatchId, call: Fail) -> None:
    """Note a leaf with an open game, so that its batch does not end before the leaf has fallen."""
    doomed, leaf_bit = turn.state.batch(batch_id).doomed, 1 << leaf_of_claim(call.claim_id)
    require(not doomed & leaf_bit, Reject.LEAF_HELD)
    check_leaf(turn.life.state, call.claim_id, call.terms, call.proof)
    turn.put_batch(batch_id, doomed=doomed | leaf_bit)
    turn.events.append(Doomed(claim_id=call.claim_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingClaim:
    """A leaf of a CLAIMED batch of which data may be gone."""

    batch_id: BatchId
    until: int
    """The end of the batch's window."""
    job_id: JobId
    now: int


def penalties(state: Kept, links: Links, claim: FailingClaim, lease_penalty_bps: int) -> tuple[int, int]:
    """The part of a leaf's bond that is lost because data is gone, and the requester's of it (A5.5).

    Refused while all of it is there, or can be.
    """
    if is_input_gone(state, links, claim):
        return 0, 0
    kept = state.batch(claim.batch_id)
    last = max(claim.until, kept.held_until)
    return _penalty_bps(links, kept.item_id, last, claim.now, lease_penalty_bps)


def is_input_gone(state: Kept, links: Links, claim: FailingClaim) -> bool:
    """Whether the job's program or input was lost or struck while a game could be opened."""
    last = max(claim.until, state.batch(claim.batch_id).held_until)
    return bool(_gone_inputs(state, links, claim, last))


def _was_input_gone(state: Kept, links: Links, claim: FailingClaim, claimed_at: int) -> bool:
    """Whether one of them was gone already when the claim was made (A5.5)."""
    last = max(claim.until, state.batch(claim.batch_id).held_until)
    return any(each.changed_at < claimed_at for each in _gone_inputs(state, links, claim, last))


def _gone_inputs(state: Kept, links: Links, claim: FailingClaim, last: int) -> list[Standing]:
    """Those of program and input that are gone and were needed then.

    Anybody can close an item that is lost; another one that was kept is closed only after its last second.
    """
    standings = map(links.standing, state.supplied.get(claim.job_id, ()))
    return [
        standing
        for standing in standings
        if standing.state in GONE and (claim.now <= last or standing.changed_at <= last)
    ]


def _penalty_bps(
    links: Links, item_id: ItemId, last: int, now: int, lease_penalty_bps: int
) -> tuple[int, int]:
    """The part of the bond that is lost, and the requester's; refuses while the outputs are kept, or can be.

    All of it if what was delivered is not what was claimed; if no keeper has taken the outputs, what a missed
    lease costs, and nobody gains by it; nothing if they were kept.
    """
    require(item_id != NOTHING_KEPT, Reject.OUTPUTS_KEPT)
    late, penalty_bps = last, lease_penalty_bps
    if item_id:
        standing = links.standing(item_id)
        require(standing.state not in THERE, Reject.OUTPUTS_KEPT)
        if standing.state == ItemState.STRUCK:
            return BPS, BPS // 2
        if standing.was_kept:
            late, penalty_bps = max(last, standing.changed_at), 0
    require(now > late + links.acknowledge_seconds, Reject.OUTPUTS_AWAITED)
    return penalty_bps, 0


def withdraw_to(turn: KeptTurn, call: WithdrawTo) -> None:
    """Send all that the sender is owed."""
    amount_wei = turn.state.credits.get(turn.sender, 0)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    require(amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    turn.change(credits=with_entry(turn.state.credits, turn.sender, 0))
    turn.events.append(contract.Withdrawn(account=turn.sender, receiver=call.receiver, amount_wei=amount_wei))
    require(turn.life.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    turn.life.transfer(NATIVE, turn.links.kept, call.receiver, amount_wei)


# --- shared ---------------------------------------------------------------------------------------


def _rules(life: LifeCycle, parameters_id: int) -> Parameters:
    require(0 < parameters_id <= len(life.parameters), Reject.PARAMETERS_UNKNOWN)
    return life.parameters[parameters_id - 1]


def _claimed_batch(turn: KeptTurn, batch_id: BatchId, terms: BatchTerms) -> Batch:
    """A batch under this policy that is CLAIMED and has these terms."""
    life = turn.life.state
    batch = life.batches.get(batch_id)
    if batch is None or batch.stage is not BatchStage.CLAIMED:
        raise Refused(Reject.BATCH_STAGE)
    is_own = life.deployment.policies[batch.policy].contract == turn.links.kept
    require(is_own, Reject.POLICY_OTHER)
    require(terms == batch.terms, Reject.BATCH_TERMS_OTHER)
    return batch


def _stated_item(turn: KeptTurn, named: Named, parts: tuple[Part, ...]) -> Standing:
    """How an item stands that has this record and these parts; refuses others (S1.9)."""
    standing = turn.links.standing(named.item_id)
    require(hash_struct(named.record) == standing.record_hash, Reject.RECORD_OTHER)
    require(parts_hash(parts) == named.record.parts_hash, Reject.PARTS_OTHER)
    return standing


def _require_part(parts: tuple[Part, ...], place: int, root: Bytes32, depth: int) -> None:
    """One part is all: what no part of the item holds of its tree is zero, or the item is struck (A1.2)."""
    require(place < len(parts), Reject.PART_UNKNOWN)
    require((parts[place].root, parts[place].depth) == (root, depth), Reject.PART_OTHER_ROOT)


HANDLERS: Mapping[type, Callable[[KeptTurn, Any], None]] = {
    Supply: supply,
    Deliver: deliver,
    Hold: hold,
    HoldForDemand: hold_for_demand,
    SettleHold: settle_hold,
    Fail: fail,
    WithdrawTo: withdraw_to,
}


def apply_kept(
    state: Kept, life: Turn, links: Links, base_fee_wei: int
) -> tuple[Kept, LifeCycle, tuple[Effect, ...]]:
    """The states after a call of Kept, the message of `life`; raises Refused if nothing changes."""
    call = life.message.call
    require(life.message.value_wei == 0 or isinstance(call, Hold | HoldForDemand), Reject.WRONG_VALUE)
    turn = KeptTurn(state=state, life=life, links=links, base_fee_wei=base_fee_wei)
    HANDLERS[type(call)](turn, call)
    return turn.state, turn.life.state, (*turn.life.effects, *turn.events)
