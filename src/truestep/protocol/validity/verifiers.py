"""Entries and proven claims: what Verifiers does, as functions of values (docs/validity.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, TaskId
from truestep.commitments.merkle import pair_tree_levels
from truestep.protocol.settlement import effects, policies
from truestep.protocol.settlement.claims import check_leaf, is_refuted
from truestep.protocol.settlement.contracts import assurances
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import (
    NATIVE,
    NOBODY,
    LeafId,
    batch_of_claim,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.parameters import BPS, DAY_SECONDS
from truestep.protocol.settlement.records import Batch, BatchStage, BatchTerms, Leaf, LeafProof
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import LifeCycle, Turn, with_entry
from truestep.protocol.validity.contracts import verifiers as contract
from truestep.protocol.validity.contracts.verifiers import (
    Add,
    Contradict,
    Drop,
    Entry,
    EntryNumber,
    Prove,
    ProveMany,
    Stop,
    WithdrawTo,
)
from truestep.protocol.validity.state import ClaimProof, KeptEntry, Links, Verifiers
from truestep.protocol.validity.statements import leaf_statement, leaves_statement

SEAL_LIMIT_BYTES = 24_576
"""Proofs of circuits have 16 kB, and some input beside them."""
SELECTOR_SIZE_BYTES = 4
LEAST_BITS, MOST_BITS = 80, 256
"""Less can be broken by somebody with a data centre."""
GAS_LIMIT = 10_000_000
"""A transaction holds 16.7 million (EIP-7825), and the proof's bytes are paid out of it."""
VALUE_CAP_LIMIT_WEI = 2**128
TIME_LIMIT = 2**40
REOPEN_LIMIT_SECONDS = 20 * DAY_SECONDS
"""S7.5 gives a task 120 days for its result: a lease of 30, a window of 45, games of 22, and this."""

Effect = effects.Effect | contract.Event


@dataclass(slots=True, kw_only=True)
class VerifiersTurn:
    """One call while it is applied. `life` is the turn of the protocol's contracts, and has their effects."""

    state: Verifiers
    life: Turn
    links: Links
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


# --- entries --------------------------------------------------------------------------------------


def add(turn: VerifiersTurn, call: Add) -> None:
    """Believe another verifier (V2.2)."""
    entry, entries = call.entry, turn.state.entries
    is_first = turn.sender == turn.links.deployer and not turn.links.is_connected()
    require(turn.sender == turn.life.state.deployment.owner or is_first, Reject.NOT_OWNER)
    require(call.number == len(entries) + 1, Reject.NUMBER_NOT_NEXT)
    selector = turn.links.selector(entry.verifier)
    require(selector is not None, Reject.NO_CONTRACT)
    require(selector == entry.selector, Reject.PROOF_SYSTEM)
    require_bounds(entry, turn.now)
    code_hash = turn.links.code_hash(entry.verifier)
    turn.change(entries=(*entries, KeptEntry(entry=entry, code_hash=code_hash)))
    turn.events.append(contract.Added(number=call.number, entry=entry, code_hash=code_hash))


def require_bounds(entry: Entry, now: int) -> None:
    """Refuse limits that no entry may have (V2.1)."""
    require(LEAST_BITS <= entry.bits <= MOST_BITS, Reject.ENTRY_BITS)
    require(0 < entry.value_cap_wei < VALUE_CAP_LIMIT_WEI, Reject.ENTRY_CAP)
    require(0 <= entry.least_bond_wei <= entry.value_cap_wei, Reject.ENTRY_BOND)
    require(0 < entry.gas_limit <= GAS_LIMIT, Reject.ENTRY_GAS)
    require(max(entry.active_from, now) < entry.active_until < TIME_LIMIT, Reject.ENTRY_TIME)


def stop(turn: VerifiersTurn, call: Stop) -> None:
    """Believe a verifier no longer, at once and for ever (V2.3)."""
    deployment = turn.life.state.deployment
    is_guardian = turn.sender == deployment.guardian and turn.now < deployment.guardian_until
    require(turn.sender == deployment.owner or is_guardian, Reject.NOT_GUARDIAN)
    _stop(turn, call.number)


