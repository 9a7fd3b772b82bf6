"""What Verifiers answers when Assurances asks it (docs/validity.md V4, V5)."""

from collections.abc import Callable

from truestep.base.ids import BatchId
from truestep.protocol.settlement.assurances import Policy, Question, Verdict
from truestep.protocol.settlement.games import claim_of_game_id, ordinal_of
from truestep.protocol.settlement.ids import LeafGameId, LeafId
from truestep.protocol.validity.state import ClaimProof, Links, Verifiers

ALL_LEAVES = 2**256 - 1


def validity_policy(state_of: Callable[[], Verifiers], links: Links) -> Policy:
    """The policy, over states that change."""

    def open_until(batch_id: BatchId, until: int) -> int:
        return max(until, state_of().reopened_until.get(batch_id, 0))

    def verdict(question: Question) -> Verdict:
        is_due = question.now > open_until(question.batch_id, question.until)
        return Verdict(is_due=is_due, held=ALL_LEAVES ^ state_of().proven.get(question.batch_id, 0))

    def ends_game(game_id: LeafGameId) -> bool:
        found = live_proof(state_of(), claim_of_game_id(game_id))
        return found is not None and ordinal_of(game_id) <= found.game_count

    return Policy(
        verdict=verdict,
        open_until=open_until,
        is_proven=lambda claim_id: live_proof(state_of(), claim_id) is not None,
        ends_game=ends_game,
        contract=links.verifiers,
    )


def live_proof(state: Verifiers, claim_id: LeafId) -> ClaimProof | None:
    """How a claim was proven, unless the entry was stopped (V4.3)."""
    found = state.proofs.get(claim_id)
    if found is None or state.entries[found.number - 1].stopped_at:
        return None
    return found
