"""What claimants and auditors say in audits, and who is punished for silence (docs/audits.md U3 to U6)."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.commitments.keccak import keccak256
from truestep.protocol.audit_calls import (
    AppointAuditor,
    AuditCall,
    CloseAudit,
    CommitAudit,
    DismissAuditor,
    DrawAudits,
    DropUnaudited,
    JudgeAudit,
    PrepareBatch,
    PublishStatement,
    RevealAudit,
    StateCheckpoints,
)
from truestep.protocol.audits.auditing import Auditing
from truestep.protocol.audits.contracts.audits import Seat, Stage
from truestep.protocol.audits.state import Audit, AuditedBatch
from truestep.protocol.audits.statements import (
    bait_of,
    checkpoint_numbers,
    checkpoints_digest,
    commitment_of,
    is_trap,
    seed_tag,
    trap_path,
    traps_levels,
)
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.facts.due import set_bits
from truestep.protocol.settlement.facts.records import Facts, KnownBatch
from truestep.protocol.settlement.facts.views import ClaimView, claim_view
from truestep.protocol.settlement.ids import (
    BATCH_LIMIT,
    NOBODY,
    LeafId,
    batch_of_claim,
    claim_of,
    leaf_of_claim,
)
from truestep.protocol.settlement.records import BatchStage
from truestep.roles import moves
from truestep.roles.actions import Action, Send
from truestep.roles.views import TaskView

VACANCIES = (Stage.NONE, Stage.VACANT, Stage.CONTESTED)
PANEL = (Stage.PANEL_COMMIT, Stage.PANEL_REVEAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditingView:
    """What the decisions depend on."""

    now: int
    operator: Address
    facts: Facts
    secret: bytes
    """The node's own: salts are made of it, so that none has to be kept."""
    is_auditor: bool
    """Whether it also looks after the audits of others: draws, and silence that is punished."""
    can_draw: Callable[[int], bool]
    """Whether a round draws now what happened then."""
    tasks: Sequence[TaskView] = ()
    in_flight: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedClaim:
    """A claim whose audit has not ended."""

    claim_id: LeafId
    known: KnownBatch
    kept: AuditedBatch
    audit: Audit

    @property
    def operator(self) -> Address:
        """Whose claim it is."""
        return self.known.batch.operator

    @property
    def is_struck(self) -> bool:
        """Whether it does not stand any more."""
        return bool(self.known.batch.struck >> leaf_of_claim(self.claim_id) & 1)

    def seats_of(self, operator: Address) -> list[Seat]:
        """The seats that an operator has."""
        members = (self.operator, self.audit.auditor, self.audit.second)
        return [seat for seat, member in zip(Seat, members, strict=True) if member == operator != NOBODY]


def audited_claims(facts: Facts) -> Iterator[AuditedClaim]:
    """All claims whose audit has not ended, of batches that are not over."""
    for batch_id, kept in facts.audited.items():
        known = facts.batches.get(batch_id)
        for leaf_index in set_bits(kept.pending if known is not None else 0):
            claim_id = claim_of(batch_id, leaf_index)
            audit = facts.audits.get(claim_id, Audit())
            if known is not None:
                yield AuditedClaim(claim_id=claim_id, known=known, kept=kept, audit=audit)


def own_tasks(facts: Facts, operator: Address) -> dict[TaskId, AuditedClaim]:
    """The tasks about whose claims the operator has something to say, as claimant or auditor."""
    found: dict[TaskId, AuditedClaim] = {}
    for each in audited_claims(facts):
        view = claim_view(facts, each.claim_id) if each.seats_of(operator) else None
        if view is not None and each.audit.stage is not Stage.NONE:
            found[view.task_id] = each
    return found


def is_claim_held_back(facts: Facts, batch_id: BatchId) -> bool:
    """Whether a batch must be prepared before it is claimed (U3.1)."""
    known, auditing = facts.batches.get(batch_id), facts.auditing
    if known is None or auditing is None or known.batch.policy != auditing.policy:
        return False
    return batch_id not in facts.audited


