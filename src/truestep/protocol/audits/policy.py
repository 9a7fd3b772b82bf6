"""What Audits answers when Assurances asks it (docs/audits.md U3.4)."""

from collections.abc import Callable

from truestep.base.ids import BatchId
from truestep.protocol.audits.state import Audits, Links
from truestep.protocol.settlement.assurances import Policy, Question, Verdict

ALL_LEAVES = 2**256 - 1


def audits_policy(state_of: Callable[[], Audits], links: Links) -> Policy:
    """The policy, over states that change."""

    def open_until(batch_id: BatchId, until: int) -> int:
        found = state_of().batches.get(batch_id)
        return until if found is None or not found.pending else max(until, found.open_until)

    def verdict(question: Question) -> Verdict:
        state = state_of()
        found = state.batches.get(question.batch_id)
        if found is None:
            return Verdict(is_due=question.now > question.until, held=ALL_LEAVES)
        if found.seed is None:
            return Verdict(is_due=question.now > question.until + state.rules.draw_seconds, held=0)
        is_due = question.now > open_until(question.batch_id, question.until)
        return Verdict(is_due=is_due, held=found.pending)

    return Policy(verdict=verdict, open_until=open_until, must_wait=True, contract=links.audits)