def contradict(turn: VerifiersTurn, call: Contradict) -> None:
    """Stop the entry by which a claim was proven that has been struck (V4.4)."""
    found = turn.state.proofs.get(call.claim_id)
    if found is None:
        raise Refused(Reject.CLAIM_NOT_PROVEN)
    batch = turn.life.state.batches[batch_of_claim(call.claim_id)]
    require(bool(batch.struck >> leaf_of_claim(call.claim_id) & 1), Reject.CLAIM_STANDS)
    turn.events.append(contract.Contradicted(claim_id=call.claim_id, number=found.number))
    _stop(turn, found.number)


def _stop(turn: VerifiersTurn, number: EntryNumber) -> None:
    kept = entry_of(turn.state, number)
    require(not kept.stopped_at, Reject.ENTRY_STOPPED)
    entries = list(turn.state.entries)
    entries[number - 1] = replace(kept, stopped_at=turn.now)
    turn.change(entries=tuple(entries), last_stopped_at=turn.now)
    turn.events.append(contract.Stopped(number=number, caller=turn.sender))


def entry_of(state: Verifiers, number: EntryNumber) -> KeptEntry:
    """The entry of a number; refuses one that there is not."""
    require(0 < number <= len(state.entries), Reject.ENTRY_UNKNOWN)
    return state.entries[number - 1]


# --- claims ---------------------------------------------------------------------------------------


def prove(turn: VerifiersTurn, call: Prove) -> None:
    """Prove a claim, which is final for consumers at once (V4.1)."""
    claim_id, proof = call.claim_id, call.proof
    leaf_bit = 1 << leaf_of_claim(claim_id)
    batch, _ = _provable(turn, claim_id, leaf_bit)
    life = turn.life.state
    task_id = check_leaf(life, claim_id, call.terms, proof)
    require(not is_refuted(proof.work, proof.leaf, b""), Reject.LEAF_SHAPE)
    deployment = life.deployment
    statement = leaf_statement(
        deployment.chain_id, deployment.jobs, task_id, proof.work, proof.job_terms, proof.leaf
    )
    require_usable(turn.state, life, call.number, proof, turn.now)
    _require_proof(turn, call, statement)
    open_until = _mark(turn, claim_id, batch, call.terms, leaf_bit)
    _keep(turn, claim_id, task_id, call.number, statement, open_until)


def prove_many(turn: VerifiersTurn, call: ProveMany) -> None:
    """Prove the claims of shards of a job that follow one another in a batch (V4.7)."""
    claim_id, proof, leaves = call.claim_id, call.proof, (call.proof.leaf, *call.others)
    first, count = leaf_of_claim(claim_id), len(leaves)
    is_subtree = count > 1 and count.bit_count() == 1 and first % count == 0
    require(is_subtree, Reject.CLAIMS_NO_SUBTREE)
    batch, fresh = _provable(turn, claim_id, ((1 << count) - 1) << first)
    life = turn.life.state
    task_id = check_leaf(life, claim_id, call.terms, proof)
    _require_others(batch, first, proof, leaves)
    deployment = life.deployment
    statement = leaves_statement(
        deployment.chain_id, deployment.jobs, task_id, proof.work, proof.job_terms, leaves
    )
    require_usable(turn.state, life, call.number, proof, turn.now)
    _require_proof(turn, call, statement)
    open_until = _mark(turn, claim_id, batch, call.terms, fresh)
    for index in range(count):
        if fresh >> (first + index) & 1:
            own, task = LeafId(claim_id + index), TaskId(task_id + index)
            _keep(turn, own, task, call.number, statement, open_until)