def decide(view: AuditingView) -> list[Action]:
    """What to compute and say now; nothing in a network without audits."""
    auditing = view.facts.auditing
    if auditing is None:
        return []
    actions = [*_of_batches(view, auditing)]
    tasks = {each.task.task_id: each for each in view.tasks}
    for each in audited_claims(view.facts):
        if each.is_struck:
            actions += _close(view, each)
        elif each.audit.stage in VACANCIES:
            actions += _appoint(view, auditing, each)
        else:
            actions += _of_audit(view, auditing, each, tasks)
    for claim_id, audit in view.facts.audits.items():
        is_over = batch_of_claim(claim_id) not in view.facts.batches
        if is_over and (view.is_auditor or view.operator in (audit.auditor, audit.second)):
            actions.append(_closed(claim_id))
    return [each for each in actions if not isinstance(each, Send) or each.intent not in view.in_flight]


# --- batches and draws ----------------------------------------------------------------------------


def _of_batches(view: AuditingView, auditing: Auditing) -> Iterator[Action]:
    for batch_id, known in view.facts.batches.items():
        batch, kept = known.batch, view.facts.audited.get(batch_id)
        if batch.policy != auditing.policy:
            continue
        is_own = batch.operator == view.operator
        if batch.stage is BatchStage.TAKEN and is_own and kept is None:
            traps = Bytes32(_traps(view.secret, batch_id)[-1][0])
            call = PrepareBatch(batch_id=batch_id, traps=traps)
            yield _send(f"prepare/{batch_id}", call, f"prepare batch {batch_id} for audits")
        elif batch.stage is BatchStage.CLAIMED and kept is None and view.is_auditor:
            for leaf_index in set_bits((1 << batch.leaf_count) - 1 & ~batch.struck):
                yield _drop(claim_of(batch_id, leaf_index), "its batch was not prepared for audits")
        elif batch.stage is BatchStage.CLAIMED and kept is not None and kept.seed is None:
            since = batch.until - batch.terms.window_seconds
            is_time = view.now <= batch.until + auditing.rules.draw_seconds
            if (is_own or view.is_auditor) and is_time and view.can_draw(since):
                message = f"draw which claims of batch {batch_id} are audited"
                yield _send(f"draw/{batch_id}", DrawAudits(batch_id=batch_id), message)


def _appoint(view: AuditingView, auditing: Auditing, each: AuditedClaim) -> Iterator[Action]:
    """Anybody may: claimants do for their own claims, auditors for all."""
    if not (view.is_auditor or each.operator == view.operator):
        return
    is_first = each.audit.stage is Stage.NONE
    since = each.kept.since if is_first else each.audit.time
    last = (each.known.batch.until if is_first else since) + auditing.rules.draw_seconds
    if view.now > last:
        yield from _close(view, each)
    elif view.can_draw(since):
        intent = f"appoint/{each.claim_id}/{each.audit.seats}"
        message = f"draw an auditor for {_name(each.claim_id)}"
        yield _send(intent, AppointAuditor(claim_id=each.claim_id), message)


def _close(view: AuditingView, each: AuditedClaim) -> Iterator[Action]:
    if view.is_auditor or each.seats_of(view.operator):
        yield _closed(each.claim_id)


def _closed(claim_id: LeafId) -> Send:
    call = CloseAudit(claim_id=claim_id)
    return _send(f"close-audit/{claim_id}", call, f"end the audit of {_name(claim_id)}")


# --- what is said ---------------------------------------------------------------------------------


