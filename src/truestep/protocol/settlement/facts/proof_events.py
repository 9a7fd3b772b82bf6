"""How the events of Verifiers change the facts (docs/validity.md)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.records import Logged
from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.validity.contracts import verifiers
from truestep.protocol.validity.state import ClaimProof, KeptEntry

# --- what they change -----------------------------------------------------------------------------


def _added(draft: Draft, event: verifiers.Added, logged: Logged) -> None:
    added = KeptEntry(entry=event.entry, code_hash=event.code_hash)
    draft.entries = (*draft.entries, added)


def _stopped(draft: Draft, event: verifiers.Stopped, logged: Logged) -> None:
    stopped = replace(draft.entries[event.number - 1], stopped_at=logged.time)
    draft.entries = (*draft.entries[: event.number - 1], stopped, *draft.entries[event.number :])
    draft.change(entry_stopped_at=logged.time)
    for claim_id in [each for each, found in draft.proofs.entries.items() if found.number == event.number]:
        if draft.batches.get(batch_of_claim(claim_id)) is None:  # it waited for this
            draft.proofs.drop(claim_id)


def _proven(draft: Draft, event: verifiers.Proven, logged: Logged) -> None:
    batch_id, leaf_index = batch_of_claim(event.claim_id), leaf_of_claim(event.claim_id)
    found = ClaimProof(number=event.number, game_count=event.game_count, task_id=event.task_id)
    draft.proofs.put(event.claim_id, found)
    draft.proven.put(batch_id, (draft.proven.get(batch_id) or 0) | 1 << leaf_index)
    draft.reopened_until.put(batch_id, event.open_until)


def _nothing(draft: Draft, event: object, logged: Logged) -> None:
    """`Struck` and `Stopped` have said it; what accounts are owed, no event says in full."""


HANDLERS: Mapping[type, Callable[[Draft, Any, Logged], None]] = {
    verifiers.Added: _added,
    verifiers.Stopped: _stopped,
    verifiers.Proven: _proven,
    verifiers.Contradicted: _nothing,
    verifiers.Dropped: _nothing,
    verifiers.Withdrawn: _nothing,
}
TIMED = {verifiers.Stopped}

# --- what is missing before them (gaps) -----------------------------------------------------------


def _is_next(draft: Draft, event: verifiers.Added) -> bool:
    return event.number == len(draft.entries) + 1


def _is_known(draft: Draft, event: verifiers.Stopped) -> bool:
    return 0 < event.number <= len(draft.entries)


def _can_be_proven(draft: Draft, event: verifiers.Proven) -> bool:
    known = draft.batches.get(batch_of_claim(event.claim_id))
    if known is None or known.batch.stage is not BatchStage.CLAIMED:
        return False
    leaf_index = leaf_of_claim(event.claim_id)
    is_standing = leaf_index < known.batch.leaf_count and not known.batch.struck >> leaf_index & 1
    return is_standing and 0 < event.number <= len(draft.entries)


def _had_batch(draft: Draft, event: verifiers.Contradicted | verifiers.Dropped) -> bool:
    return 0 < batch_of_claim(event.claim_id) <= draft.batch_count


FITS: Mapping[type, Callable[[Draft, Any], bool]] = {
    verifiers.Added: _is_next,
    verifiers.Stopped: _is_known,
    verifiers.Proven: _can_be_proven,
    verifiers.Contradicted: _had_batch,
    verifiers.Dropped: _had_batch,
}
