"""What Kept answers when Assurances asks it about a batch (docs/availability.md A5.3)."""

from collections.abc import Callable

from truestep.base.ids import BatchId
from truestep.protocol.availability.kept import CONTEST_ANSWERS, HOLD_LIMIT_SECONDS, THERE
from truestep.protocol.availability.kept_state import NOTHING_KEPT, Kept, Links
from truestep.protocol.settlement.assurances import Policy, Question, Verdict
from truestep.protocol.settlement.records import Batch, BatchStage


def kept_policy(
    state_of: Callable[[], Kept], batch_of: Callable[[BatchId], Batch | None], links: Links
) -> Policy:
    """The policy, over states that change (A5.3). `batch_of` gives a batch, if it is known."""

    def open_until(batch_id: BatchId, until: int) -> int:
        return max(until, state_of().batch(batch_id).held_until)

    def verdict(question: Question) -> Verdict:
        kept, batch = state_of().batch(question.batch_id), batch_of(question.batch_id)
        item_id = kept.item_id
        last = max(open_until(question.batch_id, question.until), kept.check_until)
        if question.now <= last or item_id == 0:
            return Verdict(is_due=False, held=0)
        if batch is not None and kept.doomed & ~batch.struck:
            return Verdict(is_due=False, held=0)
        if item_id == NOTHING_KEPT or (batch is not None and batch.stage is BatchStage.FINAL):
            return Verdict(is_due=True, held=0)
        standing = links.standing(item_id)
        contest_end = last + min(CONTEST_ANSWERS * links.answer_seconds, HOLD_LIMIT_SECONDS)
        is_contested = standing.is_contested and question.now <= contest_end
        return Verdict(is_due=standing.state in THERE and not is_contested, held=0)

    return Policy(verdict=verdict, open_until=open_until, must_wait=True, contract=links.kept)
