"""Calls are rehearsed on the pure model before they are sent, so that refusals are those of the contracts."""

from collections.abc import Iterable
from dataclasses import dataclass

from truestep.availability.encoding import EncodedBlob
from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.audits.audits import apply_audits
from truestep.protocol.availability.kept import apply_kept
from truestep.protocol.bisection import split_root
from truestep.protocol.lots.lots import apply_lots
from truestep.protocol.quorum.quorums import apply_quorums
from truestep.protocol.settlement import games
from truestep.protocol.settlement.apply import apply
from truestep.protocol.settlement.contracts.disputes import Game, GameStage
from truestep.protocol.settlement.dispute_apply import apply_dispute
from truestep.protocol.settlement.disputes import ROOT_SHIFT, Disputes, GameMessage, Proved, node_of
from truestep.protocol.settlement.facts.judging import (
    audit_links,
    audits_of,
    judging,
    links_of,
    lot_links,
    lots_of,
    proof_links,
    quorum_links,
    quorums_of,
    verifiers_of,
)
from truestep.protocol.settlement.facts.records import Facts, KnownSplit
from truestep.protocol.settlement.games import NodeSplit
from truestep.protocol.settlement.ids import (
    LeafGameId,
    LeafId,
    batch_of_claim,
    claim_of,
    job_of_item,
    leaf_of_claim,
)
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import LifeCycle, Turn
from truestep.protocol.validity.verifiers import apply_verifiers


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who wants to make a call, and the time at which it will be executed."""

    account: Address
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A call that can be made, and the native coins to send with it."""

    call: object
    """One of the calls in `contracts`."""
    value_wei: int = 0
    blobs: tuple[EncodedBlob, ...] = ()
    """To be published in its transaction."""


Answer = Ready | Reject
"""What a builder says: the call, or why it cannot be made now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a call is about besides what its caller owns."""

    jobs: frozenset[JobId] = frozenset()
    batches: frozenset[BatchId] = frozenset()


def scope_of(facts: Facts, *batch_ids: BatchId, jobs: Iterable[JobId] = ()) -> Scope:
    """Batches with their jobs, and other jobs."""
    found = set(jobs)
    for batch_id in batch_ids:
        known = facts.batches.get(batch_id)
        if known is not None:
            found |= set(map(job_of_item, known.batch.items))
    return Scope(jobs=frozenset(found), batches=frozenset(batch_ids))


def prepared(facts: Facts, caller: Caller, scope: Scope, call: object, value_wei: int = 0) -> Answer:
    """A call of any contract but Disputes, if the contracts would accept it."""
    message = Message(sender=caller.account, now=caller.now, call=call, value_wei=value_wei)
    try:
        apply(_life(facts, scope), message, lambda batch_id: open_leaves(facts, batch_id))
    except Refused as refused:
        return refused.reason
    return Ready(call=call, value_wei=value_wei)


def prepared_kept(facts: Facts, caller: Caller, scope: Scope, call: object, value_wei: int = 0) -> Answer:
    """A call of Kept, if it would accept it."""
    if facts.keeping is None:
        return Reject.POLICY_UNKNOWN
    message = Message(sender=caller.account, now=caller.now, call=call, value_wei=value_wei)
    try:
        life = Turn(state=_life(facts, scope), message=message, held=lambda each: open_leaves(facts, each))
        apply_kept(facts.kept, life, links_of(facts, facts.keeping), base_fee_wei=0)
    except Refused as refused:
        return refused.reason
    return Ready(call=call, value_wei=value_wei)


def prepared_proof(facts: Facts, caller: Caller, scope: Scope, call: object) -> Answer:
    """A call of Verifiers, if it would accept it. Whether a proof holds, only its verifier knows."""
    if facts.proving is None:
        return Reject.POLICY_UNKNOWN
    message = Message(sender=caller.account, now=caller.now, call=call)
    try:
        life = Turn(state=_life(facts, scope), message=message, held=lambda each: open_leaves(facts, each))
        apply_verifiers(verifiers_of(facts), life, proof_links(facts, facts.proving))
    except Refused as refused:
        return refused.reason
    return Ready(call=call)


def prepared_quorum(facts: Facts, caller: Caller, scope: Scope, call: object, value_wei: int = 0) -> Answer:
    """A call of Quorums, if it would accept it. Whether there is a seed, only the chain knows."""
    if facts.seating is None:
        return Reject.POLICY_UNKNOWN
    message = Message(sender=caller.account, now=caller.now, call=call, value_wei=value_wei)
    try:
        life = Turn(state=_life(facts, scope), message=message, held=lambda each: open_leaves(facts, each))
        apply_quorums(quorums_of(facts), life, quorum_links(facts, facts.seating))
    except Refused as refused:
        return refused.reason
    return Ready(call=call, value_wei=value_wei)


def prepared_lots(facts: Facts, caller: Caller, scope: Scope, call: object) -> Answer:
    """A call of Lots that draws nothing, if it would accept it."""
    if facts.dealing is None:
        return Reject.POLICY_UNKNOWN
    message = Message(sender=caller.account, now=caller.now, call=call)
    try:
        life = Turn(state=_life(facts, scope), message=message, held=lambda each: open_leaves(facts, each))
        apply_lots(lots_of(facts), life, lot_links(facts.dealing))
    except Refused as refused:
        return refused.reason
    return Ready(call=call)