def _provable(turn: VerifiersTurn, claim_id: LeafId, leaves: int) -> tuple[Batch, int]:
    """The batch of claims, a bit each, and those that stand and are not proven. Refuses if there are none."""
    batch_id = batch_of_claim(claim_id)
    batch = turn.life.state.batches.get(batch_id)
    if batch is None or batch.stage is not BatchStage.CLAIMED or not leaves & ~batch.struck:
        raise Refused(Reject.CLAIM_NOT_STANDING)
    _require_own(turn, batch)
    require(turn.now <= batch.until, Reject.PROOF_LATE)
    fresh = leaves & ~batch.struck & ~turn.state.proven.get(batch_id, 0)
    require(bool(fresh), Reject.CLAIM_PROVEN)
    return batch, fresh


def _require_others(batch: Batch, first: int, proof: LeafProof, leaves: tuple[Leaf, ...]) -> None:
    """Refuse leaves that are not those behind the first one, or of another job."""
    last = first + len(leaves) - 1
    require(unpack_item(proof.item).has_leaf(last), Reject.ITEM_OTHER_LEAF)
    require(last < batch.leaf_count, Reject.LEAF_UNKNOWN)
    require(not is_refuted(proof.work, proof.leaf, b""), Reject.LEAF_SHAPE)
    start, level = 1, 0
    while start < len(leaves):
        part = leaves[start : 2 * start]
        require(not any(is_refuted(proof.work, leaf, b"") for leaf in part), Reject.LEAF_SHAPE)
        root = pair_tree_levels([hash_struct(leaf) for leaf in part], level)[-1][0]
        require(root == proof.leaf_path[level], Reject.LEAF_PROOF)
        start, level = 2 * start, level + 1


def _mark(turn: VerifiersTurn, claim_id: LeafId, batch: Batch, terms: BatchTerms, leaves: int) -> int:
    """Keep that these leaves are proven; the last second in which a game may be opened on the batch."""
    batch_id = batch_of_claim(claim_id)
    open_until = max(batch.until, turn.now + min(terms.window_seconds, REOPEN_LIMIT_SECONDS))
    proven = turn.state.proven.get(batch_id, 0) | leaves
    turn.change(
        proven=with_entry(turn.state.proven, batch_id, proven),
        reopened_until=with_entry(turn.state.reopened_until, batch_id, open_until),
    )
    return open_until


def _keep(
    turn: VerifiersTurn,
    claim_id: LeafId,
    task_id: TaskId,
    number: EntryNumber,
    statement: Bytes32,
    open_until: int,
) -> None:
    """Keep by which entry a claim was proven, and how many games the proof ends."""
    game_count = turn.links.game_count(claim_id)
    found = ClaimProof(number=number, game_count=game_count, task_id=task_id)
    turn.change(proofs=with_entry(turn.state.proofs, claim_id, found))
    turn.events.append(
        contract.Proven(
            claim_id=claim_id,
            task_id=task_id,
            number=number,
            statement=statement,
            game_count=game_count,
            open_until=open_until,
        )
    )


def require_usable(
    state: Verifiers, life: LifeCycle, number: EntryNumber, proof: LeafProof, now: int
) -> None:
    """Refuse an entry that may not prove this claim (V2.4)."""
    kept, work, terms = entry_of(state, number), proof.work, proof.job_terms
    entry = kept.entry
    require(not kept.stopped_at, Reject.ENTRY_STOPPED)
    require(now >= entry.active_from, Reject.ENTRY_EARLY)
    require(now <= entry.active_until, Reject.ENTRY_EXPIRED)
    named = program_hash(work)
    require(entry.program_hash in (bytes(32), named), Reject.ENTRY_OTHER_PROGRAM)
    value_wei = life.parameters[terms.parameters_id - 1].operator_bond_wei * terms.bond_multiple
    require(value_wei >= entry.least_bond_wei, Reject.CLAIM_BOND)
    if terms.asset == NATIVE:
        value_wei += life.jobs[unpack_item(proof.item).job_id].reward
    require(value_wei <= entry.value_cap_wei, Reject.CLAIM_VALUE)