def _of_audit(
    view: AuditingView, auditing: Auditing, each: AuditedClaim, tasks: dict[TaskId, TaskView]
) -> Iterator[Action]:
    claim, audit = claim_view(view.facts, each.claim_id), each.audit
    if claim is None:
        return
    late = view.now > audit.time
    seats = each.seats_of(view.operator)
    task = tasks.get(claim.task_id)
    if late and audit.stage not in PANEL:
        yield from _punish(view, each)
    elif audit.stage is Stage.COMMIT:
        if task is not None and Seat.FIRST in seats:
            yield from _commit(view, each, claim, task, Seat.FIRST)
        if task is not None and Seat.CLAIMANT in seats and audit.published is None:
            yield from _publish(view, auditing, each, claim, task)
    elif audit.stage is Stage.STATE:
        if task is not None and Seat.CLAIMANT in seats:
            yield from _state(view, each, claim, task)
    elif audit.stage is Stage.REVEAL:
        if task is not None and Seat.FIRST in seats:
            yield from _reveal(view, each, claim, task, Seat.FIRST)
    else:
        yield from _of_panel(view, auditing, each, claim, task)


def _punish(view: AuditingView, each: AuditedClaim) -> Iterator[Action]:
    """Whoever was due has missed its time. A game on the claim decides first."""
    if not (view.is_auditor or each.seats_of(view.operator)) or _has_game(view, each):
        return
    if each.audit.stage is Stage.STATE:
        yield _drop(each.claim_id, "its claimant has not stated its checkpoints in time")
    else:
        intent = f"dismiss/{each.claim_id}/{each.audit.seats}/{int(each.audit.stage)}"
        message = f"the auditor of {_name(each.claim_id)} has missed its time: it pays"
        yield _send(intent, DismissAuditor(claim_id=each.claim_id), message)


def _has_game(view: AuditingView, each: AuditedClaim) -> bool:
    dispute = view.facts.disputes.get(each.claim_id)
    return dispute is not None and dispute.claim.open_count != 0


def _of_panel(
    view: AuditingView, auditing: Auditing, each: AuditedClaim, claim: ClaimView, task: TaskView | None
) -> Iterator[Action]:
    audit, seats = each.audit, each.seats_of(view.operator)
    is_committing = audit.stage is Stage.PANEL_COMMIT and view.now <= audit.time
    last = audit.time + (auditing.rules.answer_seconds if audit.stage is Stage.PANEL_COMMIT else 0)
    members = {seat for seat in Seat if seat is not Seat.FIRST or audit.auditor != NOBODY}
    has_all = audit.stage is Stage.PANEL_REVEAL and members <= audit.revealed
    if has_all or view.now > last:
        if (view.is_auditor or seats) and not _has_game(view, each):
            message = f"judge the contested audit of {_name(each.claim_id)}"
            yield _send(f"judge/{each.claim_id}", JudgeAudit(claim_id=each.claim_id), message)
        return
    for seat in seats if task is not None else []:
        if is_committing and seat not in audit.said:
            yield from _commit(view, each, claim, task, seat)
        elif not is_committing and seat in audit.said and seat not in audit.revealed:
            yield from _reveal(view, each, claim, task, seat)


def _commit(
    view: AuditingView, each: AuditedClaim, claim: ClaimView, task: TaskView | None, seat: Seat
) -> Iterator[Action]:
    digest = yield from _digest(view, each, claim, task, is_own=seat is Seat.CLAIMANT)
    if digest is None:
        return
    commitment = commitment_of(view.operator, each.claim_id, digest, _salt(view, each, seat))
    call = CommitAudit(claim_id=each.claim_id, seed=each.audit.seed, seat=seat, commitment=commitment)
    intent = f"commit-audit/{each.claim_id}/{_appointment(each)}/{int(seat)}"
    yield _send(intent, call, f"commit to the checkpoints of {_name(each.claim_id)}")


def _reveal(
    view: AuditingView, each: AuditedClaim, claim: ClaimView, task: TaskView | None, seat: Seat
) -> Iterator[Action]:
    digest = yield from _digest(view, each, claim, task, is_own=seat is Seat.CLAIMANT)
    if digest is None:
        return
    salt = _salt(view, each, seat)
    call = RevealAudit(claim_id=each.claim_id, seat=seat, digest=digest, salt=salt)
    intent = f"reveal-audit/{each.claim_id}/{_appointment(each)}/{int(seat)}"
    yield _send(intent, call, f"show the checkpoints of {_name(each.claim_id)}")


