"""What Kept answers when Assurances asks it about a batch (docs/availability.md A5.3)."""

from collections.abc import Callable

from truestep.base.ids import BatchId
from truestep.protocol.availability.kept import (
    CONTEST_ANSWERS,
    HOLD_LIMIT_SECONDS,
    NOTHING_KEPT,
    THERE,
    Kept,
    Links,
)
from truestep.protocol.settlement.assurances import Policy, Question, Verdict


def kept_policy(state_of: Callable[[], Kept], is_final: Callable[[BatchId], bool], links: Links) -> Policy:
    """The policy, over states that change (A5.3). `is_final` says whether a batch is FINAL."""

    def open_until(batch_id: BatchId, until: int) -> int:
        return max(until, state_of().batch(batch_id).held_until)

    def verdict(question: Question) -> Verdict:
        item_id = state_of().batch(question.batch_id).item_id
        last = open_until(question.batch_id, question.until)
        if question.now <= last or item_id == 0:
            return Verdict(is_due=False, held=0)
        if item_id == NOTHING_KEPT or is_final(question.batch_id):
            return Verdict(is_due=True, held=0)
        standing = links.standing(item_id)
        contest_end = last + min(CONTEST_ANSWERS * links.answer_seconds, HOLD_LIMIT_SECONDS)
        is_contested = standing.is_contested and question.now <= contest_end
        return Verdict(is_due=standing.state in THERE and not is_contested, held=0)

    return Policy(verdict=verdict, open_until=open_until, must_wait=True, contract=links.kept)