def prepared_audit(facts: Facts, caller: Caller, scope: Scope, call: object, value_wei: int = 0) -> Answer:
    """A call of Audits that draws nothing, if it would accept it."""
    if facts.auditing is None:
        return Reject.POLICY_UNKNOWN
    message = Message(sender=caller.account, now=caller.now, call=call, value_wei=value_wei)
    try:
        life = Turn(state=_life(facts, scope), message=message, held=lambda each: open_leaves(facts, each))
        apply_audits(audits_of(facts, facts.auditing), life, audit_links(facts.auditing))
    except Refused as refused:
        return refused.reason
    return Ready(call=call, value_wei=value_wei)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """What a call of Disputes is about: a claim, a game on it, and what the step contract will answer."""

    claim_id: LeafId
    game_id: LeafGameId | None = None
    scope: Scope = Scope()
    proved: Proved | None = None


def prepared_dispute(
    facts: Facts, caller: Caller, dispute: Dispute, call: object, value_wei: int = 0
) -> Answer:
    """A call of Disputes, if it would accept it."""
    message = Message(sender=caller.account, now=caller.now, call=call, value_wei=value_wei)
    given = GameMessage(message=message, proved=dispute.proved)
    scope = scope_of(facts, batch_of_claim(dispute.claim_id), *dispute.scope.batches, jobs=dispute.scope.jobs)
    try:
        apply_dispute(_disputes(facts, caller, dispute), _life(facts, scope), given)
    except Refused as refused:
        return refused.reason
    return Ready(call=call, value_wei=value_wei)


def open_leaves(facts: Facts, batch_id: BatchId) -> int:
    """What Disputes answers to Assurances: the leaves of a batch with an open game, a bit each (S8.2)."""
    known = facts.batches.get(batch_id)
    count = known.batch.leaf_count if known is not None else 0
    mask = 0
    for leaf_index in range(count if facts.disputes else 0):
        dispute = facts.disputes.get(claim_of(batch_id, leaf_index))
        if dispute is not None and dispute.claim.struck_at == 0 and dispute.claim.open_count:
            mask |= 1 << leaf_index
    return mask


def node_of_game(game_id: LeafGameId, game: Game) -> Bytes32 | None:
    """The node on which a game stands, if it stands on one (S6.4)."""
    if game.stage != GameStage.ON_NODE:
        return None
    claim_id, arity = games.claim_of_game_id(game_id), games.arity_of(game)
    return node_of(claim_id, game.defender, arity, game.low, game.high, game.low_hash, game.high_hash)


def split_of_game(facts: Facts, game_id: LeafGameId, game: Game) -> KnownSplit | None:
    """The split of the node on which a game stands, if there is one."""
    node = node_of_game(game_id, game)
    return facts.splits.get(node) if node is not None else None


def timed_split(split: KnownSplit) -> NodeSplit:
    """What clocks need of a split: when it was made. The root takes long to compute."""
    return NodeSplit(root=0, at=split.time)


def kept_split(game: Game, split: KnownSplit) -> NodeSplit:
    """What the contract keeps of a split, whose ends the game has."""
    root = split_root([game.low_hash, *split.hashes, game.high_hash], games.arity_of(game))
    return NodeSplit(root=int.from_bytes(root, "big") >> ROOT_SHIFT, at=split.time)


def _life(facts: Facts, scope: Scope) -> LifeCycle:
    """The part of the model that a call is about. Refuses one about a job that is over."""
    for job_id in scope.jobs:
        if 0 < job_id <= facts.job_count and job_id not in facts.jobs:
            raise Refused(Reject.OVER)
    batches = {batch_id: facts.batches[batch_id].batch for batch_id in scope.batches & facts.batches.keys()}
    return LifeCycle(
        deployment=judging(facts),
        stopped_at=facts.stopped_at,
        stopped_until=facts.stopped_until,
        parameters=facts.parameters,
        programs=facts.programs,
        stakes=facts.stakes,
        roles=facts.roles,
        job_count=facts.job_count,
        jobs={job_id: facts.jobs[job_id].job for job_id in scope.jobs & facts.jobs.keys()},
        batch_count=facts.batch_count,
        batches=batches,
        outcomes=facts.outcomes,
        credits=facts.credits,
    )


def dissents(facts: Facts, claim_id: LeafId, game: Game) -> int:
    """The games on a claim that showed another state hash than the claimed one (S7.5)."""
    others = ((of, shown) for of, shown in facts.shown if of == claim_id and shown != game.claimed_hash)
    return sum(facts.shown[key] for key in others)


def _disputes(facts: Facts, caller: Caller, dispute: Dispute) -> Disputes:
    """The part of the model of Disputes that a call is about."""
    claim_id, game_id = dispute.claim_id, dispute.game_id
    known, key = facts.disputes.get(claim_id), (claim_id, caller.account)
    game = facts.games.get(game_id) if game_id is not None else None
    splits: dict[Bytes32, NodeSplit] = {}
    if game_id is not None and game is not None:
        node, split = node_of_game(game_id, game), split_of_game(facts, game_id, game)
        if node is not None and split is not None:
            splits[node] = kept_split(game, split)
    batch_id, leaf_index = batch_of_claim(claim_id), leaf_of_claim(claim_id)
    is_held = known is not None and known.claim.struck_at == 0 and known.claim.open_count != 0
    return Disputes(
        games={game_id: game} if game_id is not None and game is not None else {},
        claims={claim_id: known.claim} if known is not None else {},
        ordinals={key: facts.ordinals[key]} if key in facts.ordinals else {},
        splits=splits,
        shown=facts.shown,
        dissents={claim_id: dissents(facts, claim_id, game)} if game is not None else {},
        held={batch_id: is_held << leaf_index},
        credits=facts.bond_credits,
    )