def _publish(
    view: AuditingView, auditing: Auditing, each: AuditedClaim, claim: ClaimView, task: TaskView
) -> Iterator[Action]:
    """Early, so that whoever copies is caught now and then (U6.1)."""
    digest = yield from _digest(view, each, claim, task, is_own=True)
    if digest is None or each.kept.seed is None:
        return
    salt = _trap_salts(view.secret, batch_of_claim(each.claim_id))[leaf_of_claim(each.claim_id)]
    is_bait = is_trap(salt, each.kept.seed, auditing.rules.trap_bps)
    statement = bait_of(digest, salt) if is_bait else digest
    call = PublishStatement(claim_id=each.claim_id, seed=each.audit.seed, statement=statement)
    intent = f"publish/{each.claim_id}/{_appointment(each)}"
    yield _send(intent, call, f"publish a statement about {_name(each.claim_id)}, for auditors that copy")


def _state(view: AuditingView, each: AuditedClaim, claim: ClaimView, task: TaskView) -> Iterator[Action]:
    digest = yield from _digest(view, each, claim, task, is_own=True)
    if digest is None:
        return
    batch_id, leaf_index = batch_of_claim(each.claim_id), leaf_of_claim(each.claim_id)
    call = StateCheckpoints(
        claim_id=each.claim_id,
        seed=each.audit.seed,
        digest=digest,
        salt=_trap_salts(view.secret, batch_id)[leaf_index],
        salt_path=trap_path(_traps(view.secret, batch_id), leaf_index),
    )
    intent = f"state-checkpoints/{each.claim_id}/{_appointment(each)}"
    yield _send(intent, call, f"state the checkpoints of {_name(each.claim_id)} to its auditor")


def _digest(
    view: AuditingView, each: AuditedClaim, claim: ClaimView, task: TaskView | None, *, is_own: bool
) -> Generator[Action, None, Bytes32 | None]:
    """The digest of the claim's checkpoints as this node's run has them, once they are known.

    None while they are not, and if the run ends otherwise than claimed: then there is a game to play.
    """
    arity = view.facts.parameters[each.known.batch.parameters_id - 1].arity
    cycle = claim.leaf.cycle
    if task is None or claim.state is None:
        return None
    numbers = checkpoint_numbers(each.audit.seed, cycle, arity)
    needed = numbers if is_own else (*numbers, cycle)
    missing = [number for number in needed if number not in task.hashes]
    if missing:
        yield from moves.prepared(task, moves.compute(task, sorted({*missing})))
        return None
    if not is_own and task.hashes[cycle] != claim.state_hash:
        return None
    return checkpoints_digest([task.hashes[number] for number in numbers])


# --- salts ----------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _trap_salts(secret: bytes, batch_id: BatchId) -> tuple[Bytes32, ...]:
    return tuple(keccak256(secret + b"trap" + encode(batch_id, index)) for index in range(BATCH_LIMIT))


@lru_cache(maxsize=64)
def _traps(secret: bytes, batch_id: BatchId) -> list[list[bytes]]:
    return traps_levels(_trap_salts(secret, batch_id))


def _appointment(each: AuditedClaim) -> str:
    """What was said of another appointment, which a reorganisation has replaced, must be said again."""
    return seed_tag(each.audit.seed).hex()


def _salt(view: AuditingView, each: AuditedClaim, seat: Seat) -> Bytes32:
    return keccak256(view.secret + b"audit" + encode(each.claim_id, int(seat), each.audit.seed))


# --- words ----------------------------------------------------------------------------------------


def _name(claim_id: LeafId) -> str:
    return f"claim {leaf_of_claim(claim_id)} of batch {batch_of_claim(claim_id)}"


def _drop(claim_id: LeafId, why: str) -> Send:
    call = DropUnaudited(claim_id=claim_id)
    return _send(f"drop-unaudited/{claim_id}", call, f"strike {_name(claim_id)}: {why}")


def _send(intent: str, call: AuditCall, message: str) -> Send:
    return Send(intent=intent, call=call, message=message)
