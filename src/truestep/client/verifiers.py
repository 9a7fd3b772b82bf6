"""Verifiers that are believed, and proofs of claims (docs/validity.md)."""

from dataclasses import dataclass
from enum import StrEnum

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import BatchId, Bytes32, ClaimId, TaskId, job_of_task, shard_of_task, task_in_words
from truestep.client.sending import transact_once
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.calls import ContradictClaim, ProveClaim, ProveClaims, StopEntry
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.views import claim_view
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.settlement.tasks.ids import claim_of_leaf, leaf_in_batch
from truestep.protocol.validity.contracts.verifiers import Entry, EntryNumber
from truestep.protocol.validity.statements import statement_of, task_digest


class EntryState(StrEnum):
    """Whether an entry can prove claims now."""

    LIVE = "live"
    EARLY = "not active yet"
    EXPIRED = "expired"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEntry:
    """An entry of Verifiers as it is now."""

    number: EntryNumber
    entry: Entry
    code_hash: Bytes32
    state: EntryState
    stopped_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingClaim:
    """A claim under *validity* that stands, and what a proof of it must state."""

    task_id: TaskId
    claim_id: ClaimId
    leaf: Leaf
    job_digest: Bytes32
    task_digest: Bytes32
    statement: Bytes32
    proven_by: EntryNumber | None
    """The entry by which it was proven, though that may be stopped since."""


def entries(chain: ChainReader) -> list[ListedEntry]:
    """All entries, the oldest first. Raises Rejected if the network believes no proofs."""
    facts, now = _facts(chain), chain.head().time_seconds
    return [
        ListedEntry(
            number=EntryNumber(number),
            entry=kept.entry,
            code_hash=kept.code_hash,
            state=_state(kept.entry, kept.stopped_at, now),
            stopped_at=kept.stopped_at,
        )
        for number, kept in enumerate(facts.entries, 1)
    ]


def _state(entry: Entry, stopped_at: int, now: int) -> EntryState:
    if stopped_at:
        return EntryState.STOPPED
    if now < entry.active_from:
        return EntryState.EARLY
    return EntryState.EXPIRED if now > entry.active_until else EntryState.LIVE


def stop(chain: Chain, number: EntryNumber) -> None:
    """Believe a verifier no longer, for ever. Raises Rejected for others than the guardian."""
    check_stoppable(chain, number)
    transact_once(chain, StopEntry(entry=number), f"stop entry:{number}")


def check_stoppable(chain: ChainReader, number: EntryNumber) -> None:
    """Refuse an entry that there is not, or that is stopped. Raises Rejected."""
    listed = next((each for each in entries(chain) if each.number == number), None)
    if listed is None:
        raise Rejected(
            Reject.ENTRY_UNKNOWN, f"no entry has the number {number}; see `truestep verifiers list`"
        )
    if listed.state is EntryState.STOPPED:
        raise Rejected(Reject.ENTRY_STOPPED, f"entry {number} is stopped already, for ever")


def standing_claim(chain: ChainReader, task_id: TaskId) -> StandingClaim:
    """The claim on a task that can be proven, or was. Raises Rejected if there is none."""
    facts = _facts(chain)
    found = _claimed(facts, chain, task_id)
    view, known = claim_view(facts, found), facts.jobs.get(job_of_task(task_id))
    if view is None or known is None:
        raise _no_claim(task_id, "its batch is over")
    if facts.proving is None or known.job.terms.policy != facts.proving.policy:
        raise Rejected(
            Reject.POLICY_OTHER,
            f"{task_in_words(task_id)} is of a job that was not submitted with --policy validity; its claim"
            " becomes final after its window, and no proof changes that",
        )
    digest = task_digest(known.job.digest, shard_of_task(task_id))
    links, proof = facts.deployment, facts.proofs.get(found)
    return StandingClaim(
        task_id=task_id,
        claim_id=claim_of_leaf(task_id, found),
        leaf=view.leaf,
        job_digest=known.job.digest,
        task_digest=digest,
        statement=statement_of(links.chain_id, links.jobs, digest, view.leaf),
        proven_by=proof.number if proof is not None else None,
    )


def prove(chain: Chain, task_id: TaskId, number: EntryNumber, seal: bytes) -> StandingClaim:
    """Prove the claim on a task. Raises Rejected if the chain refuses the proof."""
    claim = standing_claim(chain, task_id)
    call = ProveClaim(claim_id=claim.claim_id, entry=number, seal=seal)
    transact_once(chain, call, f"prove:{claim.claim_id}:{number}:{seal[-8:].hex()}")
    return claim


def prove_many(
    chain: Chain, first_task: TaskId, count: int, number: EntryNumber, seal: bytes
) -> StandingClaim:
    """Prove the claims on so many tasks from this one on, which are a part of one batch (V4.7).

    Raises Rejected if the chain refuses the proof.
    """
    claim = standing_claim(chain, first_task)
    call = ProveClaims(claim_id=claim.claim_id, count=count, entry=number, seal=seal)
    transact_once(chain, call, f"prove:{claim.claim_id}:{count}:{number}:{seal[-8:].hex()}")
    return claim


def contradict(chain: Chain, claim_id: ClaimId) -> None:
    """Stop the entry by which a claim was proven that has been struck."""
    transact_once(chain, ContradictClaim(claim_id=claim_id), f"contradict:{claim_id}")


def contradicted(chain: ChainReader) -> list[ClaimId]:
    """Claims that were proven and struck, and whose entry is not stopped yet."""
    facts = _facts(chain)
    return [
        claim_of_leaf(proof.task_id, leaf_id)
        for leaf_id, proof in facts.proofs.items()
        if _is_struck(facts, leaf_id) and not facts.entries[proof.number - 1].stopped_at
    ]


def _is_struck(facts: Facts, leaf_id: LeafId) -> bool:
    known = facts.batches.get(BatchId(leaf_id >> 8))
    return known is None or bool(known.batch.struck >> (leaf_id & 0xFF) & 1)


def _facts(chain: ChainReader) -> Facts:
    facts = chain.facts()
    if facts.proving is None:
        raise Rejected(
            Reject.POLICY_UNKNOWN,
            "this network believes no proofs: its deployment file names no Verifiers. Use another network",
        )
    return facts


def _claimed(facts: Facts, chain: ChainReader, task_id: TaskId) -> LeafId:
    task = chain.task(task_id)
    if task.stage is not TaskStage.CLAIMED:
        raise _no_claim(task_id, f"it is {task.stage.name.lower()}")
    found = leaf_in_batch(facts, task.batch_id, task_id)
    if found is None:
        raise _no_claim(task_id, "its batch is over")
    return found


def _no_claim(task_id: TaskId, why: str) -> Rejected:
    return Rejected(
        Reject.CLAIM_NOT_STANDING,
        f"{task_in_words(task_id)} has no claim that can be proven: {why}; see `truestep status`",
    )
