"""Puts claims into the operator's log before they are sent (docs/logs.md L7)."""

from collections.abc import Callable, Collection

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import BatchId, Bytes32, TaskId
from truestep.machine.state import MACHINE_VERSION
from truestep.node.tasks.terms import TaskTerms
from truestep.ports.blobs import OutputKey
from truestep.ports.logs import AppendOnlyLog
from truestep.protocol.audit_calls import RevealAudit
from truestep.protocol.calls import SubmitClaims
from truestep.protocol.claims import ClaimedState
from truestep.protocol.logs.entries import (
    AuditEntry,
    ClaimEntry,
    DeletedEntry,
    LogOpened,
    entry_bytes,
    parse_entry,
)
from truestep.protocol.settlement.facts.leaves import leaf_of_state
from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim

REMEMBERED = 4_096
"""Entries that are read at the start: a claim that was cut off is among the last 256."""


NO_LONGER_NEEDED = "its task is over"


class ClaimLog:
    """Logs the claims of one account, each once, and what it says and deletes besides. For one thread."""

    def __init__(self, log: AppendOnlyLog, *, is_shared: bool = False) -> None:
        """`log` has its first entry. `is_shared`: other workers claim for the operator too."""
        self._log = log
        self._is_shared = is_shared
        self._known: dict[tuple[int, int], ClaimEntry] | None = None
        self._words: set[tuple[int, int, int, Bytes32]] = set()
        self._is_checked = False

    def check(self, claimed: Collection[BatchId]) -> None:
        """Once, compare with what the operator has claimed on the chain, as far as it is not over.

        Raises `Rejected` if the log lacks some of it: then log and state are an old copy.
        """
        if self._is_checked:
            return
        self._is_checked = True
        logged = {batch_id for batch_id, _ in self._known_entries()}
        since = self._since()
        if self._log.size > REMEMBERED:
            since = max(since, min(logged, default=0))
        missing = sorted(batch_id for batch_id in claimed if batch_id > since and batch_id not in logged)
        if missing and not self._is_shared:
            raise Rejected(
                Reject.LOG_FORK,
                f"batch {missing[0]} of this operator is claimed on the chain and not in its log: log and"
                " state are an old copy, and what is added now would be a second past. Put the newest copy of"
                " the state directory back, or move the log's folder away; then a log of another name begins."
                " If another worker has claimed it for the same operator, start with --log-shared",
            )

    @property
    def is_checked(self) -> bool:
        """Whether it was compared with the chain: before, nothing may be added."""
        return self._is_checked

    def record(self, call: SubmitClaims, terms: Callable[[TaskId], TaskTerms], now: int) -> None:
        """Log what a call claims, unless it is in the log. Raises `Unavailable`: then it must not be sent."""
        known = self._known_entries()
        entries = [
            _entry(call.batch_id, index, terms(task_id), state, now)
            for index, (task_id, state) in enumerate(call.claims)
        ]
        fresh = [each for each in entries if not _is_same(known.get(each.place), each)]
        if not fresh:
            return
        self._log.append([entry_bytes(each) for each in fresh])
        known |= {each.place: each for each in fresh}
        for place in list(known)[: max(0, len(known) - REMEMBERED)]:
            del known[place]

    def record_word(self, call: RevealAudit, now: int) -> None:
        """Log what is about to be shown in an audit, once. Raises `Unavailable`: then it must not be sent."""
        batch_id, leaf_index = batch_of_claim(call.claim_id), leaf_of_claim(call.claim_id)
        entry = AuditEntry(
            batch_id=batch_id, leaf_index=leaf_index, seat=call.seat, digest=call.digest, logged_at=now
        )
        self._known_entries()
        if entry.word not in self._words:
            self._log.append([entry_bytes(entry)])
            self._words.add(entry.word)

    def record_deleted(self, outputs: Collection[OutputKey], now: int) -> None:
        """Log which outputs are about to be deleted here. Raises `Unavailable`: then they stay."""
        entries = [
            DeletedEntry(
                what="output",
                root=each.output_root,
                size=each.size_bytes,
                reason=NO_LONGER_NEEDED,
                logged_at=now,
            )
            for each in outputs
        ]
        self._log.append(list(map(entry_bytes, entries)))

    def _since(self) -> int:
        first = parse_entry(self._log.entry(0))
        return first.batch_count if isinstance(first, LogOpened) else 0

    def _known_entries(self) -> dict[tuple[int, int], ClaimEntry]:
        if self._known is None:
            found = [*map(parse_entry, self._log.newest(REMEMBERED))]
            self._known = {each.place: each for each in found if isinstance(each, ClaimEntry)}
            self._words = {each.word for each in found if isinstance(each, AuditEntry)}
        return self._known


def _is_same(known: ClaimEntry | None, fresh: ClaimEntry) -> bool:
    """Whether the same was logged of the same task; batches are numbered anew after a reorganisation."""
    return known is not None and (known.leaf, known.job_id, known.shard_index, known.state_hash) == (
        fresh.leaf,
        fresh.job_id,
        fresh.shard_index,
        fresh.state_hash,
    )


def _entry(batch_id: BatchId, leaf_index: int, terms: TaskTerms, state: ClaimedState, now: int) -> ClaimEntry:
    leaf = leaf_of_state(state)
    job, program = terms.job, terms.program
    return ClaimEntry(
        batch_id=batch_id,
        leaf_index=leaf_index,
        job_id=job.job_id,
        shard_index=terms.shard_index,
        image_root=program.image_root,
        entry=program.entry,
        max_cycles=job.max_cycles,
        input_root=job.input_root,
        input_size=job.input_size,
        seed=job.seed,
        shard_count=job.shard_count,
        status=leaf.status,
        code=leaf.code,
        cycle=leaf.cycle,
        output_size=leaf.output_size,
        output_root=leaf.output_root,
        left_root=leaf.left_root,
        state_hash=state.state_hash(),
        machine=MACHINE_VERSION,
        logged_at=now,
    )
