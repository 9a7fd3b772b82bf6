"""Who sends what members have found: each by itself, or one for all (docs/quorum.md Q11).

A member hands its signed commitment to whoever asks, and after the claim its salt. The operator of the batch
asks, and sends both for all, which takes a quarter less gas. Nothing depends on it: what nobody has sent in
time, a member sends by itself.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.protocol.quorum.commitments import commitment_of
from truestep.protocol.quorum.contracts.quorums import Opening, Rules, Signed
from truestep.protocol.quorum.state import SILENT
from truestep.protocol.quorum.words import Word
from truestep.protocol.quorum_calls import CommitSigned, ConfirmForAll
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import Role, job_of_item
from truestep.protocol.settlement.records import Batch, BatchStage
from truestep.roles.quorum import Member, own_root, salt_of, sittings
from truestep.roles.views import TaskView, View

SALT_SECONDS = 36
"""Of chain time, three blocks of Ethereum, between a claim and the salts that are given for it: few claims
that a reorganisation takes back were answered by then."""
OWN_SHARE, GRACE_SHARE, WINDOW_SHARE = 2, 4, 4
"""A member sends by itself after a half of commit_seconds, or a quarter of the window. Whoever sends for all
waits for a quarter of commit_seconds for those that are missing once there are enough for a quorum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What this node, as a member, has to say of a batch, and can have sent by another one."""

    batch_id: BatchId
    tasks_root: Bytes32
    commitment: int
    salt: Bytes32 | None
    """None before the claim, and as long as the claim is young."""
    last: int
    """Until then it can wait, whenever it was offered."""
    must_wait: bool = False
    """Whether the claim is too young to be answered."""
    must_send: bool = False
    """Whether a quorum has committed without it, so that the claim may come at any moment."""


BatchKey = tuple[BatchId, Bytes32]
"""A batch and the root of its tasks: after a reorganisation another one can have its number (Q4.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A member that has not said what it has to say, of a batch of this node."""

    batch_id: BatchId
    tasks_root: Bytes32
    seat: int
    member: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A batch, and the committee that judges it."""

    batch_id: BatchId
    batch: Batch
    members: tuple[Address, ...]

    @property
    def key(self) -> BatchKey:
        """What was handed over of it is kept under."""
        return self.batch_id, self.batch.terms.tasks_root

    @property
    def is_taken(self) -> bool:
        """Whether members can commit. If not, it is claimed."""
        return self.batch.stage is BatchStage.TAKEN

    @property
    def half(self) -> int:
        """When half of its lease is over, after which it is claimed whoever has committed."""
        return self.batch.until - self.batch.terms.lease_seconds // 2

    @property
    def claimed_at(self) -> int:
        """When it was claimed, if it is."""
        return self.batch.until - self.batch.terms.window_seconds


# --- of members -----------------------------------------------------------------------------------


def offers(
    view: View, facts: Facts, rules: Rules, member: Member, tasks: Mapping[TaskId, TaskView]
) -> Iterator[Offer]:
    """What could be handed over now. One that has found another result than is claimed dissents by itself."""
    for batch_id, seated, known in sittings(facts, view.operator):
        judged = Judged(batch_id=batch_id, batch=known.batch, members=seated.members)
        if known.batch.operator == view.operator:
            continue
        if seated.members.index(view.operator) not in seats_missing(facts, judged):
            continue
        root = own_root(tasks, known)
        if root is not None:
            yield from _offer(
                view, facts, rules, judged, root, salt_of(member.secret, batch_id, view.operator)
            )


def _offer(
    view: View, facts: Facts, rules: Rules, judged: Judged, root: Bytes32, salt: Bytes32
) -> Iterator[Offer]:
    batch_id, batch = judged.batch_id, judged.batch
    commitment, tasks_root = commitment_of(view.operator, batch_id, root, salt), batch.terms.tasks_root
    offer = Offer(batch_id=batch_id, tasks_root=tasks_root, commitment=commitment, salt=None, last=0)
    if judged.is_taken:
        last = judged.half - rules.commit_seconds // GRACE_SHARE
        yield replace(offer, last=last, must_send=_said(facts, judged) >= rules.needed)
    elif root == batch.terms.claims_root:
        is_young = view.now < judged.claimed_at + SALT_SECONDS
        last = judged.claimed_at + batch.terms.window_seconds // WINDOW_SHARE
        yield replace(offer, last=last, salt=None if is_young else salt, must_wait=is_young)


def is_left_to_others(now: int, rules: Rules, offer: Offer, since: int) -> bool:
    """Whether a member lets another node send what it has offered since then."""
    if offer.must_send or now >= offer.last:
        return False
    return offer.must_wait or now < since + rules.commit_seconds // OWN_SHARE


# --- of the operator of a batch -------------------------------------------------------------------


def own_batches(facts: Facts, operator: Address) -> Iterator[Judged]:
    """The operator's batches that a committee judges, until they are decided."""
    for batch_id, known in facts.batches.items():
        batch, seated = known.batch, facts.committees.get(job_of_item(known.batch.items[0]))
        is_judged = batch.stage in (BatchStage.TAKEN, BatchStage.CLAIMED) and not batch.struck
        if seated is not None and batch.operator == operator and is_judged:
            yield Judged(batch_id=batch_id, batch=batch, members=seated.members)


def seats_missing(facts: Facts, judged: Judged) -> frozenset[int]:
    """The seats that have not committed; of a claimed batch, those that have and have not opened it."""
    batch_id, seats = judged.batch_id, range(len(judged.members))
    others = {seat for seat in seats if judged.members[seat] != judged.batch.operator}
    committed = {seat for seat in others if (batch_id, seat) in facts.commitments}
    if judged.is_taken:
        return frozenset(others - committed)
    sitting = facts.sittings.get(batch_id, SILENT)
    return frozenset(seat for seat in committed if not (sitting.confirmed | sitting.dissented) >> seat & 1)


def valid_words(facts: Facts, judged: Judged, words: Mapping[int, Word]) -> dict[int, Word]:
    """Those that the contract would take, of seats that are missing: one other would have all refused."""
    wanted = seats_missing(facts, judged)
    is_good = _is_signed if judged.is_taken else _is_opened
    return {
        seat: words[seat]
        for seat in sorted(wanted & words.keys())
        if is_good(facts, judged, seat, words[seat])
    }


def has_enough(facts: Facts, rules: Rules, judged: Judged, valid: Collection[int]) -> bool:
    """Whether a quorum has said what it has to say, with what was handed over."""
    is_own = judged.batch.operator in judged.members and not judged.is_taken
    return _said(facts, judged) + len(valid) + is_own >= rules.needed


def _said(facts: Facts, judged: Judged) -> int:
    if judged.is_taken:
        return sum((judged.batch_id, seat) in facts.commitments for seat in range(len(judged.members)))
    return facts.sittings.get(judged.batch_id, SILENT).confirmed.bit_count()


def sent_for_all(
    now: int,
    facts: Facts,
    rules: Rules,
    judged: Judged,
    valid: Mapping[int, Word],
    enough_since: int | None,
) -> CommitSigned | ConfirmForAll | None:
    """What to send now of what was handed over: at once if nothing is missing, else after some time."""
    grace = rules.commit_seconds // GRACE_SHARE
    has_all = not seats_missing(facts, judged) - valid.keys()
    has_waited = enough_since is not None and now >= enough_since + grace
    is_last = judged.is_taken and now >= judged.half - grace
    if not valid or not (has_all or has_waited or is_last):
        return None
    if judged.is_taken:
        signed = [
            Signed(seat=seat, commitment=word.commitment, signature=word.signature)
            for seat, word in valid.items()
        ]
        return CommitSigned(batch_id=judged.batch_id, signed=tuple(signed))
    opened = [Opening(seat=seat, salt=word.salt) for seat, word in valid.items() if word.salt is not None]
    return ConfirmForAll(batch_id=judged.batch_id, openings=tuple(opened))


def seats_of(call: CommitSigned | ConfirmForAll) -> frozenset[int]:
    """Whose words a call sends."""
    said = call.signed if isinstance(call, CommitSigned) else call.openings
    return frozenset(each.seat for each in said)


def _is_signed(facts: Facts, judged: Judged, seat: int, word: Word) -> bool:
    member = judged.members[seat]
    return word.signer == member or bool(facts.roles.get((member, word.signer), 0) & Role.CLAIM)


def _is_opened(facts: Facts, judged: Judged, seat: int, word: Word) -> bool:
    if word.salt is None:
        return False
    root = judged.batch.terms.claims_root
    found = commitment_of(judged.members[seat], judged.batch_id, root, word.salt)
    return found == facts.commitments[judged.batch_id, seat]