def _require_proof(turn: VerifiersTurn, call: Prove | ProveMany, statement: Bytes32) -> None:
    """Ask the entry's verifier (V2.5)."""
    kept, seal = entry_of(turn.state, call.number), call.seal
    require(seal[:SELECTOR_SIZE_BYTES] == kept.entry.selector, Reject.PROOF_SYSTEM)
    verifier = kept.entry.verifier
    require(turn.links.code_hash(verifier) == kept.code_hash, Reject.VERIFIER_CHANGED)
    require(turn.links.verify(verifier, kept.entry.key_digest, statement, seal), Reject.PROOF_REFUSED)


def drop(turn: VerifiersTurn, call: Drop) -> None:
    """Strike a leaf that nobody has proven in time (V4.6)."""
    batch_id = batch_of_claim(call.claim_id)
    batch = turn.life.state.batches.get(batch_id)
    if batch is None or batch.stage not in (BatchStage.CLAIMED, BatchStage.FINAL):
        raise Refused(Reject.CLAIM_NOT_STANDING)
    require(turn.now > batch.until, Reject.PROOF_EARLY)
    is_proven = turn.state.proven.get(batch_id, 0) >> leaf_of_claim(call.claim_id) & 1
    require(not is_proven, Reject.CLAIM_PROVEN)
    is_seized = turn.state.last_stopped_at + call.terms.window_seconds < batch.until
    strike = assurances.Strike(
        claim_id=call.claim_id, terms=call.terms, proof=call.proof, is_seized=is_seized
    )
    message = Message(sender=turn.links.verifiers, now=turn.now, call=strike)
    inner = Turn(state=turn.life.state, message=message, held=turn.life.held, effects=turn.life.effects)
    policies.strike(inner, strike)
    turn.life.state = inner.state
    rules = turn.life.state.parameters[batch.parameters_id - 1]
    bond_wei = rules.operator_bond_wei * call.proof.job_terms.bond_multiple
    penalty_wei = bond_wei * rules.lease_penalty_bps // BPS if is_seized else 0
    if is_seized:
        owed_wei = turn.state.credits.get(batch.operator, 0) + bond_wei - penalty_wei
        turn.change(
            credits=with_entry(turn.state.credits, batch.operator, owed_wei),
            burned_wei=turn.state.burned_wei + penalty_wei,
        )
    task_id = unpack_item(call.proof.item).task(leaf_of_claim(call.claim_id))
    turn.events.append(contract.Dropped(claim_id=call.claim_id, task_id=task_id, penalty_wei=penalty_wei))


def withdraw_to(turn: VerifiersTurn, call: WithdrawTo) -> None:
    """Send all that the sender is owed."""
    amount_wei = turn.state.credits.get(turn.sender, 0)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    require(amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    turn.change(credits=with_entry(turn.state.credits, turn.sender, 0))
    turn.events.append(contract.Withdrawn(account=turn.sender, receiver=call.receiver, amount_wei=amount_wei))
    require(turn.life.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    turn.life.transfer(NATIVE, turn.links.verifiers, call.receiver, amount_wei)


def _require_own(turn: VerifiersTurn, batch: Batch) -> None:
    """Refuse a batch of jobs that have not chosen this policy."""
    policy = turn.life.state.deployment.policies[batch.policy]
    require(policy.contract == turn.links.verifiers, Reject.POLICY_OTHER)


HANDLERS: Mapping[type, Callable[[VerifiersTurn, Any], None]] = {
    Add: add,
    Stop: stop,
    Contradict: contradict,
    Prove: prove,
    ProveMany: prove_many,
    Drop: drop,
    WithdrawTo: withdraw_to,
}


def apply_verifiers(
    state: Verifiers, life: Turn, links: Links
) -> tuple[Verifiers, LifeCycle, tuple[Effect, ...]]:
    """The states after a call of Verifiers, the message of `life`; raises Refused if nothing changes."""
    require(life.message.value_wei == 0, Reject.WRONG_VALUE)
    turn = VerifiersTurn(state=state, life=life, links=links)
    HANDLERS[type(life.message.call)](turn, life.message.call)
    return turn.state, turn.life.state, (*turn.life.effects, *turn.events)
